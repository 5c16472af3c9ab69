"""Exact copies: documents with the same normalised text.

Documents come in parts (files with the columns of `COLUMNS`) and have a number:
`part << ROW_BITS | row`. The last `protected` parts hold documents that are never removed, but that
others are copies of.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from webtext_py.records import DOCUMENTS, DUPLICATES, table
from webtext_py.tables import Shuffle, group_starts, iterate, read_partition, write_table
from webtext_py.words import text_digests

REASON = "exact_duplicate"
ROW_BITS = 40  # a million million rows a part, sixteen million parts
COLUMNS = ["text", "karma", "created_utc", "url_key", "doc_id"]

# What decides about a document, without its text.
CANDIDATES = pa.schema(
    [
        pa.field("digest", pa.binary(16), False),
        pa.field("karma", pa.int64(), False),
        DOCUMENTS.field("created_utc"),
        pa.field("url_key", pa.string(), False),
        pa.field("doc_id", pa.string(), False),
        pa.field("number", pa.uint64(), False),
        pa.field("protected", pa.bool_(), False),
    ]
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
_BATCH_ROWS = 4096


def digest(
    inputs: list[Path], outputs: list[Path], partitions: int, part: int = 0, protected: bool = False
) -> dict[str, Any]:
    """Task: a part of the documents to candidates by partition of the text's digest."""
    rows = 0
    with Shuffle(outputs[0], partitions, CANDIDATES) as shuffle:
        for batch in iterate(inputs, COLUMNS, _BATCH_ROWS):
            keys = text_digests(batch["text"])
            heads = np.ascontiguousarray(keys[:, 8:]).view(">u8").reshape(-1)
            fixed = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(keys), [None, pa.py_buffer(np.ascontiguousarray(keys))]
            )
            numbers = np.arange(rows, rows + batch.num_rows, dtype=np.uint64)
            numbers |= np.uint64(part << ROW_BITS)
            arrays = [
                fixed,
                *(batch[name] for name in CANDIDATES.names[1:5]),
                pa.array(numbers),
                pa.repeat(protected, batch.num_rows),
            ]
            found = pa.table(arrays, schema=CANDIDATES)
            shuffle.add(found, (heads % np.uint64(partitions)).astype(np.int64))
            rows += batch.num_rows
    return {"rows": rows}


def group(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: a digest partition to removed documents (first output) and the numbers of those that
    near-duplicates need not be looked for (second), protected copies included."""
    rows = read_partition(inputs, partition, CANDIDATES).sort_by([("digest", "ascending"), *ORDER])
    starts = group_starts(rows["digest"])
    survivor = np.repeat(starts, np.diff(np.append(starts, rows.num_rows)))
    copies = survivor != np.arange(rows.num_rows)
    numbers = rows["number"].to_numpy()
    np.sort(numbers[copies]).tofile(outputs[1])
    removed = np.flatnonzero(copies & ~rows["protected"].to_numpy())
    kept = rows["doc_id"].take(pa.array(survivor[removed]))
    gone = rows.take(pa.array(removed))
    ones = np.ones(len(removed))
    found = table(
        REMOVED,
        {
            "url_key": gone["url_key"],
            "doc_id": gone["doc_id"],
            "kept_doc_id": kept,
            "via_doc_id": kept,
            "kind": pa.repeat("exact", len(removed)),
            "jaccard": ones,
            "jaccard_kept": ones,
            "number": gone["number"],
        },
    )
    write_table(found.sort_by("doc_id"), outputs[0])
    return {"removed": len(removed)}
