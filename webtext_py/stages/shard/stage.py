"""The stage's tasks and their order."""

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Task
from webtext_py.errors import InputError
from webtext_py.ledger import KEPT, balance, url_ends
from webtext_py.records import DOCUMENTS, SHARDS
from webtext_py.stage import StageRun
from webtext_py.stages.removed import Removed
from webtext_py.stages.shard.card import write_card
from webtext_py.stages.shard.order import PLACE_KEY, SPLIT_KEY, keyed_hashes, threshold
from webtext_py.tables import Shuffle, iterate, read_partition, read_tables, write_table

FILES = ("shards/*", "ledger/urls-shard-*.parquet")
_BATCH_ROWS = 4096


def run_shard(run: StageRun, config: BuildConfig, facts: dict[str, Any]) -> dict[str, Any]:
    """Runs the stage; `facts` (configuration and counts of the stages before) go on the card."""
    documents = run.outputs_of("extract", "documents")
    removed = [
        path
        for stage in ("dedup", "wikipedia")
        for path in run.outputs_of(stage, "ledger")
        if path.name.startswith(f"urls-{stage}-")
    ]
    surveyed = run.tasks(
        "survey",
        [
            Task(
                f"survey-{i:05d}",
                survey,
                (path, *removed),
                (run.work / f"survey-{i:05d}.parquet",),
                {"share": config.validation, "lowest": config.validation_documents},
            )
            for i, path in enumerate(documents)
        ],
    )
    taken = sum(done.counts["rows"] for done in surveyed)
    if taken == 0:
        raise InputError("no document is left to write", "`ledger/` says where each URL ended")
    cut, validation_bytes = _cut(surveyed, config)
    total = sum(done.counts["bytes"] for done in surveyed)
    names = _names("train", total - validation_bytes, config)
    validation = _names("validation", validation_bytes, config) if validation_bytes else []
    run.tasks(
        "place",
        [
            Task(
                f"place-{i:05d}",
                place,
                (path, *removed),
                (run.work / f"place-{i:05d}.arrow",),
                {"cut": str(cut), "train": len(names), "validation": len(validation)},
                path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    written = run.tasks(
        "write",
        [
            Task(
                f"write-{name}",
                write,
                tuple(run.work / f"place-{i:05d}.arrow" for i in range(len(documents))),
                (run.data / "shards" / name, run.data / "ledger" / f"urls-shard-{n:05d}.parquet"),
                {"shard": n, "row_group_documents": config.row_group_documents},
            )
            for n, name in enumerate((*names, *validation))
        ],
    )
    kept = sum(done.counts["rows"] for done in written)
    counts = balance("shard", taken, kept, {})
    counts["splits"] = {
        split: {
            "shards": len(members),
            **{
                what: sum(d.counts[what] for d in written if d.name[6:] in members)
                for what in ("rows", "bytes", "words")
            },
        }
        for split, members in (("train", names), ("validation", validation))
    }
    digests = {
        name: done.outputs[f"shards/{name}"]
        for name, done in zip((*names, *validation), written, strict=True)
    }
    run.tasks(
        "card",
        [
            Task(
                "card",
                write_card,
                (),
                (run.data / "shards" / "README.md", run.data / "shards" / "croissant.json"),
                {"counts": counts, "facts": facts, "files": digests},
            )
        ],
    )
    return counts


def survey(inputs: list[Path], outputs: list[Path], share: float, lowest: int) -> dict[str, Any]:
    """Task: how much text a part of the documents (first input) gives to which split."""
    rows = Removed(inputs[1:]).keep(read_tables(inputs[:1], ["doc_id", "bytes"]))
    hashes = keyed_hashes(rows["doc_id"], SPLIT_KEY)
    sizes = rows["bytes"].to_numpy()
    write_table(pa.table({"hash": hashes, "bytes": sizes}), outputs[0])
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


def _cut(surveyed: list[Done], config: BuildConfig) -> tuple[int, int]:
    """The hash below which documents are validation, and their bytes.

    By share; where that gives fewer than `validation_documents`, the lowest so many, but never all.
    """
    documents = sum(done.counts["rows"] for done in surveyed)
    by_share = sum(done.counts["validation_rows"] for done in surveyed)
    wanted = min(config.validation_documents, documents - 1) if config.validation else 0
    if by_share >= wanted:
        bytes_ = sum(done.counts["validation_bytes"] for done in surveyed)
        return int(threshold(config.validation)), bytes_
    lowest = sorted((int(h), b) for done in surveyed for h, b in done.counts["lowest"])[:wanted]
    return lowest[-1][0] + 1, sum(size for _, size in lowest)


def _names(split: str, text_bytes: int, config: BuildConfig) -> list[str]:
    count = max(1, -(-text_bytes // config.shard_bytes))
    return [f"{split}-{i:05d}-of-{count:05d}.parquet" for i in range(count)]


def place(
    inputs: list[Path], outputs: list[Path], cut: str, train: int, validation: int
) -> dict[str, Any]:
    """Task: a part of the documents (first input) to the shards they belong to."""
    removed = Removed(inputs[1:])
    with Shuffle(outputs[0], train + validation, DOCUMENTS) as shuffle:
        for batch in iterate(inputs[:1], rows=_BATCH_ROWS):
            rows = removed.keep(pa.Table.from_batches([batch]))
            hashes = keyed_hashes(rows["doc_id"], PLACE_KEY)
            held_out = keyed_hashes(rows["doc_id"], SPLIT_KEY) < np.uint64(cut)
            targets = np.where(
                held_out, train + _slot(hashes, max(1, validation)), _slot(hashes, train)
            )
            shuffle.add(rows, targets)
    return {}


def _slot(hashes: "np.ndarray[Any, Any]", slots: int) -> "np.ndarray[Any, Any]":
    """Which of `slots` equal ranges of the hash's upper 32 bits."""
    return ((hashes >> np.uint64(32)) * np.uint64(slots) >> np.uint64(32)).astype(np.int64)


def write(
    inputs: list[Path], outputs: list[Path], shard: int, row_group_documents: int
) -> dict[str, Any]:
    """Task: one shard in its order (first output) and the ledger rows of its documents."""
    rows = read_partition(inputs, shard, DOCUMENTS)
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
