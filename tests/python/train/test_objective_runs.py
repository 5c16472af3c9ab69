"""Every objective as a run: the same bits after kills and for two processes; what is refused."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from webtext_py.cli.main import run as command
from webtext_py.runs.folder import open_model
from webtext_py.train.checkpoint import folders
from webtext_py.train.metrics import read_metrics

from .conftest import TINY, Command
from .test_processes import Processes, processes
from .test_train import untimed

__all__ = ["processes"]  # a fixture

RUNS = {
    "causal": ("share=mlp", "embedding_width=16", "band=8", "batch_from=128", "ramp_tokens=600"),
    "mlm": ("objective=mlm",),
    "albert": ("objective=albert", "share=all", "embedding_width=16"),
    "electra": ("objective=electra", "precision=bf16"),
    "distilbert": ("objective=distilbert", "teacher=teacher", "layers=1"),
    "tinybert": ("objective=tinybert", "teacher=teacher", "width=16", "layers=1", "doc_mask=true"),
}
BIDIRECTIONAL = ("mlm", "albert", "electra")


@pytest.fixture(scope="module")
def place(made_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a teacher in `runs/teacher`."""
    data = tmp_path_factory.mktemp("objectives") / "data"
    shutil.copytree(made_data, data)
    words = ("train", "--data", str(data), "--quiet", "--run", "teacher", *TINY, "steps=30")
    assert command([*words, "eval_every=0"]) == 0
    return data


def bits(run: Path) -> str:
    """Digest of everything that a run's newest checkpoint holds."""
    newest = folders(run)[-1][1]
    files = sorted(newest.glob("*.safetensors"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.mark.parametrize("name", RUNS)
def test_kills_and_processes_change_no_bit(
    name: str, place: Path, webtext: Command, processes: Processes
) -> None:
    """Whole in one process; in parts with eight kills, the last part in two processes."""
    words = ("train", "--data", place, *TINY, "steps=10", "micro_batch=2", "exact=true",
             "checkpoint_every=3", "eval_every=5", "eval_tokens=256",
             *RUNS[name])  # fmt: skip
    whole, parts = place / "runs" / f"{name}-whole", place / "runs" / f"{name}-parts"
    processes.together(1, *words, "--run", whole.name)
    generator = random.Random(name)
    again = ("train", "--data", place, "--resume", "--run", parts.name)
    for goal in range(1, 9):
        begun = again if goal > 1 else (*words, "--run", parts.name)
        processes.killed(goal, generator.randrange(10), *begun)
    processes.together(2, *again)
    assert bits(whole) == bits(parts)
    logs = [untimed(read_metrics(run / "metrics.jsonl")) for run in (whole, parts)]
    assert logs[0] == logs[1]
    assert len({line["loss"] for line in logs[0]}) == 10
    if name in BIDIRECTIONAL:
        for verb in (("sample", whole.name), ("export", whole.name, place / "out")):
            ran = webtext(*verb, "--data", place)
            assert ran.code == 1
            assert f"run `{whole.name}` has the objective {name}: it predicts no next" in ran.err
        assert "val_bits_per_byte" not in logs[0][-1]
    else:
        assert webtext("sample", whole.name, "--data", place, "--length", 3).code == 0
        assert "val_bits_per_byte" in logs[0][-1]


def test_what_goes_beyond_the_vocabulary_stays_in_the_run(
    place: Path, webtext: Command, tmp_path: Path
) -> None:
    """MASK, CLS and SEP are rows of a bidirectional model, and of no other."""
    words = ("train", "--data", place, *TINY, "steps=1", "eval_every=0")
    for name, rows in (("electra", 294), ("causal", 291)):
        assert webtext(*words, "--run", f"rows-{name}", f"objective={name}").code == 0
        newest = folders(place / "runs" / f"rows-{name}")[-1][1]
        assert len(load_file(newest / "model.safetensors")["wte.weight"]) == rows
        assert (newest / "objective.safetensors").exists() == (name == "electra")


def test_a_distilled_student_is_a_stock_gpt2(place: Path, webtext: Command, tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    words = ("train", "--data", place, *TINY, "steps=2", "eval_every=0", "--run")
    assert webtext("export", "teacher", tmp_path / "hf", "--data", place).code == 0
    for kind in ("distilbert", "tinybert"):
        teach = (f"objective={kind}", f"teacher={tmp_path / 'hf'}", "layers=1")
        ran = webtext(*words, f"stock-{kind}", *teach)
        assert ran.code == 0, ran.err
        assert webtext("export", f"stock-{kind}", tmp_path / kind, "--data", place).code == 0
        theirs = GPT2LMHeadModel.from_pretrained(tmp_path / kind)
        assert theirs.config.n_layer == 1
        ours, _, _ = open_model(place / "runs" / f"stock-{kind}")
        ids = torch.arange(64).view(2, 32)
        with torch.no_grad():
            assert torch.allclose(ours.logits(ours(ids)), theirs.eval()(ids).logits, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("objective=mlm", "causal=true"), "`causal` is True (command line), but False in obj"),
        (("objective=distilbert",), "`teacher` is not set, as `objective` distilbert needs"),
        (
            ("objective=tinybert", "teacher=nobody"),
            "has no config.json, expected a Hugging Face folder",
        ),
        (("temperature=0",), "`temperature` is '0' (command line), expected a number above 0"),
        (("objective=bert",), "expected one of causal, distilbert, tinybert, mlm, albert, ele"),
        (("batch_from=100", "ramp_tokens=600"), "`batch_from` is 100, expected whole contexts of"),
        (("batch_from=128",), "`ramp_tokens` 0, expected both or neither"),
        (
            ("mask_share=1.0",),
            "`mask_share` is '1.0' (command line), expected a number from 0 to less than 1",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], message: str, data: Path, webtext: Command
) -> None:
    ran = webtext("train", "--data", data, *TINY, "steps=1", *words)
    assert ran.code in (1, 2)
    assert message in ran.err
    assert not (data / "runs").exists()


def test_another_teacher_is_refused_on_resume(place: Path, webtext: Command) -> None:
    words = ("train", "--data", place, *TINY, "eval_every=0", "min_lr_ratio=1")
    assert webtext(*words, "--run", "mentor", "steps=1").code == 0
    teach = ("objective=distilbert", "teacher=mentor")
    assert webtext(*words, "--run", "pupil", *teach, "steps=2").code == 0
    assert webtext("train", "--data", place, "--run", "mentor", "--resume", "steps=2").code == 0
    ran = webtext("train", "--data", place, "--run", "pupil", "--resume", "steps=3")
    assert (ran.code, "run `pupil` began with another teacher" in ran.err) == (1, True), ran.err
