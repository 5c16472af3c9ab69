"""`--drop`: every form of training text again, without the overlapping documents."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py import overlap as lib
from webtext_py.engine import commit
from webtext_py.errors import InputError
from webtext_py.ledger import LedgerError
from webtext_py.manifest import input_names
from webtext_py.overlap import drop, run
from webtext_py.overlap.training import TrainingText
from webtext_py.reader import read_batches

from .conftest import Write

SHARED = "one two three four five six seven eight nine"


def _lines(ids: list[int]) -> bytes:
    rows = [{"id": f"d{i}", "n": i, "text": SHARED if i % 3 == 1 else f"other {i}"} for i in ids]
    text = "\n".join(json.dumps(row) for row in rows)
    return text.replace("\n", "\n\n", 1).encode()  # a blank line is no row; none ends the file


def _drop(tmp_path: Path, write: Write, train: list[Path]) -> dict[str, object]:
    test = write("set.jsonl", [{"id": "e", "text": SHARED}])
    config = lib.OverlapConfig(
        test=(str(test),), train=tuple(map(str, train)), drop=tmp_path / "clean"
    )
    lib.overlap(tmp_path / "data", config)
    ledger: dict[str, object] = json.loads((tmp_path / "clean" / "ledger.json").read_bytes())
    return ledger


def _ids(path: Path) -> list[str]:
    [source] = TrainingText.of([path]).sources
    return [name for batch in read_batches(source) for name in batch.column("id").to_pylist()]


@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".zst", zstandard.ZstdCompressor().compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
    ],
)
def test_lines_keep_their_form(
    tmp_path: Path, write: Write, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    train = tmp_path / f"train.jsonl{ending}"
    train.write_bytes(compress(_lines(list(range(7)))))
    ledger = _drop(tmp_path, write, [train])
    counts = {"in": 7, "kept": 5, "dropped": {"overlap": 2}}
    assert ledger == {**counts, "files": {train.name: counts}}
    kept = tmp_path / "clean" / train.name
    assert _ids(kept) == ["d0", "d2", "d3", "d5", "d6"]
    assert kept.read_bytes()[:4] == train.read_bytes()[:4]  # the same compression
    again = tmp_path / "again"
    again.mkdir()
    _drop(again, write, [train])
    assert (again / "clean" / train.name).read_bytes() == kept.read_bytes()


def test_files_of_one_name_and_of_every_form(tmp_path: Path, write: Write) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        rows = {"doc_id": [f"{folder}0", f"{folder}1"], "text": ["x", SHARED]}
        pq.write_table(pa.table(rows), tmp_path / folder / "part.parquet")
    (tmp_path / "gone.txt").write_text(f"so {SHARED} it is")
    (tmp_path / "stays.txt").write_text("nothing of it")
    (tmp_path / ".part-clean").mkdir()
    (tmp_path / ".part-clean" / "half.parquet").write_bytes(b"killed")
    (tmp_path / "clean").mkdir()
    train = [tmp_path / n for n in ("a/part.parquet", "b/part.parquet", "gone.txt", "stays.txt")]
    ledger = _drop(tmp_path, write, train)
    assert (ledger["in"], ledger["kept"], ledger["dropped"]) == (6, 3, {"overlap": 3})
    assert not (tmp_path / ".part-clean").exists()
    found = sorted(p for p in (tmp_path / "clean").rglob("*") if p.is_file())
    names = [str(p.relative_to(tmp_path / "clean")) for p in found]
    assert names == ["a/part.parquet", "b/part.parquet", "ledger.json", "stays.txt"]
    assert _ids(tmp_path / "clean" / "b" / "part.parquet") == ["b0"]
    # What was dropped is all that was there: the second time nothing goes.
    data = tmp_path / "second"
    test = str(tmp_path / "set.jsonl")
    config = lib.OverlapConfig(test=(test,), train=(str(tmp_path / "clean"),), drop=data / "c2")
    [outcome] = lib.overlap(data, config)
    assert outcome.document["ngrams"]["found"] == 0
    assert json.loads((data / "c2" / "ledger.json").read_bytes())["dropped"] == {"overlap": 0}


def test_no_source_is_overwritten(tmp_path: Path, write: Write) -> None:
    # The one path ends as all of the other does below the root.
    first = tmp_path / "x.jsonl"
    second = tmp_path / "p" / first.relative_to("/")
    second.parent.mkdir(parents=True)
    for path in (first, second):
        path.write_bytes(_lines(list(range(5))))
    before = first.read_bytes(), second.read_bytes()
    ledger = _drop(tmp_path, write, [first, second])
    assert (first.read_bytes(), second.read_bytes()) == before
    assert (ledger["in"], ledger["kept"]) == (10, 6)
    for name in input_names([first, second]).values():
        assert not name.startswith("/")
        assert _ids(tmp_path / "clean" / name) == ["d0", "d2", "d3"]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "ledger.json", "."])
def test_names_that_lead_elsewhere_are_refused(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    train = write("train.jsonl", [{"text": "a b"}])
    name = name.replace("/etc", str(tmp_path))
    monkeypatch.setattr(drop, "input_names", lambda paths: dict.fromkeys(paths, name))
    with pytest.raises(InputError, match="would be written to"):
        _drop(tmp_path, write, [train])
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.glob("*clean*"))


def test_a_file_where_another_needs_a_folder(tmp_path: Path, write: Write) -> None:
    trains = []
    for name in ("1/c", "2/c/d", "3/e/d"):  # named `c`, `c/d` and `e/d`
        (tmp_path / name).parent.mkdir(parents=True)
        trains.append(write(name, [{"text": "a b"}]))
    with pytest.raises(InputError, match="`c/d` would be written below the file"):
        _drop(tmp_path, write, trains)
    assert not list(tmp_path.glob("*clean*"))


def test_a_file_that_grows_meanwhile_does_not_add_up(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = write("train.jsonl", [{"text": "a b"}, {"text": SHARED}])

    def grown(text: TrainingText, *others: Any, **options: Any) -> dict[str, Any]:
        with train.open("a") as file:
            file.write('{"text": "c"}\n')
        return drop.drop_overlapping(text, *others, **options)

    monkeypatch.setattr(run, "drop_overlapping", grown)
    with pytest.raises(LedgerError, match="2 taken, but 2 kept \\+ 1 dropped"):
        _drop(tmp_path, write, [train])
    assert not (tmp_path / "clean").exists()


def test_this_folder_may_be_named(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = write("train.jsonl", [{"text": "a b"}, {"text": SHARED}])
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = lib.OverlapConfig(test=(str(train),), train=(str(train),), drop=Path())
    with pytest.raises(InputError, match="is or holds `webtext-data`"):
        lib.overlap(Path("webtext-data"), config)
    assert list((tmp_path / "here").iterdir()) == []
    lib.overlap(tmp_path / "data", config)
    assert sorted(p.name for p in (tmp_path / "here").iterdir()) == ["ledger.json", "train.jsonl"]


def test_row_groups_are_never_held_whole(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"doc_id": f"d{i}", "text": SHARED if i % 10 == 3 else f"{i:0100d}"} for i in range(100)
    ]
    train = tmp_path / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows), train, row_group_size=60)
    monkeypatch.setattr("webtext_py.tables.BUFFER_BYTES", 1000)
    held = []
    write_table = pq.ParquetWriter.write_table

    def watched(writer: pq.ParquetWriter, table: pa.Table, **options: Any) -> None:
        if "text" in table.column_names:
            held.append(table.nbytes)
        write_table(writer, table, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", watched)
    _drop(tmp_path, write, [train])
    expected = [f"d{i}" for i in range(100) if i % 10 != 3]
    assert _ids(tmp_path / "clean" / "train.parquet") == expected
    assert 0 < max(held) < 3000  # of about 6000


def test_folders_are_flushed_before_they_appear(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    trains = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        trains.append(write(f"{folder}/t.jsonl", [{"text": folder}]))
    flushed = []
    monkeypatch.setattr(commit, "flush", lambda path: flushed.append(path.name))
    _drop(tmp_path, write, trains)
    assert {"a", "b", "t.jsonl", ".part-clean"} <= set(flushed)
