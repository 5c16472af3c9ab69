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


def wide(tensor: Tensor) -> Tensor:
    """In fp32 or wider: what is summed."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def chunk_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, scale: Tensor, vocab_size: int, grad: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Sum of the losses of some rows, each times its `scale`, and the gradients of that: `()`,
    `(R, C)`, `(V, C)`; these are empty without `grad`.

    `hidden` (R, C), `weight` (V padded, C), `targets` (R,), `scale` (R,). Rows of `weight` from
    `vocab_size` on take no part.
    """
    logits = wide(hidden @ weight.T)
    logits[:, vocab_size:] = float("-inf")
    top = logits.amax(1, keepdim=True)
    shifted = (logits - top).exp_()
    total = shifted.sum(1, keepdim=True)
    rows = torch.arange(len(targets), device=targets.device)
    loss = (scale * (top[:, 0] + total[:, 0].log() - logits[rows, targets])).sum()
    if not grad:
        return loss, hidden.new_empty(0), hidden.new_empty(0)
    shifted *= scale[:, None] / total
    # The right one is taken out before the cast and put back after it: a scatter into the wide
    # values would make the compiler write them to memory.
    right = shifted[rows, targets] - scale
    wrong = shifted.to(hidden.dtype)  # d loss / d logits
    wrong[rows, targets] = right.to(hidden.dtype)
    return loss, wrong @ weight, wrong.T @ hidden


class Chunked(torch.autograd.Function):
    """A sum over all rows, chunk by chunk, with the gradients made on the way."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, chunk: Any, rows: int) -> Tensor:
        """The sum `()` of what `chunk(part, hidden[part], weight, grad)` gives for `rows` rows of
        `hidden` (N, C) at a time, and of its gradients, which `backward` returns."""
        grad, loss = any(ctx.needs_input_grad[:2]), wide(hidden.new_zeros(()))
        down = torch.empty_like(hidden) if grad else hidden
        across = torch.zeros_like(weight, dtype=loss.dtype) if grad else weight
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            one, some, table = chunk(part, hidden[part], weight, grad)
            loss += one
            if grad:
                down[part] = some
                across += table
        if grad:
            ctx.save_for_backward(down, across.to(weight.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Scales the kept gradients."""
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grads[0], grad_weight * grads[0], None, None


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
    flat, right = hidden.flatten(0, 1), targets.flatten()
    mean = torch.full_like(right, 1 / len(right), dtype=wide(hidden[:0]).dtype)
    each = mean if weights is None else weights.flatten()

    def chunk(part: slice, some: Tensor, table: Tensor, grad: bool) -> Any:
        return compute(some, table, right[part], each[part], vocab_size, grad)

    total: Tensor = Chunked.apply(flat, weight, chunk, rows)
    return total
