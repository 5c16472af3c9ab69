"""Tables of a data directory counted again, by tasks: what adds up over files.

A multitude of values is known by the sum of their digests, twice 64 bits: two are equal where their
sums are, in whatever order and files the values lie. So nothing is held that grows with the rows,
but the keys of one partition of the links.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.bundled import bundled
from webtext_py.columns import digests, hex_digests, partition_of
from webtext_py.digests import STATE, TASK_BYTES, TASK_FILES
from webtext_py.engine import Engine, LocalEngine
from webtext_py.engine.task import Job, Task
from webtext_py.observer import SILENT, Observer
from webtext_py.tables import iterate, read_tables

Sum = tuple[int, int]


@dataclass
class Counted:
    """What a table holds. `sums` are of a column's values that are not null, by outcome where the
    table has one; `foreign` are rows whose `doc_id` is not that of their `url_key`."""

    rows: int = 0
    foreign: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Sum] = field(default_factory=dict)

    def add(self, counts: Mapping[str, Any]) -> None:
        """Adds what a task of `count` found."""
        self.rows += counts["rows"]
        self.foreign += counts["foreign"]
        self.outcomes.update(counts["outcomes"])
        for name, found in counts["sums"].items():
            self.sums[name] = plus(self.sums.get(name, (0, 0)), found)

    def sum_of(self, column: str, *outcomes: str) -> Sum:
        """The sum of a column, of the rows with one of these outcomes or, without any, of all."""
        wanted = [f"{column} {outcome}" for outcome in outcomes or self.outcomes]
        return plus(*(self.sums[name] for name in wanted if name in self.sums))


def plus(*sums: Sequence[int]) -> Sum:
    """Sums added up."""
    low, high = (sum(each[place] for each in sums) % 2**64 for place in (0, 1))
    return low, high


def recount(
    data: Path,
    tables: Mapping[str, tuple[Sequence[Path], Sequence[str]]],
    pairs: Sequence[tuple[Path, ...]],
    engine: Engine,
    observer: Observer,
) -> tuple[dict[str, Counted], int, int]:
    """What each of `tables` holds, files and the columns to look at; then, of the `url_key` of the
    partitions of links, whose files are `pairs`, how many are distinct and how many lie in another
    partition than their own. Writes nothing, unless the engine keeps a journal."""
    tasks: list[Task] = []
    kinds: list[str] = []
    for kind, (files, columns) in tables.items():
        for bundle in bundled(files, _bytes, TASK_BYTES, TASK_FILES):
            name = f"count-{len(kinds):05d}"
            kinds.append(kind)
            weight = sum(map(_bytes, bundle))
            tasks.append(Task(name, count, tuple(bundle), (), {"columns": list(columns)}, weight))
    for number, pair in enumerate(pairs):
        of = {"partition": number, "partitions": len(pairs)}
        weight = sum(map(_bytes, pair))
        tasks.append(Task(f"distinct-{number:05d}", distinct, pair, (), of, weight))
    size = sum(task.weight for task in tasks)
    if size <= TASK_BYTES:  # done before it could be said
        engine, observer = LocalEngine(1), SILENT
    else:
        observer.step_started("count", size, "bytes")
    jobs = [Job(task, data, None, "", data / STATE) for task in tasks]
    done = {each.name: each.counts for each in engine.run(jobs, observer)}
    found = {kind: Counted() for kind in tables}
    for kind, task in zip(kinds, tasks, strict=False):
        found[kind].add(done[task.name])
    keys = [done[task.name] for task in tasks[len(kinds) :]]
    return found, sum(k["distinct"] for k in keys), sum(k["elsewhere"] for k in keys)


def _bytes(path: Path) -> int:
    return path.stat().st_size


def count(inputs: list[Path], outputs: list[Path], columns: list[str]) -> dict[str, Any]:
    """Task: what some files of a table hold, as `Counted` adds it up."""
    outcomes = Counter[str]()
    sums: dict[str, Sum] = {}
    foreign = 0
    for batch in iterate(inputs, columns) if columns else ():
        for outcome, rows in _by_outcome(batch):
            outcomes[outcome] += rows.num_rows
            for column in columns:
                if column != "outcome":
                    name = f"{column} {outcome}"
                    sums[name] = plus(sums.get(name, (0, 0)), _sum(rows[column].drop_null()))
        if {"url_key", "doc_id"} <= set(columns):
            made = batch.filter(pc.is_valid(batch["doc_id"]))
            own = pa.array(hex_digests(made["url_key"]), pa.string())
            foreign += pc.sum(pc.not_equal(made["doc_id"], own)).as_py() or 0
    rows_ = sum(pq.read_metadata(path).num_rows for path in inputs)
    return {"rows": rows_, "foreign": foreign, "outcomes": dict(outcomes), "sums": sums}


def _by_outcome(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Rows of each outcome; all under no name where there is none."""
    if "outcome" not in batch.schema.names:
        yield "", batch
        return
    for outcome in pc.unique(batch["outcome"]).to_pylist():
        yield outcome, batch.filter(pc.equal(batch["outcome"], outcome))


def _sum(values: pa.Array) -> Sum:
    low, high = digests(values).view("<u8").sum(axis=0, dtype=np.uint64).tolist()
    return low, high


def distinct(
    inputs: list[Path], outputs: list[Path], partition: int, partitions: int
) -> dict[str, Any]:
    """Task: how many different `url_key` a partition has, and how many that belong to another."""
    keys = read_tables(inputs, ["url_key"])["url_key"]
    elsewhere = int((partition_of(keys, partitions) != partition).sum())
    return {"distinct": pc.count_distinct(keys).as_py(), "elsewhere": elsewhere}
