"""Articles of Wikipedia as titles and plain text: MediaWiki dumps, and any text set of articles.

A dump is the XML of `pages-articles` (plain, .bz2 with one or many streams, .gz); its pages of the
article namespace that are no redirects count, with markup taken out by mwparserfromhell: templates,
tables, references, files and categories go, a link leaves its words. A damaged compressed stream
costs that stream, a damaged page that page; both are counted. Anything else goes through the one
reader of text, with a `title` column or key where there is one; plain text in WikiText's form is
cut at its ` = Title = ` lines.
"""

import bz2
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mwparserfromhell
import pyarrow as pa

from webtext_py.errors import FormatError
from webtext_py.reader import DAMAGED, Source, open_source, read_batches, recognise
from webtext_py.wikipedia.pieces import CONTENT_DROPPED, pieces

__all__ = ["ARTICLES", "plain_text", "read_articles"]

ARTICLES = pa.schema(
    [pa.field("title", pa.string(), False), pa.field("text", pa.large_string(), False)]
)
_READ = 1 << 20
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
_START, _END = b"<page>", b"</page>"
_MAX_PAGE = 64 << 20  # our choice: MediaWiki's own limit is 2 MiB of wikitext
_BATCH_BYTES = 8 << 20
_HEADING = re.compile(r"^ = ([^=].*?) = $")
_NAMESPACE = re.compile(r"\s*+:?\s*+(?:file|image|category|media)\s*+:", re.IGNORECASE)


def read_articles(path: Path, damage: dict[str, int]) -> Iterator[pa.RecordBatch]:
    """Batches of `ARTICLES`; what could not be read is added to `damage` by kind."""
    rows: list[tuple[str, str]] = []
    held = 0
    for title, text in _articles(path, damage):
        rows.append((title, text))
        held += len(text)
        if held >= _BATCH_BYTES:
            yield _batch(rows)
            rows, held = [], 0
    if rows:
        yield _batch(rows)


def _batch(rows: list[tuple[str, str]]) -> pa.RecordBatch:
    titles, texts = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(titles, pa.string()), pa.array(texts, pa.large_string())], schema=ARTICLES
    )


def _articles(path: Path, damage: dict[str, int]) -> Iterator[tuple[str, str]]:
    if path.name.lower().endswith((".xml", ".xml.bz2", ".xml.gz")):
        packed = path.name.lower().endswith(".bz2")
        pieces = _streams(path, damage) if packed else _plain(path)
        yield from _pages(pieces, damage)
        return
    source = recognise(path)
    if source.kind == "text":
        yield from _wikitext(source)
        return
    for batch in read_batches(source, extra=("title",)):
        columns = (batch[name].to_pylist() for name in ("id", "title", "text"))
        for name, title, text in zip(*columns, strict=True):
            yield title or name, text


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        head = stream.read(2)
    compression: Any = "gzip" if head == b"\x1f\x8b" else ""
    try:
        with open_source(Source(path, "text", compression)) as stream:
            while piece := stream.read(_READ):
                yield piece
    except DAMAGED as error:
        raise FormatError(f"`{path}` is cut or damaged: {error}") from error


def _streams(path: Path, damage: dict[str, int]) -> Iterator[bytes]:
    """The decompressed bytes of all streams; after damage goes on at the next one's start."""
    with path.open("rb") as file:
        held = b""
        decoder = bz2.BZ2Decompressor()
        skipping = fed = False  # looking for the next stream; inside one
        while True:
            if not held:
                held = file.read(_READ)
                if not held:
                    break
            if skipping:
                start = _STREAM.search(held)
                if start is None:
                    more = file.read(_READ)
                    damage["lost_bytes"] = damage.get("lost_bytes", 0) + max(0, len(held) - 9)
                    held = held[-9:] + more if more else b""
                    if not more:
                        break
                    continue
                damage["lost_bytes"] = damage.get("lost_bytes", 0) + start.start()
                held, skipping = held[start.start() :], False
                decoder = bz2.BZ2Decompressor()
            try:
                piece = decoder.decompress(held)
            except OSError:
                damage["damaged_streams"] = damage.get("damaged_streams", 0) + 1
                held, skipping, fed = held[1:], True, False
                continue
            if piece:
                yield piece
            held, fed = b"", True
            if decoder.eof:
                held, fed = decoder.unused_data, False
                decoder = bz2.BZ2Decompressor()
        if fed:  # the file ends inside a stream
            damage["damaged_streams"] = damage.get("damaged_streams", 0) + 1


def _pages(pieces: Iterator[bytes], damage: dict[str, int]) -> Iterator[tuple[str, str]]:
    for xml in _elements(pieces, damage):
        try:
            found = _page(xml)
        except ElementTree.ParseError:
            damage["damaged_pages"] = damage.get("damaged_pages", 0) + 1
            continue
        if found is not None:
            yield found


def _elements(pieces: Iterator[bytes], damage: dict[str, int]) -> Iterator[bytes]:
    """The `<page>` elements, each from the last start before its end. Looks at every byte a fixed
    number of times, whatever the pieces hold."""
    held = bytearray()
    searched = 0  # no end begins before here
    for piece in pieces:
        held += piece
        done = 0
        while (end := held.find(_END, searched)) >= 0:
            end = searched = end + len(_END)
            start = held.rfind(_START, done, end)
            # Damage may have left the start of a page without its end, or an end alone.
            if 0 <= held.find(_START, done, end) < start:
                damage["damaged_pages"] = damage.get("damaged_pages", 0) + 1
            done = end
            if start >= 0:
                yield bytes(held[start:end])
        searched = max(searched, len(held) - len(_END) + 1) - done
        del held[:done]
        if len(held) > _MAX_PAGE:
            damage["damaged_pages"] = damage.get("damaged_pages", 0) + 1
            del held[:-16]
            searched = 0


def _page(xml: bytes) -> tuple[str, str] | None:
    """Title and text of a page, None for redirects and other namespaces."""
    page = ElementTree.fromstring(xml)
    if page.findtext("ns", "0").strip() != "0" or page.find("redirect") is not None:
        return None
    text = page.findtext("revision/text") or ""
    if re.match(r"\s*#redirect\b", text, re.IGNORECASE):
        return None
    return page.findtext("title", "").strip(), plain_text(text)


def plain_text(wikitext: str) -> str:
    """The words that a reader sees: no templates, tables, references, files, categories, markup.

    Takes time in proportion to the page, whatever it holds (`pieces`).
    """
    return "".join(map(_stripped, pieces(wikitext)))


def _stripped(piece: str) -> str:
    code = mwparserfromhell.parse(piece, skip_style_tags=True)
    for tag in code.filter_tags(matches=lambda node: str(node.tag).lower() in CONTENT_DROPPED):
        _remove(code, tag)
    for link in code.filter_wikilinks(matches=lambda node: bool(_NAMESPACE.match(str(node.title)))):
        _remove(code, link)
    text = str(code.strip_code(normalize=True, collapse=True))
    # Collapsing takes away the white space at the ends, where pieces meet.
    return re.sub(r"'{2,}", "", text) + "\n"


def _remove(code: Any, node: Any) -> None:
    try:
        code.remove(node)
    except ValueError:
        return  # gone already, with what it stood in


def _wikitext(source: Source) -> Iterator[tuple[str, str]]:
    """Articles of a plain text: cut at WikiText's headings, else the whole file."""
    title, lines = source.path.name, list[str]()
    for batch in read_batches(source, sequence="line"):
        for line in batch["text"].to_pylist():
            heading = _HEADING.match(line)
            if heading:
                if any(line.strip() for line in lines):
                    yield title, "\n".join(lines)
                title, lines = heading[1], []
            else:
                lines.append(line)
    if any(line.strip() for line in lines):
        yield title, "\n".join(lines)
