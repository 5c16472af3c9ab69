"""Every form of a test set, written by hand, and what is read from it."""

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

from webtext_py.errors import FormatError, InputError
from webtext_py.overlap import find_test_sets, read_test_set
from webtext_py.overlap.testsets import TextAs

ROWS = [{"id": "a", "question": "One, two?", "n": 1}, {"id": "b", "question": "Zwei — 二?", "n": 2}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
SQUAD = {
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {"context": "C one.", "qas": [{"id": "q1", "question": "Q?", "answers": []}]},
                {
                    "context": "C two.",
                    "qas": [
                        {"id": "q2", "question": "R?", "answers": [{"text": "two"}]},
                        {"id": "q3", "question": "S?", "answers": [{"text": "C"}]},
                    ],
                },
            ],
        }
    ]
}
WINOGRAD = "\n".join(
    [
        "The cup fits not since [MASK] is big.",
        "[MASK]",
        "The cup,The bag",
        "The cup",
        "",
        "He saw Tim, so [MASK] ran.",
        "[MASK]",
        "he,Tim",
        "Tim",
        "",
    ]
)


TWO = ["One, two?", "Zwei — 二?"]
ANSWERED = ["The cup fits not since The cup is big.", "He saw Tim, so Tim ran."]
ARTICLES = [" = A = \n \n x y \n ", " = B = \n z \n"]


@pytest.mark.parametrize(
    ("name", "content", "form", "texts"),
    [
        ("s.jsonl", LINES, "JSONL", TWO),
        ("s.ndjson", LINES.strip(), "JSONL", TWO),
        ("s.json", json.dumps(ROWS), "JSON", TWO),
        ("s.json", json.dumps({"data": ROWS}), "JSON", TWO),
        ("s.json", LINES, "JSONL", TWO),
        ("s.json", json.dumps(SQUAD), "SQuAD", ["C one.", "Q?", "C two.", "R?", "C two.", "S?"]),
        ("s.csv", 'id,question\na,"One, two?"\nb,Zwei — 二?\n', "CSV", TWO),
        ("s.tsv", "id\tquestion\na\tOne, two?\nb\tZwei — 二?\n", "TSV", TWO),
        ("s.csv", 'question\n"two\nlines"\n', "CSV", ["two\nlines"]),
        ("s.txt", "one\ntwo\n", "plain text, one example a line, as guessed", ["one", "two"]),
        ("s.txt", "one\nmore\n\ntwo", "plain text, examples separated", ["one\nmore", "two"]),
        ("wsc.txt", WINOGRAD, "Winograd", ANSWERED),
        ("w.tokens.txt", " \n = A = \n \n x y \n \n = B = \n z \n", "WikiText", ARTICLES),
        ("lambada.txt", "one\ntwo\n", "LAMBADA lines", ["one", "two"]),
    ],
)
def test_forms(tmp_path: Path, name: str, content: str, form: str, texts: list[str]) -> None:
    path = tmp_path / name
    path.write_text(content)
    test = read_test_set(path)
    assert test.form.startswith(form)
    assert [t for example in test.examples for t in example.texts.values() if t.strip()] == texts


@pytest.mark.parametrize(
    ("text_as", "count"), [("whole", 1), ("line", 3), ("paragraph", 2), (None, 2)]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_examples_of_plain_text(
    tmp_path: Path, text_as: TextAs | None, count: int, ends: str
) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes(ends.join(["one", "two", "", "three", ""]).encode())
    test = read_test_set(path, text_as=text_as)
    assert len(test.examples) == count
    assert ("as guessed" in test.form) == (text_as is None)


@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        (".gz", gzip.compress),
        (".zst", zstandard.ZstdCompressor().compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
    ],
)
def test_compressed(tmp_path: Path, ending: str, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"s.jsonl{ending}"
    path.write_bytes(compress(LINES.encode()))
    [(name, found)], _ = find_test_sets([path])
    assert (name, found) == ("s", path)
    assert [e.id for e in read_test_set(path).examples] == ["a", "b"]
    csv = tmp_path / f"t.csv{ending}"
    csv.write_bytes(compress(b"text\nx\n"))
    assert read_test_set(csv).form == "CSV"


def _cut(packed: bytes) -> bytes:
    return packed[:-40]


def _altered_head(packed: bytes) -> bytes:
    return packed[:12] + b"\xff" * 8 + packed[20:]


def _altered_middle(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + b"\xff" * 8 + packed[middle + 8 :]


@pytest.mark.parametrize("harm", [_cut, _altered_head, _altered_middle])
@pytest.mark.parametrize(
    ("ending", "compress"),
    [
        (".gz", gzip.compress),
        (".zst", zstandard.ZstdCompressor(write_checksum=True).compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
    ],
)
def test_cut_and_damaged(
    tmp_path: Path,
    ending: str,
    compress: Callable[[bytes], bytes],
    harm: Callable[[bytes], bytes],
) -> None:
    text = "".join(f"line {number} of {number * 7919 % 10007}\n" for number in range(30_000))
    path = tmp_path / f"s.txt{ending}"
    path.write_bytes(harm(compress(text.encode())))
    with pytest.raises(FormatError, match=f"s.txt{ending}` is cut or damaged"):
        read_test_set(path)


@pytest.mark.parametrize("name", ["s.json", "s.jsonl"])
@pytest.mark.parametrize("before", ["", '{"text": "a"}\n'])
def test_nested_too_deep(tmp_path: Path, name: str, before: str) -> None:
    path = tmp_path / name
    path.write_text(before + '{"text":' + "[" * 200_000)
    with pytest.raises(FormatError, match=r"nested too deep|line 2 is not JSON"):
        read_test_set(path)


def test_parquet_and_fields(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    rows = {
        "idx": [1, 2],
        "premise": ["p", None],
        "choices": [["x y", "z"], ["v"]],
        "n": [1, 2],
    }
    pq.write_table(pa.table(rows), path)
    test = read_test_set(path)
    assert (test.form, test.fields) == ("Parquet", ("premise",))
    assert [e.texts for e in test.examples] == [{"premise": "p"}, {}]
    test = read_test_set(path, fields=["choices", "premise"])
    assert test.fields == ("choices", "premise")
    assert test.examples[0].texts == {"choices": "x y\nz", "premise": "p"}
    with pytest.raises(InputError, match="item 1: `n` is int"):
        read_test_set(path, fields=["n"])


def test_a_folder_and_names(tmp_path: Path) -> None:
    for name in ("a/dev.json", "b/dev.json", "b/other.csv", ".hidden.json", "b/notes.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    found, _ = find_test_sets([tmp_path])
    assert [name for name, _ in found] == ["a-dev", "b-dev", "other"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no test set"):
        find_test_sets([tmp_path / "empty"])
