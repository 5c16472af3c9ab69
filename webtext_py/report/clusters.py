"""Clusters of duplicates: how large they are, and the largest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.tables import iterate, write_table

LARGEST = 10  # clusters shown: our choice
_STEP = 0.05  # of the similarities' bars

# The largest clusters, each with the removed document that is shown beside the kept one.
CHOSEN = pa.schema(
    [
        pa.field("kept_doc_id", pa.string(), False),
        pa.field("doc_id", pa.string(), False),
        pa.field("kind", pa.string(), False),
        pa.field("jaccard_kept", pa.float64(), False),
        pa.field("documents", pa.int64(), False),
        pa.field("near", pa.int64(), False),
    ]
)


def clusters(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: `duplicates/` to counts and the largest clusters (output).

    Memory: about 100 bytes a cluster.
    """
    held = pa.table({"kept_doc_id": pa.array([], pa.string()), "n": [], "near": []})
    bins = np.zeros(round(1 / _STEP) + 1, np.int64)
    for batch in iterate(inputs, ["kept_doc_id", "kind", "jaccard_kept"]):
        near = pc.equal(batch["kind"], "near")
        ones = pa.repeat(pa.scalar(1), batch.num_rows)
        rows = pa.table(
            [batch["kept_doc_id"], ones, near.cast(pa.int64())], names=held.column_names
        )
        held = _added(pa.concat_tables([held.cast(rows.schema), rows]))
        values = batch["jaccard_kept"].filter(near).to_numpy()
        # A hair more, as 0.85 / 0.05 is below 17.
        places = np.floor(values / _STEP + 1e-9).astype(np.int64)
        np.add.at(bins, places, 1)
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


def _added(rows: pa.Table) -> pa.Table:
    sums = [("n", "sum"), ("near", "sum")]
    made = rows.group_by("kept_doc_id", use_threads=False).aggregate(sums)
    return made.select(["kept_doc_id", "n_sum", "near_sum"]).rename_columns(rows.column_names)


def _shown(inputs: Sequence[Path], largest: pa.Table) -> pa.Table:
    """Of each cluster the removed document least like the kept one."""
    names = ["kept_doc_id", "doc_id", "kind", "jaccard_kept"]
    wanted = largest["kept_doc_id"].combine_chunks()
    best: dict[str, dict[str, Any]] = {}
    for batch in iterate(inputs, names):
        for row in batch.filter(pc.is_in(batch["kept_doc_id"], wanted)).to_pylist():
            other = best.setdefault(row["kept_doc_id"], row)
            if _order(row) < _order(other):
                best[row["kept_doc_id"]] = row
    rows = [
        {**best[row["kept_doc_id"]], "documents": row["n"] + 1, "near": row["near"]}
        for row in largest.to_pylist()
    ]
    return pa.Table.from_pylist(rows, CHOSEN)


def _order(row: dict[str, Any]) -> tuple[float, str]:
    return row["jaccard_kept"], row["doc_id"]
