"""Good captures, a row each in the order of their places, cut into the tasks of extraction.

A task reads one container, once through, in the order of its places. It takes whole members, so
that no compressed bytes and no row group are decoded twice; only a member with more than
`MOST_SHARED` pages is read by several.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Our choice: small enough that workers share a small build, large enough that a large one does not
# leave a million files.
LEAST, MOST, TASKS = 128, 4096, 256
MOST_SHARED = 65536  # our choice: what a task holds of texts stays below a gigabyte


def size_for(pages: int) -> int:
    """Pages of a task of a build with so many."""
    return max(LEAST, min(MOST, -(-pages // TASKS)))


def cut(inputs: list[Path], outputs: list[Path], size: int) -> dict[str, Any]:
    """Task: returns `pieces` of a file of good captures: container, first row and number of rows,
    `size` or somewhat more."""
    place = pq.read_table(inputs[0], columns=["location"])["location"]
    file = pc.dictionary_encode(pc.struct_field(place, "file").combine_chunks())
    if isinstance(file, pa.ChunkedArray):
        file = file.combine_chunks()
    codes, offsets = file.indices.to_numpy(), pc.struct_field(place, "offset").to_numpy()
    if not len(codes):
        return {"pieces": []}
    another = np.flatnonzero(np.diff(codes)) + 1  # container
    members = np.flatnonzero((np.diff(codes) != 0) | (np.diff(offsets) != 0)) + 1
    pieces = []
    for first, end in zip([0, *another], [*another, len(codes)], strict=True):
        begin = int(first)
        while begin < end:
            # The first member that begins `size` pages on, but not too far.
            place_ = int(np.searchsorted(members, begin + size))
            stop = int(members[place_]) if place_ < len(members) else int(end)
            stop = min(stop, int(end), begin + max(size, MOST_SHARED))
            pieces.append([file.dictionary[int(codes[begin])].as_py(), begin, stop - begin])
            begin = stop
    return {"pieces": pieces}


def rows_of(path: Path, first: int, count: int, columns: list[str]) -> pa.Table:
    """`count` rows of a Parquet file from number `first` on; other row groups are not read."""
    found: list[pa.Table] = []
    start = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(first, start), min(first + count, start + rows)
            if low < high:
                read = file.read_row_group(group, columns=columns, use_threads=False)
                found.append(read.slice(low - start, high - low))
            start += rows
    return pa.concat_tables(found)
