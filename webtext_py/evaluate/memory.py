"""Memory or generalisation: the share of each item's n-grams that stand in the build's text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from webtext_py.overlap.index import Index
from webtext_py.overlap.report import Answer, Layout, SetReport, bins
from webtext_py.overlap.testsets import Example, TestSet
from webtext_py.overlap.treebank import is_tokenised, join_tokens

from .intervals import Numbers, score_of
from .items import Item
from .results import Judged


def shares_of(items: Sequence[Item], index: Path) -> Numbers:
    """The share of each item's n-grams that the filter has; NaN for items shorter than n words.

    An item's own words count: what is asked with its right answer, without the shots before it.
    """
    asked = Index(index)
    texts = [item.text for item in items]
    if is_tokenised(texts):
        texts = [join_tokens(text) for text in texts]
    examples = tuple(
        Example(item.id, {"text": text}) for item, text in zip(items, texts, strict=True)
    )
    test = TestSet("eval", index, "items", ("text",), examples)
    layout = Layout([test], asked.facts["n"], asked.facts["ascii"])
    return SetReport(layout, layout.sets[0], Answer.by_filter(layout, asked.core)).shares


def overlap_of(
    judged: Sequence[Judged], shares: Sequence[Mapping[int, Numbers]], indexes: Mapping[int, Path],
    said: str,
) -> dict[str, Any] | None:  # fmt: skip
    """Items by their overlap for each task and length of n-gram; None where it was not asked."""
    if not indexes:
        return None
    return {
        "text": said,
        "indexes": {str(n): Index(path).facts["digest"] for n, path in indexes.items()},
        "items": {
            one.key: {str(n): bins(share) for n, share in mine.items()}
            for one, mine in zip(judged, shares, strict=True)
        },
        "curves": {
            one.key: {str(n): curve(one, share) for n, share in mine.items()}
            for one, mine in zip(judged, shares, strict=True)
            if one.protocol.name != "translation"
        },
    }


def curve(one: Judged, shares: Numbers) -> list[dict[str, Any]]:
    """The first metric over the share of overlap: none, then fifths, then all."""
    name = next(iter(one.protocol.metrics))
    parts, wholes = one.numbers(name)
    metric = one.protocol.metrics[name]
    edges = [("0", shares == 0)]
    for low in (0, 20, 40, 60, 80):
        inside = (shares > low / 100) & (shares <= (low + 20) / 100)
        edges.append((f"{low}-{low + 20}", inside))
    made = []
    for label, mask in edges:
        value = score_of(metric, parts[mask], wholes[mask])
        made.append({"share": label, "items": int(mask.sum()), "value": value})
    return made
