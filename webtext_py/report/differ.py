"""Two texts side by side: where they differ, word by word."""

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Any

from webtext_py.report.texts import EXCERPT

_WORDS = re.compile(r"\S+\s*")
_MOST_WORDS = 400  # of each text compared word by word, which is quadratic
_BEFORE = 20  # words shown before the first that differs: our choice

Piece = list[Any]  # text, and whether it differs


def differ(kept: str, removed: str) -> dict[str, Any]:
    """Excerpts of both texts from shortly before they first differ, in pieces that are equal or
    not, and how many words each has that the other lacks."""
    a, b = _WORDS.findall(kept), _WORDS.findall(removed)
    x, y = [word.strip() for word in a], [word.strip() for word in b]
    same = next(
        (i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y))
    )
    start = 0 if same == len(x) == len(y) else max(0, same - _BEFORE)
    first, second = _window(a, start), _window(b, start)
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    steps = SequenceMatcher(None, x[start:][: len(first)], y[start:][: len(second)], False)
    codes = steps.get_opcodes()
    ends = start + len(first) == len(a), start + len(second) == len(b)
    if codes and codes[-1][0] in ("insert", "delete") and not all(ends):
        codes.pop()  # what stands beside it is behind the excerpt
    for kind, i, j, m, n in codes:
        for side, words in ((pieces[0], first[i:j]), (pieces[1], second[m:n])):
            if words:
                side.append(["".join(words), kind != "equal"])
    counts = Counter(x), Counter(y)
    return {
        "skipped_words": start,
        "only_kept": (counts[0] - counts[1]).total(),
        "only_removed": (counts[1] - counts[0]).total(),
        "kept": pieces[0],
        "removed": pieces[1],
        "cut": [not end for end in ends],
    }


def _window(words: list[str], start: int) -> list[str]:
    """Words from number `start` on, as many as an excerpt holds."""
    length, taken = 0, []
    for word in words[start : start + _MOST_WORDS]:
        length += len(word)
        if length > EXCERPT:
            break
        taken.append(word)
    return taken
