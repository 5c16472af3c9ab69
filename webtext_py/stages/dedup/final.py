"""Removed documents, once all of them are known: each to the bundle of documents that it lies in.

A copy's survivor may itself be a near-duplicate: the copy then points at that one's survivor. They
meet by the hash of the survivor's id, so that no task reads what was removed elsewhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import partition_of
from webtext_py.stages.dedup.exact import REMOVED
from webtext_py.stages.dedup.rows import ROW_BITS
from webtext_py.tables import Shuffle, read_partition
from webtext_py.workspace import Steps, Work, split


def by_bundle(
    steps: Steps, removed: Sequence[Path], bundles: Sequence[tuple[int, int]]
) -> list[Work]:
    """Work for each bundle (first part and end), whose argument `partition` is its partition of the
    inputs, where its rows of the files `removed` (`REMOVED`) are."""
    work, outputs = [Work(path) for path in removed], ["met-{}.arrow"]
    met = steps.each("meet", meet, work, outputs, partitions=len(removed))
    work = split(len(removed), *steps.joined("join-met", met.files()))
    ends = [end for _, end in bundles]
    settled = steps.each("settle", settle, work, ["settled-{}.arrow"], ends=ends)
    return split(len(bundles), *steps.joined("join-settled", settled.files()))


def meet(inputs: list[Path], outputs: list[Path], partitions: int) -> dict[str, Any]:
    """Task: removed documents by the id of a copy's survivor, of others by their own."""
    rows = pq.read_table(inputs[0])
    copies = pc.equal(rows["kind"], "exact")
    key = pc.if_else(copies, rows["kept_doc_id"], rows["doc_id"])
    with Shuffle(outputs[0], REMOVED) as shuffle:
        shuffle.add(rows, partition_of(key, partitions))
    return {}


def settle(
    inputs: list[Path], outputs: list[Path], partition: int, ends: list[int]
) -> dict[str, Any]:
    """Task: a partition of removed documents with their last survivors, by bundle: `ends` are the
    ends of the bundles' parts."""
    rows = read_partition(inputs, partition, REMOVED)
    copies = pc.equal(rows["kind"], "exact")
    gone = rows.filter(pc.invert(copies))
    where = pc.index_in(rows["kept_doc_id"], gone["doc_id"].combine_chunks())
    moved = pc.and_(copies, pc.is_valid(where))
    for name in ("kept_doc_id", "jaccard_kept"):
        place = rows.schema.get_field_index(name)
        new = pc.if_else(moved, gone[name].take(where), rows[name])
        rows = rows.set_column(place, rows.schema.field(place), new)
    parts = rows["number"].to_numpy() >> np.uint64(ROW_BITS)
    with Shuffle(outputs[0], REMOVED) as shuffle:
        shuffle.add(rows, np.searchsorted(ends, parts, "right"))
    return {}
