"""Runs in processes of their own: killed at any moment, and several at once."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from webtext_py.train.checkpoint import folders
from webtext_py.train.distributed import Gradients, World
from webtext_py.train.metrics import read_metrics

from .conftest import TINY, Command
from .test_train import digest, untimed


class Processes:
    """Starts and ends `webtext` processes through `server.py`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.server = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("server.py"))],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, request: dict[str, Any]) -> int:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        answer: int = json.loads(self.server.stdout.readline())
        return answer

    def start(
        self, *words: str | Path, kill: tuple[int, int] | None = None, **environment: str
    ) -> tuple[int, Path]:
        """Process id and the file of what it says, for a command line; `kill`: as `dies` has it."""
        self.count += 1
        out, err = (self.folder / f"{self.count}.{kind}" for kind in ("out", "err"))
        number = self._ask(
            {
                "words": [str(word) for word in words],
                "environment": environment,
                "out": str(out),
                "err": str(err),
                "kill": kill,
            }
        )
        return number, err

    def wait(self, number: int) -> int:
        """Exit code of a process, negative for a signal."""
        return self._ask({"wait": number})

    def killed(self, step: int, moments: int, *words: str | Path) -> None:
        """Runs a command that kills itself (see `server.dies`)."""
        process, said = self.start(*words, kill=(step, moments))
        assert self.wait(process) == -signal.SIGKILL, said.read_text()

    def finish(self, started: tuple[int, Path]) -> str:
        """Waits for a process that must succeed; what it printed."""
        assert self.wait(started[0]) == 0, started[1].read_text()
        return started[1].with_suffix(".out").read_text()

    def together(self, size: int, *words: str | Path) -> None:
        """Runs one command in `size` processes that know of each other, as `torchrun` does."""
        with socket.socket() as holder:  # until the end, so that nobody else is given the port
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            port = str(holder.getsockname()[1])
            here = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            ranks = range(size)
            started = [self.start(*words, **here, RANK=str(r), LOCAL_RANK=str(r)) for r in ranks]
            for process in started:
                self.finish(process)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes that start without importing torch again."""
    made = Processes(tmp_path_factory.mktemp("processes"))
    yield made
    assert made.server.stdin is not None
    assert made.server.stdout is not None
    made.server.stdin.close()
    made.server.stdout.close()
    made.server.wait(60)


def test_eight_kills_change_nothing(data: Path, webtext: Command, processes: Processes) -> None:
    """60 steps, killed eight times at random: same weights, each window once, none left out."""
    settings = (*TINY, "steps=60", "checkpoint_every=5", "log_windows=true", "eval_every=20")
    whole = webtext("train", "--data", data, "--run", "whole", *settings)
    assert whole.code == 0, whole.err
    generator = random.Random(7)
    for number, goal in enumerate(sorted(generator.sample(range(2, 56), 8))):
        words = ["--resume", "--run", "parts"] if number else ["--run", "parts", *settings]
        processes.killed(goal, generator.randrange(10), "train", "--data", data, *words)
    processes.finish(processes.start("train", "--data", data, "--resume", "--run", "parts"))
    runs = [data / "runs" / name for name in ("whole", "parts")]
    assert digest(runs[0]) == digest(runs[1])
    logs = [untimed(read_metrics(run / "metrics.jsonl")) for run in runs]
    assert logs[0] == logs[1]
    ledger = [window for line in logs[1] for window in line["windows"]]
    assert len(ledger) == 60 * 8 == len(set(ledger))
    assert [p.name for _, p in folders(runs[1])] == ["step-00000055", "step-00000060"]


def test_one_two_and_four_processes_give_the_same_bits(data: Path, processes: Processes) -> None:
    words = ("--exact", *TINY, "steps=10", "micro_batch=1", "eval_every=5", "checkpoint_every=6")
    for size in (1, 2, 4):
        processes.together(size, "train", "--data", data, "--run", f"run{size}", *words)
    runs = [data / "runs" / f"run{size}" for size in (1, 2, 4)]
    assert len({digest(run) for run in runs}) == 1
    logs = [untimed(read_metrics(run / "metrics.jsonl")) for run in runs]
    assert logs[0] == logs[1] == logs[2]
    assert len({line["loss"] for line in logs[0]}) == 10
    # Going on with another number of processes is the same run too.
    shortened = data / "runs" / "run4"
    newest = folders(shortened)[-1][1]
    for path in newest.iterdir():
        path.unlink()
    newest.rmdir()
    processes.together(2, "train", "--data", data, "--run", "run4", "--resume")
    assert digest(shortened) == digest(runs[0])


@pytest.mark.parametrize("extra", [(), ("precision=bf16", "optimizer=muon")], ids=["", "bf16"])
def test_without_exact_the_processes_agree_closely(
    data: Path, processes: Processes, extra: tuple[str, ...]
) -> None:
    """DistributedDataParallel, with two micro-batches in each of 1 and 2 processes, one in 4."""
    words = (*TINY, "steps=6", "micro_batch=2", *extra)
    for size in (1, 2, 4):
        processes.together(size, "train", "--data", data, "--run", f"run{size}", *words)
    logs = [read_metrics(data / "runs" / f"run{size}" / "metrics.jsonl") for size in (1, 2, 4)]
    for one, two, four in zip(*logs, strict=True):
        for other in (two, four):
            assert one["loss"] == pytest.approx(other["loss"], rel=1e-3 if extra else 1e-5)
            assert one["grad_norm"] == pytest.approx(
                other["grad_norm"], rel=1e-2 if extra else 1e-4
            )
    assert len({line["loss"] for line in logs[0]}) == 6


def test_bf16_gradients_are_summed_in_fp32() -> None:
    """Through DistributedDataParallel's buckets too: of 1 + 64 x 2^-9, bf16 would keep 1."""
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    class Product(nn.Module):
        """A "loss" whose gradients are the batch itself."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, 2, dtype=torch.bfloat16))
            self.bias = nn.Parameter(torch.zeros(2, dtype=torch.bfloat16))

        def forward(self, batch: torch.Tensor, number: int) -> torch.Tensor:
            return (self.weight.sum(0) * batch).sum() + (self.bias * batch * 2).sum()

    parts = [1.0] + [2.0**-9] * 64
    batches = [torch.tensor([x, -x], dtype=torch.bfloat16) for x in parts]
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        for size, exact in ((1, False), (2, False), (1, True)):
            total = Gradients(Product(), World(0, size, torch.device("cpu")), exact)
            assert isinstance(total.ddp, DistributedDataParallel) == (size == 2)
            for _ in range(3):  # buckets are laid out anew after the first step
                for i, batch in enumerate(batches):
                    _, gradients = total.micro_batch(batch, i, last=i + 1 == len(batches))
                    assert gradients[1].tolist() == [2 * parts[i], -2 * parts[i]]
                weight, bias = total.total()
                assert weight.dtype == bias.dtype == torch.float32
                assert weight.tolist() == [[1.125, -1.125]] * 3
                assert bias.tolist() == [2.25, -2.25]
    finally:
        torch.distributed.destroy_process_group()


def test_two_processes_go_on_where_one_was(data: Path, processes: Processes) -> None:
    """Without `exact` too, and only the first process prints."""
    words = (*TINY, "steps=6", "checkpoint_every=3")
    processes.together(1, "train", "--data", data, *words)
    newest = folders(data / "runs" / "nano")[-1][1]
    shutil.rmtree(newest)
    before = processes.count
    processes.together(2, "train", "--data", data, "--resume", "--json")
    said = [(processes.folder / f"{before + i}.out").read_text() for i in (1, 2)]
    # Gloo of torch 2.9 greets on standard output.
    assert json.loads(said[0][said[0].index("{") :])["step"] == 6
    assert "{" not in said[1]
    assert len(read_metrics(data / "runs" / "nano" / "metrics.jsonl")) == 6


@pytest.mark.parametrize("count", [1, 2, 3, 6, 8, 12])
def test_the_tree_adds_the_same_pairs_for_any_number_of_processes(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    gradients = [torch.randn(50, generator=generator) * 10.0**i for i in range(count)]

    def tree(parts: list[torch.Tensor], exact: bool = True) -> torch.Tensor:
        total = Gradients(torch.nn.Identity(), World(0, 1, torch.device("cpu")), exact)
        for part in parts:
            total.add([part.clone()])
        return total.total()[0]

    whole = tree(gradients)
    for size in range(1, count + 1):
        each, rest = divmod(count, size)
        if rest or each & (each - 1):
            continue
        blocks = [tree(gradients[i : i + each]) for i in range(0, count, each)]
        assert torch.equal(tree(blocks), whole)
    if count == 3:
        assert torch.equal(whole, (gradients[0] + gradients[1]) + gradients[2])
    if count == 8:
        a, b, c, d, e, f, g, h = gradients
        assert torch.equal(whole, ((a + b) + (c + d)) + ((e + f) + (g + h)))
        assert torch.equal(tree(gradients, exact=False), sum(gradients[1:], gradients[0]))
        assert not torch.equal(tree(gradients, exact=False), whole)


def test_batches_that_do_not_divide_are_refused() -> None:
    from webtext_py.errors import ConfigError
    from webtext_py.runs.sizing import fitted
    from webtext_py.train.config import ModelConfig, RunConfig, TrainConfig

    def fit(windows: int, micro: int, exact: bool, **more: int) -> RunConfig:
        run = RunConfig(steps=9, batch_tokens=8 * windows, micro_batch=micro, exact=exact, **more)
        return fitted(TrainConfig(ModelConfig(context=8), run=run), 2, None).run

    assert fit(8, 2, exact=True).micro_batch == 2
    for windows, micro in ((8, 3), (6, 2)):
        with pytest.raises(ConfigError, match="for each of 2 processes"):
            fit(windows, micro, exact=False)
    with pytest.raises(ConfigError, match="power of two micro-batches a process, not 3"):
        fit(6, 1, exact=True)
    assert fit(6, 1, exact=False).micro_batch == 1
    assert fit(8, 0, exact=False).micro_batch == 4
    ramp = {"batch_from": 32, "ramp_tokens": 200}
    with pytest.raises(ConfigError, match="not 3, as of 12 windows"):
        fit(16, 2, exact=True, **ramp)
    assert fit(16, 0, exact=False, **ramp).micro_batch == 2


def test_sigterm_ends_a_process_with_a_checkpoint(data: Path, processes: Processes) -> None:
    words = ("train", "--data", data, *TINY, "steps=100000", "eval_every=0")
    process, said = processes.start(*words)
    log = data / "runs" / "nano" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while len(read_metrics(log)) < 3:
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.01)
    os.kill(process, signal.SIGTERM)
    assert processes.wait(process) == 130, said.read_text()
    ((step, _),) = folders(data / "runs" / "nano")
    assert step == len(read_metrics(log)) >= 3
    assert f"saved step {step} of" in said.read_text()
