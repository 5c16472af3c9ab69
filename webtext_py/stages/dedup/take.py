"""Taking foreign texts in: an id of its own for each row, and a copy of what is slow to read again.

A copy has the columns of `READ` and each row's `line` of JSONL, so that all its fields can be
written; its metadata says of which types they are.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.ahead import ahead
from webtext_py.engine import advance
from webtext_py.reader import Passed, group_batches, recognise
from webtext_py.reader.fields import Fields, columns_of
from webtext_py.reader.ids import ID_COLUMNS, unique
from webtext_py.repeated import read_repeated, repeated_ids, write_hashes
from webtext_py.stages.dedup.rows import READ, Part, read
from webtext_py.tables import numbered
from webtext_py.workspace import Steps

# Of JSONL: the line, with all that the row holds.
COPY = READ.append(pa.field("line", pa.large_binary()))
_FIELDS, _MADE = b"webtext.fields", b"webtext.ids_made"


@dataclass(frozen=True)
class Taken:
    """Parts whose rows have ids that differ."""

    parts: tuple[Part, ...]  # as they are to be read
    files: tuple[Path, ...]  # where the rows to write are: the Parquet file, or the copy
    made: int  # rows whose id is not their own
    passed: dict[str, dict[str, int]]


def take(steps: Steps, parts: Sequence[Part], partitions: int) -> Taken:
    """Reads all ids, copies what is slow to read again, and gives rows that share an id others."""
    slow = [part.groups is None for part in parts]
    work = [part.work(makes=2 if is_slow else 1) for part, is_slow in zip(parts, slow, strict=True)]
    outputs = ["taken-{}.bin", "texts-{}.parquet"]
    read_ = steps.each("ids", take_ids, work, outputs, unit="bytes", partitions=partitions)
    twice = repeated_ids(steps, read_.files(), partitions)
    again = [
        replace(part, path=paths[1], text_field=None) if is_slow else part
        for part, paths, is_slow in zip(parts, read_.paths, slow, strict=True)
    ]
    made = read_.total("made")
    if twice:
        work = [part.work(*twice) for part in again]
        named = steps.each("rename", rename, work, ["named-{}.parquet"], unit="bytes")
        paths = named.files()
        again = [Part(path, weight=p.weight) for p, path in zip(again, paths, strict=True)]
        made += named.total("made")
    files = [a.path if s else p.path for a, p, s in zip(again, parts, slow, strict=True)]
    passed = Passed(*read_.counts("passed_over")).document()
    return Taken(tuple(again), tuple(files), made, passed)


def take_ids(
    inputs: list[Path], outputs: list[Path], source: dict[str, Any], partitions: int
) -> dict[str, Any]:
    """Task: hashes of a part's ids (first output) and, for a file that is slow to read again, its
    copy (second)."""
    part = Part(inputs[0], **source)
    passed, fields = Passed(), Fields()
    lines: list[bytes] = []

    def observe(row: dict[str, Any], line: bytes) -> None:
        fields.add(row)
        lines.append(line)

    jsonl = len(outputs) > 1 and recognise(part.path).kind == "jsonl"
    made = rows = 0
    writer = _writer(outputs[1]) if len(outputs) > 1 else None
    with outputs[0].open("wb") as file:
        for first, batch in numbered(read(part, passed, observe if jsonl else None)):
            advance(0)
            rows = first + batch.num_rows
            own = _made(batch["doc_id"], part.mark, first)
            made += own
            write_hashes(file, batch["doc_id"], partitions)
            if writer is not None:
                held = pa.array(lines, pa.large_binary()) if jsonl else None
                lines.clear()
                writer.write_batch(_copy(batch, held))
    if writer is not None:
        schema = fields.schema() if jsonl else pa.schema([])
        _finish(writer, schema, made)
    return {"made": made, "rows": rows, "passed_over": passed.document()}


def rename(inputs: list[Path], outputs: list[Path], source: dict[str, Any]) -> dict[str, Any]:
    """Task: a copy of a part (first input) in which a row whose id others have, too, is called by
    its file's mark and its number; the other input names these ids."""
    part = Part(inputs[0], **source)
    twice = read_repeated(inputs[1])
    made = 0
    writer = _writer(outputs[0])
    first = sum(_rows_before(part))
    schema, before = _facts(part.path) if part.text_field is None else (pa.schema([]), 0)
    for batch, lines in _with_lines(part):
        ids, shared = unique(batch["doc_id"], str(part.mark), first, twice)
        made += shared
        columns = {name: batch[name] for name in READ.names} | {"doc_id": ids, "url_key": ids}
        writer.write_batch(_copy(pa.record_batch(list(columns.values()), schema=READ), lines))
        first += batch.num_rows
    _finish(writer, schema, before + made)
    return {"made": made}


def _rows_before(part: Part) -> Iterator[int]:
    if part.groups is not None and part.groups[0]:
        facts = pq.read_metadata(part.path)
        for group in range(part.groups[0]):
            yield facts.row_group(group).num_rows


def _with_lines(part: Part) -> Iterator[tuple[pa.RecordBatch, pa.Array | None]]:
    if part.text_field is not None:
        for batch in read(part, Passed()):
            yield batch, None
        return
    with pq.ParquetFile(part.path) as file:
        for batch in group_batches(file, part.path, rows=4096):
            yield batch, batch["line"]


def _made(ids: pa.Array, mark: str | None, first: int) -> int:
    """How many ids are the file's mark and the row's number."""
    start = f"{mark}:"
    return sum(
        name == f"{start}{first + i}"
        for i, name in enumerate(ids.to_pylist())
        if name.startswith(start)
    )


def _copy(batch: pa.RecordBatch, lines: pa.Array | None) -> pa.RecordBatch:
    lines = pa.nulls(batch.num_rows, pa.large_binary()) if lines is None else lines
    return pa.record_batch([*batch.columns, lines], schema=COPY)


def _writer(path: Path) -> pq.ParquetWriter:
    # Read twice and thrown away: the fastest codec, and no dictionary of whole texts.
    return pq.ParquetWriter(path, COPY, compression="lz4", use_dictionary=[])


def _finish(writer: pq.ParquetWriter, fields: pa.Schema, made: int) -> None:
    spelled = base64.b64encode(fields.serialize().to_pybytes()).decode()
    writer.add_key_value_metadata({_FIELDS.decode(): spelled, _MADE.decode(): str(made)})
    writer.close()


def _facts(path: Path) -> tuple[pa.Schema, int]:
    """The fields of a copy's lines, and how many of its ids were made."""
    facts = pq.read_metadata(path).metadata
    fields = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(facts[_FIELDS])))
    return fields, int(facts[_MADE])


def rows_again(file: pq.ParquetFile, path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and batches of a copy's rows with all the columns that their file has."""
    fields, made = _facts(path)
    if not len(fields):  # plain text
        schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])
        return schema, (
            pa.record_batch([batch["doc_id"], batch["text"]], schema=schema)
            for batch in group_batches(file, path, ["doc_id", "text"], rows=4096)
        )
    own = [name for name in ID_COLUMNS if name in fields.names]
    extra = [pa.field("webtext_id" if own else "id", pa.string())] if made or not own else []
    schema = pa.schema([*extra, *fields])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in ahead(group_batches(file, path, ["doc_id", "line"], rows=4096)):
            rows = [json.loads(line) for line in batch["line"].to_pylist()]
            ids = [batch["doc_id"]] if extra else []
            yield pa.record_batch([*ids, *columns_of(rows, fields)], schema=schema)

    return schema, batches()
