"""`--drop`: every form of training text again, without the overlapping documents."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py import overlap as lib
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
