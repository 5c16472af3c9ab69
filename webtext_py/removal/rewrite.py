"""The files of a build without the documents that go, as the stages would write them.

Each function is a task: it reads the file that stands there and writes the one that is to come.
Memory: what the stage holds of a file, and the documents that go.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.ledger import count_values, url_ends
from webtext_py.records import DOCUMENTS, SCHEMAS
from webtext_py.removed_list import OUTCOME
from webtext_py.stages.shard.rows import shard_of, write_shard
from webtext_py.tables import iterate, read_tables, write_table

# What goes: `documents/` and all tables lose the `doc_id`; the ledger's rows of extraction, which
# name no document, are found by `url_key`.
OUT = pa.schema([pa.field("doc_id", pa.string(), False), pa.field("url_key", pa.string())])


def look(inputs: list[Path], outputs: list[Path], column: str) -> dict[str, Any]:
    """Task: how many rows of a file (first input) what goes (second) concerns."""
    out = pq.read_table(inputs[1])[column].drop_null()
    rows = 0
    for batch in iterate(inputs[:1], [column]):
        rows += int(pc.sum(pc.is_in(batch[column], out.combine_chunks())).as_py() or 0)
    return {"rows": rows}


def documents(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a part of the documents and its ledger rows without what goes (third input), whose
    rows then say so."""
    rows, ends, out = (pq.read_table(path) for path in inputs)
    gone = pc.is_in(rows["doc_id"], out["doc_id"].combine_chunks())
    named = pc.is_in(ends["url_key"], out["url_key"].drop_null().combine_chunks())
    named = pc.and_(named, pc.not_equal(ends["outcome"], OUTCOME))
    kept = rows.filter(pc.invert(gone))
    write_table(kept.cast(DOCUMENTS), outputs[0], row_group_rows=1024)
    texts, others = rows.filter(gone), ends.filter(named)
    keys = pa.chunked_array([*texts["url_key"].chunks, *others["url_key"].chunks], pa.string())
    left = ends.filter(pc.invert(named))
    new = url_ends("extract", keys, pa.repeat(OUTCOME, len(keys)))
    old = url_ends("extract", left["url_key"], left["outcome"], left["doc_id"])
    write_table(pa.concat_tables([old, new]).sort_by("url_key"), outputs[1])
    return {
        "documents": texts.num_rows,
        "words": int(pc.sum(texts["words"]).as_py() or 0),
        "ended": count_values(others["outcome"]),
    }


def rows(inputs: list[Path], outputs: list[Path], name: str, order: str) -> dict[str, Any]:
    """Task: a table (first input), called `name` in `SCHEMAS`, without what goes (second), in its
    `order`.

    Further inputs: the duplicates of the bundle, then tables whose rows of those come instead.
    Returns by outcome what went and what came, of a ledger.
    """
    schema = SCHEMAS[name][1]
    old, out = pq.read_table(inputs[0]), pq.read_table(inputs[1])
    gone = pc.is_in(old["doc_id"], out["doc_id"].combine_chunks())
    parts = [old.filter(pc.invert(gone)).cast(schema)]
    if len(inputs) > 3:
        mine = pq.read_table(inputs[2], columns=["doc_id"])["doc_id"].combine_chunks()
        fresh = read_tables(inputs[3:])
        parts.append(fresh.filter(pc.is_in(fresh["doc_id"], mine)).cast(schema))
    write_table(pa.concat_tables(parts).sort_by(order), outputs[0])
    if "outcome" not in schema.names:
        return {}
    change = Counter(count_values(parts[1]["outcome"]) if len(parts) > 1 else {})
    change.subtract(count_values(old.filter(gone)["outcome"]))
    return {"change": dict(change)}


def pick(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: those of a part of the documents (first input) that are named (second)."""
    wanted = pq.read_table(inputs[1])["doc_id"].combine_chunks()
    parts = [DOCUMENTS.empty_table()]
    ids = pq.read_table(inputs[0], columns=["doc_id"])["doc_id"]
    there = pc.any(pc.is_in(ids, wanted)).as_py()
    for batch in iterate(inputs[:1], rows=4096) if there else ():
        found = batch.filter(pc.is_in(batch["doc_id"], wanted))
        parts.append(pa.Table.from_batches([found]).cast(DOCUMENTS))
    chosen = pa.concat_tables(parts)
    write_table(chosen, outputs[0])
    return {"rows": chosen.num_rows}


def shard(
    inputs: list[Path],
    outputs: list[Path],
    shard: int,
    layout: list[int],
    row_group_documents: int,
) -> dict[str, Any]:
    """Task: a shard and its ledger rows (the first two inputs) without what goes (third) and with
    those of the documents in further inputs that belong to it by the `layout`: cut, and number of
    shards for training and validation."""
    rows, ends, out = (pq.read_table(path) for path in inputs[:3])
    place = pc.index_in(rows["doc_id"], ends["doc_id"].combine_chunks())
    whole = rows.append_column("url_key", ends["url_key"].take(place)).select(DOCUMENTS.names)
    kept = whole.filter(pc.invert(pc.is_in(rows["doc_id"], out["doc_id"].combine_chunks())))
    parts = [kept.cast(DOCUMENTS)]
    for path in inputs[3:]:
        new = pq.read_table(path)
        parts.append(
            new.filter(pa.array(shard_of(new["doc_id"], *layout) == shard)).cast(DOCUMENTS)
        )
    counts = write_shard(pa.concat_tables(parts), outputs, row_group_documents)
    before = {name: int(pc.sum(rows[name]).as_py() or 0) for name in ("bytes", "words")}
    return {**counts, "before": {"rows": rows.num_rows, **before}}
