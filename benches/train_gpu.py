"""GPT-2 124M on one GPU: our loop beside a plain PyTorch loop, same tokens, same process rules.

Usage: python benches/train_gpu.py [--tokens DIR] [--steps 100] [--warmup 20] [--out FILE]

Two child processes after each other, twice in turn (A B A B). A is `webtext_py.train.loop.train` as
`webtext train` calls it. B is written here for the bench in the way nanoGPT is known to work:
compiled model, bf16 autocast over fp32 weights, fused AdamW, gradient accumulation, batches from a
memory-mapped uint16 file, logits and `F.cross_entropy` in full. Neither waits for the device within
a step: both are timed by events that are read later, B's losses at the end. Both have
GPT-2's shape at 1,024 context, 0.5 M tokens a step, the same schedule, weights drawn alike. B takes
random windows as that loop does; A its permuted ones: the two loss curves agree but for that.

Prints, and writes with `--out`, JSON: tokens/s (median of the steps after warm-up), MFU against the
device's stated peak, peak memory, loss curves, versions. Without `--tokens` it makes ids of Zipf's
distribution; speed does not depend on them. To try the script itself on any machine:
`--preset nano --device cpu --steps 3 --warmup 1 --micro-batch 8 --no-compile`.
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from webtext_py.runs.presets import PRESETS
from webtext_py.runs.settings import Settings
from webtext_py.tokens import TokenSet
from webtext_py.train.config import TrainConfig
from webtext_py.train.data import Data
from webtext_py.train.distributed import join
from webtext_py.train.loop import train
from webtext_py.train.metrics import now, peak_tflops, read_metrics
from webtext_py.train.optimizer import learning_rate

VOCAB = 50257


def configuration(arguments: argparse.Namespace) -> TrainConfig:
    """The same settings for both loops."""
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
        "vocab_size": VOCAB,
    }
    for key, value in values.items():
        settings.set(key, value, "bench")
    if arguments.batch_tokens:
        settings.set("batch_tokens", arguments.batch_tokens, "bench")
    settings.set_preset(arguments.preset, "bench")
    return settings.config()


def ours(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Our loop; speeds from its own log."""
    config = configuration(arguments)
    tokens = TokenSet.open(sorted(arguments.tokens.rglob("train-*.parquet")))
    data = Data(tokens, None, VOCAB - 1, np.ones(VOCAB, np.int64))
    (folder / "run").mkdir()
    train(config, data, folder / "run", join(arguments.device))
    lines = read_metrics(folder / "run" / "metrics.jsonl")
    return {"losses": [x["loss"] for x in lines], "ms": [x["ms"] for x in lines]}


class PlainBlock(nn.Module):
    """One layer, as any plain GPT-2 in PyTorch has it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, T, C)` to `(B, T, C)`."""
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln_1(x)).split(C, 2)
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(B, T, C))
        result: Tensor = x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))
        return result


class PlainGPT2(nn.Module):
    """The plain model: logits in full, vocabulary padded to 50,304."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        m = config.model
        self.wte = nn.Embedding(-(-m.vocab_size // 64) * 64, m.width)
        self.wpe = nn.Embedding(m.context, m.width)
        self.h = nn.ModuleList(PlainBlock(m.width, m.heads) for _ in range(m.layers))
        self.ln_f = nn.LayerNorm(m.width)
        self.head = nn.Linear(m.width, self.wte.num_embeddings, bias=False)
        self.head.weight = self.wte.weight
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * m.layers) if last else 1))

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of `targets` `(B, T)`."""
        x = self.wte(ids) + self.wpe(torch.arange(ids.size(1), device=ids.device))
        for block in self.h:
            x = block(x)
        logits = self.head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


def plain(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The plain loop; times and losses are read when all steps are done."""
    config = configuration(arguments)
    device = join(arguments.device).device
    cuda = device.type == "cuda"
    torch.manual_seed(config.run.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    tokens = TokenSet.open(sorted(arguments.tokens.rglob("train-*.parquet")))
    tokens.head(tokens.tokens, VOCAB).astype(np.uint16).tofile(folder / "train.bin")
    memory = np.memmap(folder / "train.bin", np.uint16, "r")
    model: Any = PlainGPT2(config).to(device)
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    o = config.optimizer
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": o.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=o.lr, betas=(o.beta1, o.beta2), fused=True,
    )  # fmt: skip
    if config.run.compile == "on":
        model = torch.compile(model)
    T, B = config.model.context, config.run.micro_batch
    accumulate = config.run.batch_tokens // (T * B)

    def batch() -> tuple[Tensor, Tensor]:
        starts = torch.randint(len(memory) - T - 1, (B,)).tolist()
        xs = torch.stack([torch.from_numpy(memory[i : i + T].astype(np.int64)) for i in starts])
        ys = torch.stack(
            [torch.from_numpy(memory[i + 1 : i + 1 + T].astype(np.int64)) for i in starts]
        )
        if not cuda:
            return xs, ys
        there = {"device": device, "non_blocking": True}
        return xs.pin_memory().to(**there), ys.pin_memory().to(**there)

    cast = torch.autocast(device.type, torch.bfloat16)
    losses: list[Tensor] = []
    x, y = batch()
    moments = [now(device)]
    for step in range(config.run.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(o, step, config.run.steps)
        for _ in range(accumulate):
            with cast:
                loss = model(x, y) / accumulate
            x, y = batch()  # while the device computes
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), o.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        moments.append(now(device))
        losses.append(loss.detach() * accumulate)  # of the last micro-batch, as that loop logs it
    if cuda:
        torch.cuda.synchronize()
        times = [a.elapsed_time(b) for a, b in itertools.pairwise(moments)]
    else:
        times = [1e3 * (b - a) for a, b in itertools.pairwise(moments)]
    return {"losses": [loss.item() for loss in losses], "ms": times}


def make_tokens(folder: Path, millions: int) -> None:
    """One shard of Zipf-distributed ids."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = millions * 2**20
    weights = 1 / np.arange(2, VOCAB + 1)
    ids = np.random.default_rng(0).choice(VOCAB - 1, n, p=weights / weights.sum())
    starts = np.arange(0, n, 600)
    ids[starts] = VOCAB - 1
    offsets = pa.array(np.append(starts, n).astype(np.int32))
    lists = pa.ListArray.from_arrays(offsets, ids.astype(np.uint16))
    pq.write_table(pa.table({"tokens": lists}), folder / "train-0.parquet", row_group_size=1747)


def child(arguments: argparse.Namespace) -> None:
    """One loop in this process; its result on standard output."""
    with tempfile.TemporaryDirectory() as folder:
        run = ours if arguments.child == "ours" else plain
        result = run(arguments, Path(folder))
    cuda = torch.cuda.is_available() and arguments.device != "cpu"
    result["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30 if cuda else None
    print(json.dumps(result))


def summary(arguments: argparse.Namespace, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Median over all timed steps of a loop's runs."""
    config = configuration(arguments)
    ms = [statistics.median(r["ms"][arguments.warmup :]) for r in results]
    speed = config.run.batch_tokens / (statistics.median(ms) / 1e3)
    device = torch.cuda.get_device_name() if results[0]["memory_gib"] else "CPU"
    peak = peak_tflops(device)
    return {
        "tokens_per_s": round(speed),
        "tokens_per_s_each_run": [round(config.run.batch_tokens / (m / 1e3)) for m in ms],
        "mfu": peak and round(config.model.flops_per_token() * speed / (peak * 1e12), 4),
        "memory_gib": results[0]["memory_gib"],
        "loss_first_and_last": [results[0]["losses"][0], results[0]["losses"][-1]],
        "losses": [round(loss, 4) for loss in results[0]["losses"]],
    }


def main() -> None:
    """Runs both loops in turn in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--preset", default="gpt2", choices=PRESETS)
    parser.add_argument("--batch-tokens", type=int, default=0)
    parser.add_argument("--micro-batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=("ours", "plain"))
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: this bench needs a GPU; `--device cpu --preset nano` tries the script")
    with contextlib.ExitStack() as stack:
        words = sys.argv[1:]
        if arguments.tokens is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            make_tokens(folder, 64 if arguments.device == "cuda" else 1)
            words += ["--tokens", str(folder)]
        results: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": []}
        for _ in range(arguments.rounds):
            for name, list_of in results.items():
                command = [sys.executable, __file__, *words, "--child", name]
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
                list_of.append(json.loads(done.stdout.splitlines()[-1]))
    both = {name: summary(arguments, list_of) for name, list_of in results.items()}
    # Both learn the same thing: the curves end within a few hundredths of each other.
    ends = [statistics.fmean(both[name]["losses"][-10:]) for name in both]
    ratio = both["ours"]["tokens_per_s"] / both["plain"]["tokens_per_s"]
    memory = both["ours"]["memory_gib"]
    document = {
        "ratio": round(ratio, 3),
        "bars_met": {  # for GPT-2 124M on one H200
            "500 k tokens/s": both["ours"]["tokens_per_s"] >= 500_000,
            "555 k tokens/s": both["ours"]["tokens_per_s"] >= 555_000,
            "1.25 x the plain loop": ratio >= 1.25,
            "memory under 40 GB": memory is not None and memory * 2**30 < 40e9,
            "same loss within 0.1": abs(ends[0] - ends[1]) < 0.1,
        },
        "final_losses": [round(end, 4) for end in ends],
        **both,
        "configuration": dataclasses.asdict(configuration(arguments)),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "CPU",
    }
    text = json.dumps(document, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
