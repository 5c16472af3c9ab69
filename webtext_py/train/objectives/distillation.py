"""A student learns from a teacher: DistilBERT's and TinyBERT's losses, for GPT-2.

Sources: Sanh et al. 2019 (soft targets at a temperature 5 x, hard ones 2 x, cosine of the last
hidden states 1 x; the student starts as every second layer of its teacher); Jiao et al. 2020
(squared differences of attention scores before the softmax, and of hidden states through one
projection). Ours: hard targets are the next tokens, since both are GPT-2.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from webtext_py.errors import ConfigError

from ..config import TrainConfig
from ..loss import Chunked, wide
from ..model import GPT2
from .base import Data
from .causal import Causal

ROWS = 2048  # our choice: of both models' logits at a time, some 2 GB for GPT-2's vocabulary


class Distillation(Causal):
    """Soft and hard targets; validation is the student's own loss of the next token."""

    same: tuple[str, ...] = ("vocab_size",)  # what student and teacher must have alike
    teacher: GPT2

    def __init__(self, config: TrainConfig, data: Data) -> None:
        super().__init__(config, data)
        if data.teacher is None:
            raise ConfigError(f"there is no teacher for `objective` {config.objective.objective}")
        ours, theirs = config.model, data.teacher.config
        for key in self.same:
            mine, other = getattr(ours, key), getattr(theirs, key)
            if mine != other:
                raise ConfigError(f"`{key}` is {mine}, but {other} in the teacher: expected alike")
        for key in ("context", "layers"):
            mine, other = getattr(ours, key), getattr(theirs, key)
            if mine > other:
                raise ConfigError(f"`{key}` is {mine}, expected at most the teacher's {other}")

    def ready(self, compiled: bool, teacher: GPT2 | None) -> None:
        """Makes this copy the one that runs, beside a frozen teacher of the same precision."""
        super().ready(compiled, teacher)
        assert teacher is not None
        like = self.model.wte.weight
        self.teacher = teacher.to(like.device, like.dtype).eval().requires_grad_(False)

    def validation(self, windows: Tensor, number: int) -> Tensor:
        """Mean loss of the next token, as for any causal model."""
        return Causal.forward(self, windows, number)

    @torch.no_grad()
    def taught(self, ids: Tensor) -> Tensor:
        """The teacher's hidden states."""
        return self.hidden(self.teacher, ids)

    def targets(self, hidden: Tensor, taught: Tensor, targets: Tensor) -> Tensor:
        """`soft` x T^2 x KL(teacher, student) at temperature T + `hard` x cross-entropy: a mean."""
        how, size, right = self.config.objective, self.config.model.vocab_size, targets.flatten()
        own, others = self.model.narrow(hidden).flatten(0, 1), self.teacher.narrow(taught)
        others, count = others.flatten(0, 1), len(right)

        def chunk(part: slice, rows: Tensor, table: Tensor, grad: bool) -> Any:
            theirs = (others[part] @ self.teacher.wte.weight.T)[:, :size]
            weights = (how.soft / count, how.hard / count, how.temperature)
            return soft_chunk(rows, table, theirs, right[part], *weights, grad)

        total: Tensor = Chunked.apply(own, self.model.wte.weight, chunk, ROWS)
        return total


def soft_chunk(
    hidden: Tensor,
    weight: Tensor,
    teacher: Tensor,
    targets: Tensor,
    soft: float,
    hard: float,
    temperature: float,
    grad: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss of some rows and its gradients: `()`, `(R, C)`, `(V, C)`; `teacher`: logits `(R, V)`."""
    logits = wide((hidden @ weight.T)[:, : teacher.size(1)])
    own = (logits / temperature).log_softmax(1)
    theirs = (wide(teacher) / temperature).log_softmax(1)
    likely, plain = theirs.exp(), logits.log_softmax(1)
    rows = torch.arange(len(targets), device=targets.device)
    loss = soft * temperature**2 * (likely * (theirs - own)).sum()
    loss = loss - hard * plain[rows, targets].sum()
    if not grad:
        return loss, hidden.new_empty(0), hidden.new_empty(0)
    wrong = soft * temperature * (own.exp() - likely) + hard * plain.exp()
    wrong[rows, targets] -= hard
    wrong = F.pad(wrong.to(hidden.dtype), (0, len(weight) - wrong.size(1)))
    return loss, wrong @ weight, wrong.T @ hidden


class DistilBert(Distillation):
    """Soft and hard targets, and the angle between the last hidden states."""

    same = ("vocab_size", "width", "heads", "embedding_width", "share")

    @torch.no_grad()
    def initialise(self, seed: int, teacher: GPT2 | None) -> None:
        """Takes the teacher's embeddings and as many of its layers as fit, evenly spread."""
        assert teacher is not None
        ours, theirs = self.model.state_dict(), teacher.state_dict()
        for name, weight in ours.items():
            if name.startswith("h."):
                _, layer, rest = name.split(".", 2)
                spread = int(layer) * teacher.config.layers // self.config.model.layers
                name = f"h.{spread}.{rest}"
            weight.copy_(theirs[name][: len(weight)])

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Weighted sum of the mean losses of windows `(B, T + 1)`."""
        ids = windows[:, :-1]
        hidden, taught = self.hidden(self.model, ids), self.taught(ids)
        loss = self.targets(hidden, taught, windows[:, 1:].long())
        apart = 1 - F.cosine_similarity(wide(hidden), wide(taught), dim=2)
        return loss + self.config.objective.cosine * apart.mean()


class Inside:
    """What the layers of a model made of the last windows."""

    def __init__(self, model: GPT2) -> None:
        self.states: list[Tensor] = []  # before the first layer and after each, (B, T, C)
        self.qkv: list[Tensor] = []  # of each layer, (B, T, 3 C)
        self.heads = model.config.heads
        blocks: list[Any] = list(model.h)
        blocks[0].register_forward_pre_hook(self._begin)
        for block in blocks:
            block.register_forward_hook(lambda _, __, out: self.states.append(out))
        for matrix in dict.fromkeys(block.attn.c_attn for block in blocks):  # shared ones once
            matrix.register_forward_hook(lambda _, __, out: self.qkv.append(out))

    def _begin(self, _: Any, given: tuple[Any, ...]) -> None:
        self.states, self.qkv = [given[0]], []

    def scores(self, layer: int) -> Tensor:
        """Attention of a layer before the softmax, `(B, H, T, T)`."""
        qkv = wide(self.qkv[layer])
        q, k, _ = qkv.view(*qkv.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        scores: Tensor = q @ k.transpose(2, 3) / q.size(3) ** 0.5
        return scores


class TinyBert(Distillation):
    """Soft and hard targets, attention scores, and hidden states through a projection."""

    same = ("vocab_size", "heads")

    def __init__(self, config: TrainConfig, data: Data) -> None:
        super().__init__(config, data)
        assert data.teacher is not None
        self.project = nn.Linear(config.model.width, data.teacher.config.width, bias=False)

    def ready(self, compiled: bool, teacher: GPT2 | None) -> None:
        """Makes this copy the one that runs: not compiled, since it looks into the layers."""
        super().ready(False, teacher)
        self.own, self.theirs = Inside(self.model), Inside(self.teacher)

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Weighted sum of the mean losses of windows `(B, T + 1)`; layers' losses are added."""
        ids, how = windows[:, :-1], self.config.objective
        loss = self.targets(self.hidden(self.model, ids), self.taught(ids), windows[:, 1:].long())
        ours, theirs = self.config.model.layers, self.teacher.config.layers
        seen = torch.ones(ids.size(1), ids.size(1), dtype=torch.bool, device=ids.device).tril()
        for layer in range(ours + 1):  # 0: before the first
            there = layer * theirs // ours
            apart = self.project(self.own.states[layer]) - self.theirs.states[there]
            loss = loss + how.states * wide(apart).square().mean()
            if layer:
                gap = self.own.scores(layer - 1) - self.theirs.scores(there - 1)
                loss = loss + how.scores * gap[:, :, seen].square().mean()
        return loss
