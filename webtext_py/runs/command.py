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
from webtext_py.train.config import TrainConfig
from webtext_py.train.data import Windows
from webtext_py.train.distributed import World, join, leave, micro_batches
from webtext_py.train.export import load_hugging_face, read_config
from webtext_py.train.loop import Data, Report, Result, train
from webtext_py.train.metrics import read_metrics
from webtext_py.train.model import GPT2
from webtext_py.workspace import Observer, Silent

from . import sizing
from .folder import create, only_run, read_run, record_steps, recorded_settings
from .inputs import Inputs, RunTokenizer, find_tokens, open_inputs
from .plot import plot_loss
from .settings import Settings

_FACTS = {
    "training": "other training tokens",
    "validation": "other validation tokens",
    "tokenizer": "another tokenizer",
}
LineReport = Callable[[dict[str, Any], int], None]  # a line of metrics.jsonl, and the steps in all


@dataclass(frozen=True)
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
    observer: Observer = field(default_factory=Silent)  # of the making of tokens

    def folder(self, name: str) -> Path:
        """Where the run `name` lies; raises `ConfigError` for what is no name."""
        plain = name == Path(name).name and name.isprintable() and not name.startswith(".")
        if not name or not plain:
            raise ConfigError(
                f"`--run` is {name!r}, expected a name: no path, and no dot at its start",
                hint="runs lie side by side in `runs/` of the data directory, see `--data`",
            )
        return self.data / "runs" / name


def plan(request: Request, gpu: bool) -> tuple[Settings, Inputs, Path, list[str]]:
    """Settings, inputs and folder of the run that `request` means, and what to tell the user."""
    settings, run = _asked(request)
    inputs = _inputs(request, settings, make=True)
    assert inputs is not None
    notes: list[str] = []
    if not request.resume:
        vocabulary, tokens = inputs.tokenizer, inputs.training.tokens
        notes = prepare(settings, vocabulary, tokens, request.init_from, gpu)
    return settings, inputs, run or request.folder(settings.values["preset"]), notes


def planned_settings(request: Request) -> tuple[Settings, list[str]]:
    """The settings that a run of `request` would have, and what to tell; makes and begins nothing.

    Where tokens are still to be made, what hangs on their number is that of the preset.
    """
    settings, _ = _asked(request)
    world = join(settings.values.get("device", "auto"))
    try:
        inputs = _inputs(request, settings, make=False)
        notes: list[str] = []
        if not request.resume:
            vocabulary = inputs.tokenizer if inputs else RunTokenizer(_tokenizer(request))
            tokens = inputs.training.tokens if inputs else None
            gpu = world.device.type == "cuda"
            notes = prepare(settings, vocabulary, tokens, request.init_from, gpu)
        return settings, notes
    finally:
        leave()


def _tokenizer(request: Request) -> Path:
    return request.tokenizer or request.data / "tokenizer"


def _inputs(request: Request, settings: Settings, make: bool) -> Inputs | None:
    """What the run learns from; without `make` `None` where its tokens are not made yet."""
    how = request.tokenizer, request.observer, request.text_field, make
    tokens = find_tokens(request.data, request.tokens, *how)
    val_tokens = request.val_tokens and find_tokens(request.data, request.val_tokens, *how)
    if tokens is None:
        return None
    fraction = 0.0 if request.val_tokens else settings.values.get("val_fraction", 0.0)
    return open_inputs(tokens, _tokenizer(request), val_tokens, fraction)


def _asked(request: Request) -> tuple[Settings, Path | None]:
    """The settings that a run begins with, and its folder where that is known already."""
    run = None if request.run is None else request.folder(request.run)
    if not request.resume:
        return request.settings, run
    run = run or only_run(request.data / "runs")
    return recorded_settings(run, request.settings), run


def carry_out(
    request: Request,
    tell: Callable[[str], None],
    report: LineReport,
) -> tuple[Path, Result, TrainConfig]:
    """Everything that `webtext train` does: plans, begins or resumes, trains.

    `tell` hears notes before the start, `report` each line of metrics.jsonl and the steps in all.
    """
    asked = _asked(request)[0].values
    world = join(asked.get("device", "auto"), asked.get("exact", False))
    try:
        settings, inputs, run, notes = plan(request, world.device.type == "cuda")
        if world.first:
            for note in notes:
                tell(note)
        config = settings.config()
        if config.run.tensorboard and world.first:
            report = _to_tensorboard(run, report)
        result = begin(
            run,
            config,
            inputs,
            world,
            resume=request.resume,
            init_from=request.init_from,
            replace=request.force,
            report=lambda line: report(line, config.run.steps) if world.first else None,
        )
        if world.first:
            plot_loss(read_metrics(run / "metrics.jsonl"), run / "loss.png", run.name)
        return run, result, config
    finally:
        leave()


def _fitted(config: TrainConfig, world: World) -> TrainConfig:
    """The configuration with a micro-batch for this device and number of processes."""
    if config.run.micro_batch:
        return config
    micro = sizing.micro_batch(config, world.size, _memory(world))
    return dataclasses.replace(config, run=dataclasses.replace(config.run, micro_batch=micro))


def _memory(world: World) -> int | None:
    """Bytes of this process's GPU, `None` on a CPU."""
    if world.device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(world.device).total_memory)


def _to_tensorboard(run: Path, report: LineReport) -> LineReport:
    """`report`, and every number of a line to TensorBoard's files in the run's folder."""
    require("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    make: Any = functools.cache(SummaryWriter)  # at the first line, when the folder is there

    def both(line: dict[str, Any], steps: int) -> None:
        board = make(str(run / "tensorboard"))
        for name, value in line.items():
            if isinstance(value, int | float):
                board.add_scalar(name, value, line["step"])
        board.flush()
        report(line, steps)

    return both


def prepare(
    settings: Settings,
    vocabulary: RunTokenizer,
    tokens: int | None,
    init_from: Path | None,
    gpu: bool,
) -> list[str]:
    """Completes the settings of a new run: preset, vocabulary, sizes. Returns what to tell.

    `tokens` are those to train on, `None` where nobody knows their number yet.
    """
    size = vocabulary.tokenizer.vocab_size
    if settings.values.get("vocab_size", size) != size:
        asked, source = settings.values["vocab_size"], settings.sources["vocab_size"]
        raise ConfigError(
            f"`vocab_size` is {asked} ({source}), but {size} in `{vocabulary.path}`",
            hint="leave it out: it is the tokenizer's; `webtext bpe train` makes smaller ones",
        )
    settings.set("vocab_size", size, "tokenizer")
    if init_from is not None:
        for key, value in dataclasses.asdict(read_config(init_from)).items():
            if settings.values.get(key, value) != value:
                asked, source = settings.values[key], settings.sources[key]
                raise ConfigError(
                    f"`{key}` is {asked} ({source}), but {value} in the model of `{init_from}`"
                )
            settings.set(key, value, f"`{init_from}`")
    notes = sizing.choose_preset(settings, tokens, gpu)
    return notes + sizing.fit(settings, tokens)


def _check(config: TrainConfig, inputs: Inputs, world: World, init_from: Path | None) -> None:
    """Raises what `loop.train` would raise of a new run, before there is a folder for it."""
    settings = config.run
    windows = settings.batch_tokens // config.model.context
    micro_batches(windows, settings.micro_batch, world, settings.exact)
    Windows(inputs.training, config.model, config.data)
    if init_from is not None:
        with torch.device("meta"):  # shapes without memory
            load_hugging_face(GPT2(config.model), init_from)


def begin(
    run: Path,
    config: TrainConfig,
    inputs: Inputs,
    world: World,
    *,
    resume: bool,
    init_from: Path | None = None,
    replace: bool = False,
    report: Report = lambda line: None,
) -> Result:
    """Trains in the folder `run`, new or, with `resume`, begun before. See `loop.train`.

    With `replace` a new run takes the place of an old one, once nothing is left to refuse.
    """
    fitted = _fitted(config, world)
    facts = inputs.facts()
    if resume:
        recorded = read_run(run)
        for name in sorted(recorded["data"].keys() | facts.keys()):
            was, now = recorded["data"].get(name, "none"), facts.get(name, "none")
            if was != now:
                raise StaleError(
                    f"run `{run.name}` began with {_FACTS[name]}: fingerprint {was}, now {now}",
                    hint="give it the same files, or begin another run with `--run NAME`",
                )
        if world.first and config.run.steps != recorded["config"]["run"]["steps"]:
            record_steps(run, config.run.steps)
    else:
        _check(fitted, inputs, world, init_from)
        if replace and init_from is not None and init_from.resolve().is_relative_to(run.resolve()):
            raise InputError(f"`{init_from}` lies in run `{run.name}`, which `--force` replaces")
        if world.first:
            # Not as fitted: another number of processes fits anew.
            create(run, config, inputs.tokenizer, facts, replace)
    world.barrier()
    data = Data(
        inputs.training,
        inputs.validation,
        inputs.tokenizer.end_of_text,
        inputs.tokenizer.token_bytes(),
        facts,
    )
    try:
        return train(fitted, data, run, world, resume=resume, init_from=init_from, report=report)
    except torch.OutOfMemoryError as error:
        raise sizing.out_of_memory(fitted, _memory(world) or 0) from error
