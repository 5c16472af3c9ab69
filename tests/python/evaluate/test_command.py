"""`webtext eval` from the command line: the demo's items, results, errors."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from webtext_py import demo
from webtext_py.cli.main import run
from webtext_py.evaluate.items import read_lines

from .conftest import write_rows


@pytest.fixture(scope="module")
def demo_run(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's items scored by the small model: the data directory."""
    data = tmp_path_factory.mktemp("demo") / "data"
    assert run(["eval", str(model_folder), "--data", str(data), "--quiet"]) == 0
    return data


def _document(data: Path) -> Any:
    return json.loads((data / "eval" / "small.json").read_bytes())


def test_the_demo(demo_run: Path) -> None:
    """All forms, sixty items, a page, samples of each task."""
    made = _document(demo_run)
    assert len(made["results"]) == 14
    assert sum(count["original"] for count in made["n-samples"].values()) == 60
    assert set(made["results"]["lambada"]) >= {"alias", "acc,none", "acc_stderr,none"}
    page = (demo_run / "eval" / "small.html").read_text()
    assert "<h1>Scores of small</h1>" in page
    assert "<script" not in page
    for task, count in made["n-samples"].items():
        lines = list(read_lines(demo_run / "eval" / "small" / f"samples-{task}.jsonl"))
        assert len(lines) == count["original"]
        assert {"doc_id", "target", "arguments", "resps"} <= set(lines[0])


def test_verify_covers_it(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--data", str(demo_run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 16
    path = demo_run / "eval" / "small.json"
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"1", b"2", 1))
        assert run(["verify", "--data", str(demo_run)]) == 1
    finally:
        path.write_bytes(before)
    capsys.readouterr()


def test_a_second_call_finds_it_done(
    demo_run: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (demo_run / "manifest.json").read_bytes()
    assert run(["eval", str(model_folder), "--data", str(demo_run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == _document(demo_run)
    assert (demo_run / "manifest.json").read_bytes() == before


def test_other_settings_are_refused_with_the_difference(
    demo_run: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["eval", str(model_folder), "--data", str(demo_run), "--quiet", "--seed", "3"]
    assert run(args) == 1
    assert "seed: 0 -> 3" in capsys.readouterr().err


def test_other_weights_are_another_result(
    demo_run: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weights' content decides, not where they lie or when they were written."""
    folder = Path(shutil.copytree(model_folder, tmp_path / "small"))
    args = ["eval", str(folder), "--data", str(demo_run), "--quiet"]
    assert run(args) == 0
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    capsys.readouterr()
    assert run(args) == 1
    assert "input `model`: other content" in capsys.readouterr().err


def test_pages_need_no_torch() -> None:
    """What `webtext report` takes from here starts without the extra."""
    code = (
        "import sys, webtext_py.evaluate.page; print({'torch', 'transformers'} & set(sys.modules))"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--tasks", "lambada=nowhere.jsonl"], "test set `nowhere.jsonl` does not exist"),
        (["--tasks", "lambada=/"], "test set `/` is a folder, expected a file"),
        (["--tasks", "lambada"], "`lambada` is not NAME=VALUE"),
        (["--tasks", "a=x", "a=x"], "task `a` is named twice"),
        (["--form", "b=choices"], "`--form` names the task `b`"),
        (["--shots", "1,-2"], "is no list of numbers"),
        (["--out", "a/b"], "`--out` is 'a/b', expected a name"),
    ],
)
def test_wrong_lines(
    model_folder: Path, tmp_path: Path, args: list[str], said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(["eval", str(model_folder), "--data", str(tmp_path / "d"), *args]) in (1, 2)
    assert said in capsys.readouterr().err


def test_models_that_are_refused(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run, no safetensors, no causal model, code of its own, a run of another objective."""
    data = ["--data", str(tmp_path / "d")]
    assert run(["eval", "nobody", *data]) == 1
    assert "neither a run nor a folder `nobody`" in capsys.readouterr().err
    assert run(["eval", *data]) == 1
    assert "has no run with a checkpoint" in capsys.readouterr().err
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((model_folder / "config.json").read_bytes())
    assert run(["eval", str(bare), *data]) == 1
    assert "has no safetensors file" in capsys.readouterr().err
    (bare / "config.json").write_text(
        '{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    )
    assert run(["eval", str(bare), *data]) == 1
    assert "holds a BertForMaskedLM, expected a causal language model" in capsys.readouterr().err
    planted = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (bare / "config.json").write_text(json.dumps(planted))
    (bare / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert run(["eval", str(bare), *data]) == 1
    assert "cannot be opened" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    masked = tmp_path / "d" / "runs" / "masked"
    masked.mkdir(parents=True)
    config = {"model": {"causal": False}, "objective": {"objective": "mlm"}}
    (masked / "run.json").write_text(json.dumps({"format": 1, "config": config}))
    assert run(["eval", "masked", *data]) == 1
    assert "run `masked` has the objective mlm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("model.safetensors", lambda content: content[:1000], "cannot be opened"),
        ("tokenizer.json", None, "has a tokenizer of 1 entries and a model of 600"),
        ("model.safetensors", lambda c: c[:-4096] + b"\xff" * 4096, "are not finite numbers"),
    ],
)
def test_damaged_folders(
    model_folder: Path, tmp_path: Path, name: str, change: Any, said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Weights cut off, no tokenizer, weights that are no numbers: refused by what is wrong."""
    folder = Path(shutil.copytree(model_folder, tmp_path / "damaged"))
    path = folder / name
    if change is None:
        for part in ("tokenizer.json", "vocab.json", "merges.txt"):
            (folder / part).unlink(missing_ok=True)
    else:
        path.write_bytes(change(path.read_bytes()))
    tasks = ["--tasks", f"lambada={demo.tasks()['lambada']}"]
    assert run(["eval", str(folder), "--data", str(tmp_path / "d"), "--quiet", *tasks]) == 1
    assert said in capsys.readouterr().err


def test_what_is_not_understood_is_counted(model_folder: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 stand in the results and on the page."""
    path = tmp_path / "lambada.jsonl"
    path.write_bytes(b'{"text": "one \xff\xfe two three"}\n')
    args = ["--data", str(tmp_path / "d"), "--quiet", "--tasks", f"lambada={path}"]
    assert run(["eval", str(model_folder), *args]) == 0
    made = _document(tmp_path / "d")["configs"]["lambada"]["passed"]
    assert made == {"values": {"bytes that are no UTF-8, as U+FFFD": 2}}
    assert "passed over: 2 values" in (tmp_path / "d" / "eval" / "small.html").read_text()


def test_a_set_of_the_users(model_folder: Path, tmp_path: Path) -> None:
    """Their own names of fields, a form that no content shows, an unknown form named."""
    rows = [{"q": f"What is {n}?", "opts": ["one", "two"], "key": n % 2} for n in range(6)]
    path = write_rows(tmp_path / "mine.jsonl", rows)
    args = ["eval", str(model_folder), "--data", str(tmp_path / "d"), "--quiet"]
    args += ["--tasks", f"mine={path}"]
    assert run(args) == 1
    fields = ["--fields", "question=q", "choices=opts", "answer=key"]
    assert run([*args, *fields]) == 0
    made = json.loads((tmp_path / "d" / "eval" / "small.json").read_bytes())
    assert made["configs"]["mine"]["form"] == "choices"
    assert run([*args, *fields, "--form", "mine=riddles"]) == 1
