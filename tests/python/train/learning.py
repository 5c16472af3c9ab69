"""What the tests of objectives share: settings, a few steps of learning, chains to learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from webtext_py.tokens import TokenSet
from webtext_py.train.config import (
    CAUSAL,
    TAUGHT,
    ModelConfig,
    ObjectiveConfig,
    OptimizerConfig,
    RunConfig,
    TrainConfig,
)
from webtext_py.train.model import GPT2
from webtext_py.train.objectives import Data, Objective, objective_of
from webtext_py.train.optimizer import Optimizer

END = 0  # id of <|endoftext|>


def objective(
    kind: str, seed: int = 0, teacher: GPT2 | None = None, how: dict[str, Any] | None = None,
    **shape: Any
) -> Objective:  # fmt: skip
    """An objective at its start, ready to run: 2 layers of 32 unless `shape` says otherwise."""
    size: dict[str, Any] = {"layers": 2, "heads": 2, "width": 32, "context": 16, "vocab_size": 40}
    named = {"teacher": "given"} if kind in TAUGHT else {}
    config = TrainConfig(
        ModelConfig(**{**size, **shape}, causal=kind in CAUSAL),
        run=RunConfig(seed=seed),
        objective=ObjectiveConfig(kind, **{**named, **(how or {})}),
    )
    data = Data(TokenSet([]), None, END, np.zeros(0, np.int64), teacher=teacher)
    made = objective_of(config, data)
    made.initialise(seed, teacher)
    made.ready(False, teacher)
    return made


def learn(
    made: Objective,
    batch: Callable[[], Tensor],
    steps: int,
    lr: float,
    loss_of: Callable[[Tensor, int], Tensor] | None = None,
) -> None:
    """Some steps of AdamW, each with a batch of its own."""
    optimizer, number = Optimizer(made.learnt(), OptimizerConfig()), 0
    for _ in range(steps):
        windows = batch()
        for parameter in made.learnt().values():
            parameter.grad = None
        (loss_of or made)(windows, number).backward()
        optimizer.step(lr)
        number += len(windows)


class Chain:
    """A Markov chain whose next-token distribution is known."""

    def __init__(self, states: int, seed: int = 5, spread: float = 0.15) -> None:
        table = np.random.default_rng(seed).dirichlet(np.full(states, spread), states)
        self.next = torch.tensor(table, dtype=torch.float32)  # (states, states)

    def windows(self, generator: torch.Generator, count: int, length: int = 17) -> Tensor:
        """`(count, length)` tokens."""
        sums, states = self.next.cumsum(1), len(self.next)
        draws = torch.rand(count, length, generator=generator)
        tokens = [(draws[:, 0] * states).long()]
        for place in range(1, length):
            below = (sums[tokens[-1]] < draws[:, place : place + 1]).sum(1)
            tokens.append(below.clamp(max=states - 1))
        return torch.stack(tokens, 1)


def plain_hidden(model: GPT2, ids: list[int], causal: bool) -> Tensor:
    """Hidden states `(T, C)` of one sequence, head by head and position by position."""
    C, H, T = model.config.width, model.config.heads, len(ids)
    x = model.wte.weight[ids] if model.widen is None else model.widen(model.wte.weight[ids])
    x = x + model.wpe.weight[:T]
    blocks: Any = model.h
    for block in blocks:
        q, k, v = block.attn.c_attn(block.ln_1(x)).view(T, 3, H, C // H).unbind(1)
        rows = []
        for t in range(T):
            seen = slice(0, t + 1 if causal else T)
            weights = torch.einsum("hd,khd->hk", q[t], k[seen]) / (C // H) ** 0.5
            rows.append(torch.einsum("hk,khd->hd", weights.softmax(1), v[seen]).reshape(C))
        x = x + block.attn.c_proj(torch.stack(rows))
        x = x + block.mlp(block.ln_2(x))
    hidden: Tensor = model.ln_f(x)
    return hidden


def draw(window: int, place: int, *key: int) -> float:
    """One number in (0, 1) of SplitMix64, in whole numbers of Python."""

    def mix(z: int) -> int:
        z = z * 0x9E3779B97F4A7C15 % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    state = 0
    for part in (*key, window):
        state = mix((state + part + 1) % 2**64)
    return ((mix((state + place) % 2**64) >> 11) + 0.5) / 2**53
