"""A run's folder, from what a command was given: tokens, tokenizer, settings; begin and resume.

`runs/NAME/` holds `run.json` (settings and fingerprints), `tokenizer/`, `checkpoints/`,
`metrics.jsonl` and `loss.png`.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from webtext_py.engine.commit import sha256_file, write_json
from webtext_py.errors import ConfigError, InputError, StaleError

from . import checkpoint, sizing
from .config import MAY_CHANGE, Settings, TrainConfig
from .data import TokenSet
from .distributed import World, join, leave
from .export import END_OF_TEXT, PART, TOKENIZER_FILES, commit_folder, export, read_config
from .loop import Data, Report, Result, train
from .model import GPT2
from .sample import generate

FORMAT = 1


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer's folder and the little that the trainer asks of it."""

    folder: Path

    @cached_property
    def table(self) -> dict[str, int]:
        """Id of every entry, in the byte-level alphabet, special ones as they are spelt."""
        path = self.folder / "tokenizer.json"
        try:
            document = json.loads(path.read_bytes())
            table = dict(document["model"]["vocab"])
            self.special.update(t["content"] for t in document["added_tokens"])
            table.update({t["content"]: t["id"] for t in document["added_tokens"]})
        except FileNotFoundError:
            raise InputError(
                f"there is no tokenizer in `{self.folder}`",
                hint="run `webtext bpe train`, or pass `--tokenizer PATH`",
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"`{path}` is no tokenizer: {error!r}") from error
        return table

    @cached_property
    def special(self) -> set[str]:
        """Entries that stand for no text."""
        return set()

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return max(self.table.values()) + 1

    @property
    def end_of_text(self) -> int:
        """Id of `<|endoftext|>`, which begins every document."""
        if END_OF_TEXT not in self.table:
            raise InputError(f"the tokenizer in `{self.folder}` has no `{END_OF_TEXT}`")
        return self.table[END_OF_TEXT]

    def token_bytes(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Length in bytes of each id's text; a byte is one character of the byte-level alphabet."""
        lengths = np.zeros(self.size, np.int64)
        for text, number in self.table.items():
            lengths[number] = 0 if text in self.special else len(text)
        return lengths

    def digest(self) -> str:
        """SHA-256 of `tokenizer.json`."""
        assert self.table
        return sha256_file(self.folder / "tokenizer.json")


@dataclass(frozen=True)
class Inputs:
    """Files to learn from: two token sets and the vocabulary that made them."""

    training: TokenSet
    validation: TokenSet | None
    vocabulary: Vocabulary

    def facts(self) -> dict[str, Any]:
        """What a resumed run must find again."""
        sets = {"training": self.training, "validation": self.validation}
        prints = {name: s.fingerprint for name, s in sets.items() if s is not None}
        return {**prints, "tokenizer": self.vocabulary.digest()}


def open_inputs(
    tokens: Path, tokenizer: Path, val_tokens: Path | None, val_fraction: float
) -> Inputs:
    """Opens token files: `train-*` and `validation-*` of a folder, or all its Parquet files.

    Without `val_tokens` or validation files the last `val_fraction` of the tokens is held out; 0
    leaves the run without validation. Raises `InputError` where the tokenizer is not the one that
    made the files, as far as they say.
    """
    vocabulary = Vocabulary(tokenizer.parent if tokenizer.is_file() else tokenizer)
    made_by = vocabulary.digest()
    everything = _parquet(tokens)
    held = [p for p in everything if p.name.startswith("validation-")]
    training = TokenSet.open([p for p in everything if p not in held])
    validation: TokenSet | None = None
    if val_tokens is not None:
        validation = TokenSet.open(_parquet(val_tokens))
    elif val_fraction > 0:
        training, validation = training.split(val_fraction)
    elif held:
        validation = TokenSet.open(held)
    for part in (training, *([validation] if validation else [])):
        if part.tokenizer not in (None, made_by):
            raise StaleError(
                f"`{part.files[0].path}` was encoded with another tokenizer than the one in "
                f"`{vocabulary.folder}`",
                hint="pass `--tokenizer PATH`, or run `webtext bpe encode --force`",
            )
    return Inputs(
        training, validation if validation and validation.tokens > 1 else None, vocabulary
    )


def _parquet(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = [f for f in files if not f.name.startswith((".", "_"))]
    if not files or not files[0].exists():
        raise InputError(f"`{path}` has no Parquet file of tokens")
    return files


def prepare(settings: Settings, inputs: Inputs, init_from: Path | None, gpu: bool) -> list[str]:
    """Completes the settings of a new run: preset, vocabulary, sizes. Returns what to tell."""
    settings.set("vocab_size", inputs.vocabulary.size, "tokenizer")
    if init_from is not None:
        for key, value in dataclasses.asdict(read_config(init_from)).items():
            if key == "vocab_size" and value != inputs.vocabulary.size:
                raise ConfigError(
                    f"the model in `{init_from}` has {value} tokens, "
                    f"but the tokenizer {inputs.vocabulary.size}"
                )
            settings.set(key, value, f"`{init_from}`")
    notes = sizing.choose_preset(settings, inputs.training.tokens, gpu)
    return notes + sizing.fit(settings, inputs.training.tokens)


def begin(
    run: Path,
    config: TrainConfig,
    inputs: Inputs,
    world: World,
    *,
    resume: bool,
    init_from: Path | None = None,
    report: Report = lambda line: None,
) -> Result:
    """Trains in the folder `run`, new or, with `resume`, begun before. See `loop.train`."""
    facts = inputs.facts()
    if resume:
        recorded = read_run(run)["data"]
        for name in sorted(recorded.keys() | facts.keys()):
            if recorded.get(name) != facts.get(name):
                raise StaleError(
                    f"run `{run.name}` learned from another {name}: fingerprint "
                    f"{recorded.get(name)}, now {facts.get(name)}",
                    hint="give it the same files, or begin another run with `--run NAME`",
                )
    elif world.first:
        _create(run, config, inputs.vocabulary, facts)
    world.barrier()
    data = Data(
        inputs.training,
        inputs.validation,
        inputs.vocabulary.end_of_text,
        inputs.vocabulary.token_bytes(),
        facts,
    )
    return train(config, data, run, world, resume=resume, init_from=init_from, report=report)


def _create(run: Path, config: TrainConfig, vocabulary: Vocabulary, facts: Any) -> None:
    if run.exists():
        raise InputError(
            f"run `{run.name}` exists",
            hint="`--resume` goes on with it, `--run NAME` begins another, `--force` begins anew",
        )
    part = run.with_name(f"{PART}{run.name}")
    shutil.rmtree(part, ignore_errors=True)
    (part / "tokenizer").mkdir(parents=True)
    for name in TOKENIZER_FILES:
        if (vocabulary.folder / name).is_file():
            shutil.copyfile(vocabulary.folder / name, part / "tokenizer" / name)
    write_json(part / "run.json", {"format": FORMAT, "config": config.as_dict(), "data": facts})
    commit_folder(part, run)


def read_run(run: Path) -> dict[str, Any]:
    """`run.json` of a run; raises `InputError` where there is none."""
    try:
        document: dict[str, Any] = json.loads((run / "run.json").read_bytes())
        if document["format"] != FORMAT:
            raise InputError(f"`{run}` has format {document['format']}, expected {FORMAT}")
    except FileNotFoundError:
        raise InputError(f"there is no run in `{run}`", hint="`webtext train` makes one") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"`{run / 'run.json'}` is not a run's: {error!r}") from error
    return document


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

    def folder(self, name: str) -> Path:
        """Where the run `name` lies."""
        return self.data / "runs" / name


def plan(request: Request, gpu: bool) -> tuple[Settings, Inputs, Path, list[str]]:
    """Settings, inputs and folder of the run that `request` means, and what to tell the user."""
    settings, notes = request.settings, []
    run = request.folder(request.run) if request.run else None
    if request.resume:
        run = run or _only_run(request.data / "runs")
        settings = recorded_settings(run, request.settings)
    tokenizer = request.tokenizer or request.data / "tokenizer"
    tokens = request.tokens or request.data / "tokens"
    fraction = settings.values.get("val_fraction", 0.0)
    inputs = open_inputs(tokens, tokenizer, request.val_tokens, fraction)
    if not request.resume:
        notes = prepare(settings, inputs, request.init_from, gpu)
    return settings, inputs, run or request.folder(settings.values["preset"]), notes


def carry_out(
    request: Request,
    tell: Callable[[str], None],
    report: Callable[[dict[str, Any], int], None],
) -> tuple[Path, Result, TrainConfig]:
    """Everything that `webtext train` does: plans, begins or resumes, trains.

    `tell` hears notes before the start, `report` each line of metrics.jsonl and the steps in all.
    """
    device = request.settings.values.get("device", "auto")
    world = join(device)
    try:
        settings, inputs, run, notes = plan(request, world.device.type == "cuda")
        if world.first:
            for note in notes:
                tell(note)
            if request.force and not request.resume:
                shutil.rmtree(run, ignore_errors=True)
        config = settings.config()
        result = begin(
            run,
            config,
            inputs,
            world,
            resume=request.resume,
            init_from=request.init_from,
            report=lambda line: report(line, config.run.steps) if world.first else None,
        )
        return run, result, config
    finally:
        leave()


def _only_run(folder: Path) -> Path:
    runs = sorted(path.parent for path in folder.glob("*/run.json"))
    if len(runs) != 1:
        names = ", ".join(run.name for run in runs) or "none"
        raise InputError(f"`--resume` needs `--run NAME`: the runs here are {names}")
    return runs[0]


def recorded_settings(run: Path, asked: Settings) -> Settings:
    """Settings of a run to resume; what was asked for may differ only where no weight depends."""
    settings = Settings()
    settings.update(read_run(run)["config"], f"run {run.name}")
    for key, value in asked.values.items():
        if value != settings.values[key] and key not in MAY_CHANGE:
            raise ConfigError(
                f"`{key}` is {settings.values[key]} in run `{run.name}`, not {value}",
                hint="leave it out to resume, or begin another run with `--run NAME`",
            )
        settings.set(key, value, asked.sources[key])
    return settings


def find_run(data: Path, name: str) -> Path:
    """The folder of a run given by name or as a folder."""
    named = data / "runs" / name
    return named if named.is_dir() or not Path(name).is_dir() else Path(name)


def export_run(run: Path, folder: Path, force: bool) -> tuple[int, int]:
    """Writes a run's newest checkpoint as a Hugging Face folder; returns step and parameters."""
    model, vocabulary, step = open_model(run)
    if force:
        shutil.rmtree(folder, ignore_errors=True)
    export(model, folder, vocabulary.folder, vocabulary.end_of_text)
    return step, model.config.parameters()


def sample_run(run: Path, prompt: str, device: str, **options: Any) -> tuple[list[str], int]:
    """Texts that follow `prompt`, and the checkpoint's step; options as in `sample.generate`.

    Each begins a document; it ends at the next `<|endoftext|>` or after `length` tokens.
    """
    model, vocabulary, step = open_model(run, device)
    tokenizer = Tokenizer.from_file(str(vocabulary.folder / "tokenizer.json"))
    ids = [vocabulary.end_of_text, *tokenizer.encode(prompt, add_special_tokens=False).ids]
    made = [list(text) for text in zip(*generate(model, ids, **options), strict=True)]
    end = vocabulary.end_of_text
    texts = [text[: text.index(end)] if end in text else text for text in made]
    return [tokenizer.decode(text) for text in texts], step


def open_model(run: Path, device: str = "cpu") -> tuple[GPT2, Vocabulary, int]:
    """The model of a run's newest checkpoint, its vocabulary, and the step."""
    settings = Settings()
    settings.update(read_run(run)["config"], f"run {run.name}")
    saved = checkpoint.folders(run)
    if not saved:
        raise InputError(f"run `{run.name}` has no checkpoint yet")
    step, folder = saved[-1]
    checkpoint.read_manifest(folder)
    model = GPT2(settings.config().model)
    checkpoint.load_model(folder, model)
    return model.to(torch.device(device)).eval(), Vocabulary(run / "tokenizer"), step
