"""Parquet and Arrow files in bounded batches, whatever their encodings claim.

A dictionary or a shared prefix lets a few bytes stand for gigabytes: a batch holds at most so many
rows that, at the size of the longest value that its encoding can make, it stays below
`MOST_BYTES`.
"""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.errors import FormatError
from webtext_py.reader.columns import takeable
from webtext_py.reader.files import shown

BATCH_ROWS = 16384
MOST_BYTES = 64 << 20  # our choice: of one column of a batch, at worst
_DICTIONARY_PAGE = 2
_PREFIXES = ("DELTA_BYTE_ARRAY",)


@contextmanager
def naming_corruption(path: Path, kind: str = "Parquet") -> Iterator[None]:
    """Turns what Arrow says of a damaged file into a `FormatError` with its name."""
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).partition("\n")[0][:300]
        raise FormatError(f"`{shown(path)}` is a damaged {kind} file: {said}") from error
    except MemoryError as error:
        raise FormatError(f"`{shown(path)}` asks for more memory than there is") from error


def open_parquet(path: Path, **options: Any) -> pq.ParquetFile:
    """The file; raises `FormatError` for a damaged one."""
    with naming_corruption(path):
        utf8 = shown(path) == str(path)
        file = pq.ParquetFile(path if utf8 else _mapped(path), **options)
    _need_distinct(path, file.schema_arrow.names)
    return file


def _need_distinct(path: Path, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"`{shown(path)}` has two columns called `{twice}`")


def _mapped(path: Path) -> pa.NativeFile:
    """A file whose name is not UTF-8, which Arrow's own opening takes no other than."""
    with path.open("rb") as file:
        return pa.BufferReader(pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


def group_batches(
    file: pq.ParquetFile,
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    rows: int = BATCH_ROWS,
    batch_bytes: int = 64 << 20,
    groups: Sequence[int] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Batches of a file's row groups: at most `rows` rows and about `batch_bytes`, in order."""
    wanted = None if columns is None else list(columns)
    schema = takeable(file.schema_arrow)
    same = schema.equals(file.schema_arrow)
    with naming_corruption(path), path.open("rb") as stream:
        for group in range(file.num_row_groups) if groups is None else groups:
            facts = file.metadata.row_group(group)
            size = max(1, facts.total_byte_size)
            most = min(rows, batch_bytes * facts.num_rows // size)
            most = min(most, _safe_rows(file, group, stream, wanted))
            for batch in file.iter_batches(max(1, most), [group], wanted, use_threads=False):
                yield batch if same else batch.cast(_of(schema, batch.schema.names))


def _of(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    return pa.schema([schema.field(name) for name in names])


def column_facts(file: pq.ParquetFile, group: int, place: int) -> Any:
    """What the footer says of a column of a row group.

    Where a damaged footer says what cannot be, Arrow ends the process, unless it finds that out
    as it begins to read: so it begins, with no rows, which decodes no page. Raises what that
    raises.
    """
    begun = file.reader.iter_batches(0, [group], column_indices=[place], use_threads=False)
    next(begun, None)
    return file.metadata.row_group(group).column(place)


def _safe_rows(
    file: pq.ParquetFile, group: int, stream: BinaryIO, columns: list[str] | None
) -> int:
    """Rows of a group that can be decoded at once."""
    longest = 1
    for place in range(len(file.schema) if file.metadata.row_group(group).num_rows else 0):
        said = file.schema.column(place)
        if said.physical_type not in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
            continue
        if columns is not None and said.path.partition(".")[0] not in columns:
            continue
        column = column_facts(file, group, place)
        whole = column.total_uncompressed_size
        if any(name in column.encodings for name in _PREFIXES):
            longest = max(longest, whole)
        elif any("DICTIONARY" in name for name in column.encodings):
            longest = max(longest, min(whole, _dictionary_bytes(column, stream, whole)))
    return max(1, MOST_BYTES // longest)


def _dictionary_bytes(column: Any, stream: BinaryIO, unknown: int) -> int:
    """Bytes of a column's dictionary, of which a value is a part; `unknown` where its page has no
    readable header."""
    offset = column.dictionary_page_offset
    if offset is None or not 0 < offset <= column.data_page_offset:
        offset = column.data_page_offset
    stream.seek(max(0, offset))
    head = stream.read(32)
    try:
        # Thrift's compact form: field 1 the page's type, field 2 its bytes when decompressed.
        kind, at = _zigzag(head, _expect(head, 0))
        size, at = _zigzag(head, _expect(head, at))
    except (ValueError, IndexError):
        return unknown
    return size if kind == _DICTIONARY_PAGE else 1


def _expect(head: bytes, at: int) -> int:
    if head[at] != 0x15:  # the next field, a 32-bit number
        raise ValueError("no page header")
    return at + 1


def _zigzag(head: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = head[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number >> 1 ^ -(number & 1), at


def arrow_batches(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and record batches of an Arrow file or stream, mapped, not read."""
    with naming_corruption(path, "Arrow"):
        utf8 = shown(path) == str(path)
        source = pa.memory_map(str(path)) if utf8 else _mapped(path)
        head = source.read(6)
        source.seek(0)
        if head == b"ARROW1":
            file = pa.ipc.open_file(source)
            batches = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            file = pa.ipc.open_stream(source)
            batches = iter(file)
    _need_distinct(path, file.schema.names)
    schema = takeable(file.schema)
    return schema, _checked(path, batches, schema)


def _checked(
    path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    with naming_corruption(path, "Arrow"):
        for batch in batches:
            batch.validate()
            for start in range(0, batch.num_rows, BATCH_ROWS):
                rows = batch.slice(start, BATCH_ROWS)
                yield rows if schema.equals(rows.schema) else rows.cast(schema)
