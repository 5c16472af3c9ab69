"""The sizes a preset names: GPT-2's, GPT-3's, and small ones for trials.

Sources: GPT-2 report, table 2, with heads of 64 as in the released configurations; GPT-3 paper,
table 2.1. Learning rates and batch sizes of GPT-2's sizes are those of the GPT-3 model nearest in
size, since the GPT-2 report gives none; the `nano` sizes are our choice, for minutes on a CPU.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A model's shape and the batch and peak learning rate that go with it."""

    layers: int
    heads: int
    width: int
    context: int
    batch_tokens: int
    lr: float
    steps: int = 20_000
    warmup_steps: int = 700
    eval_every: int = 250


_HALF_M, _ONE_M, _TWO_M = 2**19, 2**20, 2**21

PRESETS: dict[str, Preset] = {
    # Trials. Contexts and batches so small that a few hundred steps take a CPU a minute.
    "nano-xs": Preset(2, 2, 64, 64, 1024, 4e-3, 300, 20, eval_every=50),
    "nano": Preset(3, 4, 96, 128, 2048, 3e-3, 300, 20, eval_every=50),
    "micro": Preset(4, 4, 128, 128, 2048, 3e-3, 300, 20, eval_every=50),
    "mini": Preset(4, 6, 192, 128, 2048, 2e-3, 300, 20, eval_every=50),
    "nano-l": Preset(6, 6, 384, 256, 16_384, 1e-3, 2000, 100),
    # GPT-2, table 2. A tenth of the tokens that one pass per parameter would take.
    "gpt2": Preset(12, 12, 768, 1024, _HALF_M, 6e-4),
    "gpt2-medium": Preset(24, 16, 1024, 1024, _HALF_M, 3e-4),
    "gpt2-large": Preset(36, 20, 1280, 1024, _HALF_M, 2.5e-4),
    "gpt2-xl": Preset(48, 25, 1600, 1024, _ONE_M, 2e-4),
    # GPT-3, table 2.1, with dense attention in every layer (the paper alternates dense and sparse).
    "gpt3-125m": Preset(12, 12, 768, 2048, _HALF_M, 6e-4),
    "gpt3-350m": Preset(24, 16, 1024, 2048, _HALF_M, 3e-4),
    "gpt3-760m": Preset(24, 16, 1536, 2048, _HALF_M, 2.5e-4),
    # The table's 24 heads of 128 do not make 2,048; 16 do.
    "gpt3-1.3b": Preset(24, 16, 2048, 2048, _ONE_M, 2e-4),
    "gpt3-2.7b": Preset(32, 32, 2560, 2048, _ONE_M, 1.6e-4),
    "gpt3-6.7b": Preset(32, 32, 4096, 2048, _TWO_M, 1.2e-4),
    # The table's width of 5,140 is not 40 heads of 128; 5,120 is.
    "gpt3-13b": Preset(40, 40, 5120, 2048, _TWO_M, 1e-4),
}
