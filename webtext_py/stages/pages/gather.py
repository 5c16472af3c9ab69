"""The good captures of all links in the order in which extraction reads them.

A sort in three steps, so that each file is opened once: `collect` orders the captures of a
partition of links and marks places evenly; `distribute` cuts them into ranges of places; `gather`
puts a range together. A range never ends inside a member: what shares bytes is read in one pass.
Memory grows with a partition and with a range, which is as large or one member.
"""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.ledger import count_values
from webtext_py.records import GOOD_CAPTURES
from webtext_py.tables import Shuffle, read_partition, read_tables, write_table

MARK_ROWS = 1024  # our choice: a range is even to so many rows a partition
RANGE_ROWS = 65536  # our choice: fewer links are not worth another file

Place = tuple[str, int]  # a container and an offset in it: a member


def collect(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: all rounds' good captures of one partition of links, in order of place.

    Returns the place of every `MARK_ROWS`th.
    """
    # As parts of `GOOD_CAPTURES`, or the names that Parquet gives lists would show in the file.
    rows = in_place_order(read_tables(inputs)).cast(GOOD_CAPTURES)
    write_table(rows, outputs[0])
    every = rows.take(pa.array(np.arange(MARK_ROWS // 2, rows.num_rows, MARK_ROWS)))
    return {"marks": places(every)}


def bounds(marks: Sequence[Sequence[Any]], partitions: int) -> list[Place]:
    """Where the ranges of all places begin, but the first: at most `partitions` even ones."""
    known = sorted((str(file), int(offset)) for file, offset in marks)
    ranges = min(partitions, -(-len(known) * MARK_ROWS // RANGE_ROWS))
    return sorted({known[len(known) * i // ranges] for i in range(1, ranges)})


def distribute(inputs: list[Path], outputs: list[Path], begins: list[Place]) -> dict[str, Any]:
    """Task: a partition's captures to the ranges that begin at `begins`."""
    wanted = [tuple(place) for place in begins]
    with (
        Shuffle(outputs[0], GOOD_CAPTURES) as shuffle,
        pq.ParquetFile(inputs[0]) as file,
    ):
        for batch in file.iter_batches(use_threads=False):
            rows = pa.Table.from_batches([batch]).cast(GOOD_CAPTURES)
            targets = [bisect_right(wanted, place) for place in places(rows)]
            shuffle.add(rows, np.array(targets, np.int64))
    return {}


def gather(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: one range of places, in order. Returns the number of captures by container."""
    rows = in_place_order(read_partition(inputs, partition, GOOD_CAPTURES)).cast(GOOD_CAPTURES)
    write_table(rows, outputs[0], row_group_rows=8192)
    return {"containers": count_values(pc.struct_field(rows["location"], "file"))}


def places(rows: pa.Table) -> list[Place]:
    """The container and the member's offset of each row."""
    files = pc.struct_field(rows["location"], "file").to_pylist()
    offsets = pc.struct_field(rows["location"], "offset").to_pylist()
    return list(zip(files, offsets, strict=True))


def in_place_order(rows: pa.Table) -> pa.Table:
    """Rows with `location` and `url_key` by container and place in it."""
    names = ("file", "offset", "skip")
    place = {name: pc.struct_field(rows["location"], name) for name in names}
    place["skip"] = pc.fill_null(place["skip"], 0)
    order = pa.table({**place, "url_key": rows["url_key"]})
    keys = [(name, "ascending") for name in order.column_names]
    return rows.take(pc.sort_indices(order, keys))
