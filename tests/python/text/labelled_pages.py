"""The labelled pages and their two metrics, written from the public definitions.

article-extraction-benchmark (scrapinghub): multisets of 4-token shingles of the gold and the
extracted text; true and false positives and false negatives are normalised to sum to one on each
page; precision and recall are means over pages, F1 is of those means.

trafilatura-eval (adbar): over all pages, how many of the snippets that the text must have and of
those that it must not have stand in it, whitespace normalised; F1 of the sums.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean


@dataclass(frozen=True)
class LabelledPage:
    url: str
    body: bytes
    article: str | None = None  # whole gold text (article-extraction-benchmark)
    wanted: tuple[str, ...] = ()  # snippets (trafilatura-eval)
    unwanted: tuple[str, ...] = ()


def article_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / "article-extraction-benchmark"
    gold = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    return [
        LabelledPage(
            entry["url"],
            gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()),
            article=entry["articleBody"],
        )
        for name, entry in gold.items()
    ]


def snippet_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / "trafilatura-eval"
    gold = json.loads((folder / "evaldata.json").read_text("utf-8"))
    return [
        LabelledPage(
            url,
            gzip.decompress((folder / "pages" / f"{entry['file']}.gz").read_bytes()),
            wanted=tuple(entry["with"]),
            unwanted=tuple(entry["without"]),
        )
        for url, entry in gold.items()
    ]


def _shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    tokens = re.findall(r"\w+", text)
    # A text of fewer tokens is one shingle; one of none has none.
    starts = range(max(1, len(tokens) - size + 1))
    return Counter(shingle for at in starts if (shingle := tuple(tokens[at : at + size])))


def _share(hits: float, others: float, misses: float) -> float:
    """Precision from (true positives, false positives, false negatives), or recall with the last
    two exchanged; no mistake at all counts as one, no hit as zero."""
    if others == misses == 0:
        return 1.0
    return hits / (hits + others) if hits else 0.0


def shingle_f1(pages: list[tuple[str, str]]) -> float:
    """F1 of (gold, extracted) texts by the metric of article-extraction-benchmark."""
    precisions, recalls = [], []
    for gold, extracted in pages:
        want, have = _shingles(gold), _shingles(extracted)
        hits = (want & have).total()
        surplus, missing = (have - want).total(), (want - have).total()
        total = hits + surplus + missing
        if total == 0:
            continue
        hits, surplus, missing = hits / total, surplus / total, missing / total
        if hits + surplus > 0:
            precisions.append(_share(hits, surplus, missing))
        if hits + missing > 0:
            recalls.append(_share(hits, missing, surplus))
    precision, recall = mean(precisions), mean(recalls)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def snippet_f1(pages: list[tuple[LabelledPage, str]]) -> float:
    """F1 of extracted texts by the counts of trafilatura-eval."""

    def flat(text: str) -> str:
        return " ".join(text.split())

    hits = surplus = missing = 0
    for page, extracted in pages:
        text = flat(extracted)
        found = sum(flat(snippet) in text for snippet in page.wanted)
        hits += found
        missing += len(page.wanted) - found
        surplus += sum(flat(snippet) in text for snippet in page.unwanted)
    return 2 * hits / (2 * hits + surplus + missing) if hits else 0.0


def scores(html: Path, extract: Callable[[list[LabelledPage]], list[str]]) -> dict[str, float]:
    """Both F1, by the benchmark's name, of what `extract` gives for its pages."""
    articles, snippets = article_benchmark(html), snippet_benchmark(html)
    texts = extract([*articles, *snippets])
    ours, theirs = texts[: len(articles)], texts[len(articles) :]
    return {
        "article-extraction-benchmark": shingle_f1(
            [(page.article or "", text) for page, text in zip(articles, ours, strict=True)]
        ),
        "trafilatura-eval": snippet_f1(list(zip(snippets, theirs, strict=True))),
    }
