"""How tables are written and shuffled: one set of Parquet options, bounded buffers."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 65536
BUFFER_BYTES = 64 << 20  # our choice: what a shuffle holds before it writes
_JOIN_BYTES = 128 << 20  # our choice: what one holds that is made of others
_PIECE_BYTES = 12 << 10  # what a batch takes beside its rows
_BATCH_BYTES = 64 << 10  # our choice: of rows that a shuffle writes as one batch, at least
_RUNS, _SPANS = b"runs", b"spans"  # keys of the metadata of a shuffle's batches


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

    A context manager. The file is an Arrow IPC file of rounds: each flush writes the rows that are
    held in the order of their partitions, in batches of whole partitions and about `_BATCH_BYTES`
    or more, so that a partition of few rows costs nothing of its own. A batch's metadata has the
    runs in it (partition, rows); those of a last batch without rows, the first and last partition
    of each batch, so that a reader finds its own without reading the others. One file for all
    partitions, as a file for each would need partitions² of them, each flushed to disk; Parquet's
    footer would list every column of every partition. The bytes depend on the rows and their order
    alone.
    """

    def __init__(self, path: Path, schema: pa.Schema, most: int | None = None) -> None:
        self._schema = schema.remove_metadata()
        self._sink = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
        self._writer = pa.ipc.new_file(self._sink, self._schema, options=options)
        self._held: list[pa.Table] = []
        self._targets: list[npt.NDArray[np.int64]] = []
        self._bytes, self._most = 0, BUFFER_BYTES if most is None else most
        self._spans: list[tuple[int, int]] = []  # first and last partition of each batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                none = pa.RecordBatch.from_pylist([], self._schema)
                self._writer.write_batch(none, {_SPANS: _packed(self._spans)})
                self._writer.close()
        finally:
            self._sink.close()

    def add(self, table: pa.Table, targets: npt.NDArray[np.int64]) -> None:
        """Adds rows; `targets[i]` is the partition of row `i`."""
        for start in range(0, table.num_rows, ROW_GROUP_ROWS):  # what fits into one array
            rows = table.slice(start, ROW_GROUP_ROWS)
            # A copy, so that what else lies in the buffers of the rows need not stay.
            copy = rows.take(pa.array(np.arange(rows.num_rows)))
            self.hold(copy, targets[start : start + ROW_GROUP_ROWS])

    def hold(self, rows: pa.Table, targets: npt.NDArray[np.int64]) -> None:
        """Adds rows whose buffers hold nothing else."""
        rows = rows.cast(self._schema)
        if self._bytes + rows.nbytes > self._most:
            self._flush()
        self._held.append(rows)
        self._targets.append(targets)
        self._bytes += rows.nbytes + _PIECE_BYTES

    def _flush(self) -> None:
        if not self._held:
            return
        targets, rows = np.concatenate(self._targets), pa.concat_tables(self._held)
        self._held, self._targets, self._bytes = [], [], 0
        order = np.argsort(targets, kind="stable")
        arrays = []
        while rows.num_columns:  # one after the other, so that not all are held twice
            arrays.append(rows.column(0).combine_chunks().take(pa.array(order)))
            rows = rows.remove_column(0)
        self._write(pa.RecordBatch.from_arrays(arrays, schema=self._schema), targets[order])

    def _write(self, rows: pa.RecordBatch, targets: npt.NDArray[np.int64]) -> None:
        """Writes rows in the order of their partitions."""
        partitions, counts = np.unique(targets, return_counts=True)
        ends = np.cumsum(counts)
        least = -(-_BATCH_BYTES * rows.num_rows // max(1, rows.nbytes))  # rows of a batch
        first = 0
        while first < len(ends):
            start = int(ends[first] - counts[first])
            end = min(int(np.searchsorted(ends, start + least)) + 1, len(ends))
            runs = np.stack([partitions[first:end], counts[first:end]], 1)
            batch = rows.slice(start, int(ends[end - 1]) - start)
            self._writer.write_batch(batch, {_RUNS: _packed(runs)})
            self._spans.append((int(partitions[first]), int(partitions[end - 1])))
            first = end


def _packed(pairs: Any) -> bytes:
    return np.asarray(pairs, "<i4").tobytes()


def _pairs(packed: bytes) -> npt.NDArray[np.int64]:
    return np.frombuffer(packed, "<i4").reshape(-1, 2).astype(np.int64)


def _batches(
    path: Path, partition: int | None = None
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """Batches of a file that `Shuffle` wrote, all or those that may have rows of a partition; each
    with its runs: partition and rows."""
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
        spans = _spans(file)
        first, last = spans.T
        wanted = (first <= partition) & (partition <= last) if partition is not None else first >= 0
        for number in np.flatnonzero(wanted).tolist():
            batch, said = file.get_batch_with_custom_metadata(number)
            runs = _pairs(said[_RUNS]) if said else np.array([[first[number], batch.num_rows]])
            yield batch.replace_schema_metadata(None), runs


def _spans(file: Any) -> npt.NDArray[np.int64]:
    """The first and the last partition of each batch."""
    batches = file.num_record_batches
    if partitions := (file.schema.metadata or {}).get(b"partitions"):
        # A file of before batches had runs: each is one partition's, in turn.
        own = np.arange(batches) % int(partitions)
        return np.stack([own, own], 1)
    return _pairs(file.get_batch_with_custom_metadata(batches - 1)[1][_SPANS])


def join_shuffles(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: files that `Shuffle` wrote as one, which has the same rows of each partition in the
    same order, in few batches."""
    with pa.OSFile(str(inputs[0])) as source, pa.ipc.open_file(source) as file:
        schema = file.schema
    with Shuffle(outputs[0], schema, _JOIN_BYTES) as joined:
        for path in inputs:
            for batch, runs in _batches(path):
                joined.hold(pa.Table.from_batches([batch]), np.repeat(*runs.T))
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
        for batch, runs in _batches(path, partition):
            of, rows = runs.T
            at = int(np.searchsorted(of, partition))
            if len(of) == 1:
                yield batch
            elif of[at] == partition:
                # A copy, so that the rows of others need not stay.
                yield batch.take(pa.array(rows[:at].sum() + np.arange(rows[at])))


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
