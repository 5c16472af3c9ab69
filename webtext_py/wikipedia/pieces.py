"""A page's wikitext in short pieces, so that no page takes long to parse.

The time of a wikitext parser grows faster than what it parses, and a page that never closes what it
opens, or nests it without end, can hold it for hours. One pass over the page therefore matches what
opens with what closes, and

- cuts the page between templates, tables, links and tags, at the ends of lines or of these;
- drops a template, table, link or reference longer than `MOST` whole, or nested deeper than `DEEP`;
- takes out what opens or closes nothing, comments, list marks, and tags whose content stays.

What is left to the parser is at most `PIECE` and a few `MOST` long, and balanced.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["CONTENT_DROPPED", "pieces"]

MOST = 8192  # characters; our choice: citations and infoboxes are shorter
PIECE = 2048  # characters; our choice
DEEP = 20  # our choice; MediaWiki's own limit is 40 levels of expansion
# Tags whose content is no text of the article.
CONTENT_DROPPED = (
    *("ref", "table", "gallery", "math", "timeline", "score", "syntaxhighlight"),
    *("references", "imagemap", "graph", "source", "style", "script"),
)
_VOID = frozenset({"br", "hr", "wbr", "img", "li", "dd", "dt"})
_TOKEN = re.compile(
    r"(?P<open>\{\{|\[\[|^[ \t:]*\{\||\[(?:https?:)?//[^\s\[\]]*)"
    r"|(?P<close>\}\}|\]\]|^[ \t]*\|\}(?!\})|\])"
    r"|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,20})\b[^<>]{0,1000}>"
    r"|(?P<mark>^[*#:;]+)"
    r"|(?P<line>\n)",
    re.MULTILINE,
)
_CLOSES = {"}}": "{{", "]]": "[[", "|}": "{|", "]": "["}


@dataclass
class _Open:
    kind: str
    start: int
    end: int
    depth: int = 0  # levels inside


def pieces(wikitext: str) -> Iterator[str]:
    """The page's wikitext without what the module's page says, in order. Takes linear time."""
    text = _without_comments(wikitext)
    cuts, breaks = _scan(text)
    held: list[str] = []
    size = at = 0
    lines = iter([*breaks, len(text)])
    line = next(lines)
    for start, end in [*cuts, (len(text), len(text))]:
        # What stays before the next cut, in pieces that end where lines do.
        while line < start:
            if line > at:
                held.append(text[at:line])
                size += line - at
                at = line
            if size >= PIECE:
                yield "".join(held)
                held, size = [], 0
            line = next(lines)
        held.append(text[at:start])
        size += start - at
        at = max(at, end)
    yield "".join(held)


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start)
        if end < 0:  # as in MediaWiki, the rest of the page is the comment
            return "".join(kept)
        at = end + 3
    return "".join([*kept, text[at:]])


def _scan(text: str) -> tuple[list[tuple[int, int]], list[int]]:
    """What to cut out, and where the page may be cut: ends of lines and of what stands in them."""
    stack: list[_Open] = []
    inside: Counter[str] = Counter()
    cuts: list[tuple[int, int]] = []
    spans: list[tuple[int, int]] = []  # outermost pairs that stay
    lines: list[int] = []

    def close(kind: str, start: int, end: int) -> None:
        if not inside[kind]:
            cuts.append((start, end))
            return
        depth = 0
        while stack:
            last = stack.pop()
            inside[last.kind] -= 1
            if last.kind != kind:
                cuts.append((last.start, last.end))
                depth = max(depth, last.depth)
                continue
            depth = max(depth, last.depth) + 1
            if kind[0].isalpha() and kind not in CONTENT_DROPPED:
                cuts.extend([(last.start, last.end), (start, end)])
            elif end - last.start > MOST or depth > DEEP:
                cuts.append((last.start, end))
            else:
                spans.append((last.start, end))
                lines.append(end)  # a line may be as long as the page
            if stack:
                stack[-1].depth = max(stack[-1].depth, depth)
            return

    for token in _TOKEN.finditer(text):
        start, end, kind = token.start(), token.end(), token.lastgroup
        if kind == "line":
            lines.append(end)
        elif kind == "mark":
            cuts.append((start, end))
        elif kind == "open":
            name = token[0].strip(" \t:")
            name = name if name in ("{{", "[[", "{|") else "["  # with its address
            stack.append(_Open(name, start, end))
            inside[name] += 1
        elif kind == "close":
            close(_CLOSES[token[0].strip(" \t")], start, end)
        else:
            name = token["tag"].lower()
            if token["end"]:
                close(name, start, end)
            elif name in _VOID or token[0].endswith("/>"):
                cuts.append((start, end))
            else:
                stack.append(_Open(name, start, end))
                inside[name] += 1
    cuts.extend((last.start, last.end) for last in stack)
    return _merged(cuts), _outside(lines, _merged(spans))


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of ranges, in order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _outside(lines: list[int], spans: list[tuple[int, int]]) -> list[int]:
    """The places in `lines` that stand in none of the spans."""
    found = []
    place = 0
    for line in lines:
        while place < len(spans) and spans[place][1] <= line:
            place += 1
        if place == len(spans) or line <= spans[place][0]:
            found.append(line)
    return found
