"""Clusters of duplicates: how large they are, and the largest."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.records import required
from webtext_py.report.tally import Sums
from webtext_py.tables import iterate, write_table

LARGEST = 10  # clusters shown: our choice
_STEP = 0.05  # of the similarities' bars

# The largest clusters, each with the removed document that is shown beside the kept one.
CHOSEN = required(
    kept_doc_id=pa.string(),
    doc_id=pa.string(),
    kind=pa.string(),
    jaccard_kept=pa.float64(),
    documents=pa.int64(),
    near=pa.int64(),
)
# Removed documents of each kept one, and how many of them are near ones.
_SIZES = pa.schema([("kept_doc_id", pa.string()), ("n", pa.int64()), ("near", pa.int64())])


def clusters(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: `duplicates/` to counts and the largest clusters (output).

    Memory: a few hundred bytes a cluster.
    """
    found = Sums(_SIZES)
    bins = np.zeros(round(1 / _STEP) + 1, np.int64)
    for batch in iterate(inputs, ["kept_doc_id", "kind", "jaccard_kept"]):
        near = pc.equal(batch["kind"], "near")
        ones = pa.repeat(pa.scalar(1), batch.num_rows)
        found.add(pa.table([batch["kept_doc_id"], ones, near.cast(pa.int64())], names=_SIZES.names))
        values = batch["jaccard_kept"].filter(near).to_numpy()
        # A hair more, as 0.85 / 0.05 is below 17.
        places = np.floor(values / _STEP + 1e-9).astype(np.int64)
        np.add.at(bins, places, 1)
    held = found.table()
    sizes, counts = np.unique(held["n"].to_numpy() + 1, return_counts=True)
    order = [("n", "descending"), ("near", "descending"), ("kept_doc_id", "ascending")]
    largest = held.take(pc.select_k_unstable(held, min(LARGEST, held.num_rows), order))
    write_table(_shown(inputs, largest), outputs[0])
    removed, near_ones = (int(pc.sum(held[name]).as_py() or 0) for name in ("n", "near"))
    return {
        "removed": removed,
        "exact": removed - near_ones,
        "near": near_ones,
        "clusters": held.num_rows,
        "sizes": [list(pair) for pair in zip(sizes.tolist(), counts.tolist(), strict=True)],
        "similarities": [
            [round(place * _STEP, 2), count] for place, count in enumerate(bins.tolist()) if count
        ],
    }


def _shown(inputs: Sequence[Path], largest: pa.Table) -> pa.Table:
    """Of each cluster the removed document least like the kept one."""
    names = ["kept_doc_id", "doc_id", "kind", "jaccard_kept"]
    wanted = largest["kept_doc_id"].combine_chunks()
    best: dict[str, dict[str, Any]] = {}
    for batch in iterate(inputs, names):
        for row in batch.filter(pc.is_in(batch["kept_doc_id"], wanted)).to_pylist():
            other = best.get(row["kept_doc_id"], row)
            best[row["kept_doc_id"]] = min(other, row, key=itemgetter("jaccard_kept", "doc_id"))
    rows = [
        {**best[row["kept_doc_id"]], "documents": row["n"] + 1, "near": row["near"]}
        for row in largest.to_pylist()
    ]
    return pa.Table.from_pylist(rows, CHOSEN)
