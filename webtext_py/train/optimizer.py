"""AdamW, or Muon for the hidden matrices, with warm-up and cosine decay.

Sources: GPT-3 paper, appendix B (AdamW's settings, clipping, cosine to 10 %); Jordan et al. 2024
for Muon, in torch's own form, scaled to AdamW's update size (Liu et al. 2025) so that one learning
rate serves both.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .config import OptimizerConfig


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """Learning rate of step `step` (from 0) of `steps`.

    Linear to `lr` at the last warm-up step, then a cosine to `min_lr_ratio * lr` at the last step.
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps + 1) / max(1, steps - config.warmup_steps))
    low = config.min_lr_ratio * config.lr
    return low + 0.5 * (config.lr - low) * (1 + math.cos(math.pi * progress))


class Optimizer:
    """One or two torch optimizers over named parameters, with state by their names."""

    def __init__(self, named: Mapping[str, nn.Parameter], config: OptimizerConfig) -> None:
        self.named, muon = named, config.optimizer == "muon"
        # Matrices inside blocks: no embedding, no vector.
        hidden = {n: p for n, p in named.items() if muon and n.startswith("h.") and p.dim() == 2}
        rest = [p for n, p in named.items() if n not in hidden]
        matrices, vectors = ([p for p in rest if (p.dim() >= 2) == wide] for wide in (True, False))
        groups: Any = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        how: dict[str, Any] = {"lr": config.lr, "weight_decay": config.decay}
        adamw = torch.optim.AdamW(groups, betas=(config.beta1, config.beta2), fused=True, **how)
        self.parts: list[torch.optim.Optimizer] = [adamw]
        if hidden:
            self.parts += [torch.optim.Muon(hidden.values(), adjust_lr_fn="match_rms_adamw", **how)]

    def step(self, lr: float) -> None:
        """One update from the parameters' gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = lr
            part.step()

    def tensors(self) -> dict[str, Tensor]:
        """All state, as `exp_avg.h.0.ln_1.weight` and the like."""
        states = {p: state for part in self.parts for p, state in part.state.items()}
        named = self.named.items()
        return {f"{kind}.{n}": t for n, p in named for kind, t in states.get(p, {}).items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `tensors` gave."""
        owner = {p: o for o in self.parts for group in o.param_groups for p in group["params"]}
        for key, value in tensors.items():
            kind, _, name = key.partition(".")
            if name in self.named:  # earlier checkpoints have more
                parameter = self.named[name]
                owner[parameter].state[parameter][kind] = value.to(parameter.device)
