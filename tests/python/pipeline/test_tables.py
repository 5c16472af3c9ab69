"""Shuffle: every row in its partition, in order, however it came and whatever the buffer holds;
files that are joined."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py import tables
from webtext_py.tables import Shuffle, iterate_partition, join_shuffles, read_partition

SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), False),
        pa.field("flag", pa.bool_()),
        pa.field("names", pa.list_(pa.string())),
    ]
)
_row = st.tuples(
    st.text(max_size=5),
    st.none() | st.booleans(),
    st.none() | st.lists(st.text(max_size=3), max_size=3),
    st.integers(0, 4),
)


def shuffled(path: Path, rows: list[tuple[object, ...]], sizes: list[int]) -> bytes:
    """The bytes of a shuffle of `rows` that are added `sizes` at a time, in turn."""
    with Shuffle(path, 5, SCHEMA) as shuffle:
        start = turn = 0
        while start < len(rows):
            batch = rows[start : start + sizes[turn % len(sizes)]]
            columns = [list(column) for column in zip(*batch, strict=True)]
            table = pa.table(columns[:3], schema=SCHEMA)
            shuffle.add(table, np.array(columns[3], np.int64))
            start, turn = start + len(batch), turn + 1
    return path.read_bytes()


@given(st.lists(_row, max_size=40), st.lists(st.integers(1, 9), min_size=1), st.integers(1, 400))
def test_every_row_reaches_its_partition_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[object, ...]],
    sizes: list[int],
    buffer: int,
) -> None:
    folder = tmp_path_factory.mktemp("shuffle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BUFFER_BYTES", buffer)
        patch.setattr(tables, "ROW_GROUP_ROWS", 7)
        first = shuffled(folder / "a", rows, sizes)
        assert shuffled(folder / "b", rows, sizes) == first
    for partition in range(5):
        found = read_partition([folder / "a", folder / "b"], partition, SCHEMA)
        mine = [row[:3] for row in rows if row[3] == partition]
        assert [tuple(row.values()) for row in found.to_pylist()] == mine + mine
        assert found.schema.equals(SCHEMA)


@given(
    st.lists(st.lists(_row, max_size=20), min_size=1, max_size=5),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_joined_files_have_the_same_rows_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[tuple[object, ...]]],
    buffer: int,
    joined: int,
) -> None:
    folder = tmp_path_factory.mktemp("joined")
    paths = [folder / str(number) for number in range(len(files))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BUFFER_BYTES", buffer)
        patch.setattr(tables, "_JOIN_BYTES", joined)
        patch.setattr(tables, "_PIECE_BYTES", 1)
        for path, rows in zip(paths, files, strict=True):
            shuffled(path, rows, [3])
        join_shuffles(paths, [folder / "all"])
    for partition in range(5):
        apart = read_partition(paths, partition, SCHEMA)
        assert read_partition([folder / "all"], partition, SCHEMA).equals(apart)


def test_joined_files_are_cut_into_few_batches(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(40)]
    for path in paths:
        shuffled(path, [("key", True, None, n) for n in range(5)], [5])
    join_shuffles(paths, [tmp_path / "all"])
    [batch] = iterate_partition([tmp_path / "all"], 3)
    assert batch.num_rows == 40


def test_a_shuffle_of_nothing_has_empty_partitions(tmp_path: Path) -> None:
    with Shuffle(tmp_path / "none", 3, SCHEMA):
        pass
    assert list(iterate_partition([tmp_path / "none"], 2)) == []
    assert read_partition([tmp_path / "none"], 2, SCHEMA).num_rows == 0
    assert read_partition([], 0, SCHEMA).schema.equals(SCHEMA)


def test_what_is_held_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BUFFER_BYTES", 10_000)
    table = pa.table([["k" * 100] * 50, [True] * 50, [[]] * 50], schema=SCHEMA)
    with Shuffle(tmp_path / "many", 4, SCHEMA) as shuffle:
        for _ in range(100):
            shuffle.add(table, np.arange(50) % 4)
    sizes = [batch.nbytes for batch in iterate_partition([tmp_path / "many"], 1)]
    assert len(sizes) > 20
    assert max(sizes) < 10_000
