"""MediaWiki's XML dumps: titles and wikitext of their articles.

The pages of the article namespace that are no redirects count, and of a page with its history the
last revision, in the order of the file. A page is damaged that does not end before the next one
starts or a gap in the text, is no XML, or is larger than `_MAX_PAGE`; it costs itself. Of a bzip2
file the core decompresses block by block: damage in one costs its text alone.

Memory: twice `_MAX_PAGE`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from webtext_py import _core
from webtext_py.errors import InputError
from webtext_py.reader import naming_damage, open_any
from webtext_py.reader.files import shown

_READ = 1 << 20
_TAG = re.compile(rb"</?page>")
_START, _END = b"<page>", b"</page>"
_REVISION, _REVISED = b"<revision>", b"</revision>"
_MAX_PAGE = 16 << 20  # our choice: MediaWiki's own limit is 2 MiB of wikitext
_REDIRECT = re.compile(r"\s*+#redirect\b", re.IGNORECASE)


def is_dump(head: bytes) -> bool:
    """Whether a file's text starts like a dump."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(_START) or (start.startswith(b"<") and b"<mediawiki" in start)


def is_redirect(wikitext: str) -> bool:
    """Whether a page only leads to another."""
    return bool(_REDIRECT.match(wikitext))


def read_pages(
    path: Path, lost: Counter[str], part: tuple[int, int] | None
) -> Iterator[tuple[str, str]]:
    """Title and wikitext of the articles; with `part`, of a bzip2 file those that begin in the
    streams that start in this range of its bytes. What is left out is counted."""
    pieces = _core.Bzip2Range(path, *part) if part else _plain(path)
    xml = None
    for xml in _elements(pieces, lost):
        try:
            found = _page(xml, lost)
        except ElementTree.ParseError:
            lost["damaged_pages"] += 1
            continue
        if found is not None:
            yield found
    if xml is None and not lost.total() and part in (None, (0, path.stat().st_size)):
        raise InputError(f"`{shown(path)}` holds no page of a MediaWiki dump")


def _plain(path: Path) -> Iterator[bytes]:
    with naming_damage(path), open_any(path) as stream:
        while piece := stream.read(_READ):
            yield piece


def _elements(pieces: Iterable[bytes | int | None], lost: Counter[str]) -> Iterator[bytes]:
    """The `<page>` elements that start before the boundary, each with its last revision alone; the
    pieces of the text are those of `Bzip2Range`. Looks at every byte a fixed number of times,
    whatever they hold."""
    held = bytearray()
    base = searched = 0  # place of what is held in the text; no tag begins before here
    limit: int | None = None
    inside = False  # what is held starts with the tag of a page
    for piece in pieces:
        if piece is None:  # a gap: what is behind it is of another page
            lost["damages"] += limit is None  # behind it the next part counts
            lost["damaged_pages"] += inside
            inside, base, searched = False, base + len(held), 0
            held.clear()
        elif isinstance(piece, int):
            limit = base + len(held)
            lost["lost_bytes"] += piece
        if limit is not None and not held:
            return
        if not isinstance(piece, bytes):
            continue
        held += piece
        start = 0
        for tag in _TAG.finditer(held, searched):
            if tag[0] == _START:
                if inside:  # the page before has no end
                    lost["damaged_pages"] += 1
                if limit is not None and base + tag.start() >= limit:
                    return
                start, inside = tag.start(), True
            elif inside:
                yield _without_history(held[start : tag.end()], lost)
                inside = False
        passed = start if inside else len(held) - _begun(held)
        del held[:passed]
        base += passed
        if inside and len(held) > _MAX_PAGE // 2:
            before = len(held)
            held = bytearray(_without_history(held, lost))
            base += before - len(held)
            if len(held) > _MAX_PAGE:
                lost["damaged_pages"] += 1
                inside = False
                base += len(held) - _begun(held)
                del held[: len(held) - _begun(held)]
        searched = max(len(_START), len(held) - len(_END) + 1) if inside else 0
    if inside:
        lost["damaged_pages"] += 1


def _begun(held: bytearray) -> int:
    """How many bytes at the end may be the beginning of a page's tag."""
    tail = held[1 - len(_START) :]
    at = tail.rfind(b"<")
    return len(tail) - at if at >= 0 and _START.startswith(tail[at:]) else 0


def _without_history(page: bytearray, lost: Counter[str]) -> bytes:
    """A page, or what there is of one, without the revisions before the last that begins in it."""
    first, last = page.find(_REVISION), page.rfind(_REVISION)
    if first == last:
        return bytes(page)
    lost["older_revisions"] += page.count(_REVISED, first, last)
    return bytes(page[:first] + page[last:])


def _page(xml: bytes, lost: Counter[str]) -> tuple[str, str] | None:
    """Title and wikitext of a page; None for redirects and other namespaces, which are counted."""
    page = ElementTree.fromstring(xml)
    if (page.findtext("ns") or "0").strip() != "0":
        lost["other_namespaces"] += 1
        return None
    text = page.findtext("revision/text") or ""
    if page.find("redirect") is not None or is_redirect(text):
        lost["redirects"] += 1
        return None
    return (page.findtext("title") or "").strip(), text
