"""`doc_id`s of token files differ within a run, whatever the rows call themselves."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import Tokenizer
from webtext_py.bpe.encode_stage import encode_stage
from webtext_py.engine import LocalEngine
from webtext_py.workspace import Workspace


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    Tokenizer.train(["a text of words " * 9], vocab_size=270).save(tmp_path / "vocabulary")
    return tmp_path / "vocabulary"


def ids_of(
    tmp_path: Path, tokenizer: Path, inputs: list[Path], workers: int = 1, shared: int = 0
) -> list[str]:
    data = tmp_path / f"data-{workers}"
    with Workspace(data, engine=LocalEngine(workers)) as workspace:
        counts = encode_stage(workspace, tokenizer=tokenizer, inputs=inputs).counts
    files = sorted((data / "tokens").glob("*.parquet"))
    found = [row for path in files for row in pq.read_table(path)["doc_id"].to_pylist()]
    assert counts["rows"] == len(found)
    assert counts["ids_shared"] == shared
    return found


def test_ids_that_rows_share_become_mark_and_row_and_the_others_stay(
    tmp_path: Path, tokenizer: Path
) -> None:
    lines = [{"id": 5}, {"id": "x"}, {"id": None}, {}, {"id": "own"}]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({**row, "text": f"text {n}"}) + "\n" for n, row in enumerate(lines))
    )
    table = pa.table({"id": [5, 6, 6, None], "text": ["one", "two", "three", "four"]})
    pq.write_table(table, tmp_path / "b.parquet")
    inputs = [tmp_path / "a.jsonl", tmp_path / "b.parquet"]
    found = ids_of(tmp_path, tokenizer, inputs, shared=4)
    assert len(found) == len(set(found)) == 9
    assert [name for name in found if ":" not in name] == ["x", "own"]
    marks = [name.partition(":") for name in found]
    assert [row for _, colon, row in marks if colon] == ["0", "2", "3", "0", "1", "2", "3"]
    assert ids_of(tmp_path, tokenizer, inputs, workers=2, shared=4) == found


def test_files_of_the_same_content_have_rows_of_their_own(tmp_path: Path, tokenizer: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / f"{name}.parquet")
    (tmp_path / "c.txt").write_text("one\ntwo\n")
    (tmp_path / "d.txt").write_text("one\ntwo\n")
    inputs = [tmp_path / name for name in ("a.parquet", "b.parquet", "c.txt", "d.txt")]
    found = ids_of(tmp_path, tokenizer, inputs)
    assert len(found) == len(set(found))
    assert [name.partition(":")[0][16:] for name in found[:4]] == ["", "", "~2", "~2"]


def test_one_file_without_ids_is_not_read_twice(
    tmp_path: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "a.parquet")
    monkeypatch.setattr("webtext_py.bpe.encode_stage.take_ids", None)
    assert len(set(ids_of(tmp_path, tokenizer, [tmp_path / "a.parquet"]))) == 2
