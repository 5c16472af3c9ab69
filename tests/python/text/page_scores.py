"""Scores of extractors on sets of labelled pages, and how much of a difference may be chance.

A set is scored by snippets where none of its pages has a whole gold text, else by shingles over
the pages that have one. Both F1 are functions of sums over pages, so a bootstrap sample is a
vector of how often each page is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from labelled_pages import (
    ARTICLES,
    SNIPPETS,
    LabelledPage,
    harmonic_mean,
    precision_and_recall,
    snippet_counts,
)
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLES = 2000


@dataclass(frozen=True)
class PageSet:
    name: str
    at: tuple[int, ...]  # places in the list of all pages
    by_snippets: bool


def page_sets(pages: Sequence[LabelledPage]) -> list[PageSet]:
    """`A` (article-extraction-benchmark), `B` (trafilatura-eval), `more` (the rest), and what
    `more` has by collection, kind and language, then the held-out half of each.
    """
    members: dict[str, list[int]] = {"A": [], "B": [], "more": []}
    for at, page in enumerate(pages):
        if page.collection in (ARTICLES, SNIPPETS):
            members["A" if page.collection == ARTICLES else "B"].append(at)
            continue
        if page.article is not None:
            members["more"].append(at)
        members.setdefault(page.collection, []).append(at)
        if page.article is not None:
            members.setdefault(f"kind {page.kind}", []).append(at)
            members.setdefault(f"language {page.language}", []).append(at)
            if page.collection == "wcxb":
                members.setdefault(f"wcxb {page.kind}", []).append(at)
    leading = ["A", "B", "more"]
    names = leading + sorted(members.keys() - set(leading), key=lambda name: (" " in name, name))
    sets = []
    for suffix, wanted in (("", (True, False)), (", held out", (True,))):
        for name in names:
            chosen = tuple(at for at in members[name] if pages[at].held_out in wanted)
            if chosen:
                by_snippets = all(pages[at].article is None for at in chosen)
                sets.append(PageSet(name + suffix, chosen, by_snippets))
    return sets


def page_values(pages: Sequence[LabelledPage], texts: Sequence[str]) -> Floats:
    """(pages, 3): precision, recall (NaN where the set's metric leaves a page out) and 0 of a page
    with a whole gold text; hits, surplus and missing snippets of another.
    """
    values = np.zeros((len(pages), 3))
    for row, page, text in zip(values, pages, texts, strict=True):
        if page.article is None:
            row[:] = snippet_counts(page, text)
        else:
            nothing = np.nan if page.collection == ARTICLES else 0.0
            shares = precision_and_recall(page.article, text)
            row[:2] = [nothing if share is None else share for share in shares]
    return values


def f1(values: Floats, part: PageSet) -> float:
    """F1 of the pages of `part`; `values` are those of all pages."""
    chosen = values[list(part.at)]
    return float(_f1(chosen, np.ones((1, len(chosen))), part.by_snippets)[0])


def set_scores(pages: Sequence[LabelledPage], texts: Sequence[str]) -> dict[str, float]:
    """F1 of each set of `pages`, by its name."""
    values = page_values(pages, texts)
    return {part.name: f1(values, part) for part in page_sets(pages)}


def difference_interval(one: Floats, other: Floats, part: PageSet) -> tuple[float, float]:
    """95 % bootstrap interval of F1 of `one` less F1 of `other`, pages drawn in pairs.

    The percentiles of `SAMPLES` draws from a fixed seed.
    """
    chosen = list(part.at)
    random = np.random.default_rng(20171231)
    drawn = random.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), SAMPLES)
    weights = drawn.astype(np.float64)
    ours = _f1(one[chosen], weights, part.by_snippets)
    theirs = _f1(other[chosen], weights, part.by_snippets)
    low, high = np.percentile(ours - theirs, [2.5, 97.5])
    return float(low), float(high)


def _f1(values: Floats, weights: Floats, by_snippets: bool) -> Floats:
    """F1 of `values` (pages, 3) for each row of `weights` (samples, pages)."""
    if by_snippets:
        hits, surplus, missing = (weights @ values).T
        found = 2 * hits + surplus + missing
        return np.divide(2 * hits, found, out=np.zeros_like(found), where=found > 0)
    judged = ~np.isnan(values[:, :2])
    sums = weights @ np.where(judged, values[:, :2], 0.0)
    counts = weights @ judged.astype(np.float64)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return np.array([harmonic_mean(precision, recall) for precision, recall in means])
