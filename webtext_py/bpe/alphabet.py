"""GPT-2's way of writing bytes in vocabulary files: one visible character for each byte."""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise


@cache
def characters() -> tuple[str, ...]:
    """The character that stands for each byte, by byte.

    Visible Latin-1 characters stand for themselves, the others are 256, 257, ... in order.
    Source: openai/gpt-2 `encoder.py`, `bytes_to_unicode`.
    """
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in visible)
    stands_for = {byte: chr(byte) for byte in visible}
    stands_for.update((byte, chr(256 + number)) for number, byte in enumerate(others))
    return tuple(stands_for[byte] for byte in range(256))


def spell(token: bytes) -> str:
    """A token's bytes in those characters."""
    return spell_all([token])[0]


def spell_all(tokens: Sequence[bytes]) -> list[str]:
    """`spell` of each token, by one translation of all."""
    letters = dict(enumerate(characters()))
    joined = b"".join(tokens).decode("latin-1").translate(letters)
    ends = accumulate(map(len, tokens), initial=0)
    return [joined[start:end] for start, end in pairwise(ends)]
