"""The batch grows, as in GPT-3's training: small while gradients agree, full when they differ.

Source: GPT-3 paper, appendix B (linear from 32 k tokens over the first 4 to 12 billion). Ours: in
multiples of the first batch. Needs no torch.
"""

import itertools

from .config import TrainConfig


def starts(config: TrainConfig) -> list[int]:
    """Windows before each step, and of all steps: `steps + 1` numbers, 0 first."""
    run, context = config.run, config.model.context
    full, ramp = config.windows, run.ramp_tokens // context
    first = run.batch_from // context or full
    places = [0]
    for _ in range(run.steps):
        steeper = (full // first - 1) * min(places[-1], ramp) // ramp if ramp else 0
        places.append(places[-1] + first * (1 + steeper))
    return places


def sizes(places: list[int]) -> list[int]:
    """Windows of each step."""
    return [after - before for before, after in itertools.pairwise(places)]
