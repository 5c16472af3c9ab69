"""Every setting of a training run: frozen dataclasses, TOML, `key=value`, and where each came from.

Needs no torch. Names are unique over all sections, so `lr=3e-4` and `optimizer.lr=3e-4` are one.
"""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from webtext_py.errors import ConfigError

from .presets import PRESETS


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model. Defaults: GPT-2, 124,439,808 parameters."""

    layers: int = 12
    heads: int = 12
    width: int = 768
    context: int = 1024  # tokens
    vocab_size: int = 50257  # always the tokenizer's, once one is known

    def parameters(self) -> int:
        """Parameters, the tied embedding once, without padding rows."""
        block = 12 * self.width**2 + 13 * self.width
        embedded = (self.vocab_size + self.context) * self.width
        return embedded + self.layers * block + 2 * self.width

    def flops_per_token(self) -> int:
        """Forward and backward: 6 a parameter, 12 x layers x context x width for attention.

        Source: PaLM paper, appendix B; positions take part in no product.
        """
        used = self.parameters() - self.context * self.width
        return 6 * used + 12 * self.layers * self.context * self.width


@dataclass(frozen=True)
class DataConfig:
    """How token files become batches."""

    val_fraction: float = 0.0  # share of the tokens held out, where there is no validation file
    pool_row_groups: int = 32  # windows are mixed within as many row groups, some 32 M tokens
    doc_mask: bool = False  # no attention across documents; off as in GPT-2
    data_seed: int = 1


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW as in the GPT-3 paper, appendix B; Muon for hidden matrices on request."""

    optimizer: str = "adamw"  # or "muon"
    lr: float = 6e-4  # at its peak
    min_lr_ratio: float = 0.1  # the cosine ends at this share of `lr`
    warmup_steps: int = 700  # linear from 0
    beta1: float = 0.9
    beta2: float = 0.95
    decay: float = 0.1  # on matrices only
    clip: float = 1.0  # global gradient norm; 0 for none


@dataclass(frozen=True)
class RunConfig:
    """The loop."""

    preset: str = "gpt2"
    steps: int = 20_000
    batch_tokens: int = 2**19  # tokens a step, over all processes
    micro_batch: int = 0  # windows at a time; 0: chosen for the device
    seed: int = 0
    device: str = "auto"  # "cuda", "cpu"
    precision: str = "auto"  # "bf16" on a GPU, "fp32" elsewhere
    compile: str = "auto"  # "on" on a GPU, "off" elsewhere
    exact: bool = False  # bitwise the same for 1, 2, 4, ... processes
    eval_every: int = 250  # steps
    eval_tokens: int = 2**20
    checkpoint_every: int = 500  # steps
    keep: int = 2  # checkpoints
    log_windows: bool = False  # window ids of every step in metrics.jsonl
    tensorboard: bool = False
    peak_tflops: float = 0.0  # of one device, for MFU; 0: from the table in metrics.py


@dataclass(frozen=True)
class TrainConfig:
    """All of it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Sections of plain values, as JSON and TOML hold them."""
        return dataclasses.asdict(self)


SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "optimizer": OptimizerConfig,
    "run": RunConfig,
}
KEYS: dict[str, str] = {f.name: s for s, c in SECTIONS.items() for f in dataclasses.fields(c)}
CHOICES = {
    "optimizer": ("adamw", "muon"),
    "device": ("auto", "cuda", "cpu"),
    "precision": ("auto", "bf16", "fp32"),
    "compile": ("auto", "on", "off"),
    "preset": tuple(PRESETS),
}
# What a resumed run may do otherwise than before: nothing that changes a weight.
MAY_CHANGE = {"device", "compile", "eval_every", "eval_tokens", "checkpoint_every", "keep"} | {
    "log_windows",
    "tensorboard",
    "peak_tflops",
}


class Settings:
    """Values and where each came from; a later source wins over an earlier one."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}

    def set(self, key: str, value: Any, source: str) -> None:
        """Sets one key, `lr` or `optimizer.lr`; raises `ConfigError` for a key or type unknown."""
        section, _, name = key.rpartition(".")
        if KEYS.get(name) != (section or KEYS.get(name)) or name not in KEYS:
            raise ConfigError(
                f"no setting `{key}` ({source})",
                hint="`webtext train --show-config` prints every setting",
            )
        self.values[name] = _typed(name, value, source)
        self.sources[name] = source

    def set_preset(self, name: str, source: str) -> None:
        """Sets what the preset `name` stands for, wherever nothing else has been set."""
        self.set("preset", name, source)
        preset = dataclasses.asdict(PRESETS[name])
        for key, value in preset.items():
            if key in KEYS and key not in self.values:
                self.set(key, value, f"preset {name}")

    def update(self, table: Mapping[str, Any], source: str) -> None:
        """Sets every value of a TOML table or of a recorded configuration."""
        for key, value in table.items():
            if isinstance(value, Mapping):
                self.update({f"{key}.{k}": v for k, v in value.items()}, source)
            else:
                self.set(key, value, source)

    def config(self) -> TrainConfig:
        """The configuration; raises `ConfigError` where values contradict each other."""
        parts = {
            section: cls(**{k: v for k, v in self.values.items() if KEYS[k] == section})
            for section, cls in SECTIONS.items()
        }
        config = TrainConfig(**parts)
        _check(config)
        return config

    def rows(self) -> Iterable[tuple[str, Any, str]]:
        """`(section.key, value, source)` of every setting, for `--show-config`."""
        for section, values in self.config().as_dict().items():
            for key, value in values.items():
                yield f"{section}.{key}", value, self.sources.get(key, "default")


def read_toml(path: Path, whole: bool) -> dict[str, Any]:
    """The table `[train]` of a TOML file; with `whole` the whole file where it has none."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"`{path}` is not TOML: {error}") from error
    train = table.get("train", table if whole else {})
    if not isinstance(train, dict):
        raise ConfigError(f"`train` in `{path}` is {train!r}, expected a table")
    return train


def _typed(name: str, value: Any, source: str) -> Any:
    kind = get_type_hints(SECTIONS[KEYS[name]])[name]
    found = f"`{name}` is {value!r} ({source})"
    if isinstance(value, str) and kind is not str:
        try:
            if kind is bool:
                value = {"true": True, "false": False}[value.lower()]
            else:
                value = kind(value.replace("_", ""))
        except (KeyError, ValueError):
            raise ConfigError(f"{found}, expected {_WORDS[kind]}") from None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise ConfigError(f"{found}, expected {_WORDS[kind]}")
    if name in CHOICES and value not in CHOICES[name]:
        raise ConfigError(f"{found}, expected one of {', '.join(CHOICES[name])}")
    return value


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _check(config: TrainConfig) -> None:
    for section, values in config.as_dict().items():
        for key, value in values.items():
            least = 0 if key in _MAY_BE_ZERO or isinstance(value, float) else 1
            if not isinstance(value, bool | str) and not value >= least:
                raise ConfigError(f"`{section}.{key}` is {value}, expected at least {least}")
    model, run, optimizer = config.model, config.run, config.optimizer
    if model.width % model.heads:
        raise ConfigError(f"width {model.width} is not a multiple of its {model.heads} heads")
    if run.batch_tokens % model.context:
        raise ConfigError(
            f"`batch_tokens` is {run.batch_tokens}, expected a multiple of the context, "
            f"{model.context} tokens"
        )
    for name, top in (("beta1", optimizer.beta1), ("beta2", optimizer.beta2)):
        if not top < 1:
            raise ConfigError(f"`{name}` is {top}, expected less than 1")
    if not config.data.val_fraction < 1:
        raise ConfigError(f"`val_fraction` is {config.data.val_fraction}, expected less than 1")


_MAY_BE_ZERO = {"micro_batch", "seed", "data_seed", "warmup_steps", "eval_every"}
