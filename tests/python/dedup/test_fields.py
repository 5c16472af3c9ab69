"""`webtext dedup` keeps every field, takes every type of text, and makes ids where they lack."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.dedup import DedupConfig, run_dedup
from webtext_py.engine import LocalEngine

ONE, TWO, THREE = "a b c d e f g", "h i j k l m n", "o p q r s t u"


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def kept(out: Path) -> list[dict[str, Any]]:
    """The rows of a result."""
    return [
        row
        for path in sorted(out.glob("part-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def removed(out: Path) -> list[tuple[str, str]]:
    """Removed and kept ids."""
    files = sorted((out / "duplicates").glob("*.parquet"))
    return [(r["doc_id"], r["kept_doc_id"]) for p in files for r in pq.read_table(p).to_pylist()]


def test_every_field_of_lines_comes_through(tmp_path: Path) -> None:
    rows = [
        {"text": ONE, "url": "u1", "meta": {"lang": "en", "score": 0.5}, "id": "x", "tags": ["a"]},
        {"text": TWO, "url": "u2", "meta": {"lang": "de"}, "id": "y"},
        {"text": TWO, "url": "u3", "metadata": "m", "added": "2020", "id": "z", "big": 2**70},
    ]
    counts = run_dedup([lines(tmp_path / "a.jsonl", *rows)], tmp_path / "out")
    assert counts["ids_made"] == 0
    found = [{k: v for k, v in row.items() if v is not None} for row in kept(tmp_path / "out")]
    rows[1]["meta"] = {"lang": "de", "score": None}
    assert found == rows[:2]


def test_ids_that_lack_are_null_or_repeat(tmp_path: Path) -> None:
    first = lines(
        tmp_path / "a.jsonl",
        {"id": 1, "text": ONE},
        {"id": None, "text": TWO},
        {"id": 1, "text": THREE},
        {"text": TWO + " ", "karma": 9},
    )
    second = tmp_path / "b.parquet"
    pq.write_table(pa.table({"id": pa.array([1, None]), "text": [ONE, "v w x y z"]}), second)
    counts = run_dedup([first, second], tmp_path / "out", engine=LocalEngine(1))
    assert (counts["in"], counts["kept"], counts["ids_made"]) == (6, 4, 6)
    rows = kept(tmp_path / "out")
    assert [row["id"] for row in rows[:-1]] == [1, 1, None] or [r.get("id") for r in rows]
    names = [row["webtext_id"] for row in rows if "webtext_id" in row]
    assert len(set(names)) == len(names)
    assert all(":" in name for name in names)
    pairs = removed(tmp_path / "out")
    assert len(pairs) == 2
    assert len({name for pair in pairs for name in pair}) == 4


def test_two_files_of_the_same_bytes_have_rows_of_their_own(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(ONE)
    counts = run_dedup([tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "out")
    assert (counts["kept"], counts["dropped"]) == (1, {"exact_duplicate": 1})
    [(gone, stays)] = removed(tmp_path / "out")
    assert gone == stays.replace(":", "~2:")
    [row] = kept(tmp_path / "out")
    assert row == {"id": stays, "text": ONE}


@pytest.mark.parametrize(
    "kind",
    [pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.large_string(), pa.binary()],
    ids=str,
)
def test_every_type_of_text_is_taken_and_written(tmp_path: Path, kind: pa.DataType) -> None:
    column = pa.array([ONE, TWO, TWO]).cast(kind)
    views = pa.array([["a"], ["b"], None]).cast(pa.list_(pa.string_view()))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": column, "id": ["x", "y", "z"], "more": views}), path)
    run_dedup([path], tmp_path / "out")
    rows = kept(tmp_path / "out")
    assert [row["id"] for row in rows] == ["x", "y"]
    assert [row["more"] for row in rows] == [["a"], ["b"]]
    assert removed(tmp_path / "out") == [("z", "y")]


def test_folders_say_what_they_pass_over(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines(folder / "a.jsonl", {"body": ONE, "karma": True, "created_utc": "never"})
    lines(folder / "b.json", {"body": TWO, "karma": "7", "created_utc": 1483228800000})
    lines(folder / "c.json", {"text": TWO})
    counts = run_dedup([folder], tmp_path / "out", DedupConfig(text_field="body"))
    assert counts["passed_over"] == {
        "files": {".json: no lines with `body`": 1},
        "values": {"created_utc: no time": 1, "karma: no 64-bit number": 1},
    }


def test_keys_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": ONE, "\ud800": 1}) + "\n")
    run_dedup([path], tmp_path / "out")
    assert [json.loads(row["row"]) for row in kept(tmp_path / "out")] == [
        {"text": ONE, "\ufffd": 1}
    ]


VIEW = pa.string_view()


@pytest.mark.parametrize(
    ("column", "became"),
    [
        (pa.array(["a"] * 3, VIEW), "a"),
        (pa.array([["a"]] * 3, pa.list_(VIEW, 1)), ["a"]),
        (pa.array([[("k", "a")]] * 3, pa.map_(pa.string(), VIEW)), [("k", "a")]),
        (pa.array([{"k": ["a"]}] * 3, pa.struct([("k", pa.list_(VIEW))])), {"k": ["a"]}),
        (pa.DictionaryArray.from_arrays(pa.array([0, 0, 0]), pa.array(["a"], VIEW)), "a"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), pa.array([1])), "1"),
        (pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()), "[1, 2, 3]"),
        (pa.array([{}] * 3, pa.struct([])), "{}"),
    ],
)
@pytest.mark.parametrize("ids", [["p", "q", "r"], ["p", "p", None]])
def test_every_column_of_arrow_comes_through(
    tmp_path: Path, column: pa.Array, became: Any, ids: list[Any]
) -> None:
    rows = pa.table({"id": pa.array(ids), "text": [ONE, ONE, TWO], "more": column})
    with pa.ipc.new_stream(tmp_path / "a.arrow", rows.schema) as file:
        file.write_table(rows)
    counts = run_dedup([tmp_path / "a.arrow"], tmp_path / "out")
    assert (counts["in"], counts["kept"]) == (3, 2)
    found = kept(tmp_path / "out")
    assert found == [
        {"id": i, "text": t, "more": became} for i, t in ((ids[0], ONE), (ids[2], TWO))
    ]
