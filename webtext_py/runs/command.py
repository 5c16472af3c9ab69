"""Everything that `webtext train` does: plan a run, begin or resume it, train."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from webtext_py.errors import ConfigError, InputError, StaleError
from webtext_py.extras import require
from webtext_py.observer import Observer
from webtext_py.train.config import CAUSAL, TAUGHT, TrainConfig
from webtext_py.train.data import Data, Windows
from webtext_py.train.distributed import World, find_device, join, leave, micro_batches
from webtext_py.train.export import load_hugging_face, read_config
from webtext_py.train.loop import Result, train
from webtext_py.train.metrics import read_metrics
from webtext_py.train.objectives import objective_of
from webtext_py.train.ramp import sizes, starts

from . import sizing
from .folder import create, find_run, only_run, read_run, record_steps, recorded_settings
from .inputs import RunTokenizer, find_tokens, open_data
from .plot import plot_loss
from .settings import Settings
from .teacher import open_teacher

_FACTS = {
    "training": "other training tokens",
    "validation": "other validation tokens",
    "tokenizer": "another tokenizer",
    "teacher": "another teacher",
}
LineReport = Callable[[dict[str, Any], int], None]  # a line of metrics.jsonl, and the steps in all


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asked of `webtext train`; a path left out is the data directory's own."""

    data: Path
    settings: Settings  # asked for by name; everything else follows from these
    tokens: Path | None = None
    tokenizer: Path | None = None
    val_tokens: Path | None = None
    run: str | None = None  # default: the preset's name
    init_from: Path | None = None
    resume: bool = False
    force: bool = False
    text_field: str = "text"  # of `tokens` that hold text
    observer: Observer = field(default_factory=Observer)  # of the making of tokens

    def folder(self, name: str) -> Path:
        """Where the run `name` lies; raises `ConfigError` for what is no name."""
        plain = name == Path(name).name and name.isprintable() and not name.startswith(".")
        if not name or not plain:
            raise ConfigError(
                f"`--run` is {name!r}, expected a name: no path, and no dot at its start",
                hint="runs lie side by side in `runs/` of the data directory, see `--data`",
            )
        return self.data / "runs" / name


@dataclass(frozen=True)
class Plan:
    """The run that a request means."""

    run: Path  # its folder
    settings: Settings
    tokenizer: RunTokenizer
    data: Data | None  # `None` where its tokens are still to be made
    notes: list[str]  # what to tell the user


def prepare(request: Request, make: bool = True) -> Plan:
    """Settings, inputs and folder of the run that `request` means.

    Without `make` nothing is written: where tokens are still to be made, what hangs on their
    number is that of the preset.
    """
    settings = request.settings
    run = None if request.run is None else request.folder(request.run)
    if request.resume:
        run = run or only_run(request.data / "runs")
        settings = recorded_settings(run, settings)
    gpu = find_device(settings.values.get("device", "auto")).type == "cuda"
    tokenizer = RunTokenizer(request.tokenizer or request.data / "tokenizer")
    how = request.tokenizer, request.observer, request.text_field, make
    tokens = find_tokens(request.data, request.tokens, *how)
    val_tokens = request.val_tokens and find_tokens(request.data, request.val_tokens, *how)
    fraction = 0.0 if request.val_tokens else settings.values.get("val_fraction", 0.0)
    data = open_data(tokens, tokenizer, val_tokens, fraction) if tokens else None
    kind, name = settings.values.get("objective", "causal"), settings.values.get("teacher")
    if data is not None and kind in TAUGHT and name:
        teacher, digest = open_teacher(find_run(request.data, name), tokenizer)
        data = dataclasses.replace(data, teacher=teacher, facts={**data.facts, "teacher": digest})
    notes: list[str] = []
    if not request.resume:
        size = tokenizer.tokenizer.vocab_size
        _take(settings, {"vocab_size": size}, f"`{tokenizer.path}`", "tokenizer")
        _take(settings, {"causal": kind in CAUSAL}, f"objective {kind}", f"objective {kind}")
        if request.init_from is not None:
            shape, model = dataclasses.asdict(read_config(request.init_from)), request.init_from
            _take(settings, shape, f"the model of `{model}`", f"`{model}`")
        count = data.training.tokens if data else None
        notes = sizing.choose_preset(settings, count, gpu) + sizing.fit(settings, count)
    run = run or request.folder(settings.values["preset"])
    return Plan(run, settings, tokenizer, data, notes)


def _take(settings: Settings, given: dict[str, Any], where: str, source: str) -> None:
    """Sets what is given; raises `ConfigError` where something else was asked for by name."""
    for key, value in given.items():
        if settings.values.get(key, value) != value:
            asked, by = settings.values[key], settings.sources[key]
            raise ConfigError(
                f"`{key}` is {asked} ({by}), but {value} in {where}",
                hint=f"leave `{key}` out: it is what that has",
            )
        settings.set(key, value, source)


def carry_out(
    request: Request, tell: Callable[[str], None], report: LineReport
) -> tuple[Path, Result, TrainConfig]:
    """Everything that `webtext train` does: plans, begins or resumes, trains.

    `tell` hears notes before the start, `report` each line of metrics.jsonl and the steps in all.
    With `force` a new run takes the place of an old one, once nothing is left to refuse.
    """
    plan = prepare(request)
    config, run, data = plan.settings.config(), plan.run, plan.data
    assert data is not None
    world = join(config.run.device, config.run.exact)
    try:
        fitted = sizing.fitted(config, world.size, world.memory)
        if world.first:
            for note in plan.notes:
                tell(note)
        if config.run.tensorboard and world.first:
            report = _to_tensorboard(run, report)
        (_check_same if request.resume else _check_new)(request, plan, fitted, world)
        if world.first and request.resume:
            record_steps(run, config.run.steps)
        elif world.first:  # not as fitted: another number of processes fits anew
            create(run, config, plan.tokenizer, data.facts, request.force)
        world.barrier()
        result = train(
            fitted,
            data,
            run,
            world,
            resume=request.resume,
            init_from=request.init_from,
            report=lambda line: report(line, config.run.steps) if world.first else None,
        )
        if world.first:
            plot_loss(read_metrics(run / "metrics.jsonl"), run / "loss.png", run.name)
        return run, result, config
    except torch.OutOfMemoryError as error:
        raise sizing.out_of_memory(fitted, world.memory or 0) from error
    finally:
        leave()


def _check_same(request: Request, plan: Plan, config: TrainConfig, world: World) -> None:
    """Raises `StaleError` where a run would go on with other inputs than it began with."""
    assert plan.data is not None
    began, facts = read_run(plan.run)["data"], plan.data.facts
    for name in sorted(began.keys() | facts.keys()):
        was, now = began.get(name, "none"), facts.get(name, "none")
        if was != now:
            raise StaleError(
                f"run `{plan.run.name}` began with {_FACTS[name]}: fingerprint {was}, now {now}",
                hint="give it the same files, or begin another run with `--run NAME`",
            )


def _check_new(request: Request, plan: Plan, config: TrainConfig, world: World) -> None:
    """Raises what `loop.train` would raise of a new run, before there is a folder for it."""
    assert plan.data is not None
    for size in set(sizes(starts(config))):
        micro_batches(size, config.run.micro_batch, world, config.run.exact)
    Windows(plan.data.training, config.model, config.data)
    start = request.init_from
    with torch.device("meta"):  # shapes without memory
        model = objective_of(config, plan.data).model
        if start is not None:
            load_hugging_face(model, start)
    if start and request.force and start.resolve().is_relative_to(plan.run.resolve()):
        raise InputError(f"`{start}` lies in run `{plan.run.name}`, which `--force` replaces")


def _to_tensorboard(run: Path, report: LineReport) -> LineReport:
    """`report`, and every number of a line to TensorBoard's files in the run's folder."""
    require("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    opened: Any = functools.cache(SummaryWriter)  # at the first line, when the folder is there

    def both(line: dict[str, Any], steps: int) -> None:
        board = opened(str(run / "tensorboard"))
        for name, value in line.items():
            if isinstance(value, int | float):
                board.add_scalar(name, value, line["step"])
        board.flush()
        report(line, steps)

    return both
