"""Texts of any file in bounded batches with stable row ids."""

import atexit
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from webtext_py.bundled import bundled
from webtext_py.columns import text_column
from webtext_py.errors import FormatError, InputError
from webtext_py.reader.columns import as_strings, as_text, is_text, utf8, values_of
from webtext_py.reader.files import shown
from webtext_py.reader.ids import ID_COLUMNS, clean, mark_of, own_id, row_ids
from webtext_py.reader.kinds import Source, is_arrow, kind_of, recognise
from webtext_py.reader.packed import compression_of, naming_damage, open_packed
from webtext_py.reader.parquet import BATCH_ROWS, arrow_batches, group_batches, open_parquet
from webtext_py.reader.passed import Passed

Sequencing = Literal["document", "line"]

BATCH_BYTES = 16 << 20  # our choice: large enough for one crossing into the core to cost nothing
MAX_DOCUMENT_BYTES = 1 << 30  # our choice: a document is held whole, and a few at a time
_MARK = b"\xef\xbb\xbf"  # of UTF-8

Extra = dict[str, list[str | None]]


@dataclass(frozen=True)
class Piped(Source):
    """Standard input, of which the beginning was read to see what it is."""

    stream: Any = None


def standard_input() -> Source:
    """Standard input as a source, by its content like a file: JSONL and text are read as they come;
    of Parquet and Arrow, which need a seek, a copy is made in a temporary file first."""
    stream: Any = sys.stdin.buffer
    if not hasattr(stream, "peek"):
        stream = io.BufferedReader(stream)
    head = stream.peek(8)[:8]
    path = Path("standard input")
    if head.startswith(b"PAR1") or is_arrow(head):
        with tempfile.NamedTemporaryFile(delete=False) as copy:
            atexit.register(Path(copy.name).unlink, missing_ok=True)
            shutil.copyfileobj(stream, copy, 1 << 20)
        return recognise(Path(copy.name))
    compression = compression_of(head)
    with naming_damage(path):
        opened: Any = open_packed(stream, compression)
        if compression:
            opened = io.BufferedReader(opened, 1 << 20)
        sample = opened.peek(4096)[:4096]
    return Piped(path, kind_of(sample, "", "standard input"), compression, opened)


def open_source(source: Source) -> Any:
    """The decompressed bytes of a JSONL or text file."""
    if isinstance(source, Piped):
        return source.stream
    return open_packed(source.path, source.compression)


def read_batches(
    source: Source,
    *,
    text_field: str = "text",
    sequence: Sequencing = "document",
    extra: Sequence[str] = (),
    batch_bytes: int = BATCH_BYTES,
    groups: tuple[int, int] | None = None,
    mark: str | None = None,
    observe: Callable[[dict[str, Any], bytes], None] | None = None,
    ids: bool = True,
    texts: bool = True,
    passed: Passed | None = None,
) -> Iterator[pa.RecordBatch]:
    """Batches with columns `id` (string), `text` (large_string) and `extra` (string or null).

    `id` is the row's own `doc_id` or `id` where it has one, else `mark` (default: the first 16
    hexadecimal digits of the file's SHA-256), a colon and the row number. `text_field` is the
    column or key of tables and JSONL; a null counts as empty. Plain text is one document a file,
    or with `sequence="line"` one a line; in the others `line` splits each text at its newlines
    (ids get `:` and the number). `extra` columns that a file lacks are null.
    A batch holds at most about `batch_bytes` of text, or one document. `groups` are the row groups
    of a Parquet file to read, first and end. `observe` is handed each object of a JSONL file with
    its line, before the batch that holds it. For a caller without use for them `ids` and `texts`
    spare a table's: the column is then null. `passed` counts texts that are no UTF-8.
    """
    rows = _Rows(source, mark, extra, batch_bytes)
    passed = Passed() if passed is None else passed
    if source.kind in ("parquet", "arrow"):
        batches = _read_table(source, rows, text_field, groups, ids, texts, passed)
    elif source.kind == "jsonl":
        batches = _read_jsonl(source, rows, text_field, observe)
    elif sequence == "line":
        return _read_lines(source, rows, passed)
    else:
        return _read_whole(source, rows, passed)
    return _split_lines(batches) if sequence == "line" else batches


def may_have_ids(source: Source, text_field: str) -> bool:
    """Whether rows of a file may have ids of their own: JSONL, and tables with such a column."""
    if source.kind == "jsonl":
        return True
    if source.kind not in ("parquet", "arrow"):
        return False
    if source.kind == "arrow":
        names = arrow_batches(source.path)[0].names
    else:
        with open_parquet(source.path) as file:
            names = file.schema_arrow.names
    return any(name in names for name in ID_COLUMNS if name != text_field)


class _Rows:
    """Rows on their way to a batch."""

    def __init__(
        self, source: Source, mark: str | None, extra: Sequence[str], batch_bytes: int
    ) -> None:
        self._source, self._mark, self.extra = source, mark, list(extra)
        self.most = batch_bytes
        self._first = self._held = 0
        self._own: list[str | None] = []
        self._texts: list[str] = []
        self._others: Extra = {name: [] for name in extra}

    @property
    def mark(self) -> str:
        """What stands for the file in the ids of rows that have none of their own."""
        if self._mark is None:
            piped = isinstance(self._source, Piped)
            self._mark = "-" if piped else mark_of(self._source.path)
        return self._mark

    def add(self, own: str | None, text: str, others: Sequence[str | None] = ()) -> bool:
        """Adds a row; true where it is time for a batch."""
        self._own.append(own)
        self._texts.append(text)
        for values, value in zip(self._others.values(), others, strict=False):
            values.append(value)
        self._held += len(text)
        return self._held >= self.most or len(self._own) >= BATCH_ROWS

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows added since the last call."""
        if not self._own:
            return
        count = len(self._own)
        missing = None in self._own
        ids = row_ids(self._own, self.mark if missing else "", self._first)
        columns = [ids, pa.array(self._texts, pa.large_string())]
        for values in self._others.values():
            columns.append(pa.array(values or [None] * count, pa.string()))
        yield pa.record_batch(columns, names=["id", "text", *self.extra])
        self._first += count
        self._held = 0
        self._own, self._texts = [], []
        self._others = {name: [] for name in self.extra}


def _read_table(
    source: Source,
    rows: _Rows,
    text_field: str,
    groups: tuple[int, int] | None,
    with_ids: bool,
    with_texts: bool,
    passed: Passed,
) -> Iterator[pa.RecordBatch]:
    first = 0
    if source.kind == "arrow":
        schema, batches = arrow_batches(source.path)
    else:
        file = open_parquet(source.path)
        schema = file.schema_arrow
        begin, end = groups or (0, file.num_row_groups)
        first = sum(file.metadata.row_group(group).num_rows for group in range(begin))
    names = schema.names
    if text_field not in names:
        raise InputError(
            f"`{shown(source.path)}` has no column `{text_field}`; it has {', '.join(names)}",
            "name the text's column with `--text-field`",
        )
    kind = schema.field(text_field).type
    if not is_text(kind, binary=True):
        raise InputError(
            f"column `{text_field}` of `{shown(source.path)}` is {kind}; text was expected"
        )
    own = [n for n in ID_COLUMNS if n in names and n != text_field] if with_ids else []
    given = own if own and not with_texts else [text_field, *own]
    columns = list(dict.fromkeys([*given, *(n for n in rows.extra if n in names)]))
    if source.kind == "parquet":
        batches = group_batches(
            file, source.path, columns, batch_bytes=rows.most, groups=range(begin, end)
        )
    for batch in _gathered(batches, rows.most):
        nulls = pa.nulls(batch.num_rows, pa.string())
        ids = _ids(batch, own, rows, first) if with_ids else nulls
        first += batch.num_rows
        text = pa.nulls(batch.num_rows, pa.large_string())
        if with_texts:
            text = as_text(batch.column(text_field), passed)
        arrays = [ids, text.fill_null("") if with_texts and text.null_count else text]
        arrays += [as_strings(batch.column(n)) if n in columns else nulls for n in rows.extra]
        found = pa.record_batch(arrays, names=["id", "text", *rows.extra])
        yield from _cut(found, rows.most)


def _gathered(batches: Iterator[pa.RecordBatch], most: int) -> Iterator[pa.RecordBatch]:
    """Small batches put together: what a dictionary made small costs one crossing all the same."""
    for held in bundled(batches, _size, most):
        yield held[0] if len(held) == 1 else pa.concat_batches(held)


def _size(batch: pa.RecordBatch) -> int:
    """Bytes of a batch; one with dictionaries, which may differ, stands alone."""
    apart = any(pa.types.is_dictionary(field.type) for field in batch.schema)
    return 1 << 62 if apart else int(batch.nbytes)


def _ids(batch: pa.RecordBatch, names: Sequence[str], rows: _Rows, first: int) -> pa.Array:
    own: list[str | None] = [None] * batch.num_rows
    for name in reversed(names):
        column = batch.column(name)
        if column.type == pa.string() and not column.null_count:
            column = as_text(column).cast(pa.string())
            if name == names[0] and not np.any(np.diff(text_column(column)[0]) == 0):
                return column
        found = [own_id({name: value}, "") for value in values_of(column)]
        own = [mine if mine is not None else other for mine, other in zip(found, own, strict=True)]
    return row_ids(own, rows.mark if None in own else "", first)


def _cut(batch: pa.RecordBatch, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """Slices of at most about `batch_bytes` of text each."""
    if batch.num_rows <= 1 or batch.nbytes <= 2 * batch_bytes:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _cut(batch.slice(0, half), batch_bytes)
    yield from _cut(batch.slice(half), batch_bytes)


def _read_jsonl(
    source: Source,
    rows: _Rows,
    text_field: str,
    observe: Callable[[dict[str, Any], bytes], None] | None,
) -> Iterator[pa.RecordBatch]:
    for number, line in enumerate(_lines(source), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode())  # of bytes it would guess UTF-16
        except (ValueError, RecursionError) as error:
            said = f"`{shown(source.path)}` line {number} is not JSON: {str(error)[:200]}"
            raise FormatError(said) from error
        if not isinstance(record, dict) or not isinstance(record.get(text_field, 0), str | None):
            keys = ", ".join(map(str, record)) if isinstance(record, dict) else "no object"
            raise InputError(
                f"`{shown(source.path)}` line {number} has no text under `{text_field}`; it has "
                f"{clean(keys)[:300]}",
                "name the text's key with `--text-field`",
            )
        if observe is not None:
            observe(record, line)
        given = (record.get(name) for name in rows.extra)
        others = [None if v is None else clean(v if isinstance(v, str) else str(v)) for v in given]
        if rows.add(own_id(record, text_field), clean(record[text_field] or ""), others):
            yield from rows.batches()
    yield from rows.batches()


def _lines(source: Source) -> Iterator[bytes]:
    first = True
    with naming_damage(source.path), open_source(source) as stream:
        while line := stream.readline(MAX_DOCUMENT_BYTES + 1):
            if len(line) > MAX_DOCUMENT_BYTES:
                raise InputError(
                    f"`{shown(source.path)}` has a line longer than {MAX_DOCUMENT_BYTES} bytes"
                )
            yield line.removeprefix(_MARK) if first else line
            first = False


def _read_lines(source: Source, rows: _Rows, passed: Passed) -> Iterator[pa.RecordBatch]:
    for line in _lines(source):
        if rows.add(None, utf8(line, passed).rstrip("\r\n")):
            yield from rows.batches()
    yield from rows.batches()


def _read_whole(source: Source, rows: _Rows, passed: Passed) -> Iterator[pa.RecordBatch]:
    whole = io.BytesIO()
    for line in _lines(source):
        if whole.write(line) and whole.tell() > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"`{shown(source.path)}` is one document of more than {MAX_DOCUMENT_BYTES} bytes",
                "read it line by line with `--sequence line`",
            )
    rows.add(None, utf8(whole.getbuffer(), passed))
    yield from rows.batches()


def _split_lines(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow.compute as pc  # here alone: a tenth of a second

    for batch in batches:
        lines = pc.split_pattern(batch.column("text"), "\n")
        texts, parents = lines.flatten(), pc.list_parent_indices(lines)
        numbers = np.arange(len(parents)) - np.asarray(lines.offsets)[np.asarray(parents)]
        ids = batch.column("id").take(parents).to_pylist()
        named = [f"{name}:{number}" for name, number in zip(ids, numbers.tolist(), strict=True)]
        columns = [pa.array(named, pa.string()), texts]
        columns += [batch.column(name).take(parents) for name in batch.schema.names[2:]]
        yield pa.record_batch(columns, names=batch.schema.names)
