"""Articles of Wikipedia as titles and plain text: MediaWiki dumps, and any text set of articles.

A dump is MediaWiki's XML (`pages-articles`, plain or compressed, with one or many streams), told by
its content, or the JSON lines of Wikimedia's enterprise dumps. Its pages of the article namespace
that are no redirects count, and of a page with its history the last revision, in the order of the
file; markup is taken out by mwparserfromhell: templates, tables, references, files and categories
go, a link leaves its words. A damaged bzip2 stream costs that stream, a damaged page that page.
All that is left out is counted. Anything else goes through the one reader of text, with a `title`
column or key where there is one; plain text in WikiText's form is cut at its ` = Title = ` lines.

Memory: a few times `_MAX_PAGE`, whatever a compressed file claims to hold.
"""

import bz2
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mwparserfromhell
import pyarrow as pa

from webtext_py.errors import FormatError, InputError
from webtext_py.reader import Passed, Source, naming_damage, open_any, read_batches, recognise
from webtext_py.reader.files import ending_of, files_in, named_files, plain_name, shown
from webtext_py.reader.kinds import no_text
from webtext_py.wikipedia.pieces import CONTENT_DROPPED, pieces

__all__ = ["ARTICLES", "LEFT_OUT", "article_files", "plain_text", "read_articles"]

ARTICLES = pa.schema(
    [pa.field("title", pa.string(), False), pa.field("text", pa.large_string(), False)]
)
# What is counted of a file beside its articles.
LEFT_OUT = (
    *("damaged_streams", "damaged_pages", "lost_bytes"),
    *("redirects", "other_namespaces", "older_revisions"),
)
_READ = 1 << 20
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
_START, _END = b"<page>", b"</page>"
_REVISION, _REVISED = b"<revision>", b"</revision>"
_MAX_PAGE = 16 << 20  # our choice: MediaWiki's own limit is 2 MiB of wikitext
_BATCH_BYTES = 8 << 20
_HEADING = re.compile(r"^ = ([^=].*?) = $")
_NAMESPACE = re.compile(r"\s*:?\s*(?:file|image|category|media)\s*:", re.IGNORECASE)
_REDIRECT = re.compile(r"\s*#redirect\b", re.IGNORECASE)
_INDEX = re.compile(rb"\d+:\d+:[^\n]+\n\d+:\d+:")  # of a multistream dump
_SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"


def article_files(given: Sequence[str], passed: Passed) -> list[Path]:
    """The files of articles that values name; what else their folders hold is counted.

    Raises `InputError` for what is missing, and a folder without any.
    """
    found: list[Path] = []
    for value in given:
        for path in named_files(value):
            inside = files_in(path, _no_articles, passed) if path.is_dir() else [path]
            if not inside:
                raise InputError(
                    f"`{shown(path)}` holds no articles (MediaWiki XML, Parquet, JSONL or text)"
                )
            found += inside
    return found


def _no_articles(path: Path) -> str | None:
    if plain_name(path).endswith(".xml"):
        return None
    reason = no_text(path, "text")
    if reason is not None and plain_name(path).endswith((".json", ".ndjson")):
        return None if not no_text(path, "article_body") else reason
    if reason is None and plain_name(path).endswith(".txt") and _INDEX.match(_head(path)):
        return f"{ending_of(path)}: the index of a multistream dump"
    return reason


def _head(path: Path) -> bytes:
    try:
        with naming_damage(path), open_any(path) as stream:
            return bytes(stream.read(4096))
    except FormatError:
        return b""


def read_articles(path: Path, damage: dict[str, int]) -> Iterator[pa.RecordBatch]:
    """Batches of `ARTICLES`; what was left out is added to `damage` by kind (`LEFT_OUT`)."""
    lost = Counter[str]()
    rows: list[tuple[str, str]] = []
    held = 0
    try:
        for title, text in _articles(path, lost):
            rows.append((title, text))
            held += len(text)
            if held >= _BATCH_BYTES:
                yield _batch(rows)
                rows, held = [], 0
        if rows:
            yield _batch(rows)
    finally:
        damage.update(lost)


def _batch(rows: list[tuple[str, str]]) -> pa.RecordBatch:
    titles, texts = zip(*rows, strict=True)
    return pa.record_batch(
        [pa.array(titles, pa.string()), pa.array(texts, pa.large_string())], schema=ARTICLES
    )


def _articles(path: Path, lost: Counter[str]) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        start = file.read(len(_SEVEN_ZIP))
    if start == _SEVEN_ZIP:
        raise InputError(f"`{shown(path)}` is a 7-Zip archive", "unpack it, or use the .bz2 dump")
    if plain_name(path).endswith(".xml") or _is_dump(_head(path)):
        packed = start.startswith(b"BZh")
        yield from _pages(_streams(path, lost) if packed else _plain(path), lost)
        return
    source = recognise(path)
    if source.kind == "text":
        yield from _wikitext(source)
    elif source.kind == "jsonl" and _is_enterprise(_head(path)):
        yield from _enterprise(source, lost)
    else:
        yield from _texts(source)


def _is_dump(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"<mediawiki", _START)) or (
        start.startswith(b"<?xml") and b"<mediawiki" in start
    )


def _is_enterprise(head: bytes) -> bool:
    """Whether JSON lines are Wikimedia's, whose keys come in no certain order."""
    return b'"article_body"' in head or (b'"namespace"' in head and b'"identifier"' in head)


def _texts(source: Source) -> Iterator[tuple[str, str]]:
    try:
        for batch in read_batches(source, extra=("title",)):
            columns = (batch[name].to_pylist() for name in ("id", "title", "text"))
            for name, title, text in zip(*columns, strict=True):
                yield title or name, text
    except FormatError:
        raise
    except InputError as error:
        raise InputError(str(error), "articles are read from `text`, and `title`") from error


def _enterprise(source: Source, lost: Counter[str]) -> Iterator[tuple[str, str]]:
    """The articles of an enterprise dump: `name`, and the wikitext of `article_body`."""
    with naming_damage(source.path), open_any(source.path) as stream:
        while line := stream.readline(4 * _MAX_PAGE):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                space = (row.get("namespace") or {}).get("identifier", 0)
                title, text = row["name"], (row["article_body"] or {}).get("wikitext")
            except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
                lost["damaged_pages"] += 1
                continue
            if not isinstance(text, str):
                raise InputError(
                    f"`{shown(source.path)}` has an article without `article_body.wikitext`",
                    "use the XML dump, or JSON lines with `title` and `text`",
                )
            if space != 0:
                lost["other_namespaces"] += 1
            elif _REDIRECT.match(text):
                lost["redirects"] += 1
            else:
                yield _valid(str(title)).strip(), plain_text(_valid(text))


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _plain(path: Path) -> Iterator[bytes]:
    with naming_damage(path), open_any(path) as stream:
        while piece := stream.read(_READ):
            yield piece


def _streams(path: Path, lost: Counter[str]) -> Iterator[bytes]:
    """The decompressed bytes of all streams; after damage goes on at the next one's start."""
    with path.open("rb") as file:
        held = b""
        decoder = bz2.BZ2Decompressor()
        skipping = fed = False  # looking for the next stream; inside one
        while True:
            if not held and decoder.needs_input:
                held = file.read(_READ)
                if not held:
                    break
            if skipping:
                start = _STREAM.search(held)
                if start is None:
                    more = file.read(_READ)
                    lost["lost_bytes"] += max(0, len(held) - 9)
                    held = held[-9:] + more if more else b""
                    if not more:
                        break
                    continue
                lost["lost_bytes"] += start.start()
                held, skipping = held[start.start() :], False
                decoder = bz2.BZ2Decompressor()
            given = held
            try:
                # A kilobyte may hold a gigabyte: so much at a time.
                piece = decoder.decompress(given, _READ)
            except OSError:
                lost["damaged_streams"] += 1
                held, skipping, fed = given[1:], True, False
                decoder = bz2.BZ2Decompressor()
                continue
            if piece:
                yield piece
            held, fed = b"", True
            if decoder.eof:
                held, fed = decoder.unused_data, False
                decoder = bz2.BZ2Decompressor()
        if fed:  # the file ends inside a stream
            lost["damaged_streams"] += 1


def _pages(pieces: Iterator[bytes], lost: Counter[str]) -> Iterator[tuple[str, str]]:
    for xml in _elements(pieces, lost):
        try:
            found = _page(xml, lost)
        except ElementTree.ParseError:
            lost["damaged_pages"] += 1
            continue
        if found is not None:
            yield found


def _elements(pieces: Iterator[bytes], lost: Counter[str]) -> Iterator[bytes]:
    """The `<page>` elements, each from the last start before its end, with the last revision
    alone. Looks at every byte a fixed number of times, whatever the pieces hold."""
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
                lost["damaged_pages"] += 1
            done = end
            if start >= 0:
                yield _without_history(held[start:end], lost)
        searched = max(searched, len(held) - len(_END) + 1) - done
        del held[:done]
        if len(held) > _MAX_PAGE // 2:  # of a page with its history the last revision is kept
            before = len(held)
            held = bytearray(_without_history(held, lost))
            searched = max(0, searched - (before - len(held)))
        if len(held) > _MAX_PAGE:
            lost["damaged_pages"] += 1
            del held[:-16]
            searched = 0


def _without_history(page: bytearray, lost: Counter[str]) -> bytes:
    """A page, or what there is of one, without the revisions before the last that begins in it."""
    first, last = page.find(_REVISION), page.rfind(_REVISION)
    if first == last:
        return bytes(page)
    lost["older_revisions"] += page.count(_REVISED, first, last)
    return bytes(page[:first] + page[last:])


def _page(xml: bytes, lost: Counter[str]) -> tuple[str, str] | None:
    """Title and text of a page; None for redirects and other namespaces, which are counted."""
    page = ElementTree.fromstring(xml)
    if (page.findtext("ns") or "0").strip() != "0":
        lost["other_namespaces"] += 1
        return None
    text = page.findtext("revision/text") or ""
    if page.find("redirect") is not None or _REDIRECT.match(text):
        lost["redirects"] += 1
        return None
    return (page.findtext("title") or "").strip(), plain_text(text)


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
