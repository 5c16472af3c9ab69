"""Sums by key over batches of rows, in memory that does not grow with the keys."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import partition_of
from webtext_py.report.published import Standing, bare, read_list
from webtext_py.tables import Shuffle, iterate_partition, write_table

# What is counted of each key of each kind; a measure that a kind lacks is 0.
MEASURES = ("links", "submissions", "karma", "documents", "words", "bytes")
TOTALS = pa.schema(
    [
        pa.field("kind", pa.string(), False),
        pa.field("key", pa.string()),
        *(pa.field(name, pa.int64(), False) for name in MEASURES),
    ]
)
MANY = ("domain", "subreddit")  # kinds with any number of keys; of the others all are kept
TOP = 50  # of these kinds shown: our choice
PARTITIONS = 64  # our choice: 3 million domains take 5 MB each
_PENDING_ROWS = 1 << 17  # our choice: what waits before it is added up, at least
_MOST_ROWS = 1 << 18  # our choice: what a tally holds before it writes


class Sums:
    """Rows of a schema added up by its first columns, the `keys`; the others are int64 sums.
    Memory grows with the distinct keys."""

    def __init__(self, schema: pa.Schema, keys: int = 1) -> None:
        self._keys, self._measures = schema.names[:keys], schema.names[keys:]
        self.held = schema.empty_table()
        self._pending: list[pa.Table] = []
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        """Adds rows; they are folded when they are as many as what is held."""
        self._pending.append(rows)
        self._rows += rows.num_rows
        if self._rows > max(_PENDING_ROWS, self.held.num_rows):
            self._fold()

    def _fold(self) -> None:
        schema = self.held.schema
        rows = pa.concat_tables([self.held, *(rows.cast(schema) for rows in self._pending)])
        sums = [(name, "sum") for name in self._measures]
        made = rows.group_by(self._keys, use_threads=False).aggregate(sums)
        named = [*self._keys, *(f"{name}_sum" for name in self._measures)]
        self.held = made.select(named).rename_columns(schema.names).cast(schema)
        self._pending, self._rows = [], 0

    def table(self) -> pa.Table:
        """What was added, in order of the keys."""
        self._fold()
        return self.held.sort_by([(key, "ascending") for key in self._keys])


class Tally(Shuffle):
    """Sums as `TOTALS`, by kind and key, in a file by partition of the key: what is too many to
    hold is written and begun anew. Domains that differ behind their first dot lie together, as a
    published list may name them without it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, TOTALS)
        self._sums = Sums(TOTALS, 2)

    def count(self, kind: str, keys: pa.Array, **measures: pa.Array) -> None:
        """Adds a row for each of `keys`, which are text or numbers, with its measures."""
        nothing = pa.repeat(pa.scalar(0), len(keys))
        columns = {
            "kind": pa.repeat(kind, len(keys)),
            "key": keys.cast(pa.string()),
            **{name: measures.get(name, nothing) for name in MEASURES},
        }
        self._sums.add(pa.table(columns))
        if self._sums.held.num_rows > _MOST_ROWS:
            self._spill()

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            self._spill()
        super().__exit__(kind, *rest)

    def _spill(self) -> None:
        rows = self._sums.table()
        self.add(rows, partition_of(bare(rows["key"]), PARTITIONS))
        self._sums = Sums(TOTALS, 2)


def merge(inputs: Sequence[Path], outputs: Sequence[Path], published: bool) -> dict[str, Any]:
    """Task: files of a `Tally` to all sums but those of `MANY`, of which the first `TOP` are kept.

    Of those it returns how many have links and documents; with `published`, the last input, how
    our domains stand beside that list. Memory: the keys of a partition.
    """
    files = list(inputs[:-1] if published else inputs)
    standing = Standing(read_list(inputs[-1])) if published else None
    kept = TOTALS.empty_table()
    counts = {kind: {"of_links": 0, "of_documents": 0} for kind in MANY}
    for partition in range(PARTITIONS):
        sums = Sums(TOTALS, 2)
        for batch in iterate_partition(files, partition):
            sums.add(pa.Table.from_batches([batch]))
        rows = sums.table()
        if standing is not None:
            mine = rows.filter(pc.equal(rows["kind"], "domain"))
            standing.add(mine["key"], mine["documents"])
        for kind in MANY:
            mine = rows.filter(pc.equal(rows["kind"], kind))
            for name, measure in (("of_links", "links"), ("of_documents", "documents")):
                counts[kind][name] += pc.sum(pc.greater(mine[measure], 0)).as_py() or 0
        kept = _most(pa.concat_tables([kept, rows]))
    write_table(kept, outputs[0])
    return {**counts, "published": standing and standing.document()}


def _most(rows: pa.Table) -> pa.Table:
    """Rows by kind and key; of each of `MANY` only the first `TOP`, those with most documents."""
    parts = [rows.filter(pc.invert(pc.is_in(rows["kind"], pa.array(MANY))))]
    parts[0] = parts[0].sort_by([("kind", "ascending"), ("key", "ascending")])
    order = [("documents", "descending"), ("links", "descending"), ("key", "ascending")]
    for kind in MANY:
        mine = rows.filter(pc.equal(rows["kind"], kind))
        parts.append(mine.sort_by(order)[:TOP])
    return pa.concat_tables(parts)


def by_kind(totals: pa.Table, kind: str) -> list[Mapping[str, Any]]:
    """The rows of one kind."""
    rows: list[Mapping[str, Any]] = totals.filter(pc.equal(totals["kind"], kind)).to_pylist()
    return rows
