"""Exact copies: documents with the same words.

The last parts may hold protected documents, which are never removed, but which others are
copies of.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.records import DUPLICATES, TIMESTAMP, required, table
from webtext_py.tables import Shuffle, group_starts, read_partition, write_table

REASON = "exact_duplicate"

# What decides about a document, without its text.
CANDIDATES = required(
    digest=pa.binary(16),
    karma=pa.int64(),
    created_utc=TIMESTAMP,
    url_key=pa.string(),
    doc_id=pa.string(),
    number=pa.uint64(),
    protected=pa.bool_(),
)

# A removed document: its row of `duplicates/`, its key for the ledger, its number.
REMOVED = pa.schema(
    [pa.field("url_key", pa.string(), False), *DUPLICATES, pa.field("number", pa.uint64(), False)]
)
# The best first: what is never removed, then karma, date, key.
ORDER = [
    ("protected", "descending"),
    ("karma", "descending"),
    ("created_utc", "ascending"),
    ("url_key", "ascending"),
]


def add(
    shuffle: Shuffle,
    batch: pa.RecordBatch,
    digests: npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.uint64],
    protected: bool,
    partitions: int,
) -> None:
    """Adds documents to the partitions of their words' digests, shape (rows, 16)."""
    heads = np.ascontiguousarray(digests[:, 8:]).view(">u8").reshape(-1)
    buffers = [None, pa.py_buffer(digests)]
    keys = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(digests), buffers)
    facts = (batch[name] for name in CANDIDATES.names[1:5])
    arrays = [keys, *facts, pa.array(numbers), pa.repeat(protected, batch.num_rows)]
    found = pa.table(arrays, schema=CANDIDATES)
    shuffle.add(found, (heads % np.uint64(partitions)).astype(np.int64))


def write_removed(
    kind: str, gone: pa.Table, ids: tuple[Any, Any], similar: tuple[Any, Any], path: Path
) -> None:
    """Writes removed documents as `REMOVED`: `ids` of the survivors and of what each was verified
    against, and the Jaccard similarity with these two, the other way round."""
    columns = {name: gone[name] for name in ("url_key", "doc_id", "number")}
    columns |= dict(zip(("kept_doc_id", "via_doc_id"), ids, strict=True))
    columns |= dict(zip(("jaccard", "jaccard_kept"), similar, strict=True))
    columns["kind"] = pa.repeat(kind, gone.num_rows)
    write_table(table(REMOVED, columns).sort_by("doc_id"), path)


def group(
    inputs: list[Path], outputs: list[Path], files: int, partition: int, partitions: int
) -> dict[str, Any]:
    """Task: a digest partition (the first `files` inputs) to removed documents (first output) and
    the numbers of those that near-duplicates need not be looked for (second), protected copies
    included. The other inputs hold the ids' hashes, to count ids that two documents have."""
    held = _core.read_numbers(inputs[files:], partition, partitions)
    ids = np.sort(np.frombuffer(memoryview(held), np.uint64))
    twice = int((ids[1:] == ids[:-1]).sum())
    rows = read_partition(inputs[:files], partition, CANDIDATES)
    rows = rows.sort_by([("digest", "ascending"), *ORDER])
    starts = group_starts(rows["digest"])
    survivor = np.repeat(starts, np.diff(np.append(starts, rows.num_rows)))
    copies = survivor != np.arange(rows.num_rows)
    numbers = rows["number"].to_numpy()
    np.sort(numbers[copies]).tofile(outputs[1])
    removed = np.flatnonzero(copies & ~rows["protected"].to_numpy())
    kept = rows["doc_id"].take(pa.array(survivor[removed]))
    gone = rows.take(pa.array(removed))
    ones = np.ones(len(removed))
    write_removed("exact", gone, (kept, kept), (ones, ones), outputs[0])
    return {"removed": len(removed), "twice": twice}
