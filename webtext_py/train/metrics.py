"""What a run says of itself: metrics.jsonl, model FLOPs utilisation, noise scale."""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from webtext_py.engine.commit import write_bytes
from webtext_py.errors import InputError

from .config import TrainConfig
from .distributed import World

LineReport = Callable[[dict[str, Any], int], None]  # a line of metrics.jsonl, and the steps in all
LOWER = "begin another run with a lower `lr`; `--resume` goes on from the checkpoint before"

# Dense bf16 peak in TFLOP/s, from the makers' data sheets; the first name found in the device's.
PEAKS = {
    "B200": 2250.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H200": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L40": 181.0,
    "A10": 125.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
}


def peak_tflops(device_name: str) -> float | None:
    """Stated peak of a device by its name; `None` where the table has none."""
    return next((peak for name, peak in PEAKS.items() if name in device_name), None)


class NoiseScale:
    """Gradient noise scale in tokens: the batch size up to which a larger one pays in full.

    From squared gradient norms at two batch sizes, the first micro-batch and the whole batch, both
    averaged over steps before they are divided. Source: McCandlish et al. 2018, appendix A.1.
    """

    DECAY = 0.95  # our choice: an average over some 20 steps

    def __init__(self, state: Sequence[float] = (0.0, 0.0)) -> None:
        self.state = list(state[:2])  # noise and signal; earlier checkpoints kept a third

    def update(self, small: float, small_tokens: int, big: float, big_tokens: int) -> float | None:
        """The scale after a step with gradient norms `small` and `big`.

        `None` with a single micro-batch, or while the noise hides the signal.
        """
        if small_tokens == big_tokens:
            return None
        signal = (big_tokens * big**2 - small_tokens * small**2) / (big_tokens - small_tokens)
        noise = (small**2 - big**2) / (1 / small_tokens - 1 / big_tokens)
        new, keep = (noise, signal), self.DECAY
        self.state = [keep * a + (1 - keep) * b for a, b in zip(self.state, new, strict=True)]
        return self.state[0] / self.state[1] if min(self.state) > 0 else None


def now(device: torch.device) -> Any:
    """This moment, on a GPU after all work queued so far."""
    if device.type != "cuda":
        return time.perf_counter()
    event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


class Log:
    """metrics.jsonl: a line a step, written when the step after it has begun."""

    def __init__(
        self,
        path: Path,
        config: TrainConfig,
        world: World,
        noise: NoiseScale,
        step: int,
        report: LineReport,
    ) -> None:
        """Of a run that goes on from `step`; the first process writes, each hears its lines."""
        self.config, self.noise, self.report, self.world = config, noise, report, world
        self.waiting: tuple[Any, ...] = ()
        self.places, self.context = config.starts(), config.model.context
        cuda = world.device.type == "cuda"
        known = peak_tflops(torch.cuda.get_device_name(world.device)) if cuda else 0
        self.peak = 1e12 * world.size * (config.run.peak_tflops or known or 0)  # FLOP/s
        kept = [line for line in read_metrics(path) if line["step"] <= step]
        self.last: dict[str, Any] = kept[-1] if kept else {"step": step}
        if world.rank == 0:  # lines after `step` go: those steps are done again
            write_bytes(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        where = path if world.rank == 0 else Path(os.devnull)
        self.file = where.open("a", encoding="utf-8", buffering=1)  # to the system line by line
        self.board: Any = None
        if world.rank == 0 and config.run.tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(path.with_name("tensorboard")))
        self.begin()

    def begin(self) -> None:
        """A step begins now; else it begins where the last one ended."""
        self.begun = now(self.world.device)

    def add(
        self, step: int, lr: float, losses: Tensor, norms: list[Tensor], stop: bool, ids: list[int]
    ) -> bool:
        """Sends the numbers of a step that ends here on their way from the device, then reads those
        of the step before; true where a process must stop.

        `losses`: one a micro-batch of all processes, zero for those of others; `norms`: of the
        first micro-batch's gradient and of the whole; `ids`: of windows, where they are logged.
        """
        rest = losses.new_zeros(3)
        if self.world.rank == 0:
            rest[0], rest[1] = norms
        rest[2] = float(stop)
        # Each is one process's own, or a count.
        numbers = self.world.sum(torch.cat([losses, rest])).to("cpu", non_blocking=True)
        end = now(self.world.device)
        stopping = self.read()
        self.waiting = (step, lr, numbers, self.begun, end, ids)
        self.begun = end
        return stopping

    def read(self, extra: dict[str, float] | None = None) -> bool:
        """Writes the line of the step added last, with `extra`; true where a process must stop.

        Waits for the device. Raises `InputError` where a loss or a norm is no number.
        """
        if not self.waiting:
            return False
        (step, lr, numbers, begin, end, ids), self.waiting = self.waiting, ()
        if isinstance(end, float):
            seconds = end - begin
        else:
            end.synchronize()
            seconds = begin.elapsed_time(end) / 1e3
        *losses, small, big, stop = numbers.tolist()
        micro, flops = self.config.run.micro_batch, self.config.model.flops_per_token()
        tokens = len(losses) * micro * self.context
        self.last = {
            "step": step,
            "tokens": self.places[step] * self.context,
            "loss": math.fsum(losses) / len(losses),
            "lr": lr,
            "grad_norm": big,
            "ms": round(1e3 * seconds, 3),
            "tokens_per_s": round(tokens / seconds, 1),
            "mfu": flops * tokens / seconds / self.peak if self.peak else None,
            "noise_scale": self.noise.update(small, micro * self.context, big, tokens),
            **(extra or {}),
            **({"windows": ids} if ids else {}),
        }
        self.file.write(json.dumps(self.last) + "\n")
        if self.board is not None:
            for name, value in self.last.items():
                if isinstance(value, int | float):
                    self.board.add_scalar(name, value, step)
            self.board.flush()
        self.report(self.last, self.config.run.steps)
        for name in ("loss", "grad_norm", "val_loss"):
            if not math.isfinite(self.last.get(name, 0)):
                raise InputError(f"`{name}` of step {step} is {self.last[name]}", LOWER)
        return bool(stop > 0)


def recommended_batch(noise_scale: float | None) -> int | None:
    """Tokens a step that still pay in full: the largest power of two within the noise scale."""
    return 1 << max(0, int(noise_scale).bit_length() - 1) if noise_scale else None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines; a last one cut by a kill is left out."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
