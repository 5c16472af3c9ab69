"""One case of the demo, and what all of them are made with: times, submissions, captures."""

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


def redirect(url: str, date: str, location: str, status: int = 301) -> Capture:
    """A capture that answers with a redirect."""
    return Capture(
        url=url,
        date=date,
        status=status,
        headers=(*HTML, ("Location", location)),
        body=b"<html><body>Moved.</body></html>",
    )


def simple(
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
    """A link whose page is not among the kept or spare texts."""
    return Case(
        name,
        shows,
        (Post(url=url, karma=karma, created=seconds(date), title=title, subreddit="reddit.com"),),
        captures,
        stage=stage,
        outcome=outcome,
        **more,
    )  # type: ignore[arg-type]


def answer(
    url: str,
    date: str,
    body: bytes,
    content_type: str = "text/html; charset=utf-8",
    **changes: object,
) -> Capture:
    """A capture of `url` two days after `date`."""
    return replace(
        Capture(url=url, date=after(date, 2), headers=(("Content-Type", content_type),), body=body),
        **changes,
    )  # type: ignore[arg-type]
