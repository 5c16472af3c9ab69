"""Articles of Wikipedia as titles and plain text: MediaWiki dumps, and any text set of articles.

A dump is MediaWiki's XML (`dump`), told by its content, plain or compressed, with one or many
streams, or the JSON lines of Wikimedia's enterprise dumps. The core takes the markup out:
templates, tables, references, files and categories go, a link leaves its words. A damaged bzip2
block costs that block, a damaged page that page. All that is left out is counted. Anything else
goes through the one reader of text, with a `title` column or key where there is one; plain text in
WikiText's form is cut at its ` = Title = ` lines.

Memory: a few times a page's limit and a batch, whatever a compressed file claims to hold.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from webtext_py import _core
from webtext_py.bundled import bundled
from webtext_py.columns import text_column
from webtext_py.errors import FormatError, InputError
from webtext_py.reader import Passed, Source, naming_damage, open_any, read_batches, recognise
from webtext_py.reader.files import ending_of, files_at, plain_name, shown
from webtext_py.reader.kinds import no_text
from webtext_py.records import required
from webtext_py.wikipedia.dump import is_dump, is_redirect, read_pages

ARTICLES = required(title=pa.string(), text=pa.large_string())
# What is counted of a file beside its articles.
LEFT_OUT = (
    *("damages", "damaged_pages", "lost_bytes"),
    *("redirects", "other_namespaces", "older_revisions"),
)
# Of a file for one task: half a gigabyte of text and some 20 seconds. Our choice.
_PART_BYTES = 128 << 20
_LONGEST_LINE = 64 << 20  # of an enterprise dump, in bytes: HTML beside the wikitext. Our choice
_BATCH_BYTES = 8 << 20
_HEADING = re.compile(r"^ = ([^=].*?) = $")
_INDEX = re.compile(rb"\d+:\d+:[^\n]+\n\d+:\d+:")  # of a multistream dump
_OTHER_XML = re.compile(rb"\s*<(?:\?xml|!|rss|feed|html)|\xff\xfe|\xfe\xff")  # or UTF-16
_SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"

# Titles and texts, and whether the texts are wikitext.
_Rows = tuple[Iterator[tuple[str, str]], bool]


def article_files(given: Sequence[str], passed: Passed) -> list[Path]:
    """The files of articles that values name; what else their folders hold is counted.

    Raises `InputError` for what is missing, and a folder without any.
    """
    what = "articles (MediaWiki XML, Parquet, JSONL or text)"
    return [file for value in given for file in files_at(value, _no_articles, passed, what)]


def _no_articles(path: Path) -> str | None:
    if plain_name(path).endswith(".xml"):
        return None if _is_dump(path) else f"{ending_of(path)}: no MediaWiki dump"
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


def parts(path: Path, each: int = _PART_BYTES) -> list[tuple[int, int] | None]:
    """The parts of a file that tasks read: ranges of a bzip2 dump, None for another file whole.

    Streams (`multistream`) are shared out by where each starts; what is one stream is one part's.
    """
    if _start(path).startswith(b"BZh") and _is_dump(path):
        size = path.stat().st_size
        return [(start, min(start + each, size)) for start in range(0, size, each)]
    return [None]


def read_articles(
    path: Path, damage: dict[str, int], part: tuple[int, int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Batches of `ARTICLES`, of a file or one of its `parts`; what was left out is added to
    `damage` by kind (`LEFT_OUT`)."""
    lost = Counter[str]()
    try:
        rows, wikitext = _articles(path, lost, part)
        for batch in bundled(rows, lambda row: len(row[1]), _BATCH_BYTES):
            titles, texts = zip(*batch, strict=True)
            column = pa.array(texts, pa.large_string())
            columns = [pa.array(titles, pa.string()), plain_text(column) if wikitext else column]
            yield pa.record_batch(columns, schema=ARTICLES)
    finally:
        damage.update(+lost)


def _articles(path: Path, lost: Counter[str], part: tuple[int, int] | None) -> _Rows:
    start = _start(path)
    if start == _SEVEN_ZIP:
        raise InputError(f"`{shown(path)}` is a 7-Zip archive", "unpack it, or use the .bz2 dump")
    if _is_dump(path):
        if start.startswith(b"BZh") and part is None:
            part = (0, path.stat().st_size)
        return read_pages(path, lost, part), True
    if plain_name(path).endswith(".xml"):
        said = (
            f"`{shown(path)}` is no MediaWiki dump: it does not begin with `<mediawiki`, in UTF-8"
        )
        raise InputError(said, "articles can be Parquet, JSONL and text, too")
    source = recognise(path)
    if source.kind == "text":
        return _wikitext(source), False
    if source.kind == "jsonl" and _is_enterprise(_head(path)):
        return _enterprise(source, lost), True
    return _texts(source), False


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_SEVEN_ZIP))


def _is_dump(path: Path) -> bool:
    head = _head(path)  # of what is behind, where damage comes first
    return is_dump(head) or (plain_name(path).endswith(".xml") and not _OTHER_XML.match(head))


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
    read = 0
    with naming_damage(source.path), open_any(source.path) as stream:
        while line := stream.readline(_LONGEST_LINE):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                space = (row.get("namespace") or {}).get("identifier", 0)
                title, text = row["name"], _valid(row["article_body"]["wikitext"])
            except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
                lost["damaged_pages"] += 1
                continue
            read += 1
            if space != 0:
                lost["other_namespaces"] += 1
            elif is_redirect(text):
                lost["redirects"] += 1
            else:
                yield _valid(str(title)).strip(), text
    if lost["damaged_pages"] and not read:
        raise InputError(
            f"`{shown(source.path)}` has no article with `article_body.wikitext`",
            "use the XML dump, or JSON lines with `title` and `text`",
        )


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def plain_text(wikitext: pa.Array) -> pa.Array:
    """The words that a reader sees, by row: no templates, tables, references, files, categories,
    markup. Takes time in proportion to the text, whatever it holds (`src/wikitext/`)."""
    offsets, texts = _core.plain_wikitext(*text_column(wikitext))
    buffers = pa.py_buffer(offsets), pa.py_buffer(texts)
    return pa.LargeStringArray.from_buffers(len(wikitext), *buffers)


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
