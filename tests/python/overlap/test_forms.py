"""Test sets in every form: text inside lists and objects, ids of every kind, what is left out."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import overlap as lib
from webtext_py.errors import FormatError, InputError
from webtext_py.overlap import read_test_set

CONTEXT = [["One", ["first sentence.", "second sentence."]], ["Two", ["third."]]]


def written(path: Path, *rows: dict[str, Any]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_text_inside_lists_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {"_id": "q", "question": "who?", "context": CONTEXT})
    test = read_test_set(path)
    assert test.examples[0].texts == {
        "context[].[]": "One\nTwo",
        "context[].[].[]": "first sentence.\nsecond sentence.\nthird.",
        "question": "who?",
    }
    assert test.fields == ("context[].[]", "context[].[].[]", "question")


def test_text_inside_structs_is_counted(tmp_path: Path) -> None:
    context = {"title": ["One", "Two"], "sentences": [["first.", "second."], ["third."]]}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"question": "who?", "context": context, "n": 1}]), path)
    test = read_test_set(path)
    assert test.examples[0].texts == {
        "context.title[]": "One\nTwo",
        "context.sentences[].[]": "first.\nsecond.\nthird.",
        "question": "who?",
    }
    assert test.passed_over == {"fields": {"n: no text": 1}}
    again = read_test_set(path, fields=["context"])
    assert again.fields == ("context.title[]", "context.sentences[].[]")


def test_what_is_not_counted_is_named(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "a b", "label": "x", "score": 1, "id": 1}] * 150
    path = written(tmp_path / "a.jsonl", *rows, {"text": 5, "question": "at the end"})
    test = read_test_set(path)
    assert test.fields == ("text", "question")
    assert test.passed_over == {
        "fields": {"label: not counted": 1, "score: no text": 1},
        "values": {"text: int, not text": 1},
    }


@pytest.mark.parametrize(
    ("ids", "made"),
    [
        ([1, 1, 2], [0, 1]),
        ([None, None, "x"], []),
        ([True, 1.0, {"a": 1}], []),
        (["\ud800", "\ud801", "x"], [0, 1]),
        ([None, 1, "1"], [0, 1, 2]),
    ],
)
def test_ids_that_lack_or_repeat(tmp_path: Path, ids: list[Any], made: list[int]) -> None:
    path = written(tmp_path / "a.jsonl", *({"id": name, "text": "a b"} for name in ids))
    examples = read_test_set(path).examples
    assert len({example.id for example in examples}) == 3
    assert [row for row, e in enumerate(examples) if e.own_id is not None] == made
    assert [row for row, e in enumerate(examples) if e.id.endswith(f":{row}")] == made


def test_tables_in_every_type_and_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    broken = pa.Array.from_buffers(
        pa.string(), 2, pa.array([b"a\xff", b"b"], pa.binary()).buffers()
    )
    columns = {
        "context": broken,
        "question": pa.array(["x", "y"]).cast(pa.string_view()),
        "story": pa.array(["x", "x"]).dictionary_encode(),
        "prompt": pa.nulls(2),
        "when": pa.array([2**62, 1], pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), path)
    test = read_test_set(path)
    assert test.fields == ("context", "story", "question")
    assert test.examples[0].texts["context"] == "a\ufffd"
    text = tmp_path / "a.txt"
    text.write_bytes(b"a\xff b")
    assert sum(read_test_set(text).passed_over["values"].values()) == 1


def test_a_corrupt_row_group_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(1000)]}), path)
    data = bytearray(path.read_bytes())
    data[10:400] = b"\xff" * 390
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"a\.parquet` is a damaged Parquet file"):
        read_test_set(path)


def test_csv_of_others(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfid;text\r\n1;"a\r\nb"\r\n2;c;d\r\n')
    test = read_test_set(path)
    assert [e.texts["text"] for e in test.examples] == ["a\r\nb", "c"]
    assert test.passed_over == {"values": {"cells beyond the last column": 1}}
    path.write_text("text,text\na,b\n")
    with pytest.raises(FormatError, match="two columns called `text`"):
        read_test_set(path)
    tsv = tmp_path / "b.tsv"
    tsv.write_text('text\tn\nthe 5" disk\t1\n"open\t2\nlast\t3\n')
    test = read_test_set(tsv)
    assert [e.texts["text"] for e in test.examples] == ['the 5" disk', "last"]
    assert test.passed_over["rows"] == {"a quote that nothing closes": 1}


def test_the_report_says_what_was_passed_over(tmp_path: Path) -> None:
    train = tmp_path / "train"
    train.mkdir()
    written(train / "a.jsonl", {"text": "one two three four five six seven eight nine"})
    (train / "b.bin").write_bytes(b"x")
    tests = tmp_path / "tests"
    tests.mkdir()
    written(tests / "t.jsonl", {"text": "one two three four five six seven eight", "answer": "no"})
    (tests / "dataset_infos.json").write_text("{}")
    said: list[str] = []
    config = lib.OverlapConfig(test=(str(tests),), train=(str(train),))
    [outcome] = lib.overlap(tmp_path / "data", config, say=said.append)
    assert outcome.document["passed_over"] == {
        "files": {".bin: no text by its name": 1, "dataset_infos.json: about the data": 1},
        "fields": {"answer: not counted": 1},
    }
    assert sum(line.startswith("passed over: 2 files") for line in said) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no test set"):
        read_test_set(Path(lib.find_test_sets([empty])[0][0][1]))


def test_training_text_that_is_no_utf8_is_counted_once(tmp_path: Path) -> None:
    """Though the index and the evidence read it."""
    words = " ".join(f"w{number}" for number in range(40))
    (tmp_path / "train.txt").write_bytes(words.encode() + b" caf\xe9")
    (tmp_path / "test.txt").write_text(words)
    test, train = (str(tmp_path / f"{name}.txt") for name in ("test", "train"))
    config = lib.OverlapConfig(test=(test,), train=(train,))
    said: list[str] = []
    for _ in range(2):
        [made] = lib.overlap(tmp_path / "data", config, say=said.append)
        assert made.document["passed_over"]["values"] == {"text that is no UTF-8, with U+FFFD": 1}
    assert sum("U+FFFD" in line for line in said) == 2


def test_squad_without_ids_and_answers(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = [{"question": "who?"}, {"question": "who?", "answers": None}]
    asked += [{"question": "who?", "id": None, "answers": []}, {"question": "who?", "id": 7}]
    document = {"data": [{"paragraphs": [{"context": "x y", "qas": asked}]}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    assert [(e.id, e.answers) for e in read_test_set(path).examples] == [
        (own, ()) for own in ("1", "2", "3", "7")
    ]


def test_a_list_of_objects_needs_no_ending(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text('[\n {"question": "who?"}]')
    assert [e.texts for e in read_test_set(path).examples] == [{"question": "who?"}]


def test_utf16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("question\nwho?\n".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16; UTF-8 was expected"):
        read_test_set(path)
