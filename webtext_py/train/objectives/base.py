"""What all objectives share: a model, what is learnt beside it, and draws that repeat."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from webtext_py.tokens import TokenSet

from ..config import TrainConfig
from ..loss import CHUNK_ROWS, chunk_loss, cross_entropy
from ..model import GPT2, Masks, attention_masks

# cuDNN's kernel first: the fastest on Hopper. None of the first three fills memory.
ATTENTION = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION]
ATTENTION += [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@dataclass
class Data:
    """What a run learns from."""

    training: TokenSet
    validation: TokenSet | None
    end_of_text: int
    token_bytes: npt.NDArray[np.int64]  # length in bytes of each id; 0 for special
    facts: dict[str, Any] = field(default_factory=dict)  # fingerprints, kept in `run.json`
    teacher: GPT2 | None = None  # of a distilled student
    start: GPT2 | None = None  # whose weights are the first


class Objective(nn.Module):
    """A model with its loss: what one process runs for one micro-batch.

    `forward(windows, number)` gives the mean loss of windows `(B, T + 1)`, of which `number` is the
    first one's place among all windows of the run. What is drawn hangs on these places alone, so it
    is the same for any micro-batch, number of processes and resume.
    """

    def __init__(self, config: TrainConfig, data: Data) -> None:
        """Weights are set by `initialise` or a checkpoint."""
        super().__init__()
        self.config, self.end_of_text = config, data.end_of_text
        self.model = GPT2(config.model)
        self.chunk: Callable[..., Any] = chunk_loss
        self.flex = False

    def learnt(self) -> dict[str, nn.Parameter]:
        """Every weight that learns, by name: the model's as they are, the others' by their part."""
        named = self.named_parameters()
        return {name.removeprefix("model."): p for name, p in named if p.requires_grad}

    def beside(self) -> dict[str, nn.Parameter]:
        """What learns beside the model."""
        inside = set(self.model.parameters())
        return {name: p for name, p in self.learnt().items() if p not in inside}

    def initialise(self, seed: int, teacher: GPT2 | None) -> None:
        """The model's start; what else learns, in the order of its names, from N(0, 0.02)."""
        self.model.initialise(seed)
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for parameter in self.beside().values():
                drawn = 0.02 * torch.randn(parameter.shape, generator=generator)
                parameter.copy_(drawn if parameter.dim() > 1 else torch.zeros_like(drawn))

    def ready(self, compiled: bool, teacher: GPT2 | None) -> None:
        """Makes this copy the one that runs."""
        if compiled:
            self.model.compile(dynamic=False)
            self.chunk = torch.compile(chunk_loss, dynamic=False)
        masked = self.config.data.doc_mask or self.config.model.band
        self.flex = bool(compiled and self.model.wte.weight.is_cuda and masked)
        if self.flex:  # torch 2.9 cannot cut a graph that holds FlexAttention into buckets
            torch._dynamo.config.optimize_ddp = False

    def hidden(self, model: GPT2, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Hidden states `(B, T, C)`; what lies beyond `lengths` `(B,)` is not looked at."""
        masks: Masks = attention_masks(
            model.config,
            ids,
            self.end_of_text if self.config.data.doc_mask else None,
            lengths,
            self.flex,
        )
        with sdpa_kernel(ATTENTION, set_priority=True):
            states: Tensor = model(ids, masks)
        return states

    def cross_entropy(
        self, model: GPT2, hidden: Tensor, targets: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Mean loss of `targets`, or with `weights` their weighted sum."""
        rows = self.config.run.loss_rows or CHUNK_ROWS
        vocab_size, table = model.config.vocab_size, model.wte.weight
        narrow = model.narrow(hidden)
        return cross_entropy(narrow, table, targets, vocab_size, rows, self.chunk, weights)

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Mean loss of windows `(B, T + 1)`."""
        raise NotImplementedError

    def validation(self, windows: Tensor, number: int) -> Tensor:
        """What validation reports: the loss itself, where nothing else says more."""
        loss: Tensor = self(windows, number)
        return loss
