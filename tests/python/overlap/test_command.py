"""`webtext overlap`: the group without a verb, options before a verb, exit codes, JSON's shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from webtext_py.cli.main import run

from .conftest import Write

COUNTS = {"total", "found", "distinct", "distinct_found"}
SHAPE = {
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
        (["-n", "65"], "65"),
        (["--scores", "a", "b"], "2 files of scores for 1 test sets"),
    ],
)
def test_bad_command_lines_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["overlap", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test", "missing.jsonl"], "test set `missing.jsonl` does not exist"),
        (["--train", "missing"], "`missing` does not exist"),
        ([], "has no finished shards"),
        (["--index", "{bad}", "--no-evidence"], "not an n-gram index"),
        (["check", "--index", "{bad}"], "not an n-gram index"),
        (["merge", "{bad}", "{bad}", "--out", "x"], "not an n-gram index"),
    ],
)
def test_wrong_inputs_exit_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").write_bytes(b"?" * 9000)
    assert run(["overlap", *(a.replace("{bad}", "bad") for a in arguments)]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


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
