"""What an evaluated model must answer: the protocol that `model.py` and the tests' models fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from webtext_py.evaluate.items import Ask


@dataclass(frozen=True)
class Scored:
    """A continuation's tokens given its prefix: a value for each, in nats for `logprobs`."""

    logprobs: Sequence[float]
    greedy: Sequence[bool]  # whether each token is the likeliest
    allowed: Sequence[bool] = ()  # the same where the tokens of `without` cannot be predicted
    cut: int = 0  # tokens of the prefix left out at the left, for which the context had no room


@dataclass(frozen=True)
class Rolled:
    """The tokens of a text: where each begins, in characters, and its log-probability in nats."""

    starts: Sequence[int]
    logprobs: Sequence[float]


@dataclass(frozen=True)
class Generated:
    """What followed a prompt, up to the first stop."""

    text: str
    logprob: float  # of all its tokens, the stop included
    tokens: int
    cut: int = 0


@dataclass(frozen=True)
class Sampling:
    """How the next token is taken: the likeliest, or one of the `top_k` by a seed."""

    tokens: int  # at most
    until: tuple[str, ...] = ()
    top_k: int = 1
    seed: int = 0


class Scorer(Protocol):
    """A model. No answer may depend on what else is asked beside it."""

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        """Continuations given their prefixes; what a group's asks share is encoded once.

        `without`: words that no token of `Scored.allowed` may begin.
        """
        ...

    def rolling(self, text: str, part: int = 0, parts: int = 1, stride: int = 0) -> Rolled:
        """The tokens of part number `part` of `parts` of a text, each given what comes before it.

        `stride`: tokens that a window predicts; 0: all of its context.
        """
        ...

    def generate(self, prompts: Sequence[str], how: Sampling) -> list[Generated]:
        """What follows each prompt; prompts that begin alike and follow each other are encoded
        once."""
        ...
