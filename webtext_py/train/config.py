"""Every setting of a training run, as frozen dataclasses. Needs no torch.

Names are unique over all sections. Where values come from is `webtext_py.runs.settings`' part.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from webtext_py.errors import ConfigError

PAD_TO = 128  # vocabulary rows; matrix units want round shapes


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model. Defaults: GPT-2, 124,439,808 parameters."""

    layers: int = 12
    heads: int = 12
    width: int = 768
    context: int = 1024  # tokens
    vocab_size: int = 50257  # always the tokenizer's, once one is known

    def vocabulary(self, padded: bool) -> int:
        """Rows of the embedding; inside the model padded to a multiple of 128."""
        return -(-self.vocab_size // PAD_TO) * PAD_TO if padded else self.vocab_size

    def parameters(self, padded: bool = False) -> int:
        """Parameters, the tied embedding once."""
        block = 12 * self.width**2 + 13 * self.width
        embedded = (self.vocabulary(padded) + self.context) * self.width
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
    loss_rows: int = 0  # tokens whose logits are there at a time; 0: chosen for the device
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

    @property
    def windows(self) -> int:
        """Windows a step, over all processes."""
        return self.run.batch_tokens // self.model.context

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Sections of plain values, as JSON and TOML hold them."""
        return dataclasses.asdict(self)

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values out of range, alone or together."""
        for section, values in self.as_dict().items():
            for key, value in values.items():
                check(key, value, f"`{section}.{key}` is {value}")
        model, batch = self.model, self.run.batch_tokens
        if model.width % model.heads:
            raise ConfigError(f"width {model.width} is not a multiple of its {model.heads} heads")
        if batch % model.context:
            raise ConfigError(
                f"`run.batch_tokens` is {batch}, expected a multiple of the context, "
                f"{model.context} tokens"
            )


CHOICES = {
    "optimizer": ("adamw", "muon"),
    "device": ("auto", "cuda", "cpu"),
    "precision": ("auto", "bf16", "fp32"),
    "compile": ("auto", "on", "off"),
}
_MAY_BE_ZERO = ("micro_batch", "loss_rows", "seed", "data_seed", "warmup_steps", "eval_every")
_BELOW_ONE = ("beta1", "beta2", "val_fraction")


def check(key: str, value: Any, found: str) -> None:
    """Raises `ConfigError`, beginning with `found`, for a value that `key` cannot have."""
    if key in CHOICES and value not in CHOICES[key]:
        raise ConfigError(f"{found}, expected one of {', '.join(CHOICES[key])}")
    if key in _BELOW_ONE and not value < 1:
        raise ConfigError(f"{found}, expected less than 1")
    least = 0 if key in _MAY_BE_ZERO or isinstance(value, float) else 1
    if not isinstance(value, bool | str) and not value >= least:
        raise ConfigError(f"{found}, expected at least {least}")
