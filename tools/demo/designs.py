"""Ten site designs: what surrounds the prose on a page, from the font tags of 2003 to a magazine.

Everything but the prose is boilerplate that an extractor should leave out: navigation, side
columns, related links, newsletter boxes, comments, footers.
"""

import hashlib
from collections.abc import Callable
from html import escape

from prose import Block, Prose

COMMENTS = (
    "Thanks for this, printed and stuck to the fridge.",
    "I tried it on Sunday and it worked better than I deserved.",
    "My father did it the other way round and lived to ninety.",
    "Second paragraph is spot on.",
    "Does this also hold at high altitude? Asking for a friend in the mountains.",
    "Long time reader, first time commenter. Lovely.",
    "There is a typo somewhere but now I cannot find it again.",
    "Bookmarked for the winter.",
    "Could you write about the other kind as well?",
    "I disagree with nearly all of it and enjoyed every line.",
    "The picture does not load for me.",
    "Came here from a link and stayed for an hour.",
    "We call it something else where I live.",
    "Is there a version for beginners?",
    "First!",
    "This should be taught in schools.",
    "You have forgotten to mention the smell.",
    "Sent to my whole family.",
)
TEASERS = (
    "Ten things we learned in the shed",
    "Ask a question, win a mug",
    "Our most read pages this month",
    "Why we stopped using plastic pots",
    "The summer reading list is here",
    "Letters to the editor",
    "From the archive: a storm in a teacup",
    "What readers told us about rain",
    "A quiz about knots",
    "Photographs wanted",
)
# Phrases of the surroundings; none of them may be in an extracted text.
BOILERPLATE = (
    "Sign up for our newsletter",
    "All rights reserved",
    "You might also like",
    "Leave a reply",
    "Printer friendly version",
    "Skip to content",
    "This site uses cookies",
    "Visitors since",
)


def render(
    page: Prose, design: str | None = None, *, site_name: str = "", charset: str = "utf-8"
) -> str:
    """The whole HTML document of `page` in `design` (its own by default)."""
    name = design or page.site
    return DESIGNS[name](page, site_name or SITE_NAMES[name], charset)


def _pick(seed: str, options: tuple[str, ...], count: int) -> list[str]:
    # A fixed choice for each page, so that the build gives the same bytes every time.
    ranked = sorted(options, key=lambda o: hashlib.sha256(f"{seed}|{o}".encode()).digest())
    return ranked[:count]


def _number(seed: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % below


def _body(blocks: tuple[Block, ...], *, paragraph: str = "<p>{}</p>", heading: str = "h2") -> str:
    lines: list[str] = []
    inside_list = False
    for block in blocks:
        if inside_list and block.kind != "li":
            lines.append("</ul>")
            inside_list = False
        text = escape(block.text, quote=False)
        if block.kind == "h2":
            lines.append(f"<{heading}>{text}</{heading}>")
        elif block.kind == "pre":
            lines.append(f"<pre><code>{text}</code></pre>")
        elif block.kind == "li":
            if not inside_list:
                lines.append("<ul>")
                inside_list = True
            lines.append(f"<li>{text}</li>")
        else:
            lines.append(paragraph.format(text))
    if inside_list:
        lines.append("</ul>")
    return "\n".join(lines)


def _comments(page: Prose, count: int) -> str:
    rows = [
        f'<li class="comment" id="comment-{_number(page.slug + c, 90000)}"><div class="comment-author">'
        f'<cite>a reader</cite> says:</div><div class="comment-body"><p>{c}</p></div></li>'
        for c in _pick(page.slug, COMMENTS, count)
    ]
    return '<ol class="commentlist">\n' + "\n".join(rows) + "\n</ol>"


def _teasers(page: Prose, count: int, tag: str = "li") -> str:
    return "\n".join(
        f'<{tag}><a href="/more/{_number(t, 9000)}">{t}</a></{tag}>'
        for t in _pick(page.slug, TEASERS, count)
    )


def _blog(page: Prose, name: str, charset: str) -> str:
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="{page.language}">
<head>
<meta http-equiv="Content-Type" content="text/html; charset={charset}" />
<title>{escape(page.title)} | {name}</title>
<link rel="alternate" type="application/rss+xml" href="/feed/" />
<style type="text/css">body {{ font: 16px/1.5 Georgia, serif }} #sidebar {{ float: right; width: 200px }}</style>
</head>
<body class="single single-post">
<div id="header"><h1 id="blog-title"><a href="/">{name}</a></h1>
<ul id="menu"><li><a href="/">Home</a></li><li><a href="/about/">About</a></li><li><a href="/archive/">Archive</a></li><li><a href="/contact/">Contact</a></li></ul></div>
<div id="content">
<div class="post hentry">
<h2 class="entry-title">{escape(page.title)}</h2>
<p class="entry-meta">Posted on <abbr class="published" title="{page.date}">{page.date}</abbr></p>
<div class="entry-content">
{_body(page.blocks, heading="h3")}
</div>
<p class="postmetadata">Filed under <a href="/category/general/">General</a> | <a href="#respond">Leave a reply</a></p>
</div>
<div id="comments"><h3>{2 + _number(page.slug, 3)} responses</h3>
{_comments(page, 2 + _number(page.slug, 3))}
<div id="respond"><h3>Leave a reply</h3><form action="/comment" method="post"><textarea name="comment"></textarea><input type="submit" value="Post" /></form></div>
</div>
</div>
<div id="sidebar"><h3>Recent posts</h3><ul>
{_teasers(page, 5)}
</ul><h3>Meta</h3><ul><li><a href="/login">Log in</a></li><li><a href="/feed/">Entries RSS</a></li></ul></div>
<div id="footer"><p>{name} is proudly powered by a small computer. Entries and comments by feed.</p></div>
<script type="text/javascript">var pageTracker = {{}}; pageTracker.start = "{page.date}";</script>
</body>
</html>
"""


def _howto(page: Prose, name: str, charset: str) -> str:
    crumbs = "".join(
        f'<a href="/{c}">{c}</a> &raquo; ' for c in ("home", "guides", page.subreddit or "misc")
    )
    return f"""<!DOCTYPE html>
<html lang="{page.language}">
<head><meta charset="{charset}"><title>{escape(page.title)} - {name}</title>
<meta name="description" content="A guide in plain words"><script>window.dataLayer=[];function track(a){{dataLayer.push(a)}}</script></head>
<body>
<div class="topbar"><span class="logo">{name}</span><form action="/search"><input name="q"><button>Search</button></form>
<ul class="nav"><li><a href="/new">New guides</a></li><li><a href="/tools">Tools</a></li><li><a href="/forum">Forum</a></li><li><a href="/login">Log in</a></li></ul></div>
<div class="breadcrumb">{crumbs}</div>
<div class="main">
<h1>{escape(page.title)}</h1>
<div class="byline">Updated <time datetime="{page.date}">{page.date}</time> &middot; {_number(page.slug, 9000)} views</div>
<div class="guide-text">
{_body(page.blocks)}
</div>
<div class="rating">Was this guide useful? <a href="#yes">Yes</a> <a href="#no">No</a></div>
</div>
<div class="related"><h4>You might also like</h4><ul>
{_teasers(page, 6)}
</ul></div>
<div class="comments" id="comments"><h4>Comments</h4>
{_comments(page, 3)}
</div>
<div class="footer"><a href="/terms">Terms</a> <a href="/privacy">Privacy</a> &copy; {name}. All rights reserved.</div>
</body></html>
"""


def _article(page: Prose, name: str, charset: str) -> str:
    return f"""<!doctype html>
<html lang="{page.language}">
<head>
<meta charset="{charset}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)} — {name}</title>
<meta property="og:type" content="article"><meta property="og:title" content="{escape(page.title)}">
<meta property="article:published_time" content="{page.date}T08:00:00Z">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header role="banner"><a href="/" class="brand">{name}</a><nav><ul><li><a href="/articles">Articles</a></li><li><a href="/topics">Topics</a></li><li><a href="/about">About us</a></li></ul></nav></header>
<main id="main"><article>
<header><h1>{escape(page.title)}</h1><time datetime="{page.date}">{page.date}</time></header>
{_body(page.blocks)}
</article>
<aside class="newsletter"><h2>Sign up for our newsletter</h2><p>One letter a month, no noise.</p><form><input type="email"><button>Subscribe</button></form></aside>
<section class="related"><h2>You might also like</h2><ul>
{_teasers(page, 4)}
</ul></section></main>
<footer><p>&copy; {name}. All rights reserved.</p><ul><li><a href="/imprint">Imprint</a></li><li><a href="/privacy">Privacy</a></li></ul></footer>
</body>
</html>
"""


def _tables(page: Prose, name: str, charset: str) -> str:
    menu = "".join(
        f'<tr><td class="menu"><a href="/{m.lower()}/">{m}</a></td></tr>'
        for m in ("Compost", "Fruit", "Vegetables", "Flowers", "Tools", "Calendar", "Guestbook")
    )
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<HTML>
<HEAD><META http-equiv="Content-Type" content="text/html; charset={charset}"><TITLE>{name}: {escape(page.title)}</TITLE></HEAD>
<BODY bgcolor="#f4f8ee">
<TABLE width="780" border="0" cellpadding="4" align="center">
<TR><TD colspan="2" class="banner"><A href="/"><B>{name}</B></A></TD></TR>
<TR><TD width="140" valign="top"><TABLE class="navigation">{menu}</TABLE></TD>
<TD valign="top"><DIV class="content"><H1>{escape(page.title)}</H1>
{_body(page.blocks)}
</DIV>
<P class="print"><A href="?print=1">Printer friendly version</A></P></TD></TR>
<TR><TD colspan="2" align="center" class="footer"><FONT size="-1">Last changed {page.date}. Visitors since 1999: {10000 + _number(page.slug, 80000)}</FONT></TD></TR>
</TABLE>
</BODY>
</HTML>
"""


def _magazine(page: Prose, name: str, charset: str) -> str:
    first, *rest = page.blocks
    half = len(rest) // 2
    return f"""<!DOCTYPE html>
<html lang="{page.language}" class="no-js">
<head><meta charset="{charset}"><title>{escape(page.title)} | {name}</title>
<meta property="og:site_name" content="{name}"><meta name="date" content="{page.date}"></head>
<body class="article-page">
<div class="cookie-banner">This site uses cookies to remember that you have closed this box. <button>Fine</button></div>
<nav class="mega"><ul><li><a href="/places">Places</a></li><li><a href="/trains">Trains</a></li><li><a href="/food">Food</a></li><li><a href="/shop">Shop</a></li></ul></nav>
<div class="hero"><img src="/img/{page.slug}.jpg" alt=""><h1 class="headline">{escape(page.title)}</h1></div>
<article class="story">
<div class="story-body">
<p class="dropcap">{escape(first.text, quote=False)}</p>
{_body(tuple(rest[:half]))}
<div class="advert"><span>Advertisement</span><a href="/ads/click?id={_number(page.slug, 999)}"><img src="/ads/banner.gif" alt="advertisement"></a></div>
{_body(tuple(rest[half:]))}
</div>
<div class="share"><a href="#">Share</a><a href="#">Tweet</a><a href="#">Mail</a></div>
</article>
<div class="more-stories"><h3>You might also like</h3><ul class="cards">
{_teasers(page, 6)}
</ul></div>
<footer class="site-footer"><p>{name}. All rights reserved. Published {page.date}.</p></footer>
</body></html>
"""


def _minimal(page: Prose, name: str, charset: str) -> str:
    return f"""<!doctype html>
<meta charset={charset}>
<title>{escape(page.title)}</title>
<style>body{{max-width:40em;margin:auto}}pre{{background:#eee}}</style>
<p class=nav><a href=/>{name}</a> / <a href=/index>index</a>
<h1>{escape(page.title)}</h1>
<p class=date>{page.date}
<div class=text>
{_body(page.blocks)}
</div>
<hr>
<p class=nav><a href=/index>older notes</a>
"""


def _oldfont(page: Prose, name: str, charset: str) -> str:
    return f"""<html>
<head>
<title>{escape(page.title)}</title>
<meta http-equiv="content-type" content="text/html; charset={charset}">
</head>
<body background="parchment.gif" text="#000000">
<center><font face="Times" size="6">{escape(page.title)}</font><br>
<a href="index.htm">Index</a> | <a href="maps.htm">Maps</a> | <a href="links.htm">Links</a> | <a href="mail.htm">E-mail</a></center>
<hr width="80%">
<blockquote>
{_body(page.blocks, paragraph='<p><font face="Times" size="3">{}</font></p>', heading="h3")}
</blockquote>
<hr width="80%">
<center><font size="1"><a href="index.htm">Back to the index of {name}</a><br>
Best viewed at 800 x 600. Visitors since 2001: {_number(page.slug, 50000)}</font></center>
</body>
</html>
"""


def _literary(page: Prose, name: str, charset: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="{page.language}"><head><meta charset="{charset}">
<title>{escape(page.title)} · {name}</title>
<script type="application/ld+json">{{"@context":"https://schema.org","@type":"ShortStory","name":"{escape(page.title)}","datePublished":"{page.date}"}}</script>
</head>
<body>
<header><h2><a href="/">{name}</a></h2><nav><a href="/stories/">Stories</a> <a href="/poems/">Poems</a> <a href="/submit/">Submit</a></nav></header>
<div class="wrap"><div class="story"><h1>{escape(page.title)}</h1>
{_body(page.blocks)}
</div>
<p class="donate">If you enjoyed this, <a href="/donate">buy us a candle</a>.</p>
<div class="prevnext"><a rel="prev" href="/stories/">Previous story</a> <a rel="next" href="/stories/">Next story</a></div></div>
<footer>{name} is published four times a year. Sign up for our newsletter or do not.</footer>
</body></html>
"""


def _newspaper(page: Prose, name: str, charset: str) -> str:
    sections = "".join(
        f'<li><a href="/{s.lower()}">{s}</a></li>'
        for s in ("Local", "Harbour", "Sport", "Weather", "Notices", "Classifieds")
    )
    return f"""<!DOCTYPE html>
<html lang="{page.language}">
<head><meta charset="{charset}"><title>{escape(page.title)} - {name}</title>
<meta property="article:published_time" content="{page.date}T05:30:00+00:00"></head>
<body>
<div id="masthead"><a href="/">{name}</a><span>Printed every Thursday</span></div>
<ul id="sections">{sections}</ul>
<div id="columns"><div id="leftcol"><ul class="breaking">
{_teasers(page, 4)}
</ul></div>
<div id="story"><h1>{escape(page.title)}</h1><p class="dateline">{page.date}</p>
<div id="storytext">
{_body(page.blocks)}
</div>
<ul class="tools"><li><a href="?print=1">Printer friendly version</a></li><li><a href="/mailto">Mail to a friend</a></li></ul></div>
<div id="rightcol"><h4>Most read</h4><ol>
{_teasers(page, 5)}
</ol><div class="ad">Advertisement</div></div></div>
<div id="comments" class="comments-area"><h4>Readers write</h4>
{_comments(page, 4)}
</div>
<div id="colophon">&copy; {name}. All rights reserved.</div>
</body></html>
"""


def _wiki(page: Prose, name: str, charset: str) -> str:
    return f"""<!DOCTYPE html>
<html class="client-nojs" lang="{page.language}" dir="ltr">
<head><meta charset="{charset}"/><title>{escape(page.title)} - {name}</title></head>
<body class="mediawiki ltr ns-0">
<div id="content" class="mw-body" role="main"><h1 id="firstHeading" class="firstHeading">{escape(page.title)}</h1>
<div id="bodyContent" class="mw-body-content"><div id="siteSub">From {name}, the free encyclopedia</div>
<div id="mw-content-text"><div class="mw-parser-output">
{_body(page.blocks)}
</div></div>
<div id="catlinks" class="catlinks"><a href="/wiki/Help:Category">Categories</a>: <ul><li><a href="/wiki/Category:Stone">Stone</a></li></ul></div></div></div>
<div id="mw-navigation"><h2>Navigation menu</h2><ul><li><a href="/wiki/Main_Page">Main page</a></li><li><a href="/wiki/Special:Random">Random article</a></li><li><a href="/w/index.php?action=edit">Edit</a></li></ul></div>
<div id="footer"><ul><li>This page was last edited on {page.date}.</li><li>Text is available under a free licence; additional terms may apply.</li></ul></div>
</body>
</html>
"""


DESIGNS: dict[str, Callable[[Prose, str, str], str]] = {
    "blog": _blog,
    "howto": _howto,
    "article": _article,
    "tables": _tables,
    "magazine": _magazine,
    "minimal": _minimal,
    "oldfont": _oldfont,
    "literary": _literary,
    "newspaper": _newspaper,
    "wiki": _wiki,
}
SITE_NAMES = {
    "blog": "The Notebook",
    "howto": "Workbench",
    "article": "Plain Science",
    "tables": "The Slow Garden",
    "magazine": "The Long Way Round",
    "minimal": "notes",
    "oldfont": "Old Stones",
    "literary": "Tin Lantern",
    "newspaper": "The Harbour Post",
    "wiki": "Wikipedia",
}
