"""The documents that duplicates are looked for in, a batch at a time.

Documents come in parts, a file each, and have a number: `part << ROW_BITS | row`.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.ahead import ahead
from webtext_py.engine import advance
from webtext_py.errors import InputError
from webtext_py.reader import open_parquet, read_batches, recognise
from webtext_py.records import DOCUMENTS
from webtext_py.tables import iterate

ROW_BITS = 40  # a million million rows a part, sixteen million parts
# What is read of a document.
READ = pa.schema(
    [
        pa.field("doc_id", pa.string(), False),
        pa.field("text", pa.large_string(), False),
        pa.field("karma", pa.int64(), False),
        DOCUMENTS.field("created_utc"),
        pa.field("url_key", pa.string(), False),
    ]
)
RANGE_BYTES = 8 << 20  # our choice: of a file for one task
_BATCH_ROWS = 4096
_LATEST = pa.scalar(1 << 62, pa.int64()).cast(READ.field("created_utc").type)
_NONE = pa.scalar(0, pa.int64())


@dataclass(frozen=True)
class Part:
    """A file of documents, or some row groups of it."""

    path: Path
    # The text's column or key in any file of texts; None for a file with the columns of `READ`.
    text_field: str | None = None
    groups: tuple[int, int] | None = None  # first and end; None for all
    digest: str | None = None  # SHA-256 of the file, for ids of rows that have none
    weight: int = 0  # bytes

    def arguments(self) -> dict[str, Any]:
        """What a task takes beside the path to read the part."""
        return {"text_field": self.text_field, "groups": self.groups, "digest": self.digest}


def cut(path: Path, text_field: str, digest: str) -> list[Part]:
    """A file of texts as parts: a Parquet file in runs of row groups of about `RANGE_BYTES`."""
    size = path.stat().st_size
    if recognise(path).kind != "parquet":
        return [Part(path, text_field, weight=size)]
    with open_parquet(path) as file:
        groups = file.num_row_groups
    parts = max(1, min(groups, -(-size // RANGE_BYTES)))
    bounds = [groups * i // parts for i in range(parts + 1)]
    return [
        Part(path, text_field, (first, end), digest, size // parts)
        for first, end in itertools.pairwise(bounds)
    ]


def numbered(part: Part) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches with the columns of `READ`, each with the row number of its first row.

    Raises `InputError` where `karma` or `created_utc` is not what its name says.
    """
    first = 0
    for batch in ahead(_batches(part)):
        advance(0)  # where a run that was given up ends
        yield first, batch
        first += batch.num_rows


def _batches(part: Part) -> Iterator[pa.RecordBatch]:
    if part.text_field is None:
        yield from iterate([part.path], READ.names, _BATCH_ROWS)
        return
    source = recognise(part.path)
    for batch in read_batches(
        source,
        text_field=part.text_field,
        extra=("karma", "created_utc"),
        groups=part.groups,
        digest=part.digest,
    ):
        columns = [
            batch["id"],
            batch["text"],
            _integers(batch["karma"], part.path),
            _times(batch["created_utc"], part.path),
            batch["id"],
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=READ)


def _integers(values: pa.Array, path: Path) -> pa.Array:
    try:
        numbers = values.cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise InputError(f"`karma` of `{path}` is not a number: {error}") from None
    if not pc.all(pc.less(pc.abs(numbers), 2.0**63), min_count=0).as_py():
        raise InputError(f"`karma` of `{path}` has a value that is no 64-bit integer")
    found = numbers.cast(pa.int64(), safe=False)
    return pc.coalesce(found, _NONE)


def _times(values: pa.Array, path: Path) -> pa.Array:
    """Times from ISO text or Unix seconds; a null is as late as can be."""
    kind = READ.field("created_utc").type
    try:
        try:
            seconds = values.cast(pa.float64())
            found = pc.multiply(seconds, 1000.0).cast(pa.int64(), safe=False).cast(kind)
        except pa.ArrowInvalid:
            text = pc.replace_substring_regex(values, r"Z$|[+]00:?00$", "")
            text = pc.replace_substring_regex(text, r"(\.\d{3})\d+$", r"\1")  # to milliseconds
            found = text.cast(pa.timestamp("ms")).cast(pa.int64()).cast(kind)
    except pa.ArrowInvalid as error:
        raise InputError(f"`created_utc` of `{path}` is not a time in UTC: {error}") from None
    return pc.coalesce(found, _LATEST)


def own_rows(paths: list[Path], part: int) -> npt.NDArray[np.uint64]:
    """The rows of one part among the ascending numbers in several files, sorted."""
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    rows = [np.zeros(0, np.uint64)]
    for path in paths:
        if path.stat().st_size:
            numbers = np.memmap(path, np.uint64, "r")
            start, end = np.searchsorted(numbers, [low, high])
            rows.append(np.array(numbers[start:end]) - low)
    return np.sort(np.concatenate(rows))


def between(rows: npt.NDArray[np.uint64], first: int, count: int) -> npt.NDArray[np.uint64]:
    """Those of sorted `rows` that are `first` to `first + count - 1`, counted from `first`."""
    start, end = np.searchsorted(rows, np.array([first, first + count], np.uint64))
    return rows[start:end] - np.uint64(first)
