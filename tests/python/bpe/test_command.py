"""`webtext bpe` as its users type it: right and wrong."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py import Tokenizer
from webtext_py.cli.main import run

TEXT = "the cat sat on the mat. the cat sat.\nThe dog!\n" * 40


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def webtext(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs `webtext bpe ...` in the folder: exit code, stdout and stderr."""
    monkeypatch.chdir(folder)

    def call(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(["bpe", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `a.txt`, `b.txt`, and a vocabulary in `v`."""
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_text("one, two: 1 2 " * 30)
    Tokenizer.train([TEXT], vocab_size=270).save(tmp_path / "v")
    return tmp_path


def vocabulary(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_relative_paths_and_one_file_under_several_names(folder: Path, webtext: Run) -> None:
    inputs = ["a.txt", "./a.txt", folder / "a.txt", "b.txt"]
    code, _, said = webtext("encode", "--tokenizer", "v", "--input", *inputs)
    assert code == 0, said
    tokens = folder / "webtext-data" / "tokens"
    assert sorted(path.name for path in tokens.iterdir()) == ["a.txt.parquet", "b.txt.parquet"]


def test_two_inputs_that_become_one_file_are_named(folder: Path, webtext: Run) -> None:
    for name in ("x/y.txt", "z/y.txt", "x-y.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    inputs = ["x/y.txt", "z/y.txt", "x-y.txt"]
    code, _, said = webtext("encode", "--tokenizer", "v", "--input", *inputs)
    assert code == 1
    assert "would both become `x-y.txt.parquet`" in said


def test_standard_input(folder: Path, webtext: Run) -> None:
    tokenizer = Tokenizer.from_file(folder / "v")
    given = b"\xef\xbb\xbfthe \xff cat<|endoftext|>"
    expected = tokenizer.encode("the \ufffd cat<|endoftext|>").tolist()
    encode = ["encode", "--tokenizer", "v", "--input", "-"]
    code, out, _ = webtext(*encode, stdin=given)
    assert (code, [int(number) for number in out.split()]) == (0, expected)
    code, out, _ = webtext(*encode, "--json", stdin=given)
    assert (code, json.loads(out)) == (0, {"ids": expected})
    lines = b'{"body": "the cat"}\n{"body": "sat"}\n'
    code, out, _ = webtext(*encode, "--text-field", "body", stdin=lines)
    rows = [[int(number) for number in line.split()] for line in out.splitlines()]
    assert (code, rows) == (0, [tokenizer.encode(text).tolist() for text in ("the cat", "sat")])
    train = ["train", "--vocab-size", 280, "--sequence", "line", "--quiet"]
    assert webtext(*train, "--input", "-", "--out", "x", stdin=TEXT.encode())[0] == 0
    assert webtext(*train, "--input", "a.txt", "--out", "y")[0] == 0
    assert vocabulary(folder / "x") == vocabulary(folder / "y")


def test_counts_of_several_files_are_those_of_all(folder: Path, webtext: Run) -> None:
    train = ["train", "--vocab-size", 300, "--quiet"]
    for name in ("a", "b"):
        counts = ["--input", f"{name}.txt", "--counts", f"{name}.counts", "--out", f"out-{name}"]
        assert webtext(*train, *counts)[0] == 0
    counted = ["--from-counts", "a.counts", "b.counts"]
    assert webtext(*train, *counted, "--out", "summed")[0] == 0
    assert webtext(*train, "--input", "a.txt", "b.txt", "--out", "whole")[0] == 0
    assert vocabulary(folder / "summed") == vocabulary(folder / "whole")


def test_special_tokens(folder: Path, webtext: Run) -> None:
    (folder / "s.txt").write_text("<s> a <s> b " * 50)
    train = ["train", "--input", "s.txt", "--vocab-size", 300, "--quiet", "--special", "<s>", "<p>"]
    assert webtext(*train, "--out", "with")[0] == 0
    assert webtext(*train, "--out", "without", "--exclude-special")[0] == 0
    for name, spelled in (("with", True), ("without", False)):
        made = Tokenizer.from_file(folder / name)
        assert list(made.special) == ["<s>", "<p>"]
        assert (b" <" in made.tokens().values()) == spelled
        assert made.special["<p>"] == made.vocab_size - 1


def test_flat_files(folder: Path, webtext: Run) -> None:
    for name in ("train-0.parquet", "validation-0.parquet"):
        pq.write_table(pa.table({"text": [TEXT, "the cat"]}), folder / name)
    inputs = ["--input", "train-0.parquet", "validation-0.parquet", "--tokenizer", "v"]
    assert webtext("encode", *inputs, "--format", "bin", "--quiet")[0] == 0
    made = Tokenizer.from_file(folder / "v")
    end = made.special["<|endoftext|>"]
    expected = [end, *made.encode(TEXT), end, *made.encode("the cat")]
    for name in ("train.bin", "val.bin"):
        ids = np.fromfile(folder / "webtext-data" / "tokens" / name, np.uint16)
        assert ids.tolist() == expected


def test_a_smaller_vocabulary_than_asked_for_is_said(folder: Path, webtext: Run) -> None:
    code, _, said = webtext("train", "--input", "a.txt", "--out", "x")
    assert code == 0
    assert "the text has fewer pairs than asked for: " in said
    assert " entries, not 50257\n" in said


WRONG: list[tuple[list[str], str]] = [
    (["train"], "has no finished shards and no input was given"),
    (["encode"], "has no finished `tokenizer`"),
    (["encode", "--input", "-"], "has no `tokenizer` yet"),
    (["train", "--input", "none.txt"], "`none.txt` does not exist"),
    (["train", "--input", "a.txt", "--out", "v"], "exists already"),
    (["train", "--input", "-"], "standard input cannot be remembered"),
    (["train", "--input", "-", "a.txt", "--out", "x"], "was given with other inputs"),
    (["train", "--input", "a.txt", "--vocab-size", "256"], "need at least 257"),
    (["train", "--input", "a.txt", "--vocab-size", "5000000000"], "at most 1048576 entries"),
    (["train", "--from-counts", "none", "--out", "x"], "`none` does not exist"),
    (["train", "--from-counts", "a.txt", "--out", "x"], "`a.txt` is not a file of piece counts"),
    (["train", "--from-counts", "v", "--out", "x"], "`v` is a folder"),
    (["encode", "--input", "a.txt", "--tokenizer", "x.parquet"], "no tokenizer in `x.parquet`"),
    (["encode", "--input", "a.txt", "--tokenizer", "a.counts"], "is no vocabulary file"),
    (["encode", "--input", "a.txt", "--tokenizer", "empty"], "no tokenizer in `empty`"),
    (["encode", "--input", "none.txt", "--tokenizer", "v"], "`none.txt` does not exist"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_is_wrong_is_named(
    folder: Path, webtext: Run, arguments: list[str], message: str
) -> None:
    (folder / "empty").mkdir()
    (folder / "a.counts").write_text("no vocabulary")
    code, out, said = webtext(*arguments)
    assert (code in (1, 2), out) == (True, ""), said
    assert said.startswith("error: ") or "Error: " in said
    assert message in said


@pytest.mark.parametrize("verb", ["train", "encode"])
@pytest.mark.parametrize("name", ["p.parquet", "q.parquet", "t.gz", "t.bz2", "t.xz", "t.zst"])
def test_a_cut_file_is_named_and_nothing_is_left(
    folder: Path, webtext: Run, verb: str, name: str
) -> None:
    text = os.urandom(20_000).hex()
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"text": [text]}), folder / name, compression="zstd")
        content = (folder / name).read_bytes()
    else:
        pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
        pack["zst"] = zstandard.ZstdCompressor().compress
        content = pack[name.split(".")[1]](text.encode())
    damaged = bytearray(content if name.startswith("q") else content[: len(content) // 2])
    if name.startswith("q"):
        damaged[4:200] = bytes(196)
    (folder / name).write_bytes(damaged)
    how = ["--out", "x"] if verb == "train" else ["--tokenizer", "v"]
    code, _, said = webtext(verb, "--input", name, *how)
    assert code == 1, said
    assert name in said
    assert "damaged" in said
    assert not (folder / "x").exists()
    assert not [*(folder / "webtext-data").glob("tokens/*")]


@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_training_does_not_import_pandas(folder: Path, kind: str) -> None:
    """Where it is installed `pa.array` does, which takes longer than counting 50 MB."""
    pytest.importorskip("pandas")
    pq.write_table(pa.table({"text": [TEXT]}), folder / "a.parquet")
    source = "a.txt" if kind == "text" else "a.parquet"
    code = (
        "import sys; from webtext_py.cli.main import run;"
        f"code = run(['bpe', 'train', '--input', '{source}', '--vocab-size', '270', '--out', 'w']);"
        "sys.exit(code or ('pandas' in sys.modules) * 9)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
