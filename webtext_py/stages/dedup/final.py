"""Removed documents, once all of them are known."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.stages.dedup.rows import ROW_BITS


def final_rows(files: list[Path], parts: tuple[int, int]) -> pa.Table:
    """The removed documents of some parts (first and end) in files of `REMOVED` rows, by id.

    A copy's survivor may itself be a near-duplicate: the copy then points at that one's survivor.
    """
    rows = pa.concat_tables(
        [
            found.filter(pa.array(_within(found["number"].to_numpy(), parts)))
            for found in map(pq.read_table, files)
        ]
    ).sort_by("doc_id")
    copies = pc.equal(rows["kind"], "exact")
    named = pc.unique(rows["kept_doc_id"].filter(copies))
    parts_gone = []
    for found in map(pq.read_table, files):
        near = pc.and_(pc.is_in(found["doc_id"], named), pc.equal(found["kind"], "near"))
        parts_gone.append(found.filter(near).select(["doc_id", "kept_doc_id", "jaccard_kept"]))
    gone = pa.concat_tables(parts_gone)
    where = pc.index_in(rows["kept_doc_id"], gone["doc_id"].combine_chunks())
    moved = pc.and_(copies, pc.is_valid(where))
    for name in ("kept_doc_id", "jaccard_kept"):
        place = rows.schema.get_field_index(name)
        new = pc.if_else(moved, gone[name].take(where), rows[name])
        rows = rows.set_column(place, rows.schema.field(place), new)
    return rows


def _within(numbers: npt.NDArray[np.uint64], parts: tuple[int, int]) -> npt.NDArray[np.bool_]:
    part = numbers >> np.uint64(ROW_BITS)
    return (part >= parts[0]) & (part < parts[1])
