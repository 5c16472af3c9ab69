"""The one reader of text: Parquet, JSONL and plain text, in files, folders and globs.

Every command that takes text takes it here, in bounded batches with stable row ids. Compressed
JSONL and text (`.gz`, `.zst`, `.bz2`, `.xz`) are read by their magic bytes, not by their name.
"""

import bz2
import contextlib
import glob
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from webtext_py.engine.commit import sha256_file
from webtext_py.errors import FormatError, InputError

Sequencing = Literal["document", "line"]

BATCH_BYTES = 16 << 20  # our choice: large enough for one crossing into the core to cost nothing
BATCH_ROWS = 16384
MAX_DOCUMENT_BYTES = 1 << 30  # our choice: a document is held whole, and a few at a time
ID_COLUMNS = ("doc_id", "id")
_ZSTD_WINDOW = 1 << 31
_ZSTD_STEP = 4096  # of compressed bytes at once: they become at most 128 MiB, which are held whole
_TEXT_SUFFIXES = (".txt", ".text", ".md", ".raw")
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
# In a folder: not `.json`, which is metadata more often than lines, nor a data set's card.
_KNOWN_SUFFIXES = (".parquet", ".jsonl", ".ndjson", *_TEXT_SUFFIXES)
_CARDS = ("readme.md", "readme.txt")

# What the decompressors raise for a cut or damaged file; an `OSError` only without a number.
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True)
class Source:
    """A file of texts."""

    path: Path
    kind: Literal["parquet", "jsonl", "text"]
    compression: Literal["", "gzip", "zstd", "bz2", "xz"]


def list_sources(paths: Sequence[str | Path]) -> list[Source]:
    """The files that `paths` (files, folders, globs) name, each once, in a stable order.

    Folders are searched all the way down for names that say Parquet, JSONL or text; a file named
    itself is taken by its content. Cards (`README.md`) and `.json` in folders are left out. Raises
    `InputError` for what is missing, empty or not text.
    """
    found: dict[Path, Source] = {}
    for given in paths:
        for path in expand(given):
            found.setdefault(path.resolve(), recognise(path))
    if not found:
        raise InputError(f"no file of text in {', '.join(f'`{p}`' for p in paths) or 'no path'}")
    return list(found.values())


def expand(given: str | Path) -> list[Path]:
    """The files behind one value: a file, a folder or a glob; sorted by name."""
    path = Path(given)
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and _has_known_name(p))
    if path.exists():
        return [path]
    if any(sign in str(given) for sign in "*?["):
        matches = sorted(map(Path, glob.glob(str(given), recursive=True)))  # noqa: PTH207 (absolute ones too)
        if matches:
            return [file for match in matches for file in expand(match)]
        raise InputError(f"`{given}` matches no file")
    raise InputError(f"`{given}` does not exist")


def _has_known_name(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith((".", "_")) or name in _CARDS:
        return False
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return name.endswith(_KNOWN_SUFFIXES)


def recognise(path: Path) -> Source:
    """The kind and compression of a file, by its first bytes and then its name."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PAR1"):
        return Source(path, "parquet", "")
    compression = _compression(head)
    with naming_damage(path), _open(Source(path, "text", compression)) as stream:
        sample = stream.read(4096)
    if b"\0" in sample:
        raise InputError(
            f"`{path}` is a binary file; Parquet, JSONL or plain text was expected",
        )
    name = path.name.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    by_name = name.endswith((".jsonl", ".ndjson"))
    start = sample.lstrip(b"\xef\xbb\xbf \t\r\n")
    if name.endswith(_JSON_SUFFIXES) and start.startswith(b"["):
        raise InputError(f"`{path}` is a JSON array; one JSON object a line was expected")
    looks_json = start.startswith(b"{")
    if by_name or (looks_json and not name.endswith(_TEXT_SUFFIXES)):
        return Source(path, "jsonl", compression)
    return Source(path, "text", compression)


def _compression(head: bytes) -> Literal["", "gzip", "zstd", "bz2", "xz"]:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or head[1:4] == b"\x2a\x4d\x18":
        return "zstd"
    if head.startswith(b"BZh"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return ""


def _open(source: Source) -> IO[bytes] | io.BufferedIOBase:
    path = source.path
    if source.compression == "gzip":
        return gzip.open(path, "rb")
    if source.compression == "bz2":
        return bz2.open(path, "rb")
    if source.compression == "xz":
        return lzma.open(path, "rb")
    if source.compression == "zstd":
        return io.BufferedReader(_ZstdFile(path), 1 << 20)
    return path.open("rb")


class _ZstdFile(io.RawIOBase):
    """The bytes of a file's zstd frames.

    Raises `EOFError` where the file ends inside one, of which the library's reader says nothing.
    """

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")
        self._within = False  # a frame has begun and not ended
        self._frame = self._next_frame()
        self._left = memoryview(b"")

    def _next_frame(self) -> Any:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._within = self._next_frame(), False
            packed = packed or self._stream.read(_ZSTD_STEP)
            if not packed:
                if self._within:
                    raise EOFError("it ends inside a compressed frame")
                return 0
            self._within = True
            self._left = memoryview(self._frame.decompress(packed))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextlib.contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turns what decompressors say of a cut or damaged file into a `FormatError` with its name."""
    try:
        yield
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FormatError(f"`{path}` is cut or damaged: {error}") from error


def open_any(path: Path) -> IO[bytes] | io.BufferedIOBase:
    """The decompressed bytes of any file, compressed as its first bytes say."""
    with path.open("rb") as stream:
        head = stream.read(8)
    return _open(Source(path, "text", _compression(head)))


def open_source(source: Source) -> IO[bytes] | io.BufferedIOBase:
    """The decompressed bytes of a JSONL or text file."""
    return _open(source)


def read_batches(
    source: Source,
    *,
    text_field: str = "text",
    sequence: Sequencing = "document",
    extra: Sequence[str] = (),
    batch_bytes: int = BATCH_BYTES,
    groups: tuple[int, int] | None = None,
    digest: str | None = None,
    ids: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Batches with columns `id` (string), `text` (large_string) and `extra` (string or null).

    `id` is the row's own `doc_id` or `id` where it has one, else the first 16 hexadecimal digits of
    the file's SHA-256, a colon and the row number. `text_field` is the column or key of Parquet and
    JSONL; a null counts as empty. Plain text is one document a file, or with `sequence="line"` one
    a line; in Parquet and JSONL `line` splits each text at its newlines (ids get `:` and the
    number). `extra` columns that a file lacks are null.
    A batch holds at most about `batch_bytes` of text, or one document. `groups` are the row groups
    of a Parquet file to read, first and end; `digest` is the file's SHA-256, where it is known. For
    a caller without use for them `ids` spares a Parquet file's: the column is then null.
    """
    if source.kind == "parquet":
        batches = _read_parquet(source, text_field, extra, batch_bytes, groups, digest, ids)
    elif source.kind == "jsonl":
        batches = _read_jsonl(source, text_field, extra, batch_bytes)
    elif sequence == "line":
        return _read_lines(source, extra, batch_bytes)
    else:
        return _read_whole(source, extra)
    return _split_lines(batches) if sequence == "line" else batches


def _row_prefix(path: Path) -> str:
    return sha256_file(path)[:16]


def _batch(
    ids: Sequence[str], texts: Sequence[str], extra: dict[str, Sequence[str | None]]
) -> pa.RecordBatch:
    columns = [pa.array(ids, pa.string()), pa.array(texts, pa.large_string())]
    columns += [pa.array(values, pa.string()) for values in extra.values()]
    return pa.record_batch(columns, names=["id", "text", *extra])


def open_parquet(path: Path) -> pq.ParquetFile:
    """The file; raises `FormatError` for a damaged one."""
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise FormatError(f"`{path}` is a damaged Parquet file: {error}") from error


def _read_parquet(
    source: Source,
    text_field: str,
    extra: Sequence[str],
    batch_bytes: int,
    groups: tuple[int, int] | None = None,
    digest: str | None = None,
    with_ids: bool = True,
) -> Iterator[pa.RecordBatch]:
    file = open_parquet(source.path)
    names = file.schema_arrow.names
    if text_field not in names:
        raise InputError(
            f"`{source.path}` has no column `{text_field}`; it has {', '.join(names)}",
            "name the text's column with `--text-field`",
        )
    kind = file.schema_arrow.field(text_field).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError(f"column `{text_field}` of `{source.path}` is {kind}; text was expected")
    id_column = None
    if with_ids:
        id_column = next((n for n in ID_COLUMNS if n in names and n != text_field), None)
    prefix = "" if id_column or not with_ids else (digest or sha256_file(source.path))[:16]
    columns = list(dict.fromkeys([text_field, *([id_column] if id_column else []), *extra]))
    columns = [name for name in columns if name in names]
    first, end = groups or (0, file.num_row_groups)
    row = sum(file.metadata.row_group(group).num_rows for group in range(first))
    try:
        for group in range(first, end):
            facts = file.metadata.row_group(group)
            rows = max(1, min(BATCH_ROWS, batch_bytes * facts.num_rows // _group_bytes(facts)))
            for batch in file.iter_batches(rows, [group], columns, use_threads=False):
                if id_column:
                    ids = _as(pa.string(), batch.column(id_column))
                elif not with_ids:
                    ids = pa.nulls(batch.num_rows, pa.string())
                else:
                    ids = pa.array([f"{prefix}:{row + i}" for i in range(batch.num_rows)])
                row += batch.num_rows
                text = _as(pa.large_string(), batch.column(text_field))
                arrays = [ids, text.fill_null("") if text.null_count else text]
                for name in extra:
                    given = name in columns
                    nulls = pa.nulls(batch.num_rows, pa.string())
                    arrays.append(batch.column(name).cast(pa.string()) if given else nulls)
                yield from _cut(pa.record_batch(arrays, names=["id", "text", *extra]), batch_bytes)
    except (OSError, pa.ArrowInvalid) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FormatError(f"`{source.path}` is a damaged Parquet file: {error}") from error


def _as(kind: pa.DataType, values: pa.Array) -> pa.Array:
    # Arrow's own way for equal types first loads its compute functions: a tenth of a second.
    return values if values.type == kind else values.cast(kind)


def _group_bytes(facts: Any) -> int:
    return max(1, int(facts.total_byte_size))


def _cut(batch: pa.RecordBatch, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """Slices of at most about `batch_bytes` of text each."""
    if batch.num_rows <= 1 or batch.nbytes <= 2 * batch_bytes:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _cut(batch.slice(0, half), batch_bytes)
    yield from _cut(batch.slice(half), batch_bytes)


def _read_jsonl(
    source: Source, text_field: str, extra: Sequence[str], batch_bytes: int
) -> Iterator[pa.RecordBatch]:
    prefix = ""
    ids: list[str] = []
    texts: list[str] = []
    others: dict[str, list[str | None]] = {name: [] for name in extra}
    held = row = 0
    for number, line in enumerate(_lines(source), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"`{source.path}` line {number} is not JSON: {error}") from error
        if not isinstance(record, dict) or not isinstance(record.get(text_field, 0), str | None):
            keys = ", ".join(map(str, record)) if isinstance(record, dict) else "no object"
            raise InputError(
                f"`{source.path}` line {number} has no text under `{text_field}`; it has {keys}",
                "name the text's key with `--text-field`",
            )
        own = next((record[n] for n in ID_COLUMNS if isinstance(record.get(n), str | int)), None)
        if own is None:
            prefix = prefix or _row_prefix(source.path)
            own = f"{prefix}:{row}"
        text = _clean(record[text_field] or "")
        ids.append(_clean(str(own)))
        texts.append(text)
        for name, values in others.items():
            value = record.get(name)
            values.append(None if value is None else _clean(str(value)))
        row += 1
        held += len(text)
        if held >= batch_bytes or len(ids) >= BATCH_ROWS:
            yield _batch(ids, texts, dict(others))
            ids, texts, held = [], [], 0
            others = {name: [] for name in extra}
    if ids:
        yield _batch(ids, texts, dict(others))


def _clean(text: str) -> str:
    """Lone surrogates, which JSON can spell and UTF-8 cannot, become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _lines(source: Source) -> Iterator[bytes]:
    with naming_damage(source.path), _open(source) as stream:
        while line := stream.readline(MAX_DOCUMENT_BYTES + 1):
            if len(line) > MAX_DOCUMENT_BYTES:
                raise InputError(
                    f"`{source.path}` has a line longer than {MAX_DOCUMENT_BYTES} bytes"
                )
            yield line


def _read_lines(source: Source, extra: Sequence[str], batch_bytes: int) -> Iterator[pa.RecordBatch]:
    prefix = _row_prefix(source.path)
    ids: list[str] = []
    texts: list[str] = []
    held = 0
    for row, line in enumerate(_lines(source)):
        ids.append(f"{prefix}:{row}")
        texts.append(line.decode("utf-8", "replace").rstrip("\r\n"))
        held += len(line)
        if held >= batch_bytes or len(ids) >= BATCH_ROWS:
            yield _batch(ids, texts, {name: [None] * len(ids) for name in extra})
            ids, texts, held = [], [], 0
    if ids:
        yield _batch(ids, texts, {name: [None] * len(ids) for name in extra})


def _read_whole(source: Source, extra: Sequence[str]) -> Iterator[pa.RecordBatch]:
    parts = []
    size = 0
    for line in _lines(source):
        parts.append(line)
        size += len(line)
        if size > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"`{source.path}` is one document of more than {MAX_DOCUMENT_BYTES} bytes",
                "read it line by line with `--sequence line`",
            )
    text = b"".join(parts).decode("utf-8", "replace")
    yield _batch([f"{_row_prefix(source.path)}:0"], [text], {name: [None] for name in extra})


def _split_lines(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        ids: list[str] = []
        texts: list[str] = []
        extra: dict[str, list[str | None]] = {n: [] for n in batch.schema.names[2:]}
        rows = batch.to_pylist()
        for row in rows:
            for number, line in enumerate(row["text"].split("\n")):
                ids.append(f"{row['id']}:{number}")
                texts.append(line)
                for name, values in extra.items():
                    values.append(row[name])
        yield _batch(ids, texts, dict(extra))
