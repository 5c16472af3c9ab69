"""How tables are written and shuffled: one set of Parquet options, bounded buffers."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 65536
BUFFER_BYTES = 64 << 20  # our choice: what a shuffle holds before it writes
_JOIN_BYTES = 256 << 20  # our choice: what one holds that is made of others
_PIECE_BYTES = 12 << 10  # what a batch takes beside its rows
_PARTITIONS = b"partitions"  # key of a shuffle file's metadata


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


def numbered(
    batches: Iterable[pa.RecordBatch], first: int = 0
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Each batch with the number of its first row; the first of all is `first`."""
    for batch in batches:
        yield first, batch
        first += batch.num_rows


def without(batch: pa.RecordBatch, first: int, gone: npt.NDArray[Any]) -> pa.RecordBatch:
    """A batch, whose first row has the number `first`, less the rows whose numbers, ascending, are
    in `gone`."""
    start, end = np.searchsorted(gone, (first, first + batch.num_rows))
    if end == start:
        return batch
    keep = np.ones(batch.num_rows, bool)
    keep[gone[start:end].astype(np.int64) - first] = False
    return batch.filter(pa.array(keep))


def write_without(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, gone: npt.NDArray[Any], path: Path
) -> tuple[int, int]:
    """Writes the rows of `batches` but those whose numbers, ascending, are in `gone`.

    Row groups hold at most about `BUFFER_BYTES`. Returns how many rows came, and how many stay.
    """
    came = kept = 0
    waiting: list[pa.RecordBatch] = []
    # Dictionaries and bounds of long texts cost much and help nobody.
    texts = {f.name for f in schema if f.type in (pa.string(), pa.large_string())}
    others = [name for name in schema.names if name not in texts]
    options = {"use_dictionary": others, "write_statistics": others}
    with pq.ParquetWriter(path, schema, compression="zstd", **options) as writer:
        for first, batch in numbered(batches):
            came = first + batch.num_rows
            waiting.append(without(batch, first, gone))
            kept += waiting[-1].num_rows
            rows = sum(b.num_rows for b in waiting)
            if rows >= ROW_GROUP_ROWS or sum(b.nbytes for b in waiting) >= BUFFER_BYTES:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    return came, kept


class Shuffle:
    """Writes rows by partition to one file, holding at most about `BUFFER_BYTES` of them.

    A context manager. The file is an Arrow IPC file of rounds: each flush writes one record batch
    (perhaps without rows) for every partition, so batch `i` belongs to partition `i % partitions`.
    One file for all partitions, as a file for each would need partitions² of them, each flushed to
    disk; Arrow's footer finds a batch without reading the others, where Parquet's would list every
    column of every partition. The bytes depend on the rows and their order alone.
    """

    def __init__(
        self, path: Path, partitions: int, schema: pa.Schema, most: int | None = None
    ) -> None:
        self._schema = schema.with_metadata({_PARTITIONS: str(partitions)})
        self._sink = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
        self._writer = pa.ipc.new_file(self._sink, self._schema, options=options)
        self._held: list[list[pa.Table]] = [[] for _ in range(partitions)]
        self._bytes, self._most = 0, BUFFER_BYTES if most is None else most

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._writer.close()
        finally:
            self._sink.close()

    def add(self, table: pa.Table, targets: npt.NDArray[np.int64]) -> None:
        """Adds rows; `targets[i]` is the partition of row `i`."""
        for start in range(0, table.num_rows, ROW_GROUP_ROWS):  # what fits into one array
            self._add(table.slice(start, ROW_GROUP_ROWS), targets[start : start + ROW_GROUP_ROWS])
            self._flush_when_full()

    def add_batch(self, batch: pa.RecordBatch, partition: int) -> None:
        """Adds rows of one partition, of which there may be few."""
        if batch.num_rows:
            self._held[partition].append(pa.Table.from_batches([batch]))
            self._bytes += batch.nbytes + _PIECE_BYTES
            self._flush_when_full()

    def _flush_when_full(self) -> None:
        if self._bytes >= self._most:
            self._flush()

    def _add(self, table: pa.Table, targets: npt.NDArray[np.int64]) -> None:
        order = np.argsort(targets, kind="stable")
        table = table.cast(self._schema).take(pa.array(order))
        bounds = np.searchsorted(targets[order], np.arange(len(self._held) + 1))
        for partition, held in enumerate(self._held):
            start, end = int(bounds[partition]), int(bounds[partition + 1])
            if end > start:
                held.append(table.slice(start, end - start))
        self._bytes += table.nbytes

    def _flush(self) -> None:
        if not self._bytes:
            return
        for held in self._held:
            rows = pa.concat_tables(held) if held else self._schema.empty_table()
            arrays = [
                pa.concat_arrays(column.chunks) if held else pa.array([], column.type)
                for column in rows.columns
            ]
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            held.clear()
        self._bytes = 0


def join_shuffles(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: files that `Shuffle` wrote as one, which has the same rows of each partition in the
    same order, in few batches."""
    with ExitStack() as stack:
        joined = None
        for path in inputs:
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                partitions = int(file.schema.metadata[_PARTITIONS])
                if joined is None:
                    joined = Shuffle(outputs[0], partitions, file.schema, _JOIN_BYTES)
                    stack.enter_context(joined)
                for number in range(file.num_record_batches):
                    joined.add_batch(file.get_batch(number), number % partitions)
    return {}


def join_bytes(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the bytes of files one after the other."""
    with outputs[0].open("wb") as joined:
        for path in inputs:
            with path.open("rb") as file:
                shutil.copyfileobj(file, joined, 1 << 20)
    return {}


def iterate_partition(paths: Sequence[Path], partition: int) -> Iterator[pa.RecordBatch]:
    """Batches of one partition of several files that `Shuffle` wrote, in order."""
    for path in paths:
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
            partitions = int(file.schema.metadata[_PARTITIONS])
            for i in range(partition, file.num_record_batches, partitions):
                yield file.get_batch(i).replace_schema_metadata(None)


def read_partition(paths: Sequence[Path], partition: int, schema: pa.Schema) -> pa.Table:
    """All rows of one partition of several files of `schema`. Holds them in memory."""
    return pa.Table.from_batches(iterate_partition(paths, partition), schema)


def group_starts(sorted_keys: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.int64]:
    """Index of the first row of each run of equal values in a sorted column."""
    keys = sorted_keys.combine_chunks() if isinstance(sorted_keys, pa.ChunkedArray) else sorted_keys
    if len(keys) == 0:
        return np.zeros(0, np.int64)
    import pyarrow.compute as pc  # here alone: commands that sort nothing start sooner

    changes = pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1))
    flags = np.concatenate([[True], changes.to_numpy(zero_copy_only=False)])
    return np.flatnonzero(flags).astype(np.int64)
