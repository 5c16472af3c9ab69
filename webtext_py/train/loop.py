"""The training loop, from top to bottom: model, batches, step, log, save.

Nothing in a step waits for the device: what a step measured is read while the next one runs.
"""

import copy
import gc
import itertools
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from webtext_py.ahead import Ahead

from . import checkpoint
from .config import TrainConfig
from .data import Windows
from .distributed import Gradients, World
from .metrics import LineReport, Log, NoiseScale
from .objectives import Data, Objective, objective_of
from .optimizer import Optimizer, learning_rate

AHEAD = 8  # batches ready before they are wanted: covers the making of a new pool


def train(
    config: TrainConfig,
    data: Data,
    run: Path,
    world: World,
    *,
    resume: bool = False,
    begin: Callable[[], None] = lambda: None,
    report: LineReport = lambda line, steps: None,
) -> dict[str, Any]:
    """Trains a model in the folder `run`, from its newest checkpoint with `resume`; returns the
    last line of metrics.jsonl.

    `config` has a micro-batch, as `fitted` gives it. It calls `begin` once nothing is left to
    refuse, which makes `run`. `report` hears every line of metrics.jsonl.
    SIGTERM and Ctrl-C save a checkpoint and end.
    """
    settings, device, clip = config.run, world.device, config.optimizer.clip
    if device.type == "cpu" and config.model.width < 256:
        torch.set_num_threads(1)  # more would spend their time on waiting for each other
    places, windows = config.starts(), Windows(data.training, config.model, config.data)

    # --- model: the fp32 weights that learn ---
    torch.manual_seed(settings.seed)
    objective = objective_of(config, data).to(device)
    objective.initialise(settings.seed, data.teacher)
    if data.start is not None:
        objective.model.load_state_dict(data.start.state_dict())
    optimizer, noise, step = Optimizer(objective.learnt(), config.optimizer), NoiseScale(), 0
    if resume and checkpoint.folders(run):
        manifest = checkpoint.load(checkpoint.newest(run)[1], objective, optimizer)
        noise, step = NoiseScale(manifest["noise_scale"]), manifest["step"]

    # --- what runs: on a GPU a bf16 copy, refreshed once a step; fp32 never sees autocast ---
    bf16 = settings.precision == "bf16" or (settings.precision == "auto" and device.type == "cuda")
    worker = copy.deepcopy(objective).bfloat16() if bf16 else objective
    parameters: list[Tensor] = list(objective.learnt().values())
    working: list[Tensor] = list(worker.learnt().values())
    compiled = settings.compile == "on" or (settings.compile == "auto" and device.type == "cuda")
    worker.ready(compiled, data.teacher)
    total = Gradients(worker, world, settings.exact)

    begin()
    world.barrier()
    log = Log(run / "metrics.jsonl", config, world, noise, step, report)
    batches = Ahead(_batches(config, windows, world, places[step:]), AHEAD)
    with closing(batches), log.file, ExitStack() as stack:
        first, stop_wanted = step, _stop_signals(stack)
        for batch, ids in batches:
            # --- the timed step ---------------------------------------------------------------
            accumulate = len(batch) // settings.micro_batch
            micro = batch.to(device, non_blocking=True).chunk(accumulate)
            losses = torch.zeros(accumulate * world.size, dtype=torch.float64, device=device)
            norms = []  # of the first micro-batch's gradient and of the whole
            for i in range(accumulate):
                number = world.rank * accumulate + i
                place = places[step] + number * settings.micro_batch
                loss, gradients = total.micro_batch(micro[i], place, last=i + 1 == accumulate)
                losses[number] = loss
                if i == 0:
                    norms.append(_norm(gradients))
            gradients = total.total()
            torch._foreach_div_(gradients, accumulate * world.size)
            norms.append(_norm(gradients))
            if clip:
                torch._foreach_mul_(gradients, (clip / (norms[1] + 1e-6)).clamp(max=1))
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            lr = learning_rate(config.optimizer, step, settings.steps)
            optimizer.step(lr)
            for parameter in parameters:
                parameter.grad = None
            if bf16:
                with torch.no_grad():
                    torch._foreach_copy_(working, parameters)
            step += 1
            stopping = log.add(step, lr, losses, norms, stop_wanted(), ids)
            # --- end of the timed step --------------------------------------------------------
            if step == first + 1:
                gc.freeze()  # what there is by now stays: nobody need look at it again
                stack.callback(gc.unfreeze)
            every = settings.eval_every if data.validation is not None else 0
            evaluate = every > 0 and (step == settings.steps or step % every == 0)
            due = stopping or step == settings.steps or step % settings.checkpoint_every == 0
            if evaluate or due:
                extra = _evaluate(config, data, worker, world) if evaluate else {}
                stopping = log.read(extra) or stopping
                if due or stopping:
                    checkpoint.check(step, optimizer)  # in every process: all end alike
                if (due or stopping) and world.rank == 0:
                    checkpoint.save(run, step, objective, optimizer, noise.state, settings.keep)
                world.barrier()
                log.begin()
            if stopping:
                break
    return log.last


def _batches(
    config: TrainConfig, windows: Windows, world: World, places: list[int]
) -> Iterator[tuple[Tensor, list[int]]]:
    """Each step's batch `(windows, context + 1)` from these places on, on a GPU in pinned memory,
    and where they are logged the ids of all processes' windows."""
    cuda = world.device.type == "cuda"
    if cuda:  # or pinning would wake GPU 0 in every process
        torch.cuda.set_device(world.device)
    for start, stop in itertools.pairwise(places):
        made = torch.from_numpy(windows.batch(start, stop - start, world.rank, world.size))
        ids = windows.ids(start, stop - start).tolist() if config.run.log_windows else []
        yield made.pin_memory() if cuda else made, ids


@torch.no_grad()
def _evaluate(config: TrainConfig, data: Data, worker: Objective, world: World) -> dict[str, float]:
    """Loss over the first `eval_tokens` of the validation set, in their order, and of a causal
    model bits per byte."""
    assert data.validation is not None
    micro = config.run.micro_batch
    tokens = data.validation.head(config.run.eval_tokens + 1, config.model.vocab_size)
    context = min(config.model.context, len(tokens) - 1)  # one short window where there is no more
    views = np.lib.stride_tricks.sliding_window_view(tokens, context + 1)[::context]
    starts = range(0, len(views), micro)
    # Each process fills the places of its own windows; the sum then adds nothing but zeros.
    nats = torch.zeros(len(starts), dtype=torch.float64, device=world.device)
    for i in range(world.rank, len(starts), world.size):
        part = torch.from_numpy(views[starts[i] : starts[i] + micro].astype(np.int32))
        loss = worker.validation(part.to(world.device), starts[i])
        nats[i] = loss * (len(part) * context)
    total, count = math.fsum(world.sum(nats).tolist()), len(views) * context
    if not config.model.causal:
        return {"val_loss": total / count}
    text_bytes = int(data.token_bytes[tokens[1 : count + 1]].sum())
    bits = total / math.log(2) / text_bytes if text_bytes else math.inf
    return {"val_loss": total / count, "val_bits_per_byte": bits}


def _norm(gradients: list[Tensor]) -> Tensor:
    """Norm of all gradients together, as a scalar on the device."""
    norms = torch._foreach_norm(gradients, 2, torch.float32)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(list(norms)))
    return norm


def _stop_signals(stack: ExitStack) -> Callable[[], bool]:
    """SIGTERM and Ctrl-C are noted instead of obeyed, until `stack` ends; a second one is obeyed at
    once. Returns whether one has come."""
    wanted = threading.Event()
    before: dict[int, Any] = {}

    def note(number: int, frame: object) -> None:
        wanted.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, note)
            stack.callback(signal.signal, number, before[number])
    return wanted.is_set
