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
    with Shuffle(path, SCHEMA) as shuffle:
        start = turn = 0
        while start < len(rows):
            batch = rows[start : start + sizes[turn % len(sizes)]]
            columns = [list(column) for column in zip(*batch, strict=True)]
            table = pa.table(columns[:3], schema=SCHEMA)
            shuffle.add(table, np.array(columns[3], np.int64))
            start, turn = start + len(batch), turn + 1
    return path.read_bytes()


@given(
    st.lists(_row, max_size=40),
    st.lists(st.integers(1, 9), min_size=1),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_every_row_reaches_its_partition_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[object, ...]],
    sizes: list[int],
    buffer: int,
    together: int,
) -> None:
    folder = tmp_path_factory.mktemp("shuffle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BUFFER_BYTES", buffer)
        patch.setattr(tables, "_BATCH_BYTES", together)
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
        patch.setattr(tables, "_BATCH_BYTES", buffer)
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


def test_a_file_costs_nothing_for_partitions(tmp_path: Path) -> None:
    rows = pa.table([["key"] * 60, [True] * 60, [[]] * 60], schema=SCHEMA)
    for name, partitions in (("few", 4), ("many", 4000)):
        with Shuffle(tmp_path / name, SCHEMA) as shuffle:
            shuffle.add(rows, np.arange(60) * 7919 % partitions)
    few, many = ((tmp_path / name).stat().st_size for name in ("few", "many"))
    assert many - few < 60 * 8 + 64  # a run each


def test_a_reader_of_one_partition_leaves_the_others_alone(tmp_path: Path) -> None:
    rows = pa.table([["k" * 1000] * 400, [True] * 400, [[]] * 400], schema=SCHEMA)
    path = tmp_path / "large"
    with Shuffle(path, SCHEMA) as shuffle:
        shuffle.add(rows, np.arange(400) % 4)
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
        assert file.num_record_batches == 4 + 1
    whole = path.read_bytes()
    assert read_partition([path], 0, SCHEMA).num_rows == 100
    # The first batch damaged: only who wants it sees that.
    at = whole.index(b"\x28\xb5\x2f\xfd")  # of zstd
    path.write_bytes(whole[:at] + bytes(4) + whole[at + 4 :])
    assert read_partition([path], 2, SCHEMA).num_rows == 100
    with pytest.raises(OSError, match="ZSTD"):
        read_partition([path], 0, SCHEMA)


def test_files_of_the_form_before_are_read_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "before"
    schema = SCHEMA.with_metadata({"partitions": "3"})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for keys in ([], ["b"], ["c", "d"], ["e"], [], ["f"]):  # two rounds
            columns = [keys, [True] * len(keys), [None] * len(keys)]
            arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
            file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    join_shuffles([path, path], [tmp_path / "joined"])
    for partition, keys in enumerate((["e"], ["b"], ["c", "d", "f"])):
        assert read_partition([path], partition, SCHEMA)["key"].to_pylist() == keys
        assert (
            read_partition([tmp_path / "joined"], partition, SCHEMA)["key"].to_pylist() == 2 * keys
        )


def test_a_shuffle_of_nothing_has_empty_partitions(tmp_path: Path) -> None:
    with Shuffle(tmp_path / "none", SCHEMA):
        pass
    assert list(iterate_partition([tmp_path / "none"], 2)) == []
    assert read_partition([tmp_path / "none"], 2, SCHEMA).num_rows == 0
    assert read_partition([], 0, SCHEMA).schema.equals(SCHEMA)


def test_what_is_held_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BUFFER_BYTES", 10_000)
    table = pa.table([["k" * 100] * 50, [True] * 50, [[]] * 50], schema=SCHEMA)
    with Shuffle(tmp_path / "many", SCHEMA) as shuffle:
        for _ in range(100):
            shuffle.add(table, np.arange(50) % 4)
    sizes = [batch.nbytes for batch in iterate_partition([tmp_path / "many"], 1)]
    assert len(sizes) > 20
    assert max(sizes) < 10_000
