"""Exact copies: documents with the same normalised text."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from webtext_py.ledger import url_ends
from webtext_py.records import DOCUMENTS, DUPLICATES, table
from webtext_py.tables import Shuffle, group_starts, iterate, read_tables, write_table
from webtext_py.words import text_digests

REASON = "exact_duplicate"

# What decides about a document, without its text.
CANDIDATES = pa.schema(
    [
        pa.field("digest", pa.binary(16), False),
        pa.field("karma", pa.int64(), False),
        DOCUMENTS.field("created_utc"),
        pa.field("url_key", pa.string(), False),
        pa.field("doc_id", pa.string(), False),
    ]
)
_BATCH_ROWS = 4096


def digest(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a part of the documents to candidates by partition of the text's digest."""
    columns = ["text", "karma", "created_utc", "url_key", "doc_id"]
    rows = 0
    with Shuffle(outputs, CANDIDATES) as shuffle:
        for batch in iterate(inputs, columns, _BATCH_ROWS):
            keys = text_digests(batch["text"])
            heads = np.ascontiguousarray(keys[:, 8:]).view(">u8").reshape(-1)
            fixed = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(keys), [None, pa.py_buffer(np.ascontiguousarray(keys))]
            )
            arrays = [fixed, *(batch[name] for name in CANDIDATES.names[1:])]
            found = pa.table(arrays, schema=CANDIDATES)
            shuffle.add(found, (heads % np.uint64(len(outputs))).astype(np.int64))
            rows += batch.num_rows
    return {"rows": rows}


def group(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a digest partition to duplicates (first output) and their ledger rows (second)."""
    rows = read_tables(inputs).sort_by(
        [
            ("digest", "ascending"),
            ("karma", "descending"),
            ("created_utc", "ascending"),
            ("url_key", "ascending"),
        ]
    )
    starts = group_starts(rows["digest"])
    survivor = np.repeat(starts, np.diff(np.append(starts, rows.num_rows)))
    removed = np.flatnonzero(survivor != np.arange(rows.num_rows))
    kept = rows["doc_id"].take(pa.array(survivor[removed]))
    gone = rows.take(pa.array(removed))
    ones = np.ones(len(removed))
    duplicates = table(
        DUPLICATES,
        {
            "doc_id": gone["doc_id"],
            "kept_doc_id": kept,
            "via_doc_id": kept,
            "kind": pa.repeat("exact", len(removed)),
            "jaccard": ones,
            "jaccard_kept": ones,
        },
    )
    write_table(duplicates.sort_by("doc_id"), outputs[0])
    reasons = pa.repeat(REASON, len(removed))
    write_table(url_ends("dedup", gone["url_key"], reasons, gone["doc_id"]), outputs[1])
    return {"removed": len(removed)}
