"""GPT-2: pre-layer-norm, final layer norm, tanh GELU, learned positions, tied embedding, biases.

Names of modules are those of the released checkpoints. Leaves dropout out: the GPT-2 report names
none, and one pass over fresh text needs none.
"""

import math
from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from .config import ModelConfig

INIT_STD = 0.02  # GPT-2's released code

Mask = Tensor | BlockMask | None  # `(B, 1, T, T)`, true where attention is allowed
Masks = tuple[Mask, Mask]  # of even layers and of odd ones; None: all, or all before it


class Cache:
    """Keys and values of one layer for generation, `(2, B, H, T, D)`."""

    def __init__(self, band: int) -> None:
        self.kept, self.band, self.length = torch.empty(0), band, 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keeps `(B, H, T, D)` behind what is there; returns all keys and values so far, for a
        single new token those in its band."""
        new = torch.stack([keys, values])
        self.kept = torch.cat([self.kept, new], 3) if self.length else new
        self.length += keys.size(2)
        first = max(0, self.length - self.band) if self.band and keys.size(2) == 1 else 0
        return self.kept[0, :, :, first:], self.kept[1, :, :, first:]


class Attention(nn.Module):
    """Self-attention, all heads in one matrix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.causal = config.heads, config.causal
        self.c_attn = nn.Linear(config.width, 3 * config.width)
        self.c_proj = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, mask: Mask, cache: Cache | None) -> Tensor:
        """`(B, T, C)` to `(B, T, C)`; without a mask it is causal where the model is."""
        B, T, C = x.shape
        qkv = self.c_attn(x).view(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, H, T, D)
        if cache is not None:
            k, v = cache.append(k, v)
        if isinstance(mask, BlockMask):
            y: Any = flex_attention(q, k, v, block_mask=mask)
        else:
            # A single new token sees everything before it; longer input starts at position 0.
            causal = self.causal and mask is None and T > 1
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        out: Tensor = self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return out


class Block(nn.Module):
    """Attention and MLP, each behind a layer norm, each added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        C = config.width
        self.ln_1 = nn.LayerNorm(C)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(C)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(C, 4 * C), gelu=nn.GELU("tanh"), c_proj=nn.Linear(4 * C, C))
        )

    def forward(self, x: Tensor, mask: Mask, cache: Cache | None) -> Tensor:
        """`(B, T, C)` to `(B, T, C)`."""
        x = x + self.attn(self.ln_1(x), mask, cache)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class GPT2(nn.Module):
    """The model. `forward` gives hidden states; `logits` or `loss.py` turn them into scores."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        E = config.embedding_width
        self.wte = nn.Embedding(config.vocabulary(padded=True), E or config.width)
        self.widen = nn.Linear(E, config.width, bias=False) if E else None
        self.wpe = nn.Embedding(config.context, config.width)
        self.h = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(config.width)
        first: Any = self.h[0]
        for block in self.h:
            if config.share in ("attention", "all"):
                block.attn, block.ln_1 = first.attn, first.ln_1
            if config.share in ("mlp", "all"):
                block.mlp, block.ln_2 = first.mlp, first.ln_2

    def forward(
        self, ids: Tensor, masks: Masks | None = None, caches: list[Cache] | None = None
    ) -> Tensor:
        """Hidden states `(B, T, C)` after the final layer norm, for `ids` `(B, T)`.

        Without `masks` those of `attention_masks`; a single new token needs none, its cache knows.
        """
        start = caches[0].length if caches else 0
        positions = torch.arange(start, start + ids.size(1), device=ids.device)
        if masks is None:
            masks = (None, None) if start else attention_masks(self.config, ids)
        x = self.wte(ids)
        x = (x if self.widen is None else self.widen(x)) + self.wpe(positions)
        for i, block in enumerate(self.h):
            x = block(x, masks[i % 2], caches[i] if caches else None)
        out: Tensor = self.ln_f(x)
        return out

    def narrow(self, hidden: Tensor) -> Tensor:
        """Hidden states as wide as the embedding, `(..., E)`: what the scores are products of."""
        return hidden if self.widen is None else hidden @ self.widen.weight

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores `(..., vocab_size)`: the rows beyond it never leave the model."""
        return F.linear(self.narrow(hidden), self.wte.weight[: self.config.vocab_size])

    def caches(self) -> list[Cache]:
        """Empty caches, one a layer."""
        return [Cache(self.config.band * (i % 2)) for i in range(self.config.layers)]

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """GPT-2's start: N(0, 0.02), residual projections scaled by 1/sqrt(2 x layers), no bias.

        A factorised embedding's product has that spread, our choice: its second factor is
        N(0, 1/sqrt(E)). Drawn on the CPU, so every device starts alike. The padding rows are zero
        and stay zero: they get no gradient (`loss.py` leaves them out).
        """
        generator = torch.Generator().manual_seed(seed)
        scaled = INIT_STD / math.sqrt(2 * self.config.layers)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                parameter.fill_(1.0 if "ln_" in name and name.endswith("weight") else 0.0)
            else:
                std = scaled if name.endswith("c_proj.weight") else INIT_STD
                std = parameter.size(1) ** -0.5 if name == "widen.weight" else std
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)
        self.wte.weight[self.config.vocabulary() :] = 0.0


def attention_masks(
    config: ModelConfig,
    ids: Tensor,
    end_of_text: int | None = None,
    lengths: Tensor | None = None,
    flex: bool = False,
) -> Masks:
    """Where tokens of `ids` `(B, T)` may look: in a band, within one document where each begins
    with `end_of_text`, at no padding beyond `lengths` `(B,)`.

    With `flex` the form of FlexAttention, whose compiled kernel leaves out blocks of 128 x 128 in
    which nothing is allowed; else a full mask, which makes attention read T x T flags a window.
    """
    (B, T), device = ids.shape, ids.device
    document = None if end_of_text is None else (ids == end_of_text).cumsum(1)  # (B, T)

    def made(band: int) -> Mask:
        def allowed(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            good = q >= k if config.causal else q == q
            if band:
                good = good & ((q - k < band) & (k - q < band))
            if document is not None:
                good = good & (document[b, q] == document[b, k])
            return good if lengths is None else good & (k < lengths[b])

        if not band and document is None and lengths is None:
            return None
        if flex:
            return create_block_mask(allowed, B, None, T, T, device=device)
        rows, place = (torch.arange(n, device=device) for n in (B, T))
        return allowed(rows[:, None, None, None], rows, place[:, None], place).expand(B, 1, T, T)

    dense = made(0)
    return dense, made(config.band) if config.band else dense
