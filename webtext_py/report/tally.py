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


class Sums:
    """Rows of a schema added up by its first columns, the `keys`; the others are int64 sums.
    Memory grows with the distinct keys."""

    def __init__(self, schema: pa.Schema, keys: int = 1) -> None:
        self._keys, self._measures = schema.names[:keys], schema.names[keys:]
        self._held = schema.empty_table()
        self._pending: list[pa.Table] = []
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        """Adds rows; they are folded when they are as many as what is held."""
        self._pending.append(rows)
        self._rows += rows.num_rows
        if self._rows > max(_PENDING_ROWS, self._held.num_rows):
            self._fold()

    def _fold(self) -> None:
        schema = self._held.schema
        rows = pa.concat_tables([self._held, *(rows.cast(schema) for rows in self._pending)])
        sums = [(name, "sum") for name in self._measures]
        made = rows.group_by(self._keys, use_threads=False).aggregate(sums)
        named = [*self._keys, *(f"{name}_sum" for name in self._measures)]
        self._held = made.select(named).rename_columns(schema.names).cast(schema)
        self._pending, self._rows = [], 0

    def table(self) -> pa.Table:
        """What was added, in order of the keys."""
        self._fold()
        return self._held.sort_by([(key, "ascending") for key in self._keys])


class Tally(Sums):
    """Sums as `TOTALS`, by kind and key."""

    def __init__(self) -> None:
        super().__init__(TOTALS, 2)

    def count(self, kind: str, keys: pa.Array, **measures: pa.Array) -> None:
        """Adds a row for each of `keys`, which are text or numbers, with its measures."""
        nothing = pa.repeat(pa.scalar(0), len(keys))
        columns = {
            "kind": pa.repeat(kind, len(keys)),
            "key": keys.cast(pa.string()),
            **{name: measures.get(name, nothing) for name in MEASURES},
        }
        self.add(pa.table(columns))


def merge(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: files of `TOTALS` to one."""
    total = Tally()
    for batch in iterate(inputs):
        total.add(pa.Table.from_batches([batch]))
    write_table(total.table(), outputs[0])


def by_kind(totals: pa.Table, kind: str) -> list[Mapping[str, object]]:
    """The rows of one kind."""
    rows: list[Mapping[str, object]] = totals.filter(pc.equal(totals["kind"], kind)).to_pylist()
    return rows
