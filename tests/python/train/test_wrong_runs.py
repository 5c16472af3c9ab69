"""What a run must not do: save what is no number, leave its place, swallow a setting."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from webtext_py.engine.commit import file_facts, write_json
from webtext_py.runs.settings import Settings
from webtext_py.runs.sizing import fitted, loss_bytes, size, state_bytes, window_bytes
from webtext_py.train import loop
from webtext_py.train.metrics import read_metrics

from .conftest import TINY, Command


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").glob("step-*"))


@pytest.mark.parametrize(
    ("steps", "rate", "message"),
    [
        # Step 1 learns at lr, its loss is still that of the start.
        ("1", "lr=1e39", "error: `val_loss` of step 1 is nan"),
        ("3", "lr=1e39", "error: `val_loss` of step 1 is nan"),
        ("3", "lr=1e38", "of step 1 is"),
    ],
)
def test_a_model_that_is_no_number_is_never_saved(
    webtext: Command, data: Path, steps: str, rate: str, message: str
) -> None:
    every = ("checkpoint_every=1", "eval_every=1", "warmup_steps=0")
    ran = webtext("train", "--data", data, *TINY, "--steps", steps, rate, *every)
    assert (ran.code, message in ran.err) == (1, True), ran.err
    assert "hint: begin another run with a lower `lr`" in ran.err
    assert checkpoints(data / "runs/nano") == []


def test_weights_are_looked_at_where_nothing_is_validated(webtext: Command, data: Path) -> None:
    ran = webtext("train", "--data", data, *TINY, "--steps=1", "lr=1e39", "eval_every=0",
                  "warmup_steps=0")  # fmt: skip
    assert ran.code == 1
    assert "is not finite after step 1, which is not saved" in ran.err
    assert checkpoints(data / "runs/nano") == []


def test_a_gradient_that_is_no_number_ends_the_run_and_the_last_good_checkpoint_resumes(
    webtext: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = webtext("train", "--data", data, *TINY, "steps=6", "--run", "whole")
    assert whole.code == 0, whole.err
    norm, calls = loop._norm, []

    def bad(gradients: list[torch.Tensor]) -> torch.Tensor:
        calls.append(1)  # twice a step: of the first micro-batch, of all
        return norm(gradients) * (float("nan") if len(calls) == 8 else 1)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_norm", bad)
        ran = webtext("train", "--data", data, *TINY, "steps=6", "checkpoint_every=1", "clip=0")
    assert (ran.code, "`grad_norm` of step 4 is nan" in ran.err) == (1, True), ran.err
    run = data / "runs/nano"
    assert checkpoints(run) == ["step-00000002", "step-00000003"]
    assert webtext("train", "--data", data, "--run", "nano", "--resume").code == 0
    assert [line["step"] for line in read_metrics(run / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("words", [["sample", "nano"], ["export", "nano", "out"]])
def test_weights_that_are_no_numbers_are_refused_by_name(
    webtext: Command, data: Path, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert webtext("train", "--data", data, *TINY, "steps=1").code == 0
    folder = data / "runs/nano/checkpoints/step-00000001"
    weights = load_file(folder / "model.safetensors")
    weights["h.1.mlp.c_fc.bias"][3] = float("nan")
    save_file(weights, folder / "model.safetensors")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["model.safetensors"] = file_facts(folder / "model.safetensors")
    write_json(folder / "manifest.json", manifest)
    ran = webtext(*words, "--data", data)
    assert ran.code == 1
    assert "error: weight `h.1.mlp.c_fc.bias` in " in ran.err


def test_a_run_lies_in_its_place(webtext: Command, data: Path, tmp_path: Path) -> None:
    for name in ("a/b", "../x", str(tmp_path / "x"), "..", "", ".hidden", "a\x1b[31m"):
        ran = webtext("train", "--data", data, *TINY, "steps=1", "--run", name)
        assert (ran.code, "expected a name: no path" in ran.err) == (2, True), ran.err
        assert "\x1b" not in ran.err
    assert not (data / "runs").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    assert webtext("train", "--data", data, *TINY, "steps=1", "--run", "über 2.b_c-d").code == 0


def test_a_vocabulary_size_that_is_not_the_tokenizers_is_refused(
    webtext: Command, data: Path
) -> None:
    ran = webtext("train", "--data", data, *TINY, "steps=1", "vocab_size=100")
    assert ran.code == 2
    assert "`vocab_size` is 100 (command line), but 291 in `" in ran.err
    assert webtext("train", "--data", data, *TINY, "steps=1", "vocab_size=291").code == 0


@pytest.mark.parametrize(
    ("pair", "meant"),
    [
        ("optimizer.steps=3", "run.steps"),
        ("model.lr=1", "optimizer.lr"),
        ("learning_rate=1", "lr"),
        ("optimizer.learning_rate=1", "optimizer.lr"),
        ("n_embd=8", "width"),
        ("block_size=8", "context"),
        ("weight_decay=0", "decay"),
        ("max_iters=8", "steps"),
        ("batch_size=8", "batch_tokens"),
        ("stepps=8", "steps"),
    ],
)
def test_another_name_of_a_setting_leads_to_ours(
    webtext: Command, data: Path, pair: str, meant: str
) -> None:
    ran = webtext("train", "--data", data, pair)
    assert (ran.code, ran.err) == (
        2,
        f"error: no setting `{pair.partition('=')[0]}` (command line)\n"
        f"hint: did you mean `{meant}`?\n",
    )


def test_a_context_without_its_batch_says_what_is_too_long(webtext: Command, data: Path) -> None:
    ran = webtext("train", "--data", data, "context=99999999", "device=cpu")
    assert ran.code == 1
    assert "do not fill one context of 99999999 tokens\nhint: give it more text" in ran.err
    assert not (data / "runs").exists()


def test_a_batch_nobody_set_holds_whole_contexts() -> None:
    settings = Settings()
    settings.set("context", 300, "command line")
    settings.set("preset", "nano", "test")
    notes: list[str] = []
    size(settings, 9_000_000_000, False, notes.append)
    assert settings.config().run.batch_tokens == 1800
    assert "batch_tokens 1,800, not 2,048: whole contexts of 300" in notes


def test_files_are_for_whom_the_umask_says(webtext: Command, data: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert webtext("train", "--data", data, *TINY, "steps=1").code == 0
        assert webtext("export", "nano", tmp_path / "out", "--data", data).code == 0
    finally:
        os.umask(before)
    files = [p for p in (*(data / "runs").rglob("*"), *(tmp_path / "out").iterdir()) if p.is_file()]
    assert {path.name for path in files} >= {"model.safetensors", "optimizer.safetensors"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o640}


def test_a_constant_rate_goes_on_for_longer_to_the_bit(webtext: Command, data: Path) -> None:
    constant = ("min_lr_ratio=1", "warmup_steps=2", "eval_every=0")
    assert webtext("train", "--data", data, *TINY, *constant, "steps=9", "--run", "whole").code == 0
    parts = ("train", "--data", data, "--run", "parts")
    assert webtext(*parts, *TINY, *constant, "steps=5").code == 0
    longer = webtext(*parts, "--resume", "--steps", "7")
    assert longer.code == 0, longer.err
    assert webtext(*parts, "--resume", "steps=9").code == 0
    assert json.loads((data / "runs/parts/run.json").read_bytes())["config"]["run"]["steps"] == 9
    ends = [data / "runs" / name / "checkpoints/step-00000009" for name in ("whole", "parts")]
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (ends[0] / name).read_bytes() == (ends[1] / name).read_bytes()
    shorter = webtext(*parts, "--resume", "steps=3")
    assert shorter.code == 2
    assert "`steps` is 9 in run `parts`, not 3, and 9 are done" in shorter.err


def test_a_cosine_that_has_begun_cannot_be_made_longer(webtext: Command, data: Path) -> None:
    assert webtext("train", "--data", data, *TINY, "steps=4", "warmup_steps=1").code == 0
    ran = webtext("train", "--data", data, "--resume", "steps=8")
    assert ran.code == 2
    assert "the learning rate of the 4 steps done followed from that number" in ran.err
    assert "hint: `webtext export nano FOLDER`, then" in ran.err
    assert json.loads((data / "runs/nano/run.json").read_bytes())["config"]["run"]["steps"] == 4


def test_a_gpu_without_room_is_no_bug(
    webtext: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr("webtext_py.runs.command.train", full)
    ran = webtext("train", "--data", data, *TINY, "steps=1", "micro_batch=4")
    assert ran.code == 1
    assert (
        "weights, gradients and moments take about 0.0 GiB, a micro-batch of 4 windows" in ran.err
    )
    assert "hint: pass `micro_batch=2` or less" in ran.err
    ran = webtext("train", "--data", data, *TINY, "steps=1", "micro_batch=1", "--force")
    assert "hint: pass a smaller `context`" in ran.err


def test_the_micro_batch_leaves_room_for_weights_gradients_and_moments() -> None:
    """GPT-2 1.5B: 31 GB of state leave little of 40 GiB and nothing of 32."""
    settings = Settings()
    settings.set_preset("gpt2-xl", "test")
    config = settings.config()
    assert state_bytes(config) == 20 * (1_557_611_200 + 47 * 1600)
    gib = 2**30
    fit_to = {gpu: fitted(config, 1, gpu * gib).run for gpu in (32, 40, 80, 139)}
    sizes = {gpu: run.micro_batch for gpu, run in fit_to.items()}
    assert sizes[32] == sizes[40] == 1
    assert 4 <= sizes[80] < sizes[139] <= 64
    for gpu, windows in sizes.items():
        if gpu >= 80:
            loss = loss_bytes(config, fit_to[gpu].loss_rows)
            taken = state_bytes(config) + 2 * windows * window_bytes(config) + loss
            assert taken < 0.9 * gpu * gib
    assert fit_to[32].loss_rows == 8192 < fit_to[139].loss_rows
    assert fitted(config, 1, None).run.loss_rows == 8192


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("seed=99999999999999999999", "a whole number, at least 0, below 2^53"),
        ("steps=9007199254740992", "a whole number, at least 1, below 2^53"),
        ("lr=inf", "a number, at least 0"),
        ("layers=100000000000", "GiB are too few: weights, gradients and moments take"),
        ("width=4000000", "hint: pass a smaller `context`, a smaller `--preset` or another device"),
    ],
)
def test_what_no_machine_can_do_is_refused_before_it_begins(
    webtext: Command, data: Path, pair: str, message: str
) -> None:
    ran = webtext("train", "--data", data, *TINY, pair)
    assert (ran.code in (1, 2), message in ran.err) == (True, True), ran.err
    assert not (data / "runs").exists()


def test_libraries_say_nothing_at_the_end(data: Path) -> None:
    command = [sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()"]
    command += ["train", "--data", str(data), "--run", "a/b"]
    # Where it is, torch's compiler loads it; it tells what was not freed.
    program = "import importlib.util as u\nif u.find_spec('triton'): import triton._C.libtriton\n"
    command[3] = program + command[3]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
