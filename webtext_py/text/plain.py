"""An extracted tree (trafilatura's TEI-like body) to plain text, without any markup.

Paragraphs are separated by an empty line, as in the published samples of WebText; items of one
list and rows of one table by a newline, cells by a tab, `lb` by a newline. Iterative: the depth of
a hostile tree costs nothing.
"""

import re
import unicodedata
from collections.abc import Iterator

from lxml.etree import _Element, iterwalk

_INLINE = frozenset(["hi", "ref", "del", "span", "a", "b", "i", "em", "strong", "graphic"])
_TIGHT = frozenset(["list", "table"])

_SPACES = re.compile(r"[^\S\n]+")
_AROUND_NEWLINE = re.compile(r" ?\n\s*")
# Controls other than tab and newline, lone surrogates, noncharacters.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def plain_text(body: _Element) -> str:
    """Text of `body` as described above, NFC, without control characters; may be empty."""
    parts: list[str] = []
    previous: int | None = None
    for group, block in _blocks(body):
        if parts:
            parts.append("\n" if group is not None and group == previous else "\n\n")
        parts.append(block)
        previous = group
    return unicodedata.normalize("NFC", "".join(parts))


# Stands between cells until a block is tidied; no text has it, as controls are removed.
_CELL = "\x1f"


def _blocks(body: _Element) -> Iterator[tuple[int | None, str]]:
    """Each block's text with the number of the list or table it stands in, if any."""
    buffer: list[str] = []
    groups: list[int] = []
    count = 0
    code: _Element | None = None
    for event, element in iterwalk(body, events=("start", "end", "comment", "pi")):
        if code is not None and element is not code:
            continue  # inside a block of code, which is taken whole
        if event in ("comment", "pi"):
            buffer.append(_one_line(element.tail or ""))
            continue
        tag = element.tag
        if event == "start":
            if tag == "code" and _is_block(element):
                code = element
            if tag == "lb":
                buffer.append("\n")
            elif _breaks(element, tag) or code is not None:
                yield from _flush(buffer, groups)
            if tag in _TIGHT:
                count += 1
                groups.append(count)
            if code is not None:
                text = _code_text(element)
                if text:
                    yield (groups[0] if groups else None), text
            elif element.text:
                buffer.append(_one_line(element.text))
        else:
            if tag == "cell":
                buffer.append(_CELL)
            elif _breaks(element, tag):
                yield from _flush(buffer, groups)
            elif tag not in _INLINE and tag not in ("lb", "code"):
                buffer.append(" ")  # a block that is inside a cell, so in one line with others
            code = None
            if tag in _TIGHT:
                groups.pop()
            if element.tail and element is not body:
                buffer.append(_one_line(element.tail))
    yield from _flush(buffer, groups)


def _flush(buffer: list[str], groups: list[int]) -> Iterator[tuple[int | None, str]]:
    text = _tidy("".join(buffer))
    buffer.clear()
    if text:
        yield (groups[0] if groups else None), text


def _breaks(element: _Element, tag: str) -> bool:
    """Whether a block begins and ends with `element`."""
    if tag in _INLINE or tag in ("lb", "code"):
        return False
    if tag in ("row", "table"):
        return True
    if tag == "cell":
        return _lone_cell(element)
    cell = next(element.iterancestors("cell"), None)
    return cell is None or _lone_cell(cell)


def _lone_cell(cell: _Element) -> bool:
    """Whether the cell is all of its row: then it is layout, and its blocks stay blocks."""
    return cell.getprevious() is None and cell.getnext() is None


def _is_block(code: _Element) -> bool:
    return "\n" in "".join(code.itertext()) or code.find(".//lb") is not None


def _code_text(code: _Element) -> str:
    parts = [code.text or ""]
    for inner in code.iterdescendants():
        parts.append("\n" if inner.tag == "lb" else inner.text or "")
        parts.append(inner.tail or "")
    return _UNWANTED.sub("", "".join(parts)).strip("\n").rstrip()


def _one_line(text: str) -> str:
    """A newline in the source is a space; those of `lb` come in by themselves."""
    return " ".join(_UNWANTED.sub("", text).split("\n"))


def _tidy(text: str) -> str:
    if _CELL in text:
        cells = (" ".join(cell.split()) for cell in text.split(_CELL))
        return "\t".join(cell for cell in cells if cell)
    return _AROUND_NEWLINE.sub("\n", _SPACES.sub(" ", text)).strip()
