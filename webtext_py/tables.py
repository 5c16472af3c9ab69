"""How tables are written and shuffled: one set of Parquet options, bounded buffers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 65536
BUFFER_BYTES = 64 << 20  # our choice: what a shuffle holds before it writes row groups


def write_table(table: pa.Table, path: Path, row_group_rows: int = ROW_GROUP_ROWS) -> None:
    """Writes a Parquet file: zstd, the same bytes for the same rows, however they are chunked."""
    pq.write_table(table.combine_chunks(), path, compression="zstd", row_group_size=row_group_rows)


def read_tables(paths: Sequence[Path], columns: list[str] | None = None) -> pa.Table:
    """All rows of several files of one schema, in the order given. Holds them in memory."""
    return pa.concat_tables([pq.read_table(p, columns=columns) for p in paths])


def iterate(
    paths: Sequence[Path], columns: list[str] | None = None, rows: int = ROW_GROUP_ROWS
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows` rows of several files, in order."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            # One row group after the other: Arrow holds all that one call is to read.
            for group in range(file.num_row_groups):
                yield from file.iter_batches(rows, [group], columns=columns, use_threads=False)


class Shuffle:
    """Writes rows to one of several files each, holding at most about `BUFFER_BYTES`.

    A context manager; every file is written, also one without rows. The bytes depend on the rows
    and their order alone.
    """

    def __init__(self, paths: Sequence[Path], schema: pa.Schema) -> None:
        self._schema = schema
        self._writers = [pq.ParquetWriter(p, schema, compression="zstd") for p in paths]
        self._held: list[list[pa.Table]] = [[] for _ in paths]
        self._bytes = 0

    def __enter__(self) -> "Shuffle":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            for writer in self._writers:
                writer.close()

    def add(self, table: pa.Table, targets: npt.NDArray[np.int64]) -> None:
        """Adds rows; `targets[i]` is the index of the file that row `i` goes to."""
        if not table.num_rows:
            return
        order = np.argsort(targets, kind="stable")
        table = table.cast(self._schema).take(pa.array(order))
        bounds = np.searchsorted(targets[order], np.arange(len(self._held) + 1))
        for target, held in enumerate(self._held):
            start, end = int(bounds[target]), int(bounds[target + 1])
            if end > start:
                held.append(table.slice(start, end - start))
        self._bytes += table.nbytes
        if self._bytes >= BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        for writer, held in zip(self._writers, self._held, strict=True):
            if held:
                writer.write_table(pa.concat_tables(held).combine_chunks())
                held.clear()
        self._bytes = 0


def group_starts(sorted_keys: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.int64]:
    """Index of the first row of each run of equal values in a sorted column."""
    keys = sorted_keys.combine_chunks() if isinstance(sorted_keys, pa.ChunkedArray) else sorted_keys
    if len(keys) == 0:
        return np.zeros(0, np.int64)
    changes = pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1))
    flags = np.concatenate([[True], changes.to_numpy(zero_copy_only=False)])
    return np.flatnonzero(flags).astype(np.int64)
