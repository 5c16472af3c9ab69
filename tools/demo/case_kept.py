"""Kept texts, each with its post and capture: some by a technique that readers must know."""

from dataclasses import replace

from archive import Capture
from case import BARE_HTML, Case, after, capture, html, post, redirect, seconds, typographic
from designs import render
from prose import Prose
from submissions import Post

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


def kept(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """The kept texts, in the order of their names."""
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


def _redirect_chain(page: Prose) -> Case:
    old, middle = (
        "http://tinker.workbench.example/patching-a-tube",
        "http://workbench.example/guides/31",
    )
    date = after(page.date, 3)
    captures = (redirect(old, date, middle), redirect(middle, date, page.url, 302), capture(page))
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
    captures = (redirect(old, after(page.date, 3), "/buildings/brick_wall.htm"), capture(page))
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


def posting(kept: dict[str, Prose]) -> list[Case]:
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
