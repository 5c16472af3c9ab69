"""Running text: WikiText, Penn Treebank, One Billion Words, enwik8, text8, any other."""

import re
from collections.abc import Callable, Sequence

from webtext_py.errors import InputError

from ..detokenise import DETOKENISERS, is_padded
from ..items import Item
from .source import Source

_HEADING = re.compile(r"^ = (?!=)(.+?) = *$")
_TEST_BYTES = 5_000_000  # of the 100 MB of enwik8 and text8 the last are the test set
_WHOLE_BYTES = 100_000_000
_PIECE = 10_000  # characters of a piece of enwik8 and text8: our choice


def is_wikitext(source: Source) -> bool:
    """Whether there are headings ` = Title = `."""
    return not source.keys and any(_HEADING.match(line) for line in source.lines[:2000])


def is_ptb(source: Source) -> bool:
    """Whether lines are the Penn Treebank's as Mikolov cut it: small letters, `N`, `<unk>`."""
    lines = source.lines[:2000]
    words = " ".join(lines).split()
    small = all(word == word.lower() or word == "N" for word in words)
    return not source.keys and is_padded(lines) and small and "<unk>" in words


def is_enwik8(source: Source) -> bool:
    """Whether it is the XML of a Wikipedia dump."""
    return source.text.startswith("<mediawiki")


def is_text8(source: Source) -> bool:
    """Whether there are the letters a to z and spaces only, in one line."""
    head = source.text[:100_000]
    return len(head) > 1000 and re.fullmatch(r"[a-z ]+\n?", head) is not None


def read_wikitext(source: Source) -> list[Item]:
    """The whole text; its pieces are articles."""
    return _lines(source, "wikitext", lambda line: bool(_HEADING.match(line)))


def read_ptb(source: Source) -> list[Item]:
    """The whole text; its pieces are lines."""
    return _lines(source, "ptb", lambda line: True)


def read_1bw(source: Source) -> list[Item]:
    """The whole text; its pieces are lines, which are sentences out of order."""
    return _lines(source, "1bw", lambda line: True)


def read_plain(source: Source) -> list[Item]:
    """The whole text as it stands; its pieces are paragraphs, or lines where nothing is blank."""
    blank = any(not line.strip() for line in source.lines)
    after_blank = [True, *(not line.strip() for line in source.lines)]
    starts = iter(after_blank)
    return _lines(source, None, lambda line: not (next(starts) is False and blank))


def read_bytes(source: Source) -> list[Item]:
    """The last 5 MB of the 100 MB of enwik8 or text8; a file of another length is taken whole."""
    data = source.text.encode()
    if len(data) == _WHOLE_BYTES:
        data = data[-_TEST_BYTES:]
    text = data.decode("utf-8", "ignore")
    parts = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    units = [len(part.split()) + part.count("\n") for part in parts]
    return [_item(source, text, parts, units, None)]


def _lines(source: Source, rules: str | None, begins: Callable[[str], bool]) -> list[Item]:
    """The text by rules of de-tokenisation, cut into pieces before lines that begin one."""
    raw = source.text
    text = DETOKENISERS[rules].text(raw) if rules else raw
    pieces: list[list[int]] = []
    made, were = text.split("\n"), raw.split("\n")
    if not were[-1]:
        made, were = made[:-1], were[:-1]
    filled = False  # what stands before the first beginning belongs to the first piece
    for number, line in enumerate(were):
        starts = begins(line)
        if not pieces or (starts and filled):
            pieces.append([])
        filled = filled or (starts and bool(line.strip()))
        pieces[-1].append(number)
    parts = ["".join(made[n] + "\n" for n in numbers) for numbers in pieces]
    if parts and not raw.endswith("\n"):
        parts[-1] = parts[-1][:-1]
    units = [sum(len(were[n].split()) + 1 for n in numbers) for numbers in pieces]
    sizes = [sum(len(were[n].encode()) + 1 for n in numbers) for numbers in pieces]
    return [_item(source, text, parts, units, sizes)]


def _item(
    source: Source,
    text: str,
    parts: Sequence[str],
    units: Sequence[int],
    sizes: Sequence[int] | None,
) -> Item:
    if not text.strip():
        raise InputError(f"`{source.path}` has no text")
    pieces = []
    at = 0
    for number, (part, unit) in enumerate(zip(parts, units, strict=True)):
        size = sizes[number] if sizes else len(part.encode())
        pieces.append([at, at + len(part), unit, size, len(part)])
        at += len(part)
    return Item("1", ((text, ""),), facts={"pieces": pieces})
