"""AdamW, or Muon for the hidden matrices, with warm-up and cosine decay.

Sources: GPT-3 paper, appendix B (AdamW's settings, clipping, cosine to 10 %); Jordan et al. 2024
for Muon, in torch's own form, scaled to AdamW's update size (Liu et al. 2025) so that one learning
rate serves both.
"""

import math
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
    """One or two torch optimizers over a model's parameters, with state by parameter name."""

    def __init__(self, model: nn.Module, config: OptimizerConfig) -> None:
        self.config = config
        self.named = dict(model.named_parameters())
        hidden = [n for n, p in self.named.items() if config.optimizer == "muon" and _hidden(n, p)]
        rest = [n for n in self.named if n not in hidden]
        matrices = [self.named[n] for n in rest if self.named[n].dim() >= 2]
        vectors = [self.named[n] for n in rest if self.named[n].dim() < 2]
        groups = [
            {"params": matrices, "weight_decay": config.decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        betas = (config.beta1, config.beta2)
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=config.lr, betas=betas, fused=True)
        ]
        if hidden:
            hidden_matrices = [self.named[n] for n in hidden]
            same: dict[str, Any] = {"lr": config.lr, "weight_decay": config.decay}
            muon = torch.optim.Muon(hidden_matrices, adjust_lr_fn="match_rms_adamw", **same)
            self.parts.append(muon)

    def step(self, lr: float) -> None:
        """One update from the parameters' gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = lr
            part.step()

    def tensors(self) -> dict[str, Tensor]:
        """All state, as `exp_avg.h.0.ln_1.weight` and the like."""
        names: dict[Any, str] = {parameter: name for name, parameter in self.named.items()}
        return {
            f"{kind}.{names[parameter]}": value
            for part in self.parts
            for parameter, state in part.state.items()
            for kind, value in state.items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `tensors` gave."""
        states: dict[str, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            kind, name = key.split(".", 1)
            states.setdefault(name, {})[kind] = value
        names = {parameter: name for name, parameter in self.named.items()}
        for part in self.parts:
            table: dict[str, Any] = part.state_dict()
            members = [p for group in part.param_groups for p in group["params"]]
            kept = {i: states[names[p]] for i, p in enumerate(members) if names[p] in states}
            part.load_state_dict({**table, "state": kept})


def _hidden(name: str, parameter: Tensor) -> bool:
    """Whether a parameter is a matrix inside a block: no embedding, no vector."""
    return name.startswith("h.") and parameter.dim() == 2
