"""Ten site designs: what surrounds the prose on a page, from the font tags of 2003 to a magazine.

Everything but the prose is boilerplate that an extractor should leave out: navigation, side
columns, related links, newsletter boxes, comments, footers. A design is a page of `templates/`, in
which `$title`, `$body` and the like stand for the page's own, and these for choices by its slug:

- `$comments_2_3`: 2, 3 or 4 of `comments.txt` (a first number, and how many numbers there are)
- `$teasers_5`: 5 of `teasers.txt`
- `$number_0_900`: a number from 0 to 899
"""

import hashlib
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from prose import Block, Prose

TEMPLATES = Path(__file__).parent / "templates"
COMMENTS = (TEMPLATES / "comments.txt").read_text(encoding="utf-8").splitlines()
TEASERS = (TEMPLATES / "teasers.txt").read_text(encoding="utf-8").splitlines()
DESIGNS = {p.stem: Template(p.read_text(encoding="utf-8")) for p in TEMPLATES.glob("*.html")}
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


def render(page: Prose, design: str = "", site_name: str = "", charset: str = "utf-8") -> str:
    """The whole HTML document of `page` in `design` (its own by default)."""
    name = design or page.site
    first, *rest = page.blocks
    half = len(rest) // 2
    heading, font = "<h3>{}</h3>", '<p><font face="Times" size="3">{}</font></p>'
    fields = _Choices(
        page,
        charset=charset,
        date=page.date,
        language=page.language,
        section=page.subreddit or "misc",
        site=site_name or SITE_NAMES[name],
        slug=page.slug,
        title=escape(page.title),
        body=_body(page.blocks),
        body_h3=_body(page.blocks, h2=heading),
        body_font=_body(page.blocks, h2=heading, p=font),
        first=escape(first.text, quote=False),
        half1=_body(rest[:half]),
        half2=_body(rest[half:]),
    )
    return DESIGNS[name].substitute(fields)


class _Choices(dict[str, str]):
    """A template's values; numbers, comments and teasers are chosen when they are asked for."""

    def __init__(self, page: Prose, **values: str) -> None:
        super().__init__(values)
        self.slug = page.slug

    def __missing__(self, key: str) -> str:
        kind, *numbers = key.split("_")
        match kind, list(map(int, numbers)):
            case "number", [least, span]:
                return str(self._number(least, span))
            case "comments", [least, *span]:
                return self._comments(self._number(least, *span))
            case "teasers", [count]:
                return self._teasers(count)
        raise KeyError(key)

    def _number(self, least: int, span: int = 1) -> int:
        return least + _number(self.slug, span)

    def _comments(self, count: int) -> str:
        rows = [
            f'<li class="comment" id="comment-{_number(self.slug + c, 90000)}">'
            '<div class="comment-author"><cite>a reader</cite> says:</div>'
            f'<div class="comment-body"><p>{c}</p></div></li>'
            for c in self._pick(COMMENTS, count)
        ]
        return "\n".join(['<ol class="commentlist">', *rows, "</ol>"])

    def _teasers(self, count: int) -> str:
        picked = self._pick(TEASERS, count)
        return "\n".join(f'<li><a href="/more/{_number(t, 9000)}">{t}</a></li>' for t in picked)

    def _pick(self, options: list[str], count: int) -> list[str]:
        def rank(option: str) -> bytes:
            return hashlib.sha256(f"{self.slug}|{option}".encode()).digest()

        return sorted(options, key=rank)[:count]


def _number(seed: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % below


def _body(blocks: Sequence[Block], **shapes: str) -> str:
    shapes = {
        "p": "<p>{}</p>",
        "h2": "<h2>{}</h2>",
        "li": "<li>{}</li>",
        "pre": "<pre><code>{}</code></pre>",
    } | shapes
    lines: list[str] = []
    for listed, run in groupby(blocks, lambda block: block.kind == "li"):
        rows = [shapes[block.kind].format(escape(block.text, quote=False)) for block in run]
        lines += ["<ul>", *rows, "</ul>"] if listed else rows
    return "\n".join(lines)
