"""GPT-2 124M on one GPU, stage by stage: what the machine can do, our loop, plain loops beside it.

Usage: python benches/train_gpu.py --out FILE [--tokens DIR] [--seconds 300] [--stages NAME...]
           [--nanogpt FOLDER] [--llmc "COMMAND"]

Stages, each in a process of its own, printed and written to FILE as soon as it ends, so that a run
that is cut keeps what it has. Those with a goal come first: `matrix` (the ceiling of bf16
products), `ours` (`webtext_py.train.loop.train` as `webtext train` calls it), `nanogpt` (a plain
loop around the `GPT` of FOLDER/model.py; by default `benches/nanogpt/`, which git ignores),
`attention` (each back end; FlexAttention's gradients beside those of the full mask), `resume` (bits
of a resumed run, with `--exact`), `loss` (8,192 to 65,536 rows at a time; the scatter before the
cast), `plain` (the same loop around the model of `train_plain.py`), `llmc` (a command of yours that
prints `N tok/s`), `variants` (what could be gained at most: no bias gradients, no copy of the
gradients of queries, keys and values, an FP8 head, checkpoints by a thread, collections of garbage
with and without `gc.freeze`). A stage that no time is left for says so.

Without `--tokens` it makes ids of Zipf's distribution. Where the compiled core is not at hand its
exceptions are stood in for: nothing else of it is used. To try the script on any machine:
`--preset nano --device cpu --steps 3 --warmup 1 --micro-batch 8 --no-compile`.
"""

import argparse
import dataclasses
import gc
import hashlib
import itertools
import json
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
try:
    import webtext_py._core  # noqa: F401
except ImportError:
    names = ("WebTextError", "DamageError", "FormatError")
    core = types.ModuleType("webtext_py._core")
    core.__dict__.update({name: type(name, (Exception,), {}) for name in names})
    sys.modules["webtext_py._core"] = core

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import flex_attention

from webtext_py.engine.commit import write_json
from webtext_py.runs.presets import PRESETS
from webtext_py.runs.settings import Settings
from webtext_py.runs.sizing import MARGIN, fitted, loss_bytes, state_bytes, window_bytes
from webtext_py.tokens import TokenSet, parquet_files
from webtext_py.train import checkpoint
from webtext_py.train.config import TrainConfig
from webtext_py.train.distributed import join
from webtext_py.train.loop import train
from webtext_py.train.loss import chunk_loss
from webtext_py.train.metrics import peak_tflops, read_metrics
from webtext_py.train.model import attention_masks
from webtext_py.train.objectives import Data, objective_of
from webtext_py.train.optimizer import Optimizer

GOALS = {"tokens_per_s": 570_000, "mfu": 0.48, "over_nanogpt": 1.05}  # 124M on one H200
FP8 = torch.float8_e4m3fn
Stage = Callable[[argparse.Namespace, TrainConfig, torch.device], dict[str, Any]]


def configuration(arguments: argparse.Namespace, **more: Any) -> TrainConfig:
    """The same settings for all loops, with a micro-batch and rows of the loss for the device."""
    settings = Settings()
    values: dict[str, Any] = {
        "steps": arguments.warmup + arguments.steps,
        "warmup_steps": arguments.warmup,
        "micro_batch": arguments.micro_batch,
        "device": arguments.device,
        "compile": "off" if arguments.no_compile else "on",
        "precision": "bf16",
        "eval_every": 0,
        "checkpoint_every": 10**9,
        "vocab_size": arguments.vocab_size,
        **more,
    }
    if arguments.batch_tokens:
        values["batch_tokens"] = arguments.batch_tokens
    for key, value in values.items():
        settings.set(key, value, "bench")
    settings.set_preset(arguments.preset, "bench")
    cuda = arguments.device == "cuda"
    memory = torch.cuda.get_device_properties(0).total_memory if cuda else None
    return fitted(settings.config(), 1, memory)


def timed(device: torch.device, work: Callable[[], object], repeat: int = 9) -> float:
    """Median milliseconds of `work`, after two calls that compile and warm up."""
    cuda, times = device.type == "cuda", []
    for i in range(repeat + 2):
        if cuda:
            torch.cuda.synchronize()
        begin = time.perf_counter()
        work()
        if cuda:
            torch.cuda.synchronize()
        if i >= 2:
            times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def matrix(_: argparse.Namespace, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """TFLOP/s of bf16 products as the model has them: the ceiling of everything below."""
    rows, C = config.run.micro_batch * config.model.context, config.model.width
    result = {}
    for name, n, wide in (
        ("qkv", rows, 3 * C),
        ("mlp", rows, 4 * C),
        ("head", 8192, config.model.vocabulary(padded=True)),
    ):
        a = torch.randn(n, C, device=device, dtype=torch.bfloat16)
        b = torch.randn(C, wide, device=device, dtype=torch.bfloat16)
        ms = timed(device, lambda a=a, b=b: a @ b)  # type: ignore[misc]
        result[name] = round(2 * n * C * wide / ms / 1e9, 1)
    return {"tflops": result}


def attention(_: argparse.Namespace, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """Milliseconds forward and backward of each back end; FlexAttention against the full mask."""
    m = config.model
    shape = (config.run.micro_batch, m.heads, m.context, m.width // m.heads)

    def inputs(dtype: torch.dtype, batch: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        drawn = [torch.randn(batch, *shape[1:], generator=generator) for _ in range(4)]
        return [t.to(device, dtype).requires_grad_() for t in drawn]

    result: dict[str, Any] = {}
    q, k, v, out = inputs(torch.bfloat16, shape[0])
    for name in ("CUDNN_ATTENTION", "FLASH_ATTENTION", "EFFICIENT_ATTENTION"):

        def work(name: str = name) -> None:
            with sdpa_kernel(getattr(SDPBackend, name)):
                F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(out)

        try:
            result[name] = round(timed(device, work), 3)
        except RuntimeError as error:
            result[name] = str(error).splitlines()[0]
    if device.type != "cuda":
        return {"ms": result, "flex": "no backward pass on a CPU"}
    q, k, v, out = inputs(torch.float32, 2)
    ids = torch.randint(400, (2, m.context), device=device)
    gradients = []
    for flex in (False, True):
        mask, _ = attention_masks(m, ids, 0, flex=flex)
        if flex:
            made = torch.compile(flex_attention)(q, k, v, block_mask=mask)
        else:
            made = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        gradients.append(torch.autograd.grad(made, (q, k, v), out.detach()))
    pairs = zip(*gradients, strict=True)
    apart = max(((a - b).abs().max() / a.abs().max()).item() for a, b in pairs)
    return {"ms": result, "flex_apart": apart, "flex_exact": apart < 1e-3}


def scattered(h: Tensor, w: Tensor, targets: Tensor, scale: Tensor, vocab: int, _: bool) -> Any:
    """`chunk_loss` with the scatter before the cast, as it was."""
    logits = (h @ w.T).float()
    logits[:, vocab:] = float("-inf")
    top = logits.amax(1, keepdim=True)
    shifted = (logits - top).exp_()
    total = shifted.sum(1, keepdim=True)
    rows = torch.arange(len(targets), device=targets.device)
    loss = (scale * (top[:, 0] + total[:, 0].log() - logits[rows, targets])).sum()
    shifted *= scale[:, None] / total
    shifted[rows, targets] -= scale
    wrong = shifted.to(h.dtype)
    return loss, wrong @ w, wrong.T @ h


def loss(_: argparse.Namespace, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """Milliseconds and GiB of the loss of a micro-batch, by rows at a time."""
    n, C = config.run.micro_batch * config.model.context, config.model.width
    hidden = torch.randn(n, C, device=device, dtype=torch.bfloat16)
    table = torch.randn(config.model.vocabulary(padded=True), C, device=device).bfloat16()
    vocab = config.model.vocab_size
    targets = torch.randint(vocab, (n,), device=device)
    scale = torch.full((n,), 1 / n, device=device)
    result = {}
    for name, rows in (("scatter_8192", 8192), *((str(2**i), 2**i) for i in (13, 14, 15, 16))):
        if rows > n and rows > 8192:
            continue
        plain: Any = scattered if name.startswith("scatter") else chunk_loss
        compute = torch.compile(plain, dynamic=False) if config.run.compile == "on" else plain

        def work(compute: Any = compute, rows: int = rows) -> None:
            for start in range(0, n, rows):
                part = slice(start, start + rows)
                compute(hidden[part], table, targets[part], scale[part], vocab, True)

        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        ms = timed(device, work, repeat=5)
        result[name] = {"ms": round(ms, 2), "peak_gib": _peak(device)}
    return {"tokens": n, "rows": result}


def _peak(device: torch.device) -> float | None:
    cuda = device.type == "cuda"
    return round(torch.cuda.max_memory_allocated() / 2**30, 3) if cuda else None


def _tokens(arguments: argparse.Namespace) -> TokenSet:
    return TokenSet.open(parquet_files(arguments.tokens))


def _data(arguments: argparse.Namespace) -> Data:
    size = arguments.vocab_size
    return Data(_tokens(arguments), None, size - 1, np.ones(size, np.int64))


def _speed(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device, made: dict[str, Any]
) -> dict[str, Any]:
    """Speed of the steps after warm-up; MFU against the device's stated peak."""
    ms = statistics.median(made["ms"][arguments.warmup :])
    speed = config.run.batch_tokens / (ms / 1e3)
    peak = peak_tflops(torch.cuda.get_device_name()) if device.type == "cuda" else None
    return {
        "tokens_per_s": round(speed),
        "ms_a_step": round(ms, 2),
        "mfu": peak and round(config.model.flops_per_token() * speed / (peak * 1e12), 4),
        "peak_gib": _peak(device),
        "losses": [round(value, 4) for value in made["losses"]],
    }


def ours(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device
) -> dict[str, Any]:
    """Our loop; speeds from its own log, memory beside what is reckoned with."""
    data = _data(arguments)
    with tempfile.TemporaryDirectory() as folder, join(arguments.device) as world:
        train(config, data, Path(folder), world)
        lines = read_metrics(Path(folder) / "metrics.jsonl")
    made = {"losses": [x["loss"] for x in lines], "ms": [x["ms"] for x in lines]}
    parts = {
        "state": state_bytes(config),
        "activations": config.run.micro_batch * window_bytes(config),
        "loss": loss_bytes(config, config.run.loss_rows),
    }
    reckoned = {name: round(value / 2**30, 3) for name, value in parts.items()}
    speed = _speed(arguments, config, device, made)
    over = speed["peak_gib"] and round(speed["peak_gib"] * 2**30 / sum(parts.values()), 3)
    return {**speed, "reckoned_gib": reckoned, "peak_over_reckoned": over, "margin": MARGIN}


def plain(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device
) -> dict[str, Any]:
    """The plain loop of `train_plain.py`."""
    return _plain(arguments, config, device, None)


def nanogpt(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device
) -> dict[str, Any]:
    """The same loop around nanoGPT's own model."""
    if not (arguments.nanogpt / "model.py").is_file():
        return {"skipped": f"`{arguments.nanogpt}` has no model.py"}
    return _plain(arguments, config, device, arguments.nanogpt)


def _plain(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device, folder: Path | None
) -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).parent))
    from train_plain import train_plainly

    with tempfile.TemporaryDirectory() as scratch:
        made = train_plainly(config, _tokens(arguments), device, Path(scratch), folder)
    return _speed(arguments, config, device, made)


def llmc(arguments: argparse.Namespace, _: TrainConfig, __: torch.device) -> dict[str, Any]:
    """What a command of llm.c prints: the median of its `N tok/s`."""
    if not arguments.llmc:
        return {"skipped": "no --llmc"}
    command = shlex.split(arguments.llmc)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    speeds = [float(x.replace(",", "")) for x in re.findall(r"([\d.,]+) ?tok(?:ens)?/s", said)]
    return {"tokens_per_s": round(statistics.median(speeds[len(speeds) // 5 :]))}


def resume(arguments: argparse.Namespace, _: TrainConfig, device: torch.device) -> dict[str, Any]:
    """Whether four steps have the bits of two and two, with `--exact`."""
    micro = 2 * configuration(arguments).model.context
    small = {"exact": True, "steps": 4, "checkpoint_every": 2, "batch_tokens": 4 * micro}
    config = configuration(arguments, **small, micro_batch=2)
    data = _data(arguments)
    with tempfile.TemporaryDirectory() as folder, join(arguments.device, exact=True) as world:
        digests = []
        for again in (False, True):
            train(config, data, Path(folder), world, resume=again)
            last = Path(folder) / "checkpoints" / "step-00000004"
            parts = [path.read_bytes() for path in sorted(last.glob("*.safetensors"))]
            digests.append(hashlib.sha256(b"".join(parts)).hexdigest())
            last.rename(Path(folder) / f"resumed-{again}")
    return {"bitwise": digests[0] == digests[1]}


def variants(
    arguments: argparse.Namespace, config: TrainConfig, device: torch.device
) -> dict[str, Any]:
    """Milliseconds of a layer with its bias and without, of a copy such as that of the gradients of
    a layer's queries, keys and values, of the head's product in bf16 and FP8, of a collection of
    garbage; seconds of a checkpoint, and of its copy to the host, which no thread could take over.
    """
    n, C = config.run.micro_batch * config.model.context, config.model.width
    x = torch.randn(n, C, device=device, dtype=torch.bfloat16, requires_grad=True)
    ms: dict[str, float | str] = {}
    for name, bias in (("bias", True), ("no_bias", False)):
        layer: Any = nn.Linear(C, 4 * C, bias=bias, device=device, dtype=torch.bfloat16)
        run = torch.compile(layer, dynamic=False) if config.run.compile == "on" else layer
        ms[name] = round(timed(device, lambda run=run: run(x).sum().backward()), 3)  # type: ignore[misc]
    heads = torch.randn(3, n, C, device=device, dtype=torch.bfloat16)
    heads = heads.view(3, -1, config.model.heads, config.model.context, C // config.model.heads)
    ms["qkv_copy"] = round(timed(device, lambda: heads.permute(1, 3, 0, 2, 4).contiguous()), 3)
    rows = config.model.vocabulary(padded=True)
    hidden, table = x.detach()[:8192], torch.randn(rows, C, device=device, dtype=torch.bfloat16)
    ms["head_bf16"] = round(timed(device, lambda: hidden @ table.T), 3)
    try:
        a, b, one = hidden.to(FP8), table.to(FP8), torch.ones((), device=device)
        how = {"scale_a": one, "scale_b": one, "out_dtype": torch.bfloat16}
        ms["head_fp8"] = round(timed(device, lambda: torch._scaled_mm(a, b.T, **how)), 3)
    except (RuntimeError, ValueError) as error:
        ms["head_fp8"] = str(error).splitlines()[0]
    objective = objective_of(config, _data(arguments)).to(device)
    objective.initialise(0, None)
    optimizer = Optimizer(objective.learnt(), config.optimizer)
    for parameter in objective.learnt().values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step(0.0)
    with tempfile.TemporaryDirectory() as folder:
        moments = [time.perf_counter()]
        copies = [t.cpu() for t in (*objective.learnt().values(), *optimizer.tensors().values())]
        del copies
        moments.append(time.perf_counter())
        checkpoint.save(Path(folder), 1, objective, optimizer, [0.0, 0.0], 1)
        moments.append(time.perf_counter())
    copied, saved = (round(after - before, 6) for before, after in itertools.pairwise(moments))
    ms["collect"] = round(timed(device, gc.collect), 3)
    gc.freeze()
    frozen = gc.get_freeze_count()
    ms["collect_frozen"] = round(timed(device, gc.collect), 3)
    gc.unfreeze()
    return {"ms": ms, "seconds": {"copy": copied, "checkpoint": saved}, "frozen": frozen}


STAGES: dict[str, Stage] = {
    f.__name__: f for f in (matrix, ours, nanogpt, attention, resume, loss, plain, llmc, variants)
}


def make_tokens(folder: Path, millions: int, vocab_size: int) -> None:
    """One shard of Zipf-distributed ids."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = millions * 2**20
    weights = 1 / np.arange(2, vocab_size + 1)
    ids = np.random.default_rng(0).choice(vocab_size - 1, n, p=weights / weights.sum())
    starts = np.arange(0, n, 600)
    ids[starts] = vocab_size - 1
    offsets = pa.array(np.append(starts, n).astype(np.int32))
    lists = pa.ListArray.from_arrays(offsets, ids.astype(np.uint16))
    pq.write_table(pa.table({"tokens": lists}), folder / "train-0.parquet", row_group_size=1747)


def goals(stages: dict[str, Any]) -> dict[str, bool | None]:
    """Which goals are met, `None` where nothing says."""
    mine, theirs = stages.get("ours", {}), stages.get("nanogpt", {}).get("tokens_per_s")
    speed, mfu = mine.get("tokens_per_s"), mine.get("mfu")
    memory = mine.get("peak_over_reckoned")
    return {
        "tokens_per_s": speed and speed >= GOALS["tokens_per_s"],
        "mfu": mfu and mfu >= GOALS["mfu"],
        "over_nanogpt": speed and theirs and speed / theirs >= GOALS["over_nanogpt"],
        "memory": memory and abs(memory - 1) <= 0.1,
        "flex_exact": stages.get("attention", {}).get("flex_exact"),
        "resume": stages.get("resume", {}).get("bitwise"),
    }


def main() -> None:
    """Runs the stages one after the other; as a child one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--nanogpt", type=Path, default=Path(__file__).with_name("nanogpt"))
    parser.add_argument("--llmc", default="")
    parser.add_argument("--preset", default="gpt2", choices=PRESETS)
    parser.add_argument("--batch-tokens", type=int, default=0)
    parser.add_argument("--vocab-size", type=int, default=50257)
    parser.add_argument("--micro-batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--warmup", type=int, default=6)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--child", choices=STAGES)
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: this bench needs a GPU; `--device cpu --preset nano` tries the script")
    if arguments.child:
        config, device = configuration(arguments), torch.device(arguments.device)
        print(json.dumps(STAGES[arguments.child](arguments, config, device)))
        return
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, *sys.argv[1:]]
        if arguments.tokens is None:
            millions = 64 if arguments.device == "cuda" else 1
            make_tokens(Path(folder), millions, arguments.vocab_size)
            words += ["--tokens", folder]
        document: dict[str, Any] = {
            "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "CPU",
            "torch": torch.__version__,
            "configuration": dataclasses.asdict(configuration(arguments)),
            "stages": {},
        }
        for name in arguments.stages:
            found = _child([*words, "--child", name], deadline - time.monotonic())
            document["stages"][name] = found
            document["goals"] = goals(document["stages"])
            print(json.dumps({name: found}), flush=True)
            if arguments.out:
                write_json(arguments.out, document)


def _child(words: list[str], seconds: float) -> dict[str, Any]:
    """What a stage prints last; where it fails or has no time, that."""
    if seconds < 1:
        return {"skipped": "no time left"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"skipped": f"not done in the {seconds:.0f} s that were left"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
