"""The labelled pages and their two metrics, written from the public definitions.

article-extraction-benchmark (scrapinghub): multisets of 4-token shingles of the gold and the
extracted text; true and false positives and false negatives are normalised to sum to one on each
page; precision and recall are means over pages, F1 is of those means.

trafilatura-eval (adbar): over all pages, how many of the snippets that the text must have and of
those that it must not have stand in it, whitespace normalised; F1 of the sums.

html/more (twelve collections, see its README): shares of shingles as in
article-extraction-benchmark, but a page without any text has precision 0; the pages of one
collection have snippets only. Text that a collection sets apart (comments, captions) is ignored.
"""

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

ARTICLES = "article-extraction-benchmark"
SNIPPETS = "trafilatura-eval"


@dataclass(frozen=True)
class LabelledPage:
    url: str
    body: bytes
    article: str | None = None  # whole gold text (article-extraction-benchmark, html/more)
    wanted: tuple[str, ...] = ()  # snippets (trafilatura-eval)
    unwanted: tuple[str, ...] = ()
    id: str = ""  # COLLECTION:NAME, over all sets
    collection: str = ""
    content_type: str | None = None  # as an HTTP header would give it
    language: str | None = None
    kind: str | None = None

    @property
    def held_out(self) -> bool:
        """Whether the page is in the half that nothing is tuned on: by a keyed hash."""
        digest = hashlib.blake2b(self.id.encode(), digest_size=8, key=b"webtext held-out half")
        return digest.digest()[0] < 128


def article_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / ARTICLES
    gold = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    return [
        LabelledPage(
            entry["url"],
            gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()),
            article=entry["articleBody"],
            id=f"{ARTICLES}:{name}",
            collection=ARTICLES,
        )
        for name, entry in gold.items()
    ]


def snippet_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / SNIPPETS
    gold = json.loads((folder / "evaldata.json").read_text("utf-8"))
    return [
        LabelledPage(
            url,
            gzip.decompress((folder / "pages" / f"{entry['file']}.gz").read_bytes()),
            wanted=tuple(entry["with"]),
            unwanted=tuple(entry["without"]),
            id=f"{SNIPPETS}:{entry['file']}",
            collection=SNIPPETS,
        )
        for url, entry in gold.items()
    ]


def more_pages(html: Path) -> list[LabelledPage]:
    """The pages of html/more in order of collection and file; `snacktory` has no `article`."""
    pages = []
    for file in sorted((html / "more").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            pages += [_more_page(json.loads(line)) for line in lines]
    return pages


def all_pages(html: Path) -> list[LabelledPage]:
    """The pages of all sets: A, B, then html/more."""
    return [*article_benchmark(html), *snippet_benchmark(html), *more_pages(html)]


def _more_page(row: dict[str, object]) -> LabelledPage:
    def text(field: str) -> str:
        value = row.get(field) or ""
        assert isinstance(value, str)
        return value

    def snippets(field: str) -> tuple[str, ...]:
        values = row.get(field) or []
        assert isinstance(values, list)
        return tuple(values)

    # What is given as text is not to be decoded by what its meta element says.
    encoded = "html_b64" in row
    body = base64.b64decode(text("html_b64")) if encoded else text("html").encode()
    charset = text("charset") if encoded else "utf-8"
    return LabelledPage(
        text("url") or f"https://example.org/{text('id')}",
        body,
        article=text("gold") or None,
        wanted=snippets("with"),
        unwanted=snippets("without"),
        id=text("id"),
        collection=text("id").partition(":")[0],
        content_type=f"text/html; charset={charset}" if charset else None,
        language=text("lang") or None,
        kind=text("kind") or None,
    )


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


def precision_and_recall(gold: str, extracted: str) -> tuple[float | None, float | None]:
    """Shares of shingles by the metric of article-extraction-benchmark; None where there is
    nothing to judge (no text has no precision).
    """
    want, have = _shingles(gold), _shingles(extracted)
    hits = (want & have).total()
    surplus, missing = (have - want).total(), (want - have).total()
    return (
        _share(hits, surplus, missing) if hits + surplus else None,
        _share(hits, missing, surplus) if hits + missing else None,
    )


def harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def shingle_f1(pages: list[tuple[str, str]]) -> float:
    """F1 of (gold, extracted) texts by the metric of article-extraction-benchmark."""
    shares = [precision_and_recall(gold, extracted) for gold, extracted in pages]
    return harmonic_mean(
        mean(precision for precision, _ in shares if precision is not None),
        mean(recall for _, recall in shares if recall is not None),
    )


def snippet_counts(page: LabelledPage, extracted: str) -> tuple[int, int, int]:
    """Counts of wanted snippets found, unwanted ones found, wanted ones missing."""

    def flat(text: str) -> str:
        return " ".join(text.split())

    text = flat(extracted)
    found = sum(flat(snippet) in text for snippet in page.wanted)
    surplus = sum(flat(snippet) in text for snippet in page.unwanted)
    return found, surplus, len(page.wanted) - found


def snippet_f1(pages: list[tuple[LabelledPage, str]]) -> float:
    """F1 of extracted texts by the counts of trafilatura-eval."""
    counts = [snippet_counts(page, extracted) for page, extracted in pages]
    hits, surplus, missing = (sum(column) for column in zip(*counts, strict=True))
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
