"""`webtext overlap`: the group without a verb, options before a verb, exit codes, JSON's shape."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from webtext_py import overlap as lib
from webtext_py.cli.main import run

from .conftest import Write

COUNTS = {"total", "found", "distinct", "distinct_found"}
SHAPE = {
    "passed_over": dict,
    "test": str,
    "form": str,
    "n": int,
    "normaliser": {"version", "ascii"},
    "ngrams": COUNTS,
    "fields": dict,
    "examples": {"total", "too_short", "clean", "any", "over_15", "over_50", "all"},
    "histogram": list,
    "own_train": type(None),
    "scores": type(None),
    "bloom": COUNTS,
    "evidence": COUNTS | {"documents", "words", "ngrams"},
    "worst": list,
    "index": {
        "file",
        "rate",
        "digest",
        "bits",
        "k",
        "capacity",
        "distinct",
        "ngrams",
        "documents",
        "expected_rate",
        "measured",
    },
}


@pytest.fixture
def files(write: Write) -> tuple[str, str]:
    text = "one two three four five six seven eight nine"
    train = write("train.jsonl", [{"id": "d", "text": f"so {text} and so on"}])
    return str(write("set.jsonl", [{"id": "e", "text": text}])), str(train)


def test_json_has_the_documented_shape(
    tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    test, train = files
    data = str(tmp_path / "data")
    assert run(["overlap", "--test", test, "--train", train, "--data", data, "--json"]) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert made.keys() == SHAPE.keys()
    for key, shape in SHAPE.items():
        if isinstance(shape, set):
            assert made[key].keys() == shape, key
        else:
            assert isinstance(made[key], shape), key
    assert made["ngrams"] == {"total": 2, "found": 2, "distinct": 2, "distinct_found": 2}
    assert made["worst"][0]["longest"]["words"] == 9


def test_table_is_printed(
    tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    test, train = files
    assert run(["overlap", "--test", test, "--train", train, "--data", str(tmp_path / "d")]) == 0
    captured = capsys.readouterr()
    assert "100.00 %" in captured.out
    assert "set.html" in captured.out
    assert "set: JSONL; 1 examples; text in text" in captured.err


def test_options_before_a_verb_reach_it(
    tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.bloom"
    before = ["--train", files[1], "--index", str(out), "-n", "3", "--data", str(tmp_path / "d")]
    assert run(["overlap", *before, "index", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n"], facts["ngrams"]) == (3, 11)
    assert out.exists()
    assert run(["overlap", "--index", str(out), "check", "--probes", "1000", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured"]["probes"] == 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test", "x", "index"], "`--test` belongs to the report, not to `overlap index`"),
        (["-n", "8", "check"], "`-n` belongs to the report"),
        (["-n", "8", "index", "-n", "9"], "before and after the verb"),
        (["nonsense"], "`nonsense` is no verb"),
        (["--memory", "lots"], "is no size"),
        (["--memory", "3M"], "at least 4M is needed"),
        (["-n", "0"], "1<=x<=64"),
        (["-n", "65"], "65"),
        (["--rate", "2"], "is not in the range"),
        (["--rate", "0"], "is not in the range"),
        (["--capacity", "0"], "is not in the range"),
        (["--fields", ""], "is no list of names"),
        (["--fields", "context,,question"], "is no list of names"),
        (["--fields", "a,a"], "is no list of names"),
        (["--text-as", "words"], "is not one of"),
        (["--workers", "0"], "is not in the range"),
        (["check", "--probes", "0"], "is not in the range"),
        (["--drop", "out", "--no-evidence"], "needs the evidence pass"),
        (["--train", "{train}", "--capacity", "9999999999999999"], "no filter holds"),
        (["--scores", "a", "b"], "2 files of scores for 1 test sets"),
    ],
)
def test_bad_command_lines_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[str, str],
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["overlap", *(a.replace("{train}", files[1]) for a in arguments)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def _spoilt(train: Path) -> dict[str, str]:
    """Files that are wrong in one way each, in the working directory."""
    text = lib.TrainingText.of([train])
    whole = lib.build_index(text, Path("index.bloom")).path.read_bytes()
    lib.build_index(text, Path("index13.bloom"), lib.IndexConfig(n=13))
    Path("bad").write_bytes(b"?" * 9000)
    Path("bad0").write_bytes(b"\0\1\2" * 9000)
    Path("empty").write_bytes(b"")
    Path("cut").write_bytes(whole[:-1])
    flipped = bytearray(whole)
    flipped[5000] ^= 1
    Path("flipped").write_bytes(flipped)
    other = bytearray(whole)
    other[16] = 99  # the normaliser's version, with a header digest to match
    other[2016:2048] = hashlib.sha256(other[:2016]).digest()
    Path("other").write_bytes(other)
    Path("long.txt").write_text(" ".join(map(str, range(100_000))))
    Path("full").mkdir()
    Path("full", "file").write_bytes(b"")
    names = ("bad", "bad0", "empty", "cut", "flipped", "other")
    made = {"index": "index.bloom", "index13": "index13.bloom", "long": "long.txt"}
    return made | {name: name for name in names}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test", "missing.jsonl"], "test set `missing.jsonl` does not exist"),
        (["--train", "missing"], "`missing` does not exist"),
        ([], "has no finished shards"),
        (["--index", "{bad}", "--no-evidence"], "not an n-gram index"),
        (["check", "--index", "{bad}"], "not an n-gram index"),
        (["merge", "{bad}", "{bad}", "--out", "x"], "not an n-gram index"),
        (["merge", "{index}", "--out", "x"], "at least two were expected"),
        (["merge", "{index}", "{index}", "--out", "{index}"], "exists already"),
        (["merge", "{index}", "{index13}", "--out", "x"], "differ in n"),
        (["--index", "{index}", "--no-evidence", "-n", "13"], "has 8-grams of Unicode words"),
        (["--index", "{index}", "--no-evidence", "--ascii"], "8-grams of ASCII words were asked"),
        (["--index", "{index}", "--train", "{train}", "-n", "13"], "with other settings"),
        (["--index", "{cut}", "--no-evidence"], "cut or corrupt"),
        (["--index", "{cut}", "--train", "{train}"], "cut or corrupt"),
        (["check", "--index", "{cut}"], "cut or corrupt"),
        (["check", "--index", "{flipped}"], "the filter is corrupt"),
        (["merge", "{index}", "{flipped}", "--out", "x"], "the filter is corrupt"),
        (["--index", "{other}", "--no-evidence"], "normaliser version 99; this webtext has 1"),
        (["check", "--index", "missing.bloom"], "No such file"),
        (["check"], "No such file"),
        (["--test", "{test}", "--train", "{train}", "--fields", "nope"], "no field `nope`"),
        (["--test", "{empty}", "--train", "{train}"], "is empty"),
        (["--test", "{bad0}", "--train", "{train}"], "is a binary file"),
        (["--test", "{test}", "--train", "{bad0}"], "is a binary file"),
        (
            ["--test", "{test}", "--train", "{train}", "--text-field", "body"],
            "no text under `body`",
        ),
        (["--test", "{test}", "--train", "{train}", "--own-train", "missing"], "does not exist"),
        (["--test", "{test}", "--train", "{train}", "--scores", "{test}"], "no number"),
        (["--test", "{test}", "--train", "{train}", "--drop", "full"], "is not empty"),
        (["index", "--train", "{long}", "--capacity", "10"], "to hold 10 distinct n-grams"),
    ],
)
def test_wrong_inputs_exit_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[str, str],
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"test": files[0], "train": files[1], **_spoilt(Path(files[1]))}
    assert run(["overlap", *(a.format(**names) for a in arguments)]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_values_of_a_configuration_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["overlap", "--test", files[0], "--train", files[1], "--json"]
    Path("webtext.toml").write_text('[overlap]\nn = 3\nmemory = 5000000\nfields = "text"\n')
    assert run(arguments) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3
    Path("webtext.toml").write_text("[overlap]\nmemory = 5000\n")
    assert run(arguments) == 2
    assert "at least 4M is needed" in capsys.readouterr().err


def test_the_demos_set_stands_in_for_its_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["overlap", "--test", "squad.jsonl", "--train", files[1]]) == 0
    assert "no file `squad.jsonl` here: using the demo's own squad.jsonl" in capsys.readouterr().err
    assert run(["overlap", "--train", files[1]]) == 0
    assert "no --test given: using the demo's own" in capsys.readouterr().err
    (tmp_path / "squad.jsonl").write_text('{"text": "mine alone"}\n')
    assert run(["overlap", "--test", "squad.jsonl", "--train", files[1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examples"]["total"] == 1
