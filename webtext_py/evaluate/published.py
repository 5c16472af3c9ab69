"""The figures of the GPT-2 and GPT-3 reports, beside a score where the protocol is the same.

Sources: GPT-2 report (Radford et al. 2019), Table 3 and section 3; GPT-3 (Brown et al. 2020),
Table H.1. Accuracies and F1 are shares here, as the scores are.
"""

import re
from collections.abc import Mapping, Sequence

GPT2 = ("GPT-2 117M", "GPT-2 345M", "GPT-2 762M", "GPT-2 1542M")
GPT3 = ("GPT-3 Small", "GPT-3 Medium", "GPT-3 Large", "GPT-3 XL")

Figures = Mapping[str, float]

# Metrics of running text that count something else than its units.
SIZED = {"bits_per_byte": "bytes", "bits_per_character": "characters"}


def _row(columns: Sequence[str], values: Sequence[float], scale: float = 1.0) -> dict[str, float]:
    return {c: round(v * scale, 6) for c, v in zip(columns, values, strict=True)}


def _shares(values: Sequence[float], columns: Sequence[str] = GPT2) -> dict[str, float]:
    return _row(columns, values, 0.01)


_LARGEST = GPT2[3:]
# (task, shots or None for any) -> metric -> figures. Task names without signs.
_TABLE: Mapping[tuple[str, int | None], Mapping[str, Figures]] = {
    ("lambada", 0): {
        "token_perplexity": _row(GPT2, (35.13, 15.60, 10.87, 8.63)),
        "token_acc": _shares((52.66,), _LARGEST),
        "acc": _shares((42.7, 54.3, 60.4, 63.6), GPT3),
        "perplexity": _row(GPT3, (18.6, 9.09, 6.53, 5.44)),
    },
    ("lambada", 15): {"acc": _shares((22.0, 40.4, 63.2, 57.0), GPT3)},
    ("cbtcn", 0): {"acc": _shares((87.65, 92.35, 93.45, 93.30))},
    ("cbtne", 0): {"acc": _shares((83.4, 87.1, 88.0, 89.05))},
    ("wikitext2", 0): {"token_perplexity": _row(GPT2, (29.41, 22.76, 19.93, 18.34))},
    ("wikitext103", 0): {"unit_perplexity": _row(GPT2, (37.50, 26.37, 22.05, 17.48))},
    ("ptb", 0): {"unit_perplexity": _row(GPT2, (65.85, 47.33, 40.31, 35.76))},
    ("1bw", 0): {"unit_perplexity": _row(GPT2, (75.20, 55.72, 44.575, 42.16))},
    ("enwik8", 0): {"bits_per_byte": _row(GPT2, (1.16, 1.01, 0.97, 0.93))},
    ("text8", 0): {"bits_per_character": _row(GPT2, (1.17, 1.06, 1.02, 0.98))},
    ("winograd", 0): {
        "acc": {**_shares((70.70,), _LARGEST), **_shares((66.3, 72.9, 74.7, 76.9), GPT3)}
    },
    ("hellaswag", 0): {"acc_token": _shares((33.7, 43.6, 51.0, 54.7), GPT3)},
    ("coqa", 0): {"f1": {**_shares((55.0,), _LARGEST), **_shares((34.5, 55.0, 64.8, 63.5), GPT3)}},
    ("tldr", 0): {
        "rouge1": _shares((29.34,), _LARGEST),
        "rouge2": _shares((8.27,), _LARGEST),
        "rougeL": _shares((26.58,), _LARGEST),
        "rouge1_no_hint": _shares((21.58,), _LARGEST),
        "rouge2_no_hint": _shares((4.03,), _LARGEST),
        "rougeL_no_hint": _shares((19.47,), _LARGEST),
    },
    ("wmt14fren", 0): {"bleu": _row(GPT3, (2.29, 2.99, 3.90, 3.60))},
    ("nqopen", 0): {"exact_match": _shares((0.64, 1.75, 2.71, 4.40), GPT3)},
    ("nqopen", 64): {"exact_match": _shares((1.72, 4.46, 7.89, 9.72), GPT3)},
}
# Where a report has a figure that another protocol made.
_REASONS: Mapping[tuple[str, str], str] = {
    ("lambada", "token_acc_filtered"): "the report's list of stop-words is not published",
    ("lambada", "acc_filtered"): "the report's list of stop-words is not published",
    ("wikitext2", "unit_perplexity"): "the report's figure is for each token",
    ("wikitext103", "token_perplexity"): "the report's figure is for each word",
    ("wmt14fren", "bleu"): "the report's figure was made with another BLEU and a few examples",
    ("wmt14enfr", "bleu"): "the report's figure was made with another BLEU and a few examples",
    ("nqopen", "exact_match"): "the report does not say how many examples it seeded with",
    ("nqopen", "exact_match_top1"): "the report does not say how many examples it seeded with",
}
# How large the sets are that the figures are of: items; of running text original units, bytes or
# characters, whichever a figure is for. Of enwik8 and text8 the last 5 MB, of 1BW the part that is
# named 00000-of-00050: what the results that the report compares its own with were made on.
_SIZES: Mapping[str, int] = {
    "lambada": 5_153,
    "cbtcn": 2_000,
    "cbtne": 2_000,
    "wikitext2": 245_569,
    "wikitext103": 245_569,
    "ptb": 82_430,
    "1bw": 159_658,
    "enwik8": 5_000_000,
    "text8": 5_000_000,
    "winograd": 273,
    "hellaswag": 10_042,
    "coqa": 7_983,
    "tldr": 11_490,
    "nqopen": 3_610,
    "wmt14enfr": 3_003,
    "wmt14fren": 3_003,
}
_CUT = 3  # bytes of a character that the last 5 MB of enwik8 may begin within
_SAME = {"nq": "nqopen", "cnndm": "tldr", "wsc273": "winograd", "wsc": "winograd"}


def _plain(task: str) -> str:
    name = re.sub(r"[^a-z0-9]", "", task.lower())
    return _SAME.get(name, name)


def figures(task: str, shots: int, metric: str, size: int) -> tuple[Figures, str | None]:
    """The reports' figures for a metric of a task, by model; none where there are none, and why
    one that there is does not stand beside it. `size`: as `_SIZES` has it."""
    name = _plain(task)
    found = _TABLE.get((name, shots), {}).get(metric, {})
    if not found:
        return {}, _REASONS.get((name, metric))
    expected = _SIZES[name]
    if not 0 <= expected - size <= (_CUT if name == "enwik8" else 0):
        what = SIZED.get(metric, "items or units")
        return {}, f"the report's set has {expected:,} {what}, this one {size:,}"
    return found, None
