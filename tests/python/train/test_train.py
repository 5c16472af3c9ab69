"""`webtext train` on made data: it learns, logs, resumes to the bit, and refuses what it must."""

import gc
import hashlib
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from webtext_py.train import loop
from webtext_py.train.distributed import join
from webtext_py.train.metrics import Log, read_metrics

from .conftest import TINY, Command

APART = ("sweep", "plot")


def weights(run: Path) -> dict[str, torch.Tensor]:
    newest = max((run / "checkpoints").glob("step-*"))
    return load_file(newest / "model.safetensors")


def digest(run: Path) -> str:
    """Digest of a run's newest weights and optimizer state."""
    newest = max((run / "checkpoints").glob("step-*"))
    parts = [(newest / n).read_bytes() for n in ("model.safetensors", "optimizer.safetensors")]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def untimed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in x.items() if k not in ("ms", "tokens_per_s", "mfu")} for x in lines]


def test_no_arguments_learn(webtext: Command, data: Path) -> None:
    ran = webtext("train", "--data", data, "--json", "steps=40", "device=cpu", "eval_every=10")
    assert ran.code == 0, ran.err
    summary = json.loads(ran.out)
    run = data / "runs" / "nano"
    assert summary["run"] == str(run)
    assert summary["step"] == summary["steps"] == 40
    lines = read_metrics(run / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 41))
    losses = [line["val_loss"] for line in lines if "val_loss" in line]
    assert len(losses) == 4
    assert losses[0] > losses[-1] + 0.5
    # Two words may follow a word, each of several tokens: ln 2 a word is the floor.
    assert losses[-1] < 3
    # Bits per byte by hand: nats a token over bytes a token, and no token is shorter than a byte.
    assert 0 < summary["val_bits_per_byte"] < summary["val_loss"] / math.log(2)
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "training tokens are fewer than 64 batches" in ran.err
    assert "preset nano: there is no GPU" in ran.err


def test_every_line_says_what_the_issue_of_a_step_is(webtext: Command, data: Path) -> None:
    ran = webtext(
        "train",
        "--data",
        data,
        "--quiet",
        *TINY,
        "steps=3",
        "micro_batch=2",
        "peak_tflops=0.1",
        "log_windows=true",
    )
    assert ran.code == 0, ran.err
    assert ran.err == ""
    lines = read_metrics(data / "runs" / "nano" / "metrics.jsonl")
    assert len(lines) == 3
    for line in lines:
        assert line["tokens"] == 256 * line["step"]
        assert len(line["windows"]) == 8
        assert line["tokens_per_s"] == pytest.approx(256 / (line["ms"] / 1e3), rel=1e-3)
        assert 0 < line["mfu"] < 1
        assert {"loss", "lr", "grad_norm", "noise_scale"} <= line.keys()
    assert "val_loss" in lines[-1]


@pytest.mark.parametrize(
    "extra",
    [(), ("optimizer=muon", "precision=bf16"), ("doc_mask=true", "micro_batch=2", "exact=true")],
    ids=["plain", "muon-bf16", "doc-mask-exact"],
)
def test_resume_is_bitwise(
    webtext: Command, data: Path, extra: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = webtext("train", "--data", data, "--run", "whole", *TINY, "steps=20", *extra)
    assert whole.code == 0, whole.err
    # Another run breaks off after 11 steps: its disk is full, say.
    from webtext_py.train import checkpoint

    save = checkpoint.save

    def failing(run: Path, step: int, *rest: Any) -> Path:
        if step > 11:
            raise OSError(28, "No space left on device")
        return save(run, step, *rest)

    arguments = ("train", "--data", data, "--run", "parts")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", failing)
        broken = webtext(*arguments, *TINY, "steps=20", "checkpoint_every=11", *extra)
        assert broken.code == 1
        assert "No space left" in broken.err
    assert [p.name for p in (data / "runs/parts/checkpoints").glob("step-*")] == ["step-00000011"]
    resumed = webtext(*arguments, "--resume", "checkpoint_every=500")
    assert resumed.code == 0, resumed.err
    torch.use_deterministic_algorithms(False)
    runs = [data / "runs" / name for name in ("whole", "parts")]
    assert digest(runs[0]) == digest(runs[1])
    logs = [untimed(read_metrics(run / "metrics.jsonl")) for run in runs]
    assert logs[0] == logs[1]


def test_sigterm_saves_and_ends(webtext: Command, data: Path) -> None:
    import os
    import signal

    from webtext_py.train import metrics

    whole = webtext("train", "--data", data, "--run", "whole", *TINY, "steps=12")
    assert whole.code == 0, whole.err
    sent = []
    clock = metrics.now

    def mark(device: torch.device) -> Any:
        sent.append(1)
        if len(sent) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return clock(device)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "now", mark)
        stopped = webtext("train", "--data", data, "--run", "parts", *TINY, "steps=12")
    assert stopped.code == 130
    assert "`--resume` goes on" in stopped.err
    saved = [p.name for p in (data / "runs/parts/checkpoints").glob("step-*")]
    assert len(saved) == 1
    assert "step-00000004" <= saved[0] <= "step-00000007"
    assert webtext("train", "--data", data, "--run", "parts", "--resume").code == 0
    assert digest(data / "runs/parts") == digest(data / "runs/whole")


def test_one_batch_is_overfitted(webtext: Command, data: Path, tmp_path: Path) -> None:
    """Preset nano (3 layers of 96), one batch of 8 windows of 64 tokens, rate 3e-3: < 0.7 in 60."""
    from webtext_py.tokens import TokenSet

    from .conftest import write_tokens

    tokens = TokenSet.open(sorted((data / "tokens").glob("train-*"))).head(8 * 64 + 1, 1000)
    digest = TokenSet.open(sorted((data / "tokens").glob("train-*"))).tokenizer
    assert digest is not None
    write_tokens(tmp_path / "one" / "train-0.parquet", [tokens.tolist()], tokenizer=digest)
    ran = webtext("train", "--data", data, "--tokens", tmp_path / "one", "--preset", "nano",
                  "context=64", "batch_tokens=512", "steps=60", "lr=3e-3", "warmup_steps=5",
                  "device=cpu")  # fmt: skip
    assert ran.code == 0, ran.err
    lines = read_metrics(data / "runs" / "nano" / "metrics.jsonl")
    assert lines[0]["loss"] > 5
    assert lines[-1]["loss"] < 0.7


def test_what_is_refused(webtext: Command, data: Path, tmp_path: Path) -> None:
    base = ("train", "--data", data, *TINY)
    assert webtext(*base, "steps=2").code == 0
    again = webtext(*base, "steps=2")
    assert again.code == 1
    assert "error: run `nano` exists" in again.err
    assert "hint: `--resume` goes on" in again.err
    other = webtext("train", "--data", data, "--resume", "lr=0.1")
    assert "`lr` is 0.003 in run `nano`, not 0.1" in other.err
    assert webtext(*base, "steps=2", "--force").code == 0
    unknown = webtext(*base, "learning_rate=1")
    assert "no setting `learning_rate` (command line)" in unknown.err
    assert (
        "`steps` is 'many' (command line), expected a whole number"
        in webtext(*base, "steps=many").err
    )
    assert (
        "width 33 is not a multiple of its 2 heads" in webtext(*base, "width=33", "--run", "x").err
    )

    # Other tokens, then another tokenizer.
    shard = data / "tokens" / "train-00001-of-00002.parquet"
    shard.rename(tmp_path / "aside")
    changed = webtext("train", "--data", data, "--resume")
    assert changed.code == 1
    assert "run `nano` began with other training tokens: fingerprint" in changed.err
    (tmp_path / "aside").rename(shard)
    path = data / "tokenizer" / "tokenizer.json"
    path.write_text(path.read_text().replace("<|endoftext|>", "<|other|>"))
    assert (
        "has no special token `<|endoftext|>`" in webtext("train", "--data", data, "--resume").err
    )
    table = json.loads(path.read_text().replace("<|other|>", "<|endoftext|>"))
    (path.parent / "vocab.json").unlink()  # only tokenizer.json is looked at
    table["model"]["merges"].pop()
    path.write_text(json.dumps(table))
    assert "was encoded with another tokenizer" in webtext("train", "--data", data, "--resume").err
    shutil.rmtree(path.parent)
    missing = webtext(*base, "--run", "y")
    assert missing.code == 1
    assert "hint: run `webtext bpe train`" in missing.err


def test_force_replaces_a_run_only_by_one_that_begins(
    webtext: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ("train", "--data", data, *TINY)
    assert webtext(*base, "steps=2").code == 0
    runs, before = data / "runs", digest(data / "runs" / "nano")
    assert webtext("export", "nano", tmp_path / "hf", "--data", data).code == 0
    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "hf", cut)
    weights_file = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(weights_file[:-100])
    inside = runs / "nano" / "hf"
    shutil.copytree(tmp_path / "hf", inside)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for code, message, *words in (
        (2, "width 33 is not a multiple", "width=33"),
        (2, "8 windows are not whole micro-batches of 7\n", "micro_batch=7"),
        (1, "`tensorboard` is not installed", "--tensorboard"),
        (1, "do not fill one context", "context=65536", "batch_tokens=65536"),
        (1, "is no safetensors file", "--init-from", cut),
        (1, "lies in run `nano`", "--init-from", inside),
    ):
        refused = webtext(*base, "steps=2", "--force", *words)
        assert (refused.code, message in refused.err) == (code, True), refused.err
        assert digest(runs / "nano") == before
        other = webtext(*base, "steps=2", "--run", "other", *words)
        assert other.code == (0 if inside in words else code)
    for name in ("../tokens", ".", "a/b", "", str(runs / "nano"), ".part-nano", "a\nb"):
        refused = webtext(*base, "steps=2", "--force", "--run", name)
        assert (refused.code, "expected a name: no path" in refused.err) == (2, True), refused.err
    # What a kill leaves beside it is no run.
    shutil.rmtree(runs / "other")
    (runs / ".part-old-nano").mkdir()
    (runs / ".part-old-nano" / "run.json").write_text("{}")
    assert webtext("train", "--data", data, "--resume").code == 0
    assert webtext(*base, "steps=3", "--force").code == 0
    assert [path.name for path in runs.iterdir()] == ["nano"]
    assert len(read_metrics(runs / "nano" / "metrics.jsonl")) == 3


def test_a_damaged_checkpoint_is_named(webtext: Command, data: Path) -> None:
    assert webtext("train", "--data", data, *TINY, "steps=4", "checkpoint_every=2").code == 0
    folders = sorted((data / "runs/nano/checkpoints").iterdir())
    assert [f.name for f in folders] == ["step-00000002", "step-00000004"]
    path = folders[-1] / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    for words in (("train", "--resume"), ("sample", "nano"), ("export", "nano", data / "out")):
        ran = webtext(words[0], "--data", data, *words[1:])
        assert ran.code == 1
        assert "model.safetensors` is damaged: digest" in ran.err
    manifest = folders[-1] / "manifest.json"
    for text, message in (
        ('{"format": 1}', "manifest.json` is no checkpoint's manifest: KeyError('step')"),
        ('{"format": 9, "step": 4, "files": {}, "noise_scale": []}', "has format 9, expected 1"),
        ("[]", "is no checkpoint's manifest"),
    ):
        manifest.write_text(text)
        ran = webtext("train", "--data", data, "--resume")
        assert (ran.code, message in ran.err) == (1, True), ran.err


def test_garbage_is_not_looked_for_among_what_stays(
    data: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, add = [], Log.add

    def noted(self: Log, *step: Any) -> bool:
        seen.append(gc.get_freeze_count())
        return add(self, *step)

    monkeypatch.setattr(Log, "add", noted)
    assert webtext("train", "--data", data, *TINY, "steps=3").code == 0
    assert seen[0] == 0 < min(seen[1:])
    assert gc.get_freeze_count() == 0


def test_exact_leaves_no_choice_to_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config as inductor

    if not hasattr(inductor, "deterministic"):
        pytest.skip("torch has it from 2.10 on")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    # Its own way: monkeypatch would delete the setting in the end, and nothing compiled any more.
    with inductor.patch(deterministic=False):
        with join("cpu") as world:
            assert (world.rank, world.size, inductor.deterministic) == (0, 1, False)
        try:
            with join("cpu", exact=True):
                assert torch.are_deterministic_algorithms_enabled()
                assert inductor.deterministic
                assert torch.get_num_threads() == 1
        finally:
            torch.use_deterministic_algorithms(False)


def test_keep_and_half_written_checkpoints(webtext: Command, data: Path) -> None:
    extra = ("steps=9", "checkpoint_every=2", "keep=3")
    assert webtext("train", "--data", data, *TINY, *extra).code == 0
    folder = data / "runs/nano/checkpoints"
    assert sorted(p.name for p in folder.iterdir()) == [
        "step-00000006",
        "step-00000008",
        "step-00000009",
    ]
    (folder / ".part-step-00000010").mkdir()  # what a kill leaves
    assert webtext("train", "--data", data, "--resume").code == 0


def test_show_config_prints_every_setting(webtext: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[train]\nseed = 5\n[train.optimizer]\nlr = 1e-3\n")
    ran = webtext(
        "train",
        "--data",
        data,
        "--show-config",
        "--config",
        tmp_path / "mine.toml",
        "lr=2e-3",
        "device=cpu",
    )
    lines = ran.out.splitlines()
    assert "optimizer.lr = 0.002  # command line" in lines
    assert f"run.seed = 5  # `{tmp_path / 'mine.toml'}`" in lines
    assert "run.keep = 2  # default" in lines
    assert "model.layers = 3  # preset nano" in lines
    assert "model.vocab_size = 291  # tokenizer" in lines
    (batch,) = (line for line in lines if line.startswith("run.batch_tokens = "))
    assert "# shrunk: " in batch
    assert "training tokens are fewer than 64 batches" in batch
    assert not (data / "runs").exists()


def test_tensorboard_gets_every_number(data: Path, webtext: Command) -> None:
    ran = webtext("train", "--data", data, *TINY, "--tensorboard", "steps=3", "peak_tflops=1")
    assert ran.code == 0, ran.err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = data / "runs" / "nano"
    board = EventAccumulator(str(run / "tensorboard"))
    board.Reload()
    lines = read_metrics(run / "metrics.jsonl")
    for name in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu"):
        seen = [(event.step, event.value) for event in board.Scalars(name)]
        assert seen == [(line["step"], pytest.approx(line[name])) for line in lines], name
    assert [event.step for event in board.Scalars("val_loss")] == [3]


def test_a_missing_tensorboard_names_its_extra(
    data: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    ran = webtext("train", "--data", data, *TINY, "tensorboard=true", "steps=3")
    assert ran.code == 1
    assert "hint: run `pip install 'webtext[tensorboard]'`" in ran.err
    assert not (data / "runs").exists()


@pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile on a CPU needs a C++ compiler"
)
# torch hides this one itself, but only where warnings are not errors.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize(("kind", "parts"), [("causal", 2), ("albert", 2), ("electra", 3)])
def test_the_compiled_model_learns_the_same(
    kind: str, parts: int, data: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, backward and the chunked loss through inductor, in training and in validation."""
    from webtext_py.train import loss

    compiled = []
    original = torch.compile

    def counted(function: Any, **options: Any) -> Any:
        compiled.append(function)
        assert options == {"dynamic": False}
        return original(function, **options)

    monkeypatch.setattr(loss.torch, "compile", counted)
    words = ("train", "--data", data, *TINY, "layers=1", "steps=4", "lr=1e-2", "warmup_steps=1",
             "micro_batch=4", "eval_tokens=512", f"objective={kind}")  # fmt: skip
    runs = {"plain": ("--no-compile",), "compiled": ("compile=on",)}
    for name, extra in runs.items():
        ran = webtext(*words, "--run", name, *extra)
        assert ran.code == 0, ran.err
        # The model, a chunk of its loss, ELECTRA's generator.
        assert len(compiled) == (parts if name == "compiled" else 0)
    logs = [read_metrics(data / "runs" / name / "metrics.jsonl") for name in runs]
    for plain, fast in zip(*logs, strict=True):
        assert fast["loss"] == pytest.approx(plain["loss"], rel=1e-5)
        assert fast["grad_norm"] == pytest.approx(plain["grad_norm"], rel=1e-4)
    assert logs[0][0]["loss"] > logs[0][-1]["loss"] + 0.1
    assert logs[1][-1]["val_loss"] == pytest.approx(logs[0][-1]["val_loss"], rel=1e-5)
    weights_of = [weights(data / "runs" / name) for name in runs]
    assert torch.allclose(*(w["h.0.mlp.c_fc.weight"] for w in weights_of), atol=1e-4)


def test_a_loss_that_is_no_number_ends_the_run(data: Path, webtext: Command) -> None:
    ran = webtext("train", "--data", data, *TINY, "steps=40", "lr=1e30", "clip=0", "warmup_steps=0",
                  "checkpoint_every=1")  # fmt: skip
    assert ran.code == 1
    assert "error: `loss` of step" in ran.err or "is not finite after step" in ran.err
    assert "hint: " in ran.err
    run = data / "runs" / "nano"
    last = read_metrics(run / "metrics.jsonl")[-1]
    assert not math.isfinite(last["loss"])


def test_the_trainer_stays_small_enough_to_read() -> None:
    """Objectives, sweeps and pictures aside: each of those is read by itself."""
    train = Path(loop.__file__).parent
    files = [*train.glob("*.py"), *(train.parent / "runs").glob("*.py")]
    lines = {p: len(p.read_text().splitlines()) for p in files if p.stem not in APART}
    assert {"data", "optimizer", "checkpoint", "export", "sample"} <= {p.stem for p in lines}
    assert sum(lines.values()) < 2200, lines


def test_a_full_disk_is_no_bug_and_keeps_what_was_saved(
    data: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What safetensors says when the system has no room: the second checkpoint meets it."""
    from safetensors import SafetensorError

    from webtext_py.train import export

    def full(tensors: Any, path: Path, **how: Any) -> None:
        save_file(tensors, path, **how)
        if "step-00000004" in str(path) and path.name == "optimizer.safetensors":
            raise SafetensorError("No space left on device (os error 28)")

    save_file = export.save_file
    monkeypatch.setattr(export, "save_file", full)
    ran = webtext("train", "--data", data, *TINY, "steps=6", "checkpoint_every=2")
    assert ran.code == 1
    assert "optimizer.safetensors` cannot be written: " in ran.err
    assert "hint: make room" in ran.err
    saved = [path.name for path in (data / "runs/nano/checkpoints").iterdir()]
    assert saved == ["step-00000002"]
    monkeypatch.undo()
    assert webtext("train", "--data", data, "--resume").code == 0


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("steps=-1", "`steps` is '-1' (command line), expected a whole number, at least 1"),
        ("lr=nan", "`lr` is 'nan' (command line), expected a number, at least 0"),
        (
            "val_fraction=1.5",
            "`val_fraction` is '1.5' (command line), expected a number from 0 to less",
        ),
        ("lrr=1", "no setting `lrr` (command line)\nhint: did you mean `lr`?"),
        ("steps", "`steps` is not KEY=VALUE"),
    ],
)
def test_a_setting_out_of_range_is_named_before_anything_begins(
    data: Path, webtext: Command, pair: str, message: str
) -> None:
    ran = webtext("train", "--data", data, pair)
    assert ran.code == 2
    assert message in ran.err
    assert "preset" not in ran.err
    assert not (data / "runs").exists()
