"""Cross-entropy straight from hidden states, so that the logits never fill memory.

For 64 x 1,024 tokens the logits alone would be 6.6 GB in bf16 and 13 GB in fp32. Here they exist
for one chunk of rows at a time, and the gradient is made while they do: three matrix products in
all, as many as the plain way takes, and nothing to recompute.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .model import GPT2, document_mask

CHUNK_ROWS = 8192  # our choice: 0.8 GB of bf16 logits for GPT-2's vocabulary

# cuDNN's kernel first: the fastest on Hopper. None of the first three fills memory.
ATTENTION = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION]
ATTENTION += [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def chunk_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, vocab_size: int, scale: float, grad: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Summed loss of some rows and its gradients: `()`, `(R, C)`, `(V, C)`.

    `hidden` (R, C), `weight` (V padded, C), `targets` (R,). Rows of `weight` from `vocab_size` on
    take no part. Gradients are of `scale` times the loss; without `grad` they are empty.
    """
    logits = (hidden @ weight.T).to(torch.promote_types(hidden.dtype, torch.float32))
    logits[:, vocab_size:] = float("-inf")
    top = logits.amax(1, keepdim=True)
    shifted = (logits - top).exp_()
    total = shifted.sum(1, keepdim=True)
    rows = torch.arange(len(targets), device=targets.device)
    loss = (top[:, 0] + total[:, 0].log() - logits[rows, targets]).sum()
    if not grad:
        return loss, hidden.new_empty(0), hidden.new_empty(0)
    shifted *= scale / total
    # The right one is taken out before the cast and put back after it: a scatter into the wide
    # values would make the compiler write them to memory.
    right = shifted[rows, targets] - scale
    wrong = shifted.to(hidden.dtype)  # d loss / d logits
    wrong[rows, targets] = right.to(hidden.dtype)
    return loss, wrong @ weight, wrong.T @ hidden


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy over all rows, chunk by chunk, with the gradients made on the way."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, *how: Any) -> Tensor:
        """Mean loss `()`; keeps both gradients for `backward`."""
        vocab, rows, chunk = how
        wide = torch.promote_types(hidden.dtype, torch.float32)
        grad = any(ctx.needs_input_grad[:2])
        loss = torch.zeros((), dtype=wide, device=hidden.device)
        grad_hidden = torch.empty_like(hidden) if grad else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if grad else None
        for start in range(0, len(targets), rows):
            part = slice(start, start + rows)
            scale = 1 / len(targets)
            one, down, across = chunk(hidden[part], weight, targets[part], vocab, scale, grad)
            loss += one
            if grad_hidden is not None and grad_weight is not None:
                grad_hidden[part] = down
                grad_weight += across
        if grad_hidden is not None and grad_weight is not None:
            ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
        return loss / len(targets)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Scales the kept gradients."""
        grad_hidden, grad_weight = ctx.saved_tensors
        scale = grads[0]
        return grad_hidden * scale, grad_weight * scale, None, None, None, None


def cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    vocab_size: int,
    chunk_rows: int = CHUNK_ROWS,
    chunk: Callable[..., Any] = chunk_loss,
) -> Tensor:
    """Mean cross-entropy in nats of `targets` (B, T) given `hidden` (B, T, C): a scalar.

    `chunk` is `chunk_loss` or the same function compiled.
    """
    flat = hidden.reshape(-1, hidden.size(-1))
    loss: Tensor = _ChunkedCrossEntropy.apply(
        flat, weight, targets.reshape(-1), vocab_size, chunk_rows, chunk
    )
    return loss


class WindowLoss(nn.Module):
    """A model with its loss: what one process runs for one micro-batch."""

    def __init__(
        self, model: GPT2, mask_from: int | None, compiled: bool, rows: int = CHUNK_ROWS
    ) -> None:
        """`mask_from`: the id of `<|endoftext|>` keeps attention within documents."""
        super().__init__()
        self.model, self.mask_from, self.rows = model, mask_from, rows
        self.flex = compiled and model.wte.weight.is_cuda and mask_from is not None
        self.chunk: Callable[..., Any] = chunk_loss
        if compiled:
            model.compile(dynamic=False)
            self.chunk = torch.compile(chunk_loss, dynamic=False)
        if self.flex:  # torch 2.9 cannot cut a graph that holds FlexAttention into buckets
            torch._dynamo.config.optimize_ddp = False

    def forward(self, windows: Tensor) -> Tensor:
        """Mean loss of windows `(B, T + 1)`, whose last token is only a target."""
        ids, targets, mask = windows[:, :-1], windows[:, 1:].long(), None
        if self.mask_from is not None:
            mask = document_mask(ids, self.mask_from, self.flex)
        with sdpa_kernel(ATTENTION, set_priority=True):
            hidden = self.model(ids, mask)
        weight, vocab_size = self.model.wte.weight, self.model.config.vocab_size
        return cross_entropy(hidden, weight, targets, vocab_size, self.rows, self.chunk)
