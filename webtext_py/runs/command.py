"""Everything that `webtext train` does: plan a run, begin or resume it, train."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from webtext_py.bpe.encode_stage import open_tokenizer
from webtext_py.errors import InputError
from webtext_py.extras import require
from webtext_py.train.config import CAUSAL, TAUGHT, TrainConfig
from webtext_py.train.data import Data
from webtext_py.train.distributed import find_device, join, leave
from webtext_py.train.export import load_hugging_face
from webtext_py.train.loop import train
from webtext_py.train.metrics import LineReport, read_metrics

from . import folder, sizing
from .inputs import Request, open_data
from .plot import plot_loss
from .settings import Settings


def prepare(
    request: Request, tell: Callable[[str], None], make: bool = True
) -> tuple[Path, Settings, Data | None]:
    """Folder, settings and tokens of the run that `request` means; `tell` hears what is notable.

    Without `make` nothing is written: where tokens are still to be made, there are none, and what
    hangs on their number is that of the preset.
    """
    settings = request.settings
    run = None if request.run is None else request.folder(request.run)
    if request.resume:
        run = run or folder.only_run(request.data / "runs")
        settings = folder.recorded_settings(run, settings)
    tokenizer, _ = open_tokenizer(request.vocabulary)
    data = open_data(request, settings, tokenizer, make)
    start = load_hugging_face(request.init_from) if request.init_from else None
    kind, name = settings.values.get("objective", "causal"), settings.values.get("teacher")
    if data and name and kind in TAUGHT:
        found = folder.find_run(request.data, name)
        data.teacher, data.facts["teacher"] = folder.open_teacher(found, tokenizer)
    if data:
        data.start = start
    if not request.resume:
        where = f"`{request.vocabulary}`"
        settings.follow({"vocab_size": tokenizer.vocab_size}, where, "tokenizer")
        settings.follow({"causal": kind in CAUSAL}, f"objective {kind}", f"objective {kind}")
        if start is not None:
            source = f"`{request.init_from}`"
            settings.follow(asdict(start.config), f"the model of {source}", source)
        gpu = find_device(settings.values.get("device", "auto")).type == "cuda"
        sizing.size(settings, data.training.tokens if data else None, gpu, tell)
    return run or request.folder(settings.values["preset"]), settings, data


def carry_out(
    request: Request, tell: Callable[[str], None], report: LineReport
) -> tuple[Path, dict[str, Any], TrainConfig]:
    """Everything that `webtext train` does: plans, begins or resumes, trains.

    Returns the run's folder, the last line of its metrics.jsonl, and its configuration. `tell`
    hears notes before the start, `report` each line of metrics.jsonl and the steps in all. With
    `force` a new run takes the place of an old one, once nothing is left to refuse.
    """
    run, settings, data = prepare(request, tell)
    config, origin = settings.config(), request.init_from
    assert data is not None
    if config.run.tensorboard:
        require("tensorboard")
    world, memory = join(config.run.device, config.run.exact), None
    if world.device.type == "cuda":
        memory = torch.cuda.get_device_properties(world.device).total_memory
    try:
        fitted = sizing.fitted(config, world.size, memory)

        def begin() -> None:
            if request.resume:
                folder.go_on(run, data.facts, config.run.steps, world.first)
                return
            if request.force and origin and origin.resolve().is_relative_to(run.resolve()):
                raise InputError(f"`{origin}` lies in run `{run.name}`, which `--force` replaces")
            if world.first:  # not as fitted: another number of processes fits anew
                folder.create(run, config, request.vocabulary, data.facts, request.force)

        last = train(fitted, data, run, world, resume=request.resume, begin=begin, report=report)
        if world.first:
            plot_loss(read_metrics(run / "metrics.jsonl"), run / "loss.png", run.name)
        return run, last, config
    except torch.OutOfMemoryError as error:
        raise sizing.out_of_memory(fitted, memory or 0) from error
    finally:
        leave()
