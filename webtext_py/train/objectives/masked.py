"""Masked language model, alone or with sentence-order prediction as in ALBERT.

Sources: Devlin et al. 2019 (15 %; of these 80 % become MASK, 10 % another token, 10 % stay); Lan et
al. 2020 (order: two spans of one document, swapped half of the time). Left out: the extra layer
before the output, segment embeddings (SEP tells the spans apart), masks of several tokens.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import TrainConfig
from .base import Data, Objective
from .draws import uniform

MASK, CLS, SEP = 0, 1, 2  # rows beyond the vocabulary, in this order
_CHOICE, _KIND, _OTHER, _SWAP = range(4)  # what a draw is for


class Masks(NamedTuple):
    """What is hidden of each window."""

    positions: Tensor  # (B, k)
    weights: Tensor  # (B, k), fp32: their sum is 1 for a window; 0 for places that stay


def choose(text: Tensor, windows: Tensor, share: float, seed: int) -> Masks:
    """`share` of each window's `text` `(B, T)`, rounded, one at least, and nothing else."""
    k, there = max(1, round(share * text.size(1))), text.sum(1)
    many = torch.minimum((share * there).round().clamp(1, k), there)[:, None]
    draws = uniform(windows, text.size(1), seed, _CHOICE).masked_fill(~text, 2.0)
    used = torch.arange(k, device=text.device) < many
    return Masks(draws.argsort(1)[:, :k], (used / many.clamp(min=1)).float())


def numbers(windows: Tensor, number: int) -> Tensor:
    """The numbers `(B,)` of windows, the first of which is `number`."""
    return torch.arange(number, number + len(windows), device=windows.device)


def at(states: Tensor, positions: Tensor) -> Tensor:
    """Of states `(B, T, C)` those at positions `(B, k)`: `(B, k, C)`."""
    return states.gather(1, positions[:, :, None].expand(-1, -1, states.size(2)))


class Masked(Objective):
    """Mean over windows of the mean loss of a window's masked tokens."""

    def masked(
        self, ids: Tensor, text: Tensor, lengths: Tensor | None, number: int
    ) -> tuple[Tensor, Tensor]:
        """Loss of masked tokens of `text` `(B, T)`, and all hidden states `(B, T, C)`."""
        config, windows = self.config, numbers(ids, number)
        seed, size = config.run.seed, config.model.vocab_size
        masks = choose(text, windows, config.objective.mask_share, seed)
        right, k = ids.gather(1, masks.positions), masks.positions.size(1)
        kind, other = (uniform(windows, k, seed, what) for what in (_KIND, _OTHER))
        put = torch.where(kind < 0.8, size + MASK, (other * size).long())
        put = torch.where((kind >= 0.9) | (masks.weights == 0), right, put)
        states = self.hidden(self.model, ids.scatter(1, masks.positions, put), lengths)
        hidden, weights = at(states, masks.positions), masks.weights / len(ids)
        return self.cross_entropy(self.model, hidden, right, weights), states

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Mean loss of windows `(B, T + 1)`, whose last token is left out."""
        ids = windows[:, :-1].long()
        return self.masked(ids, torch.ones_like(ids, dtype=torch.bool), None, number)[0]


class Pairs(NamedTuple):
    """Two spans of one document a window: CLS, span, SEP, span, SEP, and padding."""

    ids: Tensor  # (B, T)
    text: Tensor  # (B, T): where a span is
    lengths: Tensor  # (B,): without padding
    swapped: Tensor  # (B,): whether the later span comes first
    whole: Tensor  # (B,): whether there are two spans


def pairs(windows: Tensor, end_of_text: int, vocab_size: int, swapped: Tensor) -> Pairs:
    """Of each window `(B, T + 1)` the longest stretch of one document, cut in the middle."""
    T = windows.size(1) - 1
    ends = windows == end_of_text
    document = ends.cumsum(1)
    counts = F.pad(torch.zeros_like(document), (0, 1))  # of documents 0 to T + 1
    counts = counts.scatter_add(1, document, torch.ones_like(document))
    longest = counts.argmax(1, keepdim=True)
    first = (document == longest).int().argmax(1, keepdim=True)
    marked = ends.gather(1, first).long()  # its `<|endoftext|>` is no part of a span
    first = first + marked
    n = (counts.gather(1, longest) - marked).clamp(max=T - 3)
    half = n.clamp(min=0) // 2  # spans of one length: another would tell which is which
    n, turn = 2 * half, swapped[:, None]
    place = torch.arange(T, device=windows.device)[None]
    early = (place >= 1) & (place <= half)
    late = (place >= half + 2) & (place <= n + 1)
    source = place - torch.where(late, 2, 1) + torch.where(turn, torch.where(late, -half, half), 0)
    ids = windows.gather(1, (first + source).clamp(0, T))
    ids = torch.where(early | late, ids, vocab_size + SEP)
    ids[:, 0] = vocab_size + CLS
    return Pairs(ids, early | late, n[:, 0] + 3, swapped, n[:, 0] >= 2)


class MaskedAndOrder(Masked):
    """ALBERT's two losses: masked tokens, and which of two spans of a document comes first."""

    def __init__(self, config: TrainConfig, data: Data) -> None:
        super().__init__(config, data)
        self.order = nn.Linear(config.model.width, 1)

    def judged(self, windows: Tensor, number: int) -> tuple[Tensor, Tensor, Pairs]:
        """Loss of masked tokens, logits `(B,)` that the spans are swapped, and the spans."""
        seed, size = self.config.run.seed, self.config.model.vocab_size
        swapped = uniform(numbers(windows, number), 1, seed, _SWAP)[:, 0] < 0.5
        made = pairs(windows.long(), self.end_of_text, size, swapped)
        loss, states = self.masked(made.ids, made.text, made.lengths, number)
        return loss, self.order(states[:, 0])[:, 0], made

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Sum of both mean losses of windows `(B, T + 1)`."""
        masked, logits, made = self.judged(windows, number)
        right = made.swapped.to(logits.dtype)
        order = F.binary_cross_entropy_with_logits(logits, right, reduction="none")
        return masked + (order * made.whole).sum() / len(windows)
