"""Linear layers in fp32 on a CPU by oneDNN, with the very bits of torch's own by MKL.

MKL leaves out the wider vector registers on CPUs of other makers than its own: there oneDNN takes
less than half the time. Sums of another order would differ from other tools' in the last bits,
and of a real model by 1e-4 nats and more. MKL's order there is plain: `BLOCK` products one after
the other, then the next `BLOCK` of them added. oneDNN's is the same within a call, so a call for
each block gives the same bits. Where it does not, as on another CPU, layers stay as they are.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

BLOCK = 192  # products that are summed before they are added to the rest: MKL's, as measured

_OPERATORS = ("_reorder_linear_weight", "_linear_pointwise")


class Blocked(nn.Module):
    """A linear layer `(..., in)` to `(..., out)`."""

    def __init__(self, layer: nn.Linear | Conv1D) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias  # as some models ask for them
        reorder = torch.ops.mkldnn._reorder_linear_weight
        blocks = torch.split(_weight(layer).detach(), BLOCK, 1)
        self.blocks = [reorder(block.contiguous()) for block in blocks]

    def forward(self, vectors: Tensor) -> Tensor:
        """The layer's output."""
        linear = torch.ops.mkldnn._linear_pointwise
        first, *others = torch.split(vectors.reshape(-1, vectors.size(-1)), BLOCK, 1)
        made: Tensor = linear(first, self.blocks[0], self.bias, "none", [], "")
        for part, block in zip(others, self.blocks[1:], strict=True):
            made = linear.binary(part, made, block, None, "add")
        return made.view(*vectors.shape[:-1], -1)


def _weight(layer: nn.Linear | Conv1D) -> Tensor:
    """`(out, in)`: GPT-2's layers have it the other way round."""
    return layer.weight.T if isinstance(layer, Conv1D) else layer.weight


@torch.inference_mode()
def block_layers(model: nn.Module, rows: int) -> None:
    """Puts `Blocked` in the place of linear layers where it equals them in every bit, as tried for
    each shape with `rows` random vectors."""
    backends: Any = torch.backends  # without types
    there = backends.mkl.is_available() and backends.mkldnn.is_available()
    # Not among what torch promises: of another version they may be gone.
    if not there or not all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS):
        return
    same: dict[tuple[int, int, bool], bool] = {}
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if type(layer) is not nn.Linear and type(layer) is not Conv1D:
                continue
            outputs, inputs = _weight(layer).shape
            shape = (outputs, inputs, layer.bias is None)
            if not same.get(shape, True):
                continue
            blocked = Blocked(layer)
            if shape not in same:
                probe = torch.randn(rows, inputs, generator=torch.Generator().manual_seed(0))
                same[shape] = torch.equal(layer(probe), blocked(probe))
            if same[shape]:
                setattr(module, name, blocked)
