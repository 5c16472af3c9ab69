"""Which shard a document goes to, and the shards themselves."""

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.ledger import KEPT, url_ends
from webtext_py.records import DOCUMENTS, SHARDS
from webtext_py.stages.removed import Removed
from webtext_py.stages.shard.order import PLACE_KEY, SPLIT_KEY, keyed_hashes, threshold
from webtext_py.tables import Shuffle, iterate, read_partition, read_tables, write_table

_BATCH_ROWS = 4096


def survey(
    inputs: list[Path], outputs: list[Path], documents: int, share: float, lowest: int
) -> dict[str, Any]:
    """Task: how much text a bundle of documents (so many inputs) gives to which split; the other
    inputs say what was removed from it."""
    rows = read_tables(inputs[:documents], ["doc_id", "bytes"])
    rows = Removed(inputs[documents:]).keep(rows)
    hashes = keyed_hashes(rows["doc_id"], SPLIT_KEY)
    sizes = rows["bytes"].to_numpy()
    return {
        "rows": rows.num_rows,
        "bytes": int(sizes.sum()),
        "validation_rows": int((hashes < threshold(share)).sum()),
        "validation_bytes": int(sizes[hashes < threshold(share)].sum()),
        # As text: JSON readers elsewhere round 64-bit numbers.
        "lowest": [
            [str(h), int(b)] for h, b in heapq.nsmallest(lowest, zip(hashes, sizes, strict=True))
        ],
    }


def place(
    inputs: list[Path], outputs: list[Path], documents: int, cut: str, train: int, validation: int
) -> dict[str, Any]:
    """Task: a bundle of documents (so many inputs) to the shards they belong to; the other inputs
    say what was removed from it."""
    removed = Removed(inputs[documents:])
    with Shuffle(outputs[0], DOCUMENTS) as shuffle:
        for batch in iterate(inputs[:documents], rows=_BATCH_ROWS):
            rows = removed.keep(pa.Table.from_batches([batch]))
            shuffle.add(rows, shard_of(rows["doc_id"], int(cut), train, validation))
    return {}


def shard_of(
    doc_ids: "pa.Array | pa.ChunkedArray", cut: int, train: int, validation: int
) -> "np.ndarray[Any, Any]":
    """The number of each document's shard: those for training first, then those held out."""
    hashes = keyed_hashes(doc_ids, PLACE_KEY)
    held_out = keyed_hashes(doc_ids, SPLIT_KEY) < np.uint64(cut)
    return np.where(held_out, train + _slot(hashes, max(1, validation)), _slot(hashes, train))


def _slot(hashes: "np.ndarray[Any, Any]", slots: int) -> "np.ndarray[Any, Any]":
    """Which of `slots` equal ranges of the hash's upper 32 bits."""
    return ((hashes >> np.uint64(32)) * np.uint64(slots) >> np.uint64(32)).astype(np.int64)


def write(
    inputs: list[Path], outputs: list[Path], shard: int, row_group_documents: int
) -> dict[str, Any]:
    """Task: one shard in its order (first output) and the ledger rows of its documents."""
    return write_shard(read_partition(inputs, shard, DOCUMENTS), outputs, row_group_documents)


def write_shard(rows: pa.Table, outputs: list[Path], row_group_documents: int) -> dict[str, Any]:
    """Writes the documents of a shard in their order, and their ledger rows; returns the counts."""
    order = np.argsort(keyed_hashes(rows["doc_id"], PLACE_KEY), kind="stable")
    rows = rows.take(pa.array(order))
    write_table(rows.select(SHARDS.names).cast(SHARDS), outputs[0], row_group_documents)
    ends = url_ends("shard", rows["url_key"], pa.repeat(KEPT, rows.num_rows), rows["doc_id"])
    write_table(ends, outputs[1])
    return {
        "rows": rows.num_rows,
        "bytes": int(pc.sum(rows["bytes"]).as_py() or 0),
        "words": int(pc.sum(rows["words"]).as_py() or 0),
    }
