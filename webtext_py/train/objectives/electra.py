"""ELECTRA: a small generator fills masks, the model tells which tokens are not the original ones.

Source: Clark et al. 2020: masks 15 %, a generator of a quarter of the width that shares the token
embedding, loss = generator's + 50 x detection; the samples carry no gradient. Ours: all masked
tokens become MASK, as the paper's equation has it; positions are not shared, their widths differ.
"""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import TrainConfig
from ..model import GPT2
from .base import Data, Objective
from .draws import sample
from .masked import MASK, at, choose, numbers

SMALLER = 4  # times: the generator's width and heads
_SAMPLE = 4  # what a draw is for; `masked.py` has those before


class Electra(Objective):
    """The generator's masked loss and the model's replaced-token detection."""

    def __init__(self, config: TrainConfig, data: Data) -> None:
        super().__init__(config, data)
        model = config.model
        width, most = model.width // SMALLER, max(1, model.heads // SMALLER)
        heads = next(n for n in range(most, 0, -1) if width % n == 0)
        embedding = model.embedding_width or model.width
        small = dataclasses.replace(model, width=width, heads=heads, embedding_width=embedding)
        self.generator = GPT2(small)
        self.generator.wte = self.model.wte
        self.detector = nn.Sequential(
            nn.Linear(model.width, model.width), nn.GELU(), nn.Linear(model.width, 1)
        )

    def initialise(self, seed: int, teacher: GPT2 | None) -> None:
        """Both models' start; the shared embedding's is that of the model."""
        super().initialise(seed, teacher)
        table = self.model.wte.weight.detach().clone()
        self.generator.initialise(seed + 2)
        with torch.no_grad():
            self.model.wte.weight.copy_(table)

    def ready(self, compiled: bool, teacher: GPT2 | None) -> None:
        """Makes this copy the one that runs."""
        super().ready(compiled, teacher)
        if compiled:
            self.generator.compile(dynamic=False)

    def generated(self, windows: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """The generator's loss, the original ids `(B, T)`, and with its samples in them."""
        ids, which, seed = windows[:, :-1].long(), numbers(windows, number), self.config.run.seed
        text = torch.ones_like(ids, dtype=torch.bool)
        masks = choose(text, which, self.config.objective.mask_share, seed)
        masked = ids.scatter(1, masks.positions, self.config.model.vocab_size + MASK)
        hidden = at(self.hidden(self.generator, masked), masks.positions)
        right, weights = ids.gather(1, masks.positions), masks.weights / len(ids)
        loss = self.cross_entropy(self.generator, hidden, right, weights)
        sampled = sample(self.generator, hidden.detach(), which, seed, _SAMPLE)
        return loss, ids, ids.scatter(1, masks.positions, sampled)

    def detected(self, ids: Tensor) -> Tensor:
        """Logits `(B, T)` that tokens are not the original ones."""
        logits: Tensor = self.detector(self.hidden(self.model, ids))
        return logits[:, :, 0]

    def losses(self, windows: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """The generator's mean loss, and detection's over all tokens."""
        loss, ids, filled = self.generated(windows, number)
        logits = self.detected(filled)
        replaced = (filled != ids).to(logits.dtype)  # a sample that is the original is original
        return loss, F.binary_cross_entropy_with_logits(logits, replaced)

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Generator's loss + 50 x detection's, of windows `(B, T + 1)` without their last token."""
        masked, detection = self.losses(windows, number)
        return masked + self.config.objective.detection * detection
