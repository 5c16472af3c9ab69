"""Text from a model: one token at a time, with a key-value cache."""

from collections.abc import Sequence

import torch
from torch import Tensor

from webtext_py.errors import ConfigError

from .model import GPT2, Cache


def choose(
    logits: Tensor, generator: torch.Generator, temperature: float, top_k: int, top_p: float
) -> Tensor:
    """One id `(B,)` for each row of `logits` `(B, vocab_size)`.

    `temperature` 0 takes the likeliest. `top_k` (0: all) and `top_p` (1: all) leave out the rest;
    the nucleus is the smallest set of likeliest ids that holds `top_p` of the probability.
    """
    if temperature == 0:
        return logits.argmax(-1)
    scaled, order = (logits.float() / temperature).sort(stable=True, dim=-1, descending=True)
    if top_k:
        scaled[:, top_k:] = float("-inf")
    probabilities = scaled.softmax(-1)
    if top_p < 1:
        before = probabilities.cumsum(-1) - probabilities
        probabilities = probabilities.masked_fill(before >= top_p, 0)
    picked = torch.multinomial(probabilities, 1, generator=generator)
    return order.gather(-1, picked)[:, 0]


@torch.no_grad()
def generate(
    model: GPT2,
    prompt: Sequence[int],
    length: int,
    *,
    samples: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
) -> list[list[int]]:
    """What follows in each of `samples` texts: `length` ids; `prompt` holds at least one.

    Beyond the model's context the later half of what is there is read anew and the cache goes on
    from it.
    """
    given = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "prompt": len(prompt)}
    fine = temperature >= 0, top_k >= 0, 0 < top_p <= 1, len(prompt) > 0
    for (name, value), good in zip(given.items(), fine, strict=True):
        if not good:
            raise ConfigError(f"`{name}` is {value}, out of range")
    device, context = model.wte.weight.device, model.config.context
    generator = torch.Generator(device).manual_seed(seed)
    text = torch.tensor([list(prompt)] * samples, device=device)
    caches: list[Cache] = []
    for _ in range(length):
        fresh = text[:, -1:]
        if not caches or caches[0].length == context:
            caches = model.caches()
            keep = context if text.size(1) <= context else context // 2
            fresh = text[:, -max(1, keep) :]
        hidden = model(fresh, caches=caches)[:, -1]
        ids = choose(model.logits(hidden), generator, temperature, top_k, top_p)
        text = torch.cat([text, ids[:, None]], 1)
    made: list[list[int]] = text[:, len(prompt) :].tolist()
    return made
