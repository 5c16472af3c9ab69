"""The training loop, from top to bottom: model, step, log, save.

Nothing in a step waits for the device: what a step measured is read while the next one runs.
"""

import copy
import json
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from webtext_py.errors import InputError
from webtext_py.tokens import TokenSet

from . import checkpoint
from .config import TrainConfig
from .data import Windows
from .distributed import Gradients, World, micro_batches
from .export import load_hugging_face
from .loss import WindowLoss
from .metrics import NoiseScale, open_metrics, peak_tflops
from .model import GPT2
from .optimizer import Optimizer, learning_rate

AHEAD = 8  # batches ready before they are wanted: covers the making of a new pool
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Data:
    """What a run learns from."""

    training: TokenSet
    validation: TokenSet | None
    end_of_text: int
    token_bytes: np.ndarray[Any, np.dtype[np.int64]]  # length in bytes of each id; 0 for special
    facts: dict[str, Any] = field(default_factory=dict)  # fingerprints, kept in each checkpoint


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    step: int
    interrupted: bool
    last: dict[str, Any]  # the last line of metrics.jsonl


def train(
    config: TrainConfig,
    data: Data,
    run: Path,
    world: World,
    *,
    resume: bool = False,
    init_from: Path | None = None,
    report: Report = lambda line: None,
) -> Result:
    """Trains a model in the folder `run`, from its newest checkpoint with `resume`.

    `report` hears every line of metrics.jsonl. SIGTERM and Ctrl-C save a checkpoint and end.
    """
    settings, device = config.run, world.device
    context = config.model.context
    if device.type == "cpu" and config.model.width < 256:
        torch.set_num_threads(1)  # more would spend their time on waiting for each other
    windows_a_step, micro = settings.batch_tokens // context, settings.micro_batch
    accumulate = micro_batches(windows_a_step, micro, world, settings.exact)

    torch.manual_seed(settings.seed)
    model = GPT2(config.model).to(device)
    if init_from is not None:
        load_hugging_face(model, init_from)
    else:
        model.initialise(settings.seed)
    optimizer = Optimizer(model, config.optimizer)
    noise_scale, first_step = NoiseScale(), 0
    saved = checkpoint.folders(run)
    if resume and saved:
        manifest = checkpoint.load(saved[-1][1], model, optimizer)
        noise_scale, first_step = NoiseScale(manifest["noise_scale"]), manifest["step"]

    # The fast path runs a bf16 copy, refreshed once a step; the fp32 weights never see autocast.
    bf16 = settings.precision == "bf16" or (settings.precision == "auto" and device.type == "cuda")
    worker = copy.deepcopy(model).bfloat16() if bf16 else model
    parameters: list[Tensor] = list(model.parameters())
    working: list[Tensor] = list(worker.parameters())
    compiled = settings.compile == "on" or (settings.compile == "auto" and device.type == "cuda")
    loss_of = WindowLoss(worker, data.end_of_text if config.data.doc_mask else None, compiled)
    total = Gradients(loss_of, world, settings.exact)

    windows, ledger = (Windows(data.training, config.model, config.data) for _ in range(2))
    tokens_a_step = windows_a_step * context
    cuda = device.type == "cuda"
    peak = settings.peak_tflops or (peak_tflops(torch.cuda.get_device_name(device)) if cuda else 0)
    flops = config.model.flops_per_token() * tokens_a_step / world.size
    log = open_metrics(run / "metrics.jsonl", first_step) if world.first else None
    last: dict[str, Any] = {}

    def finish(measured: "_Measured", extra: dict[str, Any]) -> bool:
        """Writes the line of a step once its numbers are there; true where a process must stop."""
        nonlocal last
        (*losses, small, big, stop), seconds = measured.read()
        step = measured.step
        last = {
            "step": step,
            "tokens": step * tokens_a_step,
            "loss": math.fsum(losses) / len(losses),
            "lr": measured.lr,
            "grad_norm": big,
            "ms": round(1e3 * seconds, 3),
            "tokens_per_s": round(tokens_a_step / seconds, 1),
            "mfu": flops / seconds / (peak * 1e12) if peak else None,
            "noise_scale": noise_scale.update(small, micro * context, big, tokens_a_step),
            **extra,
        }
        if settings.log_windows:
            last["windows"] = ledger.ids((step - 1) * windows_a_step, windows_a_step).tolist()
        if log is not None:
            log.write(json.dumps(last) + "\n")
        report(last)
        for name in ("loss", "grad_norm", "val_loss"):
            if not math.isfinite(last.get(name, 0)):
                raise InputError(f"`{name}` of step {step} is {last[name]}", checkpoint.LOWER)
        return stop > 0

    step, stopping = first_step, False
    batches = _batches(windows, first_step, settings.steps, windows_a_step, world)
    pending: _Measured | None = None
    before = _now(device)
    with _stop_signals() as stop_wanted, closing(batches), log or nullcontext():
        while step < settings.steps and not stopping:
            # --- the timed step ---------------------------------------------------------------
            batch = next(batches).view(accumulate, micro, -1)
            measured = torch.zeros(accumulate * world.size + 3, dtype=torch.float64, device=device)
            for i in range(accumulate):
                loss, gradients = total.micro_batch(batch[i], last=i + 1 == accumulate)
                measured[world.rank * accumulate + i] = loss
                if i == 0 and world.first:
                    measured[-3] = _norm(gradients)
            gradients = total.total()
            torch._foreach_div_(gradients, accumulate * world.size)
            norm = _norm(gradients)
            if config.optimizer.clip:
                torch._foreach_mul_(gradients, (config.optimizer.clip / (norm + 1e-6)).clamp(max=1))
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            lr = learning_rate(config.optimizer, step, settings.steps)
            optimizer.step(lr)
            for parameter in parameters:
                parameter.grad = None
            if bf16:
                with torch.no_grad():
                    torch._foreach_copy_(working, parameters)
            if world.first:
                measured[-2] = norm
            measured[-1] = float(stop_wanted())
            world.sum(measured)  # each number is one process's own, or a count
            step += 1
            now = _Measured(step, lr, measured, before)
            before = now.end
            # --- end of the timed step --------------------------------------------------------
            if pending is not None:
                stopping = finish(pending, {})
            pending = now
            final = step == settings.steps
            evaluate = data.validation is not None and settings.eval_every > 0
            evaluate = evaluate and (final or step % settings.eval_every == 0)
            due = final or stopping or step % settings.checkpoint_every == 0
            if evaluate or due:
                extra = _evaluate(config, data, loss_of, world, micro) if evaluate else {}
                stopping = finish(pending, extra) or stopping
                if due or stopping:
                    checkpoint.check(step, optimizer)  # in every process: all end alike
                if (due or stopping) and world.first:
                    facts = {"noise_scale": noise_scale.state(), "data": data.facts}
                    checkpoint.save(run, step, model, optimizer, facts, settings.keep)
                world.barrier()
                pending, before = None, _now(device)
    return Result(step, step < settings.steps, last)


def _now(device: torch.device) -> Any:
    """This moment, on a GPU after all work queued so far: `_Measured` takes the difference."""
    if device.type != "cuda":
        return time.perf_counter()
    event: Any = torch.cuda.Event  # untyped in torch
    event = event(enable_timing=True)
    event.record()
    return event


class _Measured:
    """The numbers of one step, on their way from the device, and when it began and ended."""

    def __init__(self, step: int, lr: float, numbers: Tensor, begin: Any) -> None:
        self.step, self.lr, self.begin = step, lr, begin
        self.numbers = numbers.to("cpu", non_blocking=True)
        self.end = _now(numbers.device)

    def read(self) -> tuple[list[float], float]:
        """The numbers, and the step's seconds; waits for the device."""
        if isinstance(self.end, float):
            return self.numbers.tolist(), self.end - self.begin
        self.end.synchronize()
        return self.numbers.tolist(), self.begin.elapsed_time(self.end) / 1e3


def _batches(
    windows: Windows, first: int, last: int, size: int, world: World
) -> Generator[Tensor, None, None]:
    """Batches `(windows, context + 1)`, made ahead by a thread, on a GPU through pinned memory."""
    cuda = world.device.type == "cuda"

    def make(step: int) -> Tensor:
        if cuda:  # or pinning would wake GPU 0 in every process
            torch.cuda.set_device(world.device)
        made = torch.from_numpy(windows.batch(step, size, world.rank, world.size))
        return made.pin_memory() if cuda else made

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
        ahead: deque[Future[Tensor]] = deque()
        try:
            for step in range(first, last + AHEAD):
                if step < last:
                    ahead.append(thread.submit(make, step))
                if step >= first + AHEAD:
                    yield ahead.popleft().result().to(world.device, non_blocking=True)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)


@torch.no_grad()
def _evaluate(
    config: TrainConfig, data: Data, loss_of: Callable[[Tensor], Tensor], world: World, micro: int
) -> dict[str, float]:
    """Loss and bits per byte over the first `eval_tokens` of the validation set, in their order."""
    assert data.validation is not None
    context = config.model.context
    tokens = data.validation.head(config.run.eval_tokens + 1, config.model.vocab_size)
    count = (len(tokens) - 1) // context
    if count == 0:  # less than a context: one short window
        count, context = 1, len(tokens) - 1
    views = np.lib.stride_tricks.sliding_window_view(tokens, context + 1)[::context][:count]
    starts = range(0, count, micro)
    # Each process fills the places of its own windows; the sum then adds nothing but zeros.
    nats = torch.zeros(len(starts), dtype=torch.float64, device=world.device)
    for i, start in enumerate(starts):
        if i % world.size == world.rank:
            part = torch.from_numpy(views[start : start + micro].astype(np.int32)).to(world.device)
            nats[i] = loss_of(part) * (len(part) * context)
    total = math.fsum(world.sum(nats).tolist())
    targets = tokens[1 : count * context + 1]
    text_bytes = int(data.token_bytes[targets].sum())
    bits = total / math.log(2) / text_bytes if text_bytes else math.inf
    return {"val_loss": total / (count * context), "val_bits_per_byte": bits}


def _norm(gradients: list[Tensor]) -> Tensor:
    """Norm of all gradients together, as a scalar on the device."""
    norms = torch._foreach_norm(gradients, 2, torch.float32)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(list(norms)))
    return norm


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """SIGTERM and Ctrl-C are noted instead of obeyed; a second one is obeyed at once."""
    wanted = threading.Event()
    before: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        wanted.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        for wait_for in (signal.SIGTERM, signal.SIGINT):
            before[wait_for] = signal.signal(wait_for, note)
    try:
        yield wanted.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
