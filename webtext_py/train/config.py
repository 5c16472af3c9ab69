"""Every setting of a training run, as frozen dataclasses. Needs no torch.

Names are unique over all sections. Where values come from is `webtext_py.runs.settings`' part.
"""

from collections import ChainMap
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from webtext_py.errors import ConfigError

PAD_TO = 128  # vocabulary rows; matrix units want round shapes
TAUGHT = ("distilbert", "tinybert")
CAUSAL = ("causal", *TAUGHT)

Count = Annotated[int, Meta(ge=1, lt=2**53, description="a whole number, at least 1, below 2^53")]
Natural = Annotated[int, Meta(ge=0, lt=2**53, description="a whole number, at least 0, below 2^53")]
Amount = Annotated[float, Meta(ge=0, le=1e308, description="a number, at least 0")]
Above = Annotated[float, Meta(gt=0, le=1e308, description="a number above 0")]
Share = Annotated[float, Meta(ge=0, lt=1, description="a number from 0 to less than 1")]


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model. Defaults: GPT-2, 124,439,808 parameters."""

    layers: Count = 12
    heads: Count = 12
    width: Count = 768
    context: Count = 1024  # tokens
    vocab_size: Count = 50257  # always the tokenizer's, once one is known
    embedding_width: Natural = 0  # of a factorised embedding, as ALBERT's; 0: none, `width`
    share: Literal["none", "attention", "mlp", "all"] = "none"  # what all layers have, as ALBERT's
    band: Natural = 0  # tokens that a token sees in every second layer, as GPT-3's; 0: all
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
        used = replace(self, share="none").parameters() - self.context * self.width
        return 6 * used + 12 * self.layers * self.context * self.width


@dataclass(frozen=True)
class DataConfig:
    """How token files become batches."""

    val_fraction: Share = 0.0  # share of the tokens held out, where there is no validation file
    pool_row_groups: Count = 32  # windows are mixed within as many row groups, some 32 M tokens
    doc_mask: bool = False  # no attention across documents; off as in GPT-2
    data_seed: Natural = 1


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW as in the GPT-3 paper, appendix B; Muon for hidden matrices on request."""

    optimizer: Literal["adamw", "muon"] = "adamw"
    lr: Amount = 6e-4  # at its peak
    min_lr_ratio: Amount = 0.1  # the cosine ends at this share of `lr`
    warmup_steps: Natural = 700  # linear from 0
    beta1: Share = 0.9
    beta2: Share = 0.95
    decay: Amount = 0.1  # on matrices only
    clip: Amount = 1.0  # global gradient norm; 0 for none


@dataclass(frozen=True)
class ObjectiveConfig:
    """What the model learns: `train/objectives/`."""

    objective: Literal["causal", "distilbert", "tinybert", "mlm", "albert", "electra"] = "causal"
    mask_share: Share = 0.15  # of the tokens (mlm, albert, electra)
    detection: Amount = 50.0  # weight of replaced-token detection (electra)
    teacher: str = ""  # a run, or a Hugging Face GPT-2 folder (distilbert, tinybert)
    temperature: Above = 2.0  # of the soft targets
    soft: Amount = 5.0  # weight of the teacher's distribution
    hard: Amount = 2.0  # weight of the next token
    cosine: Amount = 1.0  # weight of the angle between last hidden states (distilbert)
    scores: Amount = 1.0  # weight of squared differences of attention scores (tinybert)
    states: Amount = 1.0  # weight of squared differences of hidden states (tinybert)


@dataclass(frozen=True)
class RunConfig:
    """The loop."""

    preset: str = "gpt2"
    steps: Count = 20_000
    batch_tokens: Count = 2**19  # tokens a step, over all processes
    batch_from: Natural = 0  # tokens of the first steps, which divide `batch_tokens`; 0: no ramp
    ramp_tokens: Natural = 0  # tokens until the batch is whole, with `batch_from`
    micro_batch: Natural = 0  # windows at a time; 0: chosen for the device
    loss_rows: Natural = 0  # tokens whose logits are there at a time; 0: chosen for the device
    seed: Natural = 0
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "bf16", "fp32"] = "auto"  # "bf16" on a GPU, "fp32" elsewhere
    compile: Literal["auto", "on", "off"] = "auto"  # "on" on a GPU, "off" elsewhere
    exact: bool = False  # bitwise the same for 1, 2, 4, ... processes
    eval_every: Natural = 250  # steps
    eval_tokens: Count = 2**20
    checkpoint_every: Count = 500  # steps
    keep: Count = 2  # checkpoints
    log_windows: bool = False  # window ids of every step in metrics.jsonl
    tensorboard: bool = False
    peak_tflops: Amount = 0.0  # of one device, for MFU; 0: from the table in metrics.py


@dataclass(frozen=True)
class TrainConfig:
    """All of it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    run: RunConfig = field(default_factory=RunConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)

    def starts(self) -> list[int]:
        """Windows before each step, and of all steps: `steps + 1` numbers, 0 first.

        With `batch_from` the batch grows linearly, in multiples of that (ours): small while
        gradients agree, full when they differ. Source: GPT-3 paper, appendix B.
        """
        run, context = self.run, self.model.context
        full, ramp = run.batch_tokens // context, run.ramp_tokens // context
        first = run.batch_from // context or full
        places = [0]
        for _ in range(run.steps):
            steeper = (full // first - 1) * min(places[-1], ramp) // ramp if ramp else 0
            places.append(places[-1] + first * (1 + steeper))
        return places

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values out of range, alone or together."""
        for section, values in asdict(self).items():
            for key, value in values.items():
                check(key, value, f"`{section}.{key}` is {value}")
        model, run, kind = self.model, self.run, self.objective.objective
        batch, first, whole = run.batch_tokens, run.batch_from, f"whole contexts of {model.context}"
        if model.causal != (kind in CAUSAL):
            raise ConfigError(f"`causal` is {model.causal}, but `objective` {kind} is not")
        if kind in TAUGHT and not self.objective.teacher:
            hint = "`teacher=RUN` or a Hugging Face GPT-2 folder"
            raise ConfigError(f"`teacher` is not set, as `objective` {kind} needs", hint)
        if model.width % model.heads:
            raise ConfigError(f"width {model.width} is not a multiple of its {model.heads} heads")
        if batch % model.context:
            raise ConfigError(f"`batch_tokens` is {batch}, expected {whole}")
        if first and (first % model.context or batch % first):
            raise ConfigError(f"`batch_from` is {first}, expected {whole} and a divisor of {batch}")
        if bool(first) != bool(run.ramp_tokens):
            found = f"`batch_from` is {first} and `ramp_tokens` {run.ramp_tokens}"
            raise ConfigError(f"{found}, expected both or neither")


SECTIONS: dict[str, type] = get_type_hints(TrainConfig)
_KINDS = ChainMap(*(get_type_hints(cls, include_extras=True) for cls in SECTIONS.values()))


def check(key: str, value: Any, found: str) -> Any:
    """`value` as the type of the setting `key`, also where it is given as text.

    Raises `ConfigError`, beginning with `found`, for what that cannot be.
    """
    kind: Any = _KINDS[key]
    text = isinstance(value, str)
    try:
        plain = value.replace("_", "") if text and kind is not str else value  # 1_000 is a number
        return msgspec.convert(plain, kind, strict=not text)
    except msgspec.ValidationError:
        limits = getattr(kind, "__metadata__", ())
        words = limits[0].description if limits else {bool: "true or false", str: "text"}.get(kind)
        expected = words or f"one of {', '.join(get_args(kind))}"
        raise ConfigError(f"{found}, expected {expected}") from None
