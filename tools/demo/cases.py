"""What the demo shows: each link, its submissions, its captures, and how it must end.

The cases are the tables of `cases/*.toml`. `kept.toml` has the kept pages whose capture needs more
than reading a plain body (the other kept pages are made here); `links.toml`, `pages.toml`,
`copies.toml` and `lines.toml` have the rest, each dropped by one rule alone where that is possible:
take the rule away and the page would be kept. The keys of a table:

- `shows`, `under`, `duplicate_of`, `final_url`, `text`: the fields of `Case`
- `ends`: "stage: outcome" under the defaults, "shards: kept" where it is absent
- `page`: the text that the link leads to, where that is not the case's name; `url` moves it
- `posts`: changes to the page's submission, which is made at ten o'clock on its date; `hours` after
  that date or `created` set another time
- `captures`: changes to the page's capture, see `_capture`
- `lines`: where there is no text: [created, karma, subreddit, url, title, changes]; more
  than one make as many cases, numbered from `first`; `post` has changes to all of them
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from archive import HTML, Recording
from designs import render
from prose import Prose, reword, typographic
from submissions import Post

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One canonical URL: `stage` and `outcome` are where and how it ends under the defaults.

    `text` is the slug of the prose whose words the capture has; `under` holds outcomes that other
    options give; `final_url` is where the text comes from when that is not the posted URL.
    """

    name: str
    shows: str
    posts: Sequence[Post]
    captures: Sequence[Recording]
    stage: str
    outcome: str
    text: str | None
    final_url: str | None = None
    under: Mapping[str, str] = field(default_factory=dict)
    duplicate_of: str | None = None


def all_cases(kept: Mapping[str, Prose], spare: Mapping[str, Prose]) -> list[Case]:
    """Every case of the demo, in a fixed order."""
    texts = {**kept, **spare}
    techniques = _read("kept")
    files = ("links", "pages", "copies", "lines")
    others = {name: table for file in files for name, table in _read(file).items()}
    if unknown := techniques.keys() - kept.keys():
        raise ValueError(f"`kept.toml` names pages that are not there: {sorted(unknown)}")
    cases = [
        _case(slug, page, techniques.get(slug) or _plain(page, number), texts)
        for number, (slug, page) in enumerate(kept.items())
        if slug not in others
    ]
    for name, table in others.items():
        if "lines" in table:
            cases += _of_lines(name, table, texts)
        else:
            cases.append(_case(name, texts[table.pop("page", name)], table, texts))
    return cases


def _read(file: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((FOLDER / f"{file}.toml").read_text(encoding="utf-8"))


def _plain(page: Prose, number: int) -> dict[str, Any]:
    """A page captured once, with up to two later submissions, most under another spelling."""
    spellings = (
        page.url,
        f"{page.url}{'&' if '?' in page.url else '?'}utm_source=feedburner&utm_medium=feed",
        page.url.replace("http://", "https://"),
        f"{page.url}#top",
    )
    reposts = [
        {
            "url": spellings[(number + i) % 4],
            "karma": (page.karma or 0) // (4 + 3 * i),
            "hours": 300 + 700 * i + number,
            "subreddit": ("reddit.com", "hackernews", "offbeat")[(number + i) % 3],
        }
        for i in range((1, 0, 1, 2)[number % 4])
    ]
    times = ("once", "twice", "three times")[len(reposts)]
    return {
        "shows": f"a page, posted {times} and captured once",
        "posts": [{}, *reposts],
        "captures": [{"with_request": number % 8 == 0}],
    }


def _of_lines(name: str, table: dict[str, Any], texts: Mapping[str, Prose]) -> Iterator[Case]:
    table = {"captures": [], "text": None, **table}
    lines, first, post = table.pop("lines"), table.pop("first", 1), table.pop("post", {})
    for number, (created, karma, subreddit, url, title, *more) in enumerate(lines, first):
        page = Prose("", title, url, str(created.date()), "", subreddit, karma, "en", ())
        changes = {"created": created, **post, **(more[0] if more else {})}
        own = {key: changes.pop(key) for key in ("shows", "ends") if key in changes}
        if url == "null":
            changes["url"] = None
        one = f"{name}-{number}" if len(lines) > 1 else name
        yield _case(one, page, {**table, **own, "posts": [changes]}, texts)


def _case(name: str, page: Prose, table: Mapping[str, Any], texts: Mapping[str, Prose]) -> Case:
    fields = {"text": page.slug, **table}
    page = replace(page, url=fields.pop("url", page.url))
    stage, outcome = fields.pop("ends", "shards: kept").split(": ")
    of_line = outcome if stage == "lines" else "kept"
    posts = [_post(page, **{"outcome": of_line, **post}) for post in fields.pop("posts", [{}])]
    captures: list[Recording] = []
    for changes in fields.pop("captures", [{}]):
        captures.append(_capture(page, changes, captures, texts))
    return Case(name, posts=posts, captures=captures, stage=stage, outcome=outcome, **fields)


def _post(page: Prose, *, hours: int = 10, created: datetime | None = None, **changes: Any) -> Post:
    at = created or datetime.fromisoformat(f"{page.date}T00:00Z") + timedelta(hours=hours)
    own = {"url": page.url, "karma": page.karma, "title": page.title, "subreddit": page.subreddit}
    return Post(created=int(at.timestamp()), **{**own, **changes})


def _capture(
    page: Prose, table: Mapping[str, Any], earlier: list[Recording], texts: Mapping[str, Prose]
) -> Recording:
    """The page's capture, `days` after its date, with changes to the fields of `Recording`.

    `html` says how the body is made (see `_html`), `body` gives it in Latin-1; `location` makes a
    redirect of the capture, `revisit` a repetition of the one before.
    """
    changes: dict[str, Any] = {"url": page.url, **table}
    day = date.fromisoformat(page.date) + timedelta(days=changes.pop("days", 3))
    html = {"of": page.slug, **changes.pop("html", {})}
    if "location" in changes:
        changes["headers"] = (*HTML, ("Location", changes.pop("location")))
        changes["body"] = "<html><body>Moved.</body></html>"
        changes.setdefault("status", 301)
    if changes.pop("revisit", False):
        changes["revisit_of"] = (earlier[-1].url, earlier[-1].date)
    given = changes.pop("body", None)
    body = _html(texts[html.pop("of")], **html) if given is None else given.encode("latin-1")
    return Recording(date=f"{day}T06:07:08Z", body=body, **changes)


def _html(
    page: Prose,
    *,
    title: str = "",
    curly: bool = False,
    reworded: int = 0,
    encoding: str = "utf-8",
    **surroundings: str,
) -> bytes:
    """The page as `render` makes it, in an encoding that it need not name."""
    if curly:
        page = typographic(page)
    if reworded:
        page = reword(page, reworded)
    text = render(replace(page, title=title or page.title), **surroundings)
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    return (mark + text).encode(encoding, "xmlcharrefreplace")
