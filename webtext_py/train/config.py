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
    embedding_width: int = 0  # of a factorised embedding, as ALBERT's; 0: `width`, not factorised
    share: str = "none"  # what all layers have in common, as ALBERT's: attention, mlp, all
    band: int = 0  # tokens before it that a token sees in every second layer, as GPT-3's; 0: all
    causal: bool = True  # no token sees a later one; follows from the objective

    def vocabulary(self, padded: bool = False) -> int:
        """Rows of the embedding: three beyond the vocabulary (MASK, CLS, SEP) where the model is
        not causal; inside the model padded to a multiple of 128."""
        rows = self.vocab_size + (0 if self.causal else 3)
        return -(-rows // PAD_TO) * PAD_TO if padded else rows

    def parameters(self, padded: bool = False) -> int:
        """Parameters: the tied embedding once, and once what layers share.

        V E + [E C] + T C + L (4 C^2 + 6 C) + L (8 C^2 + 7 C) + 2 C, for V rows of the vocabulary,
        width C, T tokens, L layers (1 where shared) and embedding width E: [] where factorised.
        """
        C, E = self.width, self.embedding_width or self.width
        factor = E * C if self.embedding_width else 0
        attention, mlp = 4 * C**2 + 6 * C, 8 * C**2 + 7 * C  # each with its layer norm
        attention *= 1 if self.share in ("attention", "all") else self.layers
        mlp *= 1 if self.share in ("mlp", "all") else self.layers
        return self.vocabulary(padded) * E + factor + self.context * C + attention + mlp + 2 * C

    def flops_per_token(self) -> int:
        """Forward and backward: 6 a parameter, 12 x layers x context x width for attention.

        Source: PaLM paper, appendix B; positions take part in no product, what layers share in
        one for each layer.
        """
        used = dataclasses.replace(self, share="none").parameters() - self.context * self.width
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
class ObjectiveConfig:
    """What the model learns: `train/objectives/`."""

    objective: str = "causal"  # or mlm, albert, electra, distilbert, tinybert
    mask_share: float = 0.15  # of the tokens (mlm, albert, electra)
    detection: float = 50.0  # weight of replaced-token detection (electra)
    teacher: str = ""  # a run, or a Hugging Face GPT-2 folder (distilbert, tinybert)
    temperature: float = 2.0  # of the soft targets
    soft: float = 5.0  # weight of the teacher's distribution
    hard: float = 2.0  # weight of the next token
    cosine: float = 1.0  # weight of the angle between last hidden states (distilbert)
    scores: float = 1.0  # weight of squared differences of attention scores (tinybert)
    states: float = 1.0  # weight of squared differences of hidden states (tinybert)


@dataclass(frozen=True)
class RunConfig:
    """The loop."""

    preset: str = "gpt2"
    steps: int = 20_000
    batch_tokens: int = 2**19  # tokens a step, over all processes
    batch_from: int = 0  # tokens of the first steps, which divide `batch_tokens`; 0: no ramp
    ramp_tokens: int = 0  # tokens until the batch is whole, with `batch_from`
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
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)

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
        model, batch, first = self.model, self.run.batch_tokens, self.run.batch_from
        if model.causal != (self.objective.objective in CAUSAL):
            raise ConfigError(
                f"`model.causal` is {model.causal}, which `objective` "
                f"{self.objective.objective} does not go with"
            )
        if self.objective.objective in TAUGHT and not self.objective.teacher:
            raise ConfigError(
                f"`teacher` is not set, as `objective` {self.objective.objective} needs",
                hint="`teacher=RUN` or a Hugging Face GPT-2 folder",
            )
        if model.width % model.heads:
            raise ConfigError(f"width {model.width} is not a multiple of its {model.heads} heads")
        if batch % model.context:
            raise ConfigError(
                f"`run.batch_tokens` is {batch}, expected a multiple of the context, "
                f"{model.context} tokens"
            )
        if first and (first % model.context or batch % first):
            raise ConfigError(
                f"`batch_from` is {first}, expected whole contexts of {model.context} tokens, and "
                f"`batch_tokens`, {batch}, a multiple of it"
            )
        if bool(first) != bool(self.run.ramp_tokens):
            raise ConfigError(
                f"`batch_from` is {first} and `ramp_tokens` {self.run.ramp_tokens}, expected both "
                "or neither"
            )


TAUGHT = ("distilbert", "tinybert")
CAUSAL = ("causal", *TAUGHT)
CHOICES = {
    "objective": (*CAUSAL, "mlm", "albert", "electra"),
    "share": ("none", "attention", "mlp", "all"),
    "optimizer": ("adamw", "muon"),
    "device": ("auto", "cuda", "cpu"),
    "precision": ("auto", "bf16", "fp32"),
    "compile": ("auto", "on", "off"),
}
_MAY_BE_ZERO = (
    "batch_from",
    "ramp_tokens",
    "embedding_width",
    "band",
    "micro_batch",
    "loss_rows",
    "seed",
    "data_seed",
    "warmup_steps",
    "eval_every",
)
_BELOW_ONE = ("beta1", "beta2", "val_fraction", "mask_share")


def check(key: str, value: Any, found: str) -> None:
    """Raises `ConfigError`, beginning with `found`, for a value that `key` cannot have."""
    if key in CHOICES and value not in CHOICES[key]:
        raise ConfigError(f"{found}, expected one of {', '.join(CHOICES[key])}")
    if key in _BELOW_ONE and not value < 1:
        raise ConfigError(f"{found}, expected less than 1")
    least = 0 if key in _MAY_BE_ZERO or isinstance(value, float) else 1
    if not isinstance(value, bool | str) and not value >= least:
        raise ConfigError(f"{found}, expected at least {least}")
