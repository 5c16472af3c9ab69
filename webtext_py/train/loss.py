"""Cross-entropy straight from hidden states, so that the logits never fill memory.

For 64 x 1,024 tokens the logits alone would be 6.6 GB in bf16 and 13 GB in fp32. Here they exist
for one chunk of rows at a time, and the gradient is made while they do: three matrix products in
all, as many as the plain way takes, and nothing to recompute.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CHUNK_ROWS = 8192  # our choice: 0.8 GB of bf16 logits for GPT-2's vocabulary
Chunk = Callable[[slice, Tensor, Tensor, bool], tuple[Tensor, Tensor, Tensor]]


def chunk_loss(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    vocab_size: int,
    scale: float | Tensor,
    grad: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of some rows, and gradients of their weighted sum: `(R,)`, `(R, C)`, `(V, C)`.

    `hidden` (R, C), `weight` (V padded, C), `targets` (R,). Rows of `weight` from `vocab_size` on
    take no part. `scale` weighs all rows, or each, `(R, 1)`; without `grad` gradients are empty.
    """
    logits = (hidden @ weight.T).to(torch.promote_types(hidden.dtype, torch.float32))
    logits[:, vocab_size:] = float("-inf")
    top = logits.amax(1, keepdim=True)
    shifted = (logits - top).exp_()
    total = shifted.sum(1, keepdim=True)
    rows = torch.arange(len(targets), device=targets.device)
    loss = top[:, 0] + total[:, 0].log() - logits[rows, targets]
    if not grad:
        return loss, hidden.new_empty(0), hidden.new_empty(0)
    shifted *= scale / total
    # The right one is taken out before the cast and put back after it: a scatter into the wide
    # values would make the compiler write them to memory.
    right = shifted[rows, targets] - (scale if isinstance(scale, float) else scale[:, 0])
    wrong = shifted.to(hidden.dtype)  # d loss / d logits
    wrong[rows, targets] = right.to(hidden.dtype)
    return loss, wrong @ weight, wrong.T @ hidden


class _Chunked(torch.autograd.Function):
    """A sum over all rows, chunk by chunk, with the gradients made on the way."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, *how: Any) -> Tensor:
        """The sum `()`; keeps both gradients for `backward`."""
        chunk, rows, divisor = how
        wide = torch.promote_types(hidden.dtype, torch.float32)
        grad = any(ctx.needs_input_grad[:2])
        loss = torch.zeros((), dtype=wide, device=hidden.device)
        grad_hidden = torch.empty_like(hidden) if grad else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if grad else None
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            one, down, across = chunk(part, hidden[part], weight, grad)
            loss += one
            if grad_hidden is not None and grad_weight is not None:
                grad_hidden[part] = down
                grad_weight += across
        if grad_hidden is not None and grad_weight is not None:
            ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
        mean: Tensor = loss / divisor
        return mean

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Scales the kept gradients."""
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grads[0], grad_weight * grads[0], None, None, None


def chunked(hidden: Tensor, weight: Tensor, chunk: Chunk, rows: int, divisor: int = 1) -> Tensor:
    """Sum `()` over `divisor` of what `chunk` gives for `rows` rows of `hidden` (N, C) at a time.

    `chunk(part, hidden[part], weight, grad)` gives its part of the sum, and the gradients of that
    over `divisor`.
    """
    mean: Tensor = _Chunked.apply(hidden, weight, chunk, rows, divisor)
    return mean


def cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    vocab_size: int,
    rows: int = CHUNK_ROWS,
    compute: Callable[..., Any] = chunk_loss,
    weights: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy in nats of `targets` (B, T) given `hidden` (B, T, C): a scalar.

    With `weights` (B, T) their weighted sum. `compute` is `chunk_loss` or the same compiled.
    """
    flat, right = hidden.reshape(-1, hidden.size(-1)), targets.reshape(-1)
    each = None if weights is None else weights.reshape(-1, 1)

    def chunk(part: slice, some: Tensor, table: Tensor, grad: bool) -> Any:
        scale = 1 / len(right) if each is None else each[part]
        losses, *gradients = compute(some, table, right[part], vocab_size, scale, grad)
        return (losses if each is None else losses * each[part, 0]).sum(), *gradients

    return chunked(flat, weight, chunk, rows, len(right) if each is None else 1)
