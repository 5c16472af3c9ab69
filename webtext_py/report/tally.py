"""Sums by key over batches of rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.tables import iterate, write_table

# What is counted of each key of each kind; a measure that a kind lacks is 0.
MEASURES = ("links", "submissions", "karma", "documents", "words", "bytes")
TOTALS = pa.schema(
    [
        pa.field("kind", pa.string(), False),
        pa.field("key", pa.string()),
        *(pa.field(name, pa.int64(), False) for name in MEASURES),
    ]
)
_PENDING_ROWS = 1 << 17  # our choice: what waits before it is added up, at least


class Tally:
    """Rows of `TOTALS` added up by kind and key; memory grows with the distinct ones."""

    def __init__(self) -> None:
        self._held = TOTALS.empty_table()
        self._pending: list[pa.Table] = []
        self._rows = 0

    def add(self, kind: str, keys: pa.Array, **measures: pa.Array) -> None:
        """Adds a row for each of `keys`, which are text or numbers, with its measures."""
        count = len(keys)
        columns = {
            "kind": pa.repeat(kind, count),
            "key": keys.cast(pa.string()),
            **{name: measures.get(name, pa.repeat(pa.scalar(0), count)) for name in MEASURES},
        }
        rows = pa.table(list(columns.values()), names=list(columns))
        self.merge(_added(rows))

    def merge(self, rows: pa.Table) -> None:
        """Adds rows of `TOTALS`."""
        self._pending.append(rows.cast(TOTALS))
        self._rows += rows.num_rows
        if self._rows > max(_PENDING_ROWS, self._held.num_rows):
            self._fold()

    def _fold(self) -> None:
        self._held = _added(pa.concat_tables([self._held, *self._pending]))
        self._pending, self._rows = [], 0

    def table(self) -> pa.Table:
        """What was added, in order of kind and key."""
        self._fold()
        return self._held.sort_by([("kind", "ascending"), ("key", "ascending")])


def _added(rows: pa.Table) -> pa.Table:
    sums = [(name, "sum") for name in MEASURES]
    made = rows.group_by(["kind", "key"], use_threads=False).aggregate(sums)
    names = {f"{name}_sum": name for name in MEASURES}
    named = made.rename_columns([names.get(name, name) for name in made.column_names])
    return named.select(TOTALS.names).cast(TOTALS)


def merge(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: files of `TOTALS` to one."""
    total = Tally()
    for batch in iterate(inputs):
        total.merge(pa.Table.from_batches([batch]))
    write_table(total.table(), outputs[0])


def by_kind(totals: pa.Table, kind: str) -> list[Mapping[str, object]]:
    """The rows of one kind."""
    rows: list[Mapping[str, object]] = totals.filter(pc.equal(totals["kind"], kind)).to_pylist()
    return rows
