"""The documents that duplicates are looked for in, a batch at a time.

Documents come in parts, a file each, and have a number: `part << ROW_BITS | row`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.reader import (
    Passed,
    Source,
    open_parquet,
    read_batches,
    recognise,
    to_int64,
    to_micros,
)
from webtext_py.records import TIMESTAMP, required
from webtext_py.tables import iterate
from webtext_py.workspace import Work, ranges

ROW_BITS = 40  # a million million rows a part, sixteen million parts
# What is read of a document.
READ = required(
    doc_id=pa.string(),
    text=pa.large_string(),
    karma=pa.int64(),
    created_utc=TIMESTAMP,
    url_key=pa.string(),
)
Observe = Callable[[dict[str, Any], bytes], None]
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
    groups: tuple[int, int] | None = None  # first and end, of Arrow 0 and 0; None for all
    mark: str | None = None  # what stands for the file in the ids of rows that have none
    weight: int = 0  # bytes

    def arguments(self) -> dict[str, Any]:
        """What a task takes beside the path to read the part."""
        return {"text_field": self.text_field, "groups": self.groups, "mark": self.mark}

    def work(self, *beside: Path, makes: int | None = None) -> Work:
        """The work of a task that reads the part, and files beside it."""
        source = self.arguments()
        return Work(self.path, *beside, weight=self.weight, makes=makes, source=source)


def cut(source: Source, text_field: str, mark: str) -> list[Part]:
    """A file of texts as parts: a Parquet file in ranges of row groups of about `RANGE_BYTES`."""
    size = source.path.stat().st_size
    if source.kind == "arrow":  # mapped: as quick to read again
        return [Part(source.path, text_field, (0, 0), mark, size)]
    if source.kind != "parquet":
        return [Part(source.path, text_field, mark=mark, weight=size)]
    with open_parquet(source.path) as file:
        groups = file.num_row_groups
    parts = ranges(groups, -(-size // RANGE_BYTES)) or [(0, 0)]
    return [Part(source.path, text_field, part, mark, size // len(parts)) for part in parts]


def read(part: Part, passed: Passed, observe: Observe | None = None) -> Iterator[pa.RecordBatch]:
    """Batches with the columns of `READ`. A `karma` or `created_utc` that is not what its name says
    counts as missing, in `passed`, which has texts that are no UTF-8 as well."""
    if part.text_field is None:
        yield from iterate([part.path], READ.names, _BATCH_ROWS)
        return
    extra, source = ("karma", "created_utc"), recognise(part.path)
    for batch in read_batches(
        source, extra=extra, observe=observe, passed=passed, **part.arguments()
    ):
        decides = _integers(batch["karma"], passed), _times(batch["created_utc"], passed)
        columns = [batch["id"], batch["text"], *decides, batch["id"]]
        yield pa.RecordBatch.from_arrays(columns, schema=READ)


def _integers(values: pa.Array, passed: Passed) -> pa.Array:
    """Whole numbers out of text; 0 for what is none."""
    if values.null_count == len(values):
        return pa.repeat(_NONE, len(values))
    try:
        return pc.coalesce(values.cast(pa.int64()), _NONE)
    except pa.ArrowInvalid:
        pass
    given = values.to_pylist()
    found = [None if value is None else to_int64(value) for value in given]
    lost = sum(n is None for n in found) - values.null_count
    passed.add("values", "karma: no 64-bit number", lost)
    return pa.array([number or 0 for number in found], pa.int64())


def _times(values: pa.Array, passed: Passed) -> pa.Array:
    """Times out of text; as late as can be for what is none."""
    if values.null_count == len(values):
        return pa.repeat(_LATEST, len(values))
    found = [to_micros(value) for value in values.to_pylist()]
    lost = sum(micros is None for micros in found) - values.null_count
    passed.add("values", "created_utc: no time", lost)
    millis = [None if micros is None else micros // 1000 for micros in found]
    return pc.coalesce(pa.array(millis, pa.int64()).cast(_LATEST.type), _LATEST)


def own_rows(paths: list[Path], parts: Sequence[int]) -> dict[int, npt.NDArray[np.uint64]]:
    """The rows of each of some parts among the ascending numbers in several files, sorted and each
    once."""
    nothing = np.zeros(0, np.uint64)
    found = {part: [nothing] for part in parts}
    for path in paths:
        if path.stat().st_size:
            numbers = np.memmap(path, np.uint64, "r")
            for part, rows in found.items():
                low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
                start, end = np.searchsorted(numbers, [low, high])
                rows.append(np.array(numbers[start:end]) - low)
    return {part: np.unique(np.concatenate(rows)) for part, rows in found.items()}


def between(rows: npt.NDArray[np.uint64], first: int, count: int) -> npt.NDArray[np.uint64]:
    """Those of sorted `rows` that are `first` to `first + count - 1`, counted from `first`."""
    start, end = np.searchsorted(rows, np.array([first, first + count], np.uint64))
    return rows[start:end] - np.uint64(first)
