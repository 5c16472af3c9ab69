"""Everything that `webtext train` does: find its tokens, plan a run, begin or resume it, train.

Tokens that are missing are made here, by the function behind `webtext bpe encode`.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from webtext_py.bpe.encode_stage import TOKENS, encode_stage, open_tokenizer, stage_name
from webtext_py.defaults import ENDOFTEXT
from webtext_py.errors import InputError, StaleError
from webtext_py.extras import require
from webtext_py.layout import TOKENIZER, plain_name
from webtext_py.manifest import MANIFEST, Manifest
from webtext_py.observer import SILENT, Observer
from webtext_py.tokenizer import Tokenizer
from webtext_py.tokens import TokenFile, TokenSet, parquet_files
from webtext_py.train.config import CAUSAL, TAUGHT, TrainConfig
from webtext_py.train.distributed import find_device, join
from webtext_py.train.export import load_hugging_face
from webtext_py.train.loop import train
from webtext_py.train.metrics import LineReport, read_metrics
from webtext_py.train.objectives import Data
from webtext_py.workspace import Workspace

from . import folder, sizing
from .plot import plot_loss
from .settings import Settings


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
    observer: Observer = SILENT  # of the making of tokens

    @property
    def vocabulary(self) -> Path:
        """Where the tokenizer lies."""
        return self.tokenizer or self.data / "tokenizer"

    def folder(self, name: str) -> Path:
        """Where the run `name` lies; raises `ConfigError` for what is no name."""
        return self.data / "runs" / plain_name(name, "`--run`")


def find_tokens(request: Request, tokens: Path | None, make: bool = True) -> Path | None:
    """The folder of token files to train on, made where it is missing.

    By default `tokens/` of the data directory, encoded from its `shards/`; a stale one raises
    `StaleError`. `tokens` may hold text (in the column `text_field`) instead of ids: it is encoded
    into the data directory. Without `make` nothing is written: `None` where they are missing.
    """
    data, own, out = request.data, request.data / TOKENIZER.name(), TOKENS
    if tokens is not None:
        first = parquet_files(tokens)[0]
        try:
            _ = TokenFile(first)
            return tokens
        except InputError:  # no ids
            if request.text_field not in pq.read_schema(first).names:
                raise
        out = f"{TOKENS}-{tokens.resolve().stem}"
    found, manifest = data / out, Manifest(data)
    there = any(found.glob("*.parquet"))
    others = ("eval/", f"{TOKENS} ")  # those say nothing of the data directory's own tokens
    if not tokens and all(name.startswith(others) for name in manifest.stages):
        if there:
            return found  # made elsewhere
        if own.is_dir():
            raise InputError(
                f"`{data}` has neither tokens nor the {MANIFEST} that says what its shards are",
                hint="put it back, run `webtext build`, or name tokens or text with `--tokens`",
            )
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if not there or manifest.done(stage_name(out)) is None:
        if not make:
            return None
        if several:
            lack = f"there are no tokens in `{found}`, and several processes cannot make them"
            raise InputError(f"{lack} at once", hint="run `webtext bpe encode` first")
    with Workspace(data, observer=request.observer, reading=several or not make) as workspace:
        try:
            encode_stage(
                workspace,
                tokenizer=request.tokenizer or (own / "tokenizer.json" if tokens else None),
                inputs=(tokens,) if tokens else (),
                text_field=request.text_field,
                folder=out,
            )
        except StaleError as error:  # the trainer's own `--force` is for runs
            with_it = f" --tokenizer {request.tokenizer}" if request.tokenizer else ""
            rest = f" --input {tokens} --out DIR`, then `--tokens DIR" if tokens else " --force"
            raise StaleError(str(error), hint=f"run `webtext bpe encode{with_it}{rest}`") from error
    return found


def open_data(
    request: Request, settings: Settings, tokenizer: Tokenizer, make: bool = True
) -> Data | None:
    """Token files: `train-*` and `validation-*` of a folder, or all its Parquet files.

    Without `val_tokens` or validation files the last `val_fraction` of the tokens is held out; 0
    leaves the run without validation. `None` where they are still to be made, see `find_tokens`.
    Raises `StaleError` where another tokenizer made the files, as far as they say.
    """
    tokens = find_tokens(request, request.tokens, make)
    val_tokens = request.val_tokens and find_tokens(request, request.val_tokens, make)
    if tokens is None:
        return None
    training, validation = TokenSet.splits(parquet_files(tokens))
    fraction = settings.values.get("val_fraction", 0.0)
    if val_tokens:
        validation = TokenSet.open(parquet_files(val_tokens))
    elif fraction > 0 and not request.val_tokens:
        training, validation = training.split(fraction)
    for file in (*training.files, *validation.files):
        if file.tokenizer not in (None, tokenizer.digest):
            raise StaleError(
                f"`{file.path}` was encoded with another tokenizer than the one given",
                hint="name the one that made it with `--tokenizer`, or encode its text anew",
            )
    facts = {"training": training.fingerprint, "tokenizer": tokenizer.digest}
    if validation.tokens > 1:
        facts["validation"] = validation.fingerprint
    lengths, special = np.zeros(tokenizer.vocab_size, np.int64), tokenizer.special
    for number, text in tokenizer.tokens().items():
        lengths[number] = 0 if number in special.values() else len(text)
    held_out = validation if validation.tokens > 1 else None
    return Data(training, held_out, special[ENDOFTEXT], lengths, facts)


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
        data.teacher, data.facts["teacher"] = folder.open_teacher(request.data, name, tokenizer)
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
    with join(config.run.device, config.run.exact) as world:
        cuda = world.device.type == "cuda"
        gpu = torch.cuda.get_device_properties(world.device).total_memory if cuda else None
        plan = sizing.fitted(config, world.size, gpu)
        memory = gpu or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if sizing.state_bytes(plan) > memory and config.model.context <= data.training.tokens:
            raise sizing.out_of_memory(plan, memory)  # a context too long has its own answer

        def begin() -> None:
            if request.resume:
                folder.go_on(run, data.facts, config.run.steps, world.rank == 0)
            elif request.force and origin and origin.resolve().is_relative_to(run.resolve()):
                raise InputError(f"`{origin}` lies in run `{run.name}`, which `--force` replaces")
            elif world.rank == 0:  # not as fitted: another number of processes fits anew
                folder.create(run, config, request.vocabulary, data.facts, request.force)

        try:
            last = train(plan, data, run, world, resume=request.resume, begin=begin, report=report)
        except torch.OutOfMemoryError as error:
            raise sizing.out_of_memory(plan, memory) from error
        if world.rank == 0:
            plot_loss(read_metrics(run / "metrics.jsonl"), run / "loss.png", run.name)
    return run, last, config
