"""What the demo shows: each link, its submissions, its captures, and how it must end.

The first part gives every kept text its post and capture, some of them with a technique that a
reader of archives must know; the second lists the links that are dropped, each by one rule alone
where that is possible: take the rule away and the page would be kept.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from archive import Capture
from designs import render
from prose import Block, Prose
from submissions import Post

HTML = (("Content-Type", "text/html; charset=utf-8"),)
BARE_HTML = (("Content-Type", "text/html"),)


@dataclass(frozen=True)
class Case:
    """One canonical URL: `stage` and `outcome` are where and how it ends under the defaults.

    `text` is the slug of the prose whose words the capture has; `under` holds outcomes that other
    options give; `final_url` is where the text comes from when that is not the posted URL.
    """

    name: str
    shows: str
    posts: tuple[Post, ...]
    captures: tuple[Capture, ...] = ()
    stage: str = "shards"
    outcome: str = "kept"
    text: str | None = None
    final_url: str | None = None
    under: dict[str, str] = field(default_factory=dict)
    duplicate_of: str | None = None


def seconds(date: str, hour: float = 10) -> int:
    """Seconds since 1970 of `hour` o'clock UTC on an ISO date."""
    day = datetime.fromisoformat(date).replace(tzinfo=UTC)
    return int(day.timestamp() + hour * 3600)


def after(date: str, days: int) -> str:
    """The WARC date of some days after an ISO date, at a fixed time."""
    return (
        datetime.fromisoformat(date) + timedelta(days=days, hours=6, minutes=7, seconds=8)
    ).strftime("%Y-%m-%dT%H:%M:%SZ")


def post(page: Prose, **changes: object) -> Post:
    """The page's own submission, ten hours into its date, with changes."""
    base = Post(
        url=page.url,
        karma=page.karma,
        created=seconds(page.date),
        title=page.title,
        subreddit=page.subreddit,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def html(page: Prose, **options: str) -> bytes:
    """The page in its design, UTF-8."""
    return render(page, **options).encode()  # type: ignore[arg-type]


def capture(page: Prose, days: int = 3, **changes: object) -> Capture:
    """The page's own capture, some days after its date, with changes."""
    base = Capture(url=page.url, date=after(page.date, days), headers=HTML)
    if "body" not in changes:
        changes["body"] = html(page)
    return replace(base, **changes)  # type: ignore[arg-type]


def typographic(page: Prose) -> Prose:
    """The page with curly quotes and apostrophes and dashes, for the charset cases."""

    def curl(text: str) -> str:
        text = re.sub(r"(?<!\w)'", "\u2018", text).replace("'", "\u2019")
        return re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text)

    return replace(
        page, title=curl(page.title), blocks=tuple(Block(b.kind, curl(b.text)) for b in page.blocks)
    )


def reworded(page: Prose, every: int) -> Prose:
    """The page with every `every`-th word of its paragraphs changed, counted over the whole text."""
    count = 0
    swaps = ("quiet", "second", "plain", "ordinary", "distant", "narrow", "certain", "early")
    blocks = []
    for block in page.blocks:
        out = []
        for word in block.text.split(" "):
            count += 1
            if count % every == 0:
                core = re.sub(r"\w+", swaps[(count // every) % len(swaps)], word, count=1)
                word = core
            out.append(word)
        blocks.append(Block(block.kind, " ".join(out)) if block.kind == "p" else block)
    return replace(page, blocks=tuple(blocks))


def all_cases(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """Every case of the demo, in a fixed order."""
    return [
        *_kept(kept, spare),
        *_posting(kept),
        *_dropped_links(spare),
        *_dropped_pages(kept, spare),
        *_copies(kept, spare),
        *_lines(),
    ]


# Kept pages whose capture needs more than reading a plain body.
CODINGS: dict[str, tuple[str, dict[str, object]]] = {
    "01-sourdough-cold-kitchen": ("content coding gzip", {"coding": "gzip"}),
    "02-sharpen-knife-stone": ("content coding br", {"coding": "br"}),
    "03-why-sky-blue": ("chunked transfer coding", {"chunked": True}),
    "04-hot-compost": ("gzip inside chunks", {"coding": "gzip", "chunked": True}),
    "05-night-train": ("content coding deflate", {"coding": "deflate"}),
    "06-hexdump": ("content coding zstd", {"coding": "zstd"}),
    "07-canal-lock": ("the header says gzip, the body is plain", {"says": "gzip"}),
    "08-story-clock": ("the header says chunked, the body is not", {"says_chunked": True}),
}


def _kept(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    special = {
        "09-paper-notebook": _wrong_utf8,
        "10-how-fog-forms": _utf16,
        "11-onions": _header_over_meta,
        "12-puncture": _redirect_chain,
        "13-tides": _revisit_of_other,
        "14-pruning-apple": _revisit_of_same,
        "15-estuary-walk": _error_is_nearer,
        "16-floating-point": _damaged_is_nearer,
        "17-brick-wall": _relative_redirect,
        "18-story-ferry": _two_posts,
    }
    cases = []
    for number, (slug, page) in enumerate(kept.items()):
        if slug in POSTED_OFTEN:
            continue
        if slug in special:
            cases.append(special[slug](page))
        elif slug in OTHER_VERSIONS and OTHER_VERSIONS[slug] in spare:
            cases.append(_other_version(page, spare[OTHER_VERSIONS[slug]]))
        elif slug in CODINGS:
            shows, changes = CODINGS[slug]
            cases.append(Case(slug, shows, (post(page),), (capture(page, **changes),), text=slug))
        elif page.language == "ja":
            cases.append(_shift_jis(page))
        else:
            posts = (post(page), *_reposts(page, number))
            times = ("once", "twice", "three times")[len(posts) - 1]
            cases.append(
                Case(
                    slug,
                    f"a page, posted {times} and captured once",
                    posts,
                    (capture(page, with_request=number % 8 == 0),),
                    text=slug,
                )
            )
    return cases


def _reposts(page: Prose, number: int) -> tuple[Post, ...]:
    """Later submissions of the same page with less karma, most of them under another spelling."""
    join = "&" if "?" in page.url else "?"
    spellings = (
        page.url,
        f"{page.url}{join}utm_source=feedburner&utm_medium=feed",
        page.url.replace("http://", "https://"),
        f"{page.url}#top",
    )
    karma = page.karma or 0
    count = (1, 0, 1, 2)[number % 4]
    return tuple(
        post(
            page,
            url=spellings[(number + i) % 4],
            karma=karma // (4 + 3 * i),
            created=seconds(page.date, 300 + 700 * i + number),
            subreddit=("reddit.com", "hackernews", "offbeat")[(number + i) % 3],
        )
        for i in range(count)
    )


def _wrong_utf8(page: Prose) -> Case:
    body = render(typographic(page)).encode("cp1252", "xmlcharrefreplace")
    return Case(
        page.slug,
        "HTTP and meta say UTF-8, the bytes are windows-1252",
        (post(page),),
        (capture(page, body=body),),
        text=page.slug,
    )


def _utf16(page: Prose) -> Case:
    body = b"\xff\xfe" + render(typographic(page), charset="utf-16").encode("utf-16-le")
    return Case(
        page.slug,
        "UTF-16 with a byte order mark",
        (post(page),),
        (capture(page, body=body, headers=BARE_HTML),),
        text=page.slug,
    )


def _header_over_meta(page: Prose) -> Case:
    body = render(typographic(page), charset="utf-8").encode("cp1252", "xmlcharrefreplace")
    headers = (("content-type", 'text/html;charset="windows-1252"'),)
    return Case(
        page.slug,
        "HTTP says windows-1252 and is right, meta says UTF-8",
        (post(page),),
        (capture(page, body=body, headers=headers),),
        text=page.slug,
    )


def _shift_jis(page: Prose) -> Case:
    body = render(page, charset="Shift_JIS").encode("shift_jis", "xmlcharrefreplace")
    return Case(
        page.slug,
        "Shift_JIS, said by meta only",
        (post(page),),
        (capture(page, body=body, headers=BARE_HTML),),
        text=page.slug,
    )


def _redirect(url: str, date: str, location: str, status: int = 301) -> Capture:
    return Capture(
        url=url,
        date=date,
        status=status,
        headers=(*HTML, ("Location", location)),
        body=b"<html><body>Moved.</body></html>",
    )


def _redirect_chain(page: Prose) -> Case:
    old, middle = (
        "http://tinker.workbench.example/patching-a-tube",
        "http://workbench.example/guides/31",
    )
    date = after(page.date, 3)
    captures = (_redirect(old, date, middle), _redirect(middle, date, page.url, 302), capture(page))
    return Case(
        page.slug,
        "a chain of two redirects to another URL of the archive",
        (post(page, url=old),),
        captures,
        text=page.slug,
        final_url=page.url,
    )


def _relative_redirect(page: Prose) -> Case:
    old = "http://oldstones.example/bricks.htm"
    captures = (_redirect(old, after(page.date, 3), "/buildings/brick_wall.htm"), capture(page))
    return Case(
        page.slug,
        "a redirect with a relative Location",
        (post(page, url=old),),
        captures,
        text=page.slug,
        final_url=page.url,
    )


def _revisit_of_other(page: Prose) -> Case:
    twin = "http://plainscience.example/print/two-tides-a-day"
    first = capture(page, 1, url=twin)
    again = capture(page, 4, revisit_of=(twin, first.date))
    return Case(
        page.slug,
        "a revisit record whose payload lies under another URL, which nobody posted",
        (post(page),),
        (first, again),
        text=page.slug,
    )


def _revisit_of_same(page: Prose) -> Case:
    first = capture(page, -400)
    again = capture(page, 2, revisit_of=(page.url, first.date))
    return Case(
        page.slug,
        "the nearest capture is a revisit of one a year older",
        (post(page),),
        (first, again),
        text=page.slug,
    )


def _error_is_nearer(page: Prose) -> Case:
    error = capture(
        page, 1, status=500, body=b"<html><body><h1>Internal Server Error</h1></body></html>"
    )
    return Case(
        page.slug,
        "the nearest capture is a 500, a later one is good",
        (post(page),),
        (error, capture(page, 40)),
        text=page.slug,
    )


def _damaged_is_nearer(page: Prose) -> Case:
    return Case(
        page.slug,
        "the nearest capture is damaged in its body, a later one is good",
        (post(page),),
        (capture(page, 2, damage="body"), capture(page, 30)),
        text=page.slug,
    )


def _two_posts(page: Prose) -> Case:
    # 8 and 11 points in different subreddits; the nested parent of the second is adult, a self
    # post, an advertisement and too late, none of which is true of the submission itself
    second = post(
        page,
        karma=11,
        created=seconds(page.date, 30),
        subreddit="literature",
        quirks=("parent-first",),
        parent_score=0,
        parent_url="http://elsewhere.example/",
    )
    return Case(
        page.slug,
        "posted twice; the second is a crosspost whose parent breaks every rule",
        (post(page), second),
        (capture(page),),
        text=page.slug,
    )


# Two good captures with different texts: the one near the submission counts.
OTHER_VERSIONS = {"24-ring-buffer": "s10-far-capture", "46-tide-mill": "s13-other-version"}


def _other_version(page: Prose, other: Prose) -> Case:
    later = Capture(
        url=page.url, date=after(other.date, 0), body=html(replace(other, url=page.url))
    )
    return Case(
        page.slug,
        "two good captures with different texts; the one nearest to the submission counts",
        (post(page),),
        (later, capture(page)),
        text=page.slug,
    )


POSTED_OFTEN = ("19-waiting-rooms", "20-barometer", "21-dry-beans", "22-garlic")


def _posting(kept: dict[str, Prose]) -> list[Case]:
    """Pages posted several times, under several spellings of one URL."""
    cases = []
    if (page := kept.get("19-waiting-rooms")) is not None:
        host = "essays.quietpage.example"
        spellings = (
            f"http://{host}/?p=204&utm_source=reddit&cat=4&utm_medium=link",
            f"https://{host}/?cat=4&p=204#comments",
            f"http://{host}:80/?cat=4&p=204",
            f"http://{host.upper()}/?p=204&cat=4&utm_campaign=spring",
        )
        posts = [post(page)] + [
            post(page, url=u, karma=k, created=seconds(page.date, 20 + 50 * i))
            for i, (u, k) in enumerate(zip(spellings, (3, 14, 2, 1), strict=True))
        ]
        cases.append(
            Case(
                page.slug,
                "one page under five spellings: https, tracking parameters, order of parameters, "
                "fragment, port, upper-case host; the parameters cat and p stay",
                tuple(posts),
                (capture(page),),
                text=page.slug,
            )
        )
    if (page := kept.get("20-barometer")) is not None:
        spellings = (
            "http://www.weatherbox.example/learn/barometer.html",
            "http://weatherbox.example/learn/./old/../barometer.html",
            "http://weatherbox.example/le%61rn/barometer.html?fbclid=IwAR0x",
        )
        posts = [
            post(page, url=u, karma=k, created=seconds(page.date, 10 + 24 * i))
            for i, (u, k) in enumerate(zip(spellings, (1, 26, 5), strict=True))
        ]
        cases.append(
            Case(
                page.slug,
                "the first submission has 1 point, the best 26: kept by max and sum, dropped by first; www., dot segments, percent-encoding",
                tuple(posts),
                (capture(page),),
                text=page.slug,
                under={"karma-rule first": "low_karma"},
            )
        )
    if (page := kept.get("21-dry-beans")) is not None:
        edge = post(page, karma=3, created=seconds("2017-12-31", 24) - 1)
        late = post(
            page,
            karma=900,
            created=seconds("2018-01-01", 0),
            outcome="too_late",
            shows="the first second of 2018",
        )
        cases.append(
            Case(
                page.slug,
                "exactly 3 points in the last second of 2017; 900 points a second later do not count",
                (edge, late),
                (capture(page, 1785),),
                text=page.slug,
            )
        )
    if (page := kept.get("22-garlic")) is not None:
        posts = (
            post(page),
            post(page, karma=4, created=seconds(page.date, 40), quirks=("wrapped", "float")),
            post(page, karma=5, created=seconds(page.date, 60), quirks=("nul-run",)),
            post(page, karma=6, created=seconds(page.date, 80), quirks=("float", "nul")),
        )
        cases.append(
            Case(
                page.slug,
                "posted four times: as it should be, wrapped as in an API listing, after a run of NUL bytes, with a float time and \\u0000 in the title",
                posts,
                (capture(page),),
                text=page.slug,
            )
        )
    return cases


def _link(
    page: Prose,
    shows: str,
    posts: tuple[Post, ...] | None = None,
    *,
    stage: str = "links",
    outcome: str = "low_karma",
    **more: object,
) -> Case:
    """A link that ends before its good capture is looked at."""
    return Case(
        page.slug,
        shows,
        posts or (post(page),),
        (capture(page),),
        stage=stage,
        outcome=outcome,
        text=page.slug,
        **more,
    )  # type: ignore[arg-type]


def _dropped_links(spare: dict[str, Prose]) -> list[Case]:
    s = {slug.split("-")[0]: page for slug, page in spare.items()}
    sums = tuple(
        post(s["s02"], karma=k, created=seconds(s["s02"].date, 5 + 9 * i))
        for i, k in enumerate((1, 2, 1))
    )
    same = post(s["s06"])
    fame = (
        post(s["s08"]),
        post(
            s["s08"],
            karma=500,
            created=seconds("2018-02-03"),
            outcome="too_late",
            shows="famous, but too late",
        ),
    )
    return [
        _link(s["s01"], "2 points, one fewer than asked for", under={"min-karma 2": "kept"}),
        _link(
            s["s02"],
            "posted three times with 1, 2 and 1 points: 4 by sum, 2 by max",
            sums,
            under={"karma-rule sum": "kept"},
        ),
        _link(
            s["s03"],
            "created in the first second of 2018",
            (post(s["s03"], created=seconds("2018-01-01", 0), outcome="too_late"),),
            outcome="too_late",
            under={"before 2019": "kept"},
        ),
        _link(
            s["s04"],
            "tagged over_18",
            (post(s["s04"], over_18=True, outcome="over_18"),),
            outcome="over_18",
            under={"nsfw": "kept"},
        ),
        _link(
            s["s05"],
            "an advertisement without author and subreddit",
            (post(s["s05"], promoted=True, quirks=("no-author",), outcome="advertisement"),),
            outcome="advertisement",
        ),
        _link(
            s["s06"],
            "one submission of 2 points whose line stands in the dump twice: 2 by sum as well",
            (same, replace(same, outcome="repeated", shows="the same id again")),
        ),
        _link(
            s["s07"],
            "1 point; the nested parent of the crosspost has 9,999",
            (post(s["s07"], quirks=("parent-last",), parent_score=9999, parent_url=s["s07"].url),),
        ),
        _link(s["s08"], "2 points before 2018, 500 after", fame, under={"before 2019": "kept"}),
        _link(
            s["s09"],
            "the score is null",
            (post(s["s09"], outcome="no_karma"),),
            outcome="no_karma",
        ),
        _link(s["s11"], "a Wikipedia page", stage="links", outcome="wikipedia_host"),
    ]


def _simple(
    name: str,
    shows: str,
    url: str,
    date: str,
    title: str,
    karma: int = 20,
    captures: tuple[Capture, ...] = (),
    stage: str = "pages",
    outcome: str = "no_capture",
    **more: object,
) -> Case:
    return Case(
        name,
        shows,
        (Post(url=url, karma=karma, created=seconds(date), title=title, subreddit="reddit.com"),),
        captures,
        stage=stage,
        outcome=outcome,
        **more,
    )  # type: ignore[arg-type]


def _answer(
    url: str,
    date: str,
    body: bytes,
    content_type: str = "text/html; charset=utf-8",
    **changes: object,
) -> Capture:
    return replace(
        Capture(url=url, date=after(date, 2), headers=(("Content-Type", content_type),), body=body),
        **changes,
    )  # type: ignore[arg-type]


BOT_WALL = b"""<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><div class="main-wrapper"><h1>bargainrail.example</h1><h2>Checking if the site connection is secure</h2>
<noscript><p>Enable JavaScript and cookies to continue</p></noscript>
<p>Checking your browser before accessing bargainrail.example. This process is automatic. Your browser will redirect to your requested content shortly. Please allow up to 5 seconds.</p>
<p>bargainrail.example needs to review the security of your connection before proceeding. Verify you are human by completing the action below. If you are not a robot and this page does not go away, please enable cookies and reload the page. Requests from your network have looked automated in the last few minutes, which can happen when many people share one address.</p>
<p>Ray ID: 5f3a9c0d1e2b4a67. DDoS protection by EdgeGuard. Performance and security by EdgeGuard.</p></div></body></html>"""

SOFT_404 = b"""<!DOCTYPE html><html lang="en"><head><title>Page not found - The Harbour Post</title></head>
<body><div id="masthead"><a href="/">The Harbour Post</a></div><div id="story"><h1>Page not found</h1>
<p>Sorry, the page you are looking for could not be found. It may have been moved, renamed or deleted, or perhaps the address was typed with a mistake in it.</p>
<p>You can go back to the front page, use the search box at the top of this page, or have a look at the list of sections. If you followed a link from another site, please let the people there know that it no longer works. If you followed a link on our own pages, please write to the editor, so that we can mend it.</p>
<p>Error 404. We apologise for the inconvenience and thank you for your patience while we move our old articles to the new system.</p></div></body></html>"""

SHELL = b"""<!doctype html><html><head><meta charset="utf-8"><title>Loading</title><script src="/static/app.4f1c.js" defer></script></head>
<body><div id="root"></div><script>window.__STATE__={"route":"/p/88","user":null,"flags":["a","b"]}</script></body></html>"""

SHORT = b"""<!DOCTYPE html><html><head><title>Gallery</title></head><body><div id="nav"><a href="/">Home</a></div>
<article><h1>Gallery</h1><p>Twelve photographs of the pier at dusk.</p></article></body></html>"""

# the smallest thing that calls itself PDF 1.4
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def _dropped_pages(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    def url(path: str) -> str:
        return f"http://{path}"

    wall, gone, shell = (
        url("bargainrail.example/fares"),
        url("harbourpost.example/local/2007/03/regatta"),
        url("photopier.example/p/88"),
    )
    short, empty, pdf, api = (
        url("photopier.example/gallery/12"),
        url("emptyhouse.example/"),
        url("library.stonebook.example/download?id=7"),
        url("api.weatherbox.example/v1/stations?near=coast"),
    )
    missing404, error500 = (
        url("tinlantern.example/stories/withdrawn/"),
        url("notes.smalltools.example/cgi-bin/report?id=3"),
    )
    loop_a, loop_b = url("roundabout.example/a"), url("roundabout.example/b")
    nowhere, lost = url("harbourpost.example/go/412"), url("slowgarden.example/lost/bulbs.html")
    wiki_go = url("www.workbench.example/go.php?to=spirit-level")
    level = spare["s12-wikipedia-redirect"]
    damaged = url("weatherbox.example/learn/halo.html")
    d = "2012-08-14"
    cases = [
        _simple(
            "bot-wall",
            "a bot wall answers 200",
            wall,
            d,
            "Cheap fares for autumn",
            41,
            (_answer(wall, d, BOT_WALL),),
            "extract",
            "bot_wall",
        ),
        _simple(
            "soft-404",
            "an error page answers 200",
            gone,
            "2013-03-04",
            "Regatta results",
            9,
            (_answer(gone, "2013-03-04", SOFT_404),),
            "extract",
            "soft_error",
        ),
        _simple(
            "no-text",
            "a page that only a browser with scripts would fill",
            shell,
            "2016-05-06",
            "Pier at dusk",
            77,
            (_answer(shell, "2016-05-06", SHELL),),
            "extract",
            "empty",
        ),
        _simple(
            "too-short",
            "eight words are no document",
            short,
            "2014-06-07",
            "Twelve photographs of a pier",
            12,
            (_answer(short, "2014-06-07", SHORT),),
            "extract",
            "too_short",
        ),
        _simple(
            "no-bytes",
            "a body of no bytes",
            empty,
            "2011-02-03",
            "This site is empty",
            300,
            (_answer(empty, "2011-02-03", b""),),
            "extract",
            "empty",
        ),
        _simple(
            "pdf",
            "a PDF whose URL does not say so",
            pdf,
            "2010-10-10",
            "A survey of quarries",
            15,
            (_answer(pdf, "2010-10-10", PDF, "application/pdf"),),
            "pages",
            "not_html",
        ),
        _simple(
            "json",
            "JSON",
            api,
            "2015-05-05",
            "Weather stations as an open interface",
            31,
            (
                _answer(
                    api,
                    "2015-05-05",
                    b'{"stations": [{"id": 1, "name": "Pier"}]}',
                    "application/json",
                ),
            ),
            "pages",
            "not_html",
        ),
        _simple(
            "status-404",
            "the only capture is a 404",
            missing404,
            "2014-12-01",
            "A story that was withdrawn",
            8,
            (
                _answer(
                    missing404,
                    "2014-12-01",
                    b"<html><body><h1>Not Found</h1></body></html>",
                    status=404,
                ),
            ),
            "pages",
            "http_error",
        ),
        _simple(
            "status-500",
            "the only capture is a 500",
            error500,
            "2009-09-09",
            "The report generator",
            5,
            (
                _answer(
                    error500, "2009-09-09", b"<html><body>Internal error</body></html>", status=500
                ),
            ),
            "pages",
            "http_error",
        ),
        _simple(
            "redirect-loop",
            "two pages that redirect to each other",
            loop_a,
            "2010-04-01",
            "Round and round",
            404,
            (
                _redirect(loop_a, after("2010-04-01", 1), loop_b),
                _redirect(loop_b, after("2010-04-01", 1), loop_a),
            ),
            "pages",
            "redirect_loop",
        ),
        _simple(
            "redirect-nowhere",
            "a redirect to a page that was not captured",
            nowhere,
            "2013-01-02",
            "Fish market to close",
            18,
            (
                _redirect(
                    nowhere,
                    after("2013-01-02", 1),
                    "http://harbourpost.example/local/2013/01/fish-market",
                ),
            ),
            "pages",
            "redirect_target_missing",
        ),
        _simple(
            "redirect-to-wikipedia",
            "a link that looks harmless and redirects to Wikipedia",
            wiki_go,
            level.date,
            "How a spirit level works",
            17,
            (_redirect(wiki_go, after(level.date, 1), level.url), capture(level)),
            "wikipedia",
            "wikipedia_host",
            text=level.slug,
            final_url=level.url,
        ),
        _simple(
            "damaged-record",
            "the only capture is a gzip member of which nothing can be read; the record behind it is good",
            damaged,
            "2013-05-05",
            "Rings around the sun",
            23,
            (_answer(damaged, "2013-05-05", html(kept["10-how-fog-forms"]), damage="all"),),
            "pages",
            "no_capture",
        ),
        _simple("missing-1", "never captured", lost, "2012-01-01", "Bulbs for a north window", 6),
    ]
    for i, (path, title) in enumerate(
        (
            ("riverside-notes.example/2009/floods", "What the flood left on our street"),
            ("kitchenledger.example/2010/12/plum-pudding/", "Plum pudding, the long way"),
            ("www.workbench.example/howto.php?id=99", "A shelf without screws"),
            ("longwayround.example/journal/salt-road", "Down the salt road"),
            ("starboard.example/#!/logbook/3", "A logbook kept in the address"),
        )
    ):
        cases.append(
            _simple(
                f"missing-{i + 2}",
                "never captured",
                url(path),
                f"{2008 + i}-07-1{i}",
                title,
                4 + 11 * i,
            )
        )
    return cases


def _copies(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """Exact and near duplicates, and a copy of the Wikipedia page under another host."""
    sky, compost, wall, fog, tides = (
        kept[k]
        for k in (
            "03-why-sky-blue",
            "04-hot-compost",
            "06-hexdump",
            "10-how-fog-forms",
            "16-floating-point",
        )
    )
    gravel = spare["s11-wikipedia"]
    stock = kept["23-stock-from-peelings"]

    def copy(
        name: str,
        shows: str,
        page: Prose,
        url: str,
        karma: int,
        hours: float,
        *,
        site: str,
        **more: object,
    ) -> Case:
        copied = replace(page, url=url)
        body = render(copied, page.site, site_name=site).encode()
        one = post(copied, karma=karma, created=seconds(page.date, hours))
        return Case(name, shows, (one,), (capture(copied, 5, body=body),), text=page.slug, **more)  # type: ignore[arg-type]

    exact = {"stage": "dedup", "outcome": "exact_duplicate"}
    near60, near30 = reworded(tides, 60), reworded(fog, 30)
    return [
        copy(
            "exact-lower-karma",
            "the text of another page, posted a day earlier with less karma: the karma decides",
            sky,
            "http://science-reprints.example/blue-sky",
            40,
            -14,
            site="Science Reprints",
            duplicate_of=sky.slug,
            **exact,
        ),
        copy(
            "exact-later",
            "the text of another page with the same karma, posted later: the date decides",
            compost,
            "http://allotment-digest.example/?story=heap",
            compost.karma or 0,
            30,
            site="Allotment Digest",
            duplicate_of=compost.slug,
            **exact,
        ),
        copy(
            "exact-key",
            "the text of another page, same karma, same second: the key decides",
            wall,
            "http://zz.bitmirror.example/first-sixteen-bytes",
            wall.karma or 0,
            10,
            site="bit mirror",
            duplicate_of=wall.slug,
            **exact,
        ),
        Case(
            "short-link",
            "a short link whose redirect was captured leads to a page that was posted as well",
            (
                post(
                    stock,
                    url="http://bit.ly/9xKdemo",
                    karma=9,
                    created=seconds(stock.date, 200),
                    quirks=("nul",),
                ),
            ),
            (_redirect("http://bit.ly/9xKdemo", after(stock.date, 9), stock.url),),
            text=stock.slug,
            final_url=stock.url,
            duplicate_of=stock.slug,
            stage="dedup",
            outcome="exact_duplicate",
        ),
        Case(
            "near-60",
            "a reprint with every 60th word changed and other surroundings",
            (
                post(
                    near60,
                    url="http://reprints.example/fraction-puzzle",
                    karma=7,
                    created=seconds(tides.date, 900),
                ),
            ),
            (
                capture(
                    replace(near60, url="http://reprints.example/fraction-puzzle"),
                    40,
                    body=render(near60, "blog", site_name="Reprints").encode(),
                ),
            ),
            text="near-60",
            under={"near-dup off": "kept"},
            duplicate_of=tides.slug,
            stage="dedup",
            outcome="near_duplicate",
        ),
        Case(
            "near-30",
            "a reprint with every 30th word changed and other surroundings: too far away at 0.8, not at 0.65",
            (
                post(
                    near30,
                    url="http://reprints.example/fog-four-ways",
                    karma=6,
                    created=seconds(fog.date, 900),
                ),
            ),
            (
                capture(
                    replace(near30, url="http://reprints.example/fog-four-ways"),
                    40,
                    body=render(near30, "newspaper", site_name="Reprints").encode(),
                ),
            ),
            text="near-30",
            under={"near-dup 0.65": "near_duplicate"},
            duplicate_of=fog.slug,
        ),
        Case(
            "wikipedia-copy",
            "the Wikipedia page's text under a host that does not say so: only its content gives it away",
            (
                post(
                    gravel,
                    url="http://reference.stonebook.example/gravel-bar",
                    karma=10,
                    created=seconds(gravel.date, 700),
                ),
            ),
            (
                capture(
                    replace(gravel, url="http://reference.stonebook.example/gravel-bar"),
                    30,
                    body=render(gravel, "article", site_name="Stonebook").encode(),
                ),
            ),
            text=gravel.slug,
            under={"wikipedia": "wikipedia_content"},
        ),
        _simple(
            "wikipedia-mobile",
            "a mobile Wikipedia host",
            "https://en.m.wikipedia.org/wiki/Barometer#History",
            "2014-04-04",
            "TIL how barometers were invented",
            88,
            (),
            "links",
            "wikipedia_host",
        ),
        _simple(
            "wikipedia-german",
            "Wikipedia in German",
            "https://de.wikipedia.org/wiki/Backstein?oldid=1",
            "2015-04-04",
            "Backstein",
            12,
            (),
            "links",
            "wikipedia_host",
        ),
        _simple(
            "wikipedia-archived",
            "an archived Wikipedia page",
            "http://web.archive.org/web/20120101000000/http://en.wikipedia.org/wiki/Tide",
            "2012-04-04",
            "Tides, an old version",
            9,
            (),
            "links",
            "wikipedia_host",
        ),
        _simple(
            "wikipedia-mirror",
            "a mirror that says so in its host",
            "http://en.wikipedia.mirrors.example/wiki/Fog",
            "2013-04-04",
            "Fog",
            9,
            (
                _answer(
                    "http://en.wikipedia.mirrors.example/wiki/Fog",
                    "2013-04-04",
                    render(replace(gravel, title="Fog"), "wiki").encode(),
                ),
            ),
            "links",
            "wikipedia_host",
        ),
    ]


def _lines() -> list[Case]:
    """Lines that a line or URL rule drops and that no capture belongs to."""
    cases: list[Case] = []

    def one(
        name: str,
        shows: str,
        outcome: str,
        url: str | None,
        title: str,
        karma: int,
        date: str,
        *,
        line: str | None = None,
        **more: object,
    ) -> None:
        a_post = Post(
            url=url,
            karma=karma,
            created=seconds(date, 12),
            title=title,
            subreddit=str(more.pop("subreddit", "reddit.com")),
            outcome=line or outcome,
            **more,
        )  # type: ignore[arg-type]
        cases.append(Case(name, shows, (a_post,), (), stage="links", outcome=outcome))

    for i, title in enumerate(SELF_TITLES):
        sub = ("AskReddit", "gardening", "learnprogramming", "Cooking", "travel")[i % 5]
        date = f"{2008 + i % 10}-{1 + i * 5 % 12:02}-{1 + i * 7 % 28:02}"
        one(
            f"self-{i + 1}",
            "a self post",
            "self_post",
            f"http://www.reddit.com/r/{sub}/comments/{2000 + i}/x/",
            title,
            1 + i * 37 % 400,
            date,
            is_self=True,
            domain=f"self.{sub}",
            subreddit=sub,
            selftext="I have been wondering about this for a while." if i % 3 else "[deleted]",
        )
    one(
        "self-by-domain",
        "is_self is false, the domain says self.reddit.com",
        "self_post",
        "http://www.reddit.com/comments/6jq2x/ask_what_is_the_best_soup/",
        "Ask: what is the best soup?",
        31,
        "2008-05-15",
        domain="self.reddit.com",
    )
    for i, (title, url) in enumerate(MEDIA):
        rule = (
            "media_host"
            if url.split("/")[2].endswith(MEDIA_HOSTS)
            else "not_html_file"
            if url.endswith((".pdf", ".zip", ".pptx"))
            else "media_file"
        )
        one(
            f"media-{i + 1}",
            MEDIA_RULES[rule],
            rule,
            url,
            title,
            5 + i * 211 % 4000,
            f"{2009 + i % 9}-{1 + i * 7 % 12:02}-{1 + i * 11 % 28:02}",
            line="kept",
            subreddit=("pics", "videos", "EarthPorn", "Music")[i % 4],
        )
    for i, host in enumerate(("tr.im/demo1", "cli.gs/demo2", "su.pr/2kDemo", "adf.ly/1demo")):
        one(
            f"shortener-{i + 1}",
            "a shortener that no longer answers, or only with advertisements",
            "shortener",
            f"http://{host}",
            "Worth your time",
            50 + i,
            f"201{i + 1}-03-0{i + 2}",
            line="kept",
        )
    for i, path in enumerate(
        (
            "r/gardening/wiki/index",
            "user/reader_2k1/submitted/",
            "r/bestof/comments/4abcd/x/c1defgh?context=3",
        )
    ):
        one(
            f"reddit-{i + 1}",
            "a link to reddit itself",
            "self_link",
            f"http://www.reddit.com/{path}",
            "Somebody explains it well",
            60 + i,
            f"201{i + 1}-05-0{i + 2}",
            line="kept",
            subreddit="bestof",
        )
    for i, url in enumerate(
        (
            "ftp://ftp.smalltools.example/pub/readme.txt",
            "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567",
            "javascript:alert(1)",
            "mailto:editor@harbourpost.example",
        )
    ):
        one(
            f"scheme-{i + 1}",
            "neither http nor https",
            "not_http",
            url,
            "The old file server still runs",
            7 + i,
            f"2012-0{i + 1}-0{i + 3}",
            domain="",
        )
    one(
        "url-null",
        "url and domain are null",
        "no_url",
        None,
        "Where did the link go",
        55,
        "2017-08-09",
    )
    one(
        "url-empty", "the url is empty", "no_url", "", "Nothing to see", 66, "2011-08-09", domain=""
    )
    one(
        "url-none",
        "there is no url",
        "no_url",
        None,
        "No link at all",
        12,
        "2012-08-09",
        quirks=("no-url-key",),
    )
    one(
        "cut-line",
        "a line that ends in the middle of a string",
        "damaged",
        "http://cutshort.example/",
        "This line does not come to its end",
        77,
        "2011-11-11",
        quirks=("cut",),
    )
    one(
        "not-json",
        "a line of HTML",
        "damaged",
        "http://cutshort.example/2",
        "never seen",
        1,
        "2011-11-12",
        quirks=("not-json",),
    )
    one(
        "not-object",
        "a line that is a JSON array",
        "damaged",
        "http://cutshort.example/3",
        "never seen",
        1,
        "2011-11-13",
        quirks=("not-object",),
    )
    for i, title in enumerate(
        (
            "Sleep better on a mattress of air",
            "Your name on a mug",
            "Learn the ukulele in a weekend",
        )
    ):
        one(
            f"promoted-{i + 2}",
            "an advertisement",
            "advertisement",
            f"http://shop.bucketworks.example/offer/{i + 1}?utm_source=reddit&utm_medium=cpc",
            title,
            3 + i,
            f"201{i + 1}-06-15",
            promoted=True,
            quirks=("no-author",) if i else (),
            subreddit="promos",
        )
    for i, title in enumerate(
        ("Body painting in fifteen steps", "Postcards from the seaside, uncensored")
    ):
        one(
            f"over-18-{i + 2}",
            "tagged over_18",
            "over_18",
            f"http://grownups.example/{i + 1}",
            title,
            99,
            f"201{i + 2}-09-15",
            over_18=True,
            subreddit="nsfw",
        )
    for i, title in enumerate(
        (
            "A map of every bench",
            "Twelve soups for January",
            "How to fold a fitted sheet",
            "The bridge has reopened",
        )
    ):
        one(
            f"late-{i + 2}",
            "after 2017",
            "too_late",
            f"http://laterthan.example/{i + 1}",
            title,
            44 + i,
            f"20{18 + i}-0{i + 1}-2{i}",
            quirks=("float",) if i >= 2 else (),
        )
    for i, (host, title) in enumerate(LOW):
        one(
            f"low-{i + 2}",
            "fewer than 3 points",
            "low_karma",
            f"http://{host}",
            title,
            i % 3,
            f"{2007 + i % 11}-{1 + i * 5 % 12:02}-{2 + i * 3 % 26:02}",
            line="kept",
            quirks=("removed",) if i % 6 == 5 else (),
        )
    return cases


SELF_TITLES = (
    "What is the smallest thing that improved your kitchen?",
    "My tomatoes have black bottoms, what now?",
    "Is it too late to learn to read music?",
    "Which tool do you lend to nobody?",
    "How do I get a cat out of a piano?",
    "Weekly questions thread",
    "Does anyone remember a film about a lighthouse?",
    "Looking for a pen friend who likes maps",
    "Why does my loop stop one too early?",
    "What did you find behind the wallpaper?",
    "Best route from the coast to the hills by bicycle?",
    "I finished my first sweater",
    "How long do you rest your dough?",
    "Please explain pointers as if I were a gardener",
    "What sound do you miss?",
    "My neighbour waters my plants at night",
    "Which soup would you serve to an enemy?",
    "Is there a name for the smell of rain?",
    "How many shirts for three weeks?",
    "The clock in our hall runs only on Sundays",
    "Can I compost a cotton shirt?",
    "What is your rule for giving away books?",
    "Help me name a rowing boat",
    "Why do my pancakes have one ugly side?",
    "What should every beginner know about version control?",
    "I need a recipe for forty people",
    "Are night buses worth it?",
    "Do you talk to your sourdough?",
    "What is the oldest object you use every day?",
    "How do you keep slugs away without poison?",
)
MEDIA = (
    ("Sunrise over the estuary", "http://i.imgur.com/a1B2c3D.jpg"),
    ("A cat that keeps bees", "http://imgur.com/gallery/x7Demo1"),
    ("Street organ, complete performance", "http://www.youtube.com/watch?v=dEm0dEm0d01"),
    ("My garden in one minute", "https://youtu.be/dEm0dEm0d02"),
    ("Fog rolling in", "https://i.redd.it/demofog00001.jpg"),
    ("Dog meets tide", "https://v.redd.it/demotide0001"),
    ("A bridge, a film", "https://vimeo.com/100000001"),
    ("Old signal box", "http://www.flickr.com/photos/demo/5000001/"),
    ("It goes round", "http://gfycat.com/DemoRoundWheel"),
    ("A poster from the archive", "http://oldstones.example/img/poster.PNG"),
    ("The whole manual", "http://notes.smalltools.example/files/manual.pdf"),
    ("Song of the lock keepers", "http://tinlantern.example/audio/lock.mp3?dl=1"),
    ("Map of the footpaths", "http://longwayround.example/maps/paths.zip"),
    ("Chart of the tides", "http://plainscience.example/charts/tides.gif"),
    ("Timelapse of a compost heap", "http://www.slowgarden.example/video/heap.mp4#t=10"),
    ("Choir in a tunnel", "https://soundcloud.com/demo/tunnel"),
    ("Lego barometer", "http://i.imgur.com/Z9y8X7w.gifv"),
    ("First frost", "http://i.imgur.com/Fr0sT01.png"),
    ("A very long train", "https://www.youtube.com/watch?v=dEm0dEm0d03&t=42s"),
    ("Bread with a face", "https://i.redd.it/demobread0001.png"),
    ("Watching paint dry, live", "https://www.twitch.tv/demo_paint"),
    ("Station at night", "http://m.imgur.com/NiGht77"),
    ("A gate in the wall", "http://oldstones.example/img/gate.jpeg?size=large"),
    ("Slides of the talk", "http://notes.smalltools.example/files/talk.pptx"),
)
MEDIA_HOSTS = (
    "imgur.com",
    "redd.it",
    "flickr.com",
    "gfycat.com",
    "youtube.com",
    "youtu.be",
    "vimeo.com",
    "twitch.tv",
    "soundcloud.com",
)
MEDIA_RULES = {
    "media_host": "a host of pictures, clips or recordings",
    "media_file": "a picture, recording or film by its ending",
    "not_html_file": "a file that is no page by its ending",
}
LOW = (
    ("knitters.example/blog/12", "A hat in one evening"),
    ("smallboats.example/log?entry=7", "Caulking, day three"),
    ("riverside-notes.example/2007/ducks", "The ducks are back"),
    ("postcards.example/item/881", "Pier, hand coloured"),
    ("chess-corner.example/p/44", "Mate in four"),
    ("windowbox.example/thyme", "Thyme on a windowsill"),
    ("radiokits.example/article.php?id=5", "A receiver with three parts"),
    ("villagebells.example/ring", "How change ringing works"),
    ("marginalia.example/notes/3", "Notes in a borrowed book"),
    ("slowbuses.example/route/9", "The number nine in snow"),
    ("lampshades.example/paper", "A lampshade of paper"),
    ("kite-days.example/2012/wind", "Too much wind"),
    ("hedges.example/laying", "Laying a hedge"),
    ("inkpots.example/oak-gall", "Ink from oak galls"),
    ("walkers.example/forum/viewtopic.php?t=120", "Boots or shoes?"),
    ("maplemoth.example/moths", "Moths at the lamp"),
    ("oldradios.example/valves", "Valves that still glow"),
    ("teapots.example/spout", "Why spouts drip"),
)
