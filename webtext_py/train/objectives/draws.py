"""Random numbers by place: of a window and a position, whatever batch they come in.

SplitMix64 (Steele et al. 2014) of a counter, as `splitmix.py` has it, on any device.
"""

import torch
from torch import Tensor

from ..model import GPT2

SAMPLE_NUMBERS = 2**26  # draws that exist at a time in `sample`: 0.5 GB


def uniform(windows: Tensor, size: int, *key: int) -> Tensor:
    """Numbers `(B, size)` in (0, 1), in fp64, for windows of these numbers `(B,)`."""
    state = torch.zeros_like(windows)
    for part in key:
        state = _mix(state + part + 1)
    state = _mix(state + windows + 1)
    places = torch.arange(size, device=windows.device)
    bits = _mix(state[:, None] + places)
    return (_shifted(bits, 11).double() + 0.5) * 2.0**-53


def _mix(x: Tensor) -> Tensor:
    x = x * -0x61C8864680B583EB  # 0x9E3779B97F4A7C15, as all three in 64 bits with a sign
    x = (x ^ _shifted(x, 30)) * -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
    x = (x ^ _shifted(x, 27)) * -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """To the right, with zeros from the left."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


@torch.no_grad()
def sample(model: GPT2, hidden: Tensor, windows: Tensor, *key: int) -> Tensor:
    """An id `(B, k)` for each hidden state `(B, k, C)`, as likely as the model has it.

    The largest logit after each got its own Gumbel noise; a few windows at a time.
    """
    B, k, _ = hidden.shape
    vocab_size = model.config.vocab_size
    ids = torch.empty(B, k, dtype=torch.int64, device=hidden.device)
    few = max(1, SAMPLE_NUMBERS // (k * vocab_size))
    for start in range(0, B, few):
        part = slice(start, start + few)
        noise = uniform(windows[part], k * vocab_size, *key)
        noise = -(-noise.log()).log().view(-1, k, vocab_size)
        ids[part] = (model.logits(hidden[part]) + noise).argmax(-1)
    return ids
