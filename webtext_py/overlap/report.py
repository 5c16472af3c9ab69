"""The report of a test set: counts by field and by example, places, scores.

`Layout` puts the texts of several test sets one after the other, each distinct text of a field
once, so that one pass over the training text serves them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.overlap.evidence import NOTHING, Evidence, Stretch
from webtext_py.overlap.testsets import TestSet
from webtext_py.words import NORMALISER_VERSION, word_spans

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

HITS = pa.schema(
    [
        pa.field("example_id", pa.string(), False),  # the first example that has the text
        pa.field("field", pa.string(), False),
        pa.field("test_start", pa.int64(), False),  # characters of the field's text
        pa.field("test_end", pa.int64(), False),
        pa.field("words", pa.int64(), False),
        pa.field("doc_id", pa.string(), False),
        pa.field("url", pa.string()),
        pa.field("source", pa.string(), False),  # the training file's name
        pa.field("doc_start", pa.int64(), False),  # characters of the training text
        pa.field("doc_end", pa.int64(), False),
    ]
)


@dataclass(frozen=True)
class Texts:
    """A test set's distinct texts: which text number each example has in each field."""

    test: TestSet
    first: int  # number of its first text over all sets
    texts: tuple[str, ...]
    fields: tuple[str, ...]  # of each text
    owners: tuple[int, ...]  # of each text: the first example that has it
    by_example: tuple[tuple[int, ...], ...]  # numbers within the set


class Layout:
    """The texts of test sets, their exact n-grams, and what an answer says of each."""

    def __init__(self, tests: Sequence[TestSet], n: int, ascii: bool) -> None:
        self.n = n
        self.ascii = ascii
        self.sets: list[Texts] = []
        everything: list[str] = []
        for test in tests:
            found = _distinct(test, len(everything))
            self.sets.append(found)
            everything += found.texts
        column = pa.array(everything, pa.large_string())
        self.core = _core.NgramTexts(*text_column(column), n, ascii)
        self.starts = np.frombuffer(memoryview(self.core.text_starts()), np.uint32).astype(np.int64)
        self.ngrams = np.frombuffer(memoryview(self.core.ngrams()), np.uint32)
        self.valid = self.ngrams != NOTHING

    def by_text(self, found: Flags) -> tuple[Counts, Counts]:
        """N-grams of each text, and how many of them `found` (by n-gram) says are there."""
        at_place = np.zeros(len(self.ngrams), bool)
        at_place[self.valid] = found[self.ngrams[self.valid]]
        totals = _sums(self.valid, self.starts)
        return totals, _sums(at_place, self.starts)

    def words_of(self, text: int) -> int:
        """Words of a text, by its number over all sets."""
        return int(self.starts[text + 1] - self.starts[text]) - 1

    def distinct(self, texts: Sequence[int]) -> npt.NDArray[np.uint32]:
        """The distinct n-grams of some texts (numbers over all sets)."""
        mask = np.zeros(len(self.starts), np.int64)
        chosen = np.asarray(texts, np.int64)
        np.add.at(mask, chosen, 1)
        inside = np.repeat(mask[:-1] > 0, np.diff(self.starts))
        return np.unique(self.ngrams[inside & self.valid])


def _sums(flags: Flags, starts: Counts) -> Counts:
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    sums: Counts = running[starts[1:]] - running[starts[:-1]]
    return sums


def _distinct(test: TestSet, first: int) -> Texts:
    numbers: dict[tuple[str, str], int] = {}
    owners: list[int] = []
    by_example = []
    for place, example in enumerate(test.examples):
        mine = []
        for name in test.fields:
            if name in example.texts:
                key = (name, example.texts[name])
                if key not in numbers:
                    numbers[key] = len(owners)
                    owners.append(place)
                mine.append(numbers[key])
        by_example.append(tuple(mine))
    fields, texts = zip(*numbers, strict=True) if numbers else ((), ())
    return Texts(test, first, texts, fields, tuple(owners), tuple(by_example))


@dataclass(frozen=True)
class Answer:
    """Which n-grams are in the training text, and what that makes of each text and example."""

    found: Flags  # by n-gram
    totals: Counts  # by text over all sets
    hits: Counts

    @classmethod
    def of(cls, layout: Layout, found: Flags) -> "Answer":
        """The answer of one source: the filter, or the exact pass."""
        return cls(found, *layout.by_text(found))

    @classmethod
    def by_filter(cls, layout: Layout, index: _core.NgramIndex) -> "Answer":
        """The answer of an index."""
        found = np.zeros(len(layout.core), bool)
        positions = np.frombuffer(memoryview(index.query(layout.core)), np.uint64)
        found[positions.astype(np.int64)] = True
        return cls.of(layout, found)

    def ngrams(self, layout: Layout, texts: Sequence[int]) -> dict[str, int]:
        """The four counts over some texts (numbers over all sets)."""
        chosen = np.asarray(texts, np.int64)
        distinct = layout.distinct(texts)
        return {
            "total": int(self.totals[chosen].sum()),
            "found": int(self.hits[chosen].sum()),
            "distinct": len(distinct),
            "distinct_found": int(self.found[distinct].sum()),
        }

    def shares(self, groups: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        """The share of n-grams found of each group of texts, NaN where it has none."""
        totals, hits = self.sums(groups)
        shares = np.full(len(groups), np.nan)
        np.divide(hits, totals, out=shares, where=totals > 0)
        return shares

    def sums(self, groups: Sequence[Sequence[int]]) -> tuple[Counts, Counts]:
        """The n-grams of each group of texts, and those of them that were found."""
        total, hits = (
            np.array([by_text[texts].sum() for texts in groups], np.int64)
            for by_text in (self.totals, self.hits)
        )
        return total, hits


def bins(shares: npt.NDArray[np.float64]) -> dict[str, int]:
    """Examples by their share of overlap; `over_15` and `over_50` are part of `any`."""
    return {
        "total": len(shares),
        "too_short": int(np.isnan(shares).sum()),
        "clean": int((shares == 0).sum()),
        "any": int((shares > 0).sum()),
        "over_15": int((shares > 0.15).sum()),
        "over_50": int((shares > 0.5).sum()),
        "all": int((shares == 1).sum()),
    }


def histogram(shares: npt.NDArray[np.float64]) -> list[int]:
    """Examples with no overlap, then by tenths: over 0 to 10 %, ... over 90 to below 100 %, all."""
    counts = [int((shares == 0).sum())]
    inner = shares[(shares > 0) & (shares < 1)]
    places = np.minimum(np.ceil(inner * 10).astype(int), 10)
    counts += [int((places == tenth).sum()) for tenth in range(1, 11)]
    return [*counts, int((shares == 1).sum())]


class SetReport:
    """One test set's part of an answer."""

    def __init__(self, layout: Layout, texts: Texts, answer: Answer) -> None:
        self.layout = layout
        self.texts = texts
        self.answer = answer
        self.groups = [[texts.first + t for t in mine] for mine in texts.by_example]
        self.shares = answer.shares(self.groups)
        self.totals, self.hits = answer.sums(self.groups)

    def overlap_of(self, place: int) -> dict[str, Any]:
        """How much of an example was found."""
        total, hits = int(self.totals[place]), int(self.hits[place])
        return {"share": round(float(self.shares[place]), 6), "ngrams": total, "found": hits}

    def text_numbers(self, name: str | None = None) -> list[int]:
        """Numbers over all sets of the texts of a field, or of all fields."""
        fields = enumerate(self.texts.fields)
        return [self.texts.first + number for number, own in fields if name in (None, own)]

    def counts(self, answer: Answer | None = None) -> dict[str, int]:
        """The four counts over all fields."""
        return (answer or self.answer).ngrams(self.layout, self.text_numbers())

    def field_counts(self) -> dict[str, dict[str, Any]]:
        """The four counts of each field, and the examples by that field's text alone."""
        result: dict[str, dict[str, Any]] = {}
        for name in self.texts.test.fields:
            numbers = self.text_numbers(name)
            groups = [
                [t for t in group if self.texts.fields[t - self.texts.first] == name]
                for group in self.groups
            ]
            result[name] = {
                **self.answer.ngrams(self.layout, numbers),
                "examples": bins(self.answer.shares(groups)),
            }
        return result

    def clusters(self) -> npt.NDArray[np.int64]:
        """Numbers the examples that share their longest text."""
        longest = [
            max(group, key=lambda text: (self.layout.words_of(text), -text), default=-1 - place)
            for place, group in enumerate(self.groups)
        ]
        return np.array(longest, np.int64)

    def stretches(self, text: int, evidence: Evidence) -> list[tuple[int, int, Stretch]]:
        """Stretches of a text (number over all sets): first word, words, where in training.

        In the order of the text; each n-gram that was found lies in one.
        """
        start, end = int(self.layout.starts[text]), int(self.layout.starts[text + 1])
        rows: dict[tuple[int, int], Stretch] = {}
        for place in range(start, end):
            number = self.layout.ngrams[place]
            if number == NOTHING or not self.answer.found[number]:
                continue
            best = evidence.best[place]
            stretch = evidence.stretches[best] if best != NOTHING else None
            if stretch is not None:
                rows[(stretch.place - start, stretch.ngrams + self.layout.n - 1)] = stretch
            elif (other := evidence.by_ngram[number]) != NOTHING:
                # An n-gram of very many places: followed from the first of them only.
                stretch = evidence.stretches[other]
                rows[(place - start, self.layout.n)] = stretch
        return [(*place, rows[place]) for place in sorted(rows)]

    def hit_table(self, evidence: Evidence) -> pa.Table:
        """Every stretch of every distinct text, as `HITS`."""
        rows = []
        for number, text in enumerate(self.texts.texts):
            place = self.texts.first + number
            if self.answer.hits[place] == 0:
                continue
            spans = char_spans(text, self.layout.ascii)
            owner = self.texts.test.examples[self.texts.owners[number]].id
            for found in self.stretches(place, evidence):
                row = _place(self.texts.fields[number], spans, *found)
                rows.append({"example_id": owner, **row})
        return pa.Table.from_pylist(rows, HITS)

    def worst(self, most: int) -> list[int]:
        """Examples with most overlap: by share, then n-grams found, then order; texts only once."""
        seen: set[int] = set()
        chosen = []
        for place in sorted(
            np.flatnonzero(self.hits).tolist(),
            key=lambda place: (-self.shares[place], -self.hits[place], place),
        ):
            fresh = {t for t in self.groups[place] if self.answer.hits[t]} - seen
            if fresh:
                chosen.append(place)
                seen |= fresh
            if len(chosen) == most:
                break
        return chosen


def char_spans(text: str, ascii: bool) -> list[tuple[int, int]]:
    """First character and end of each word of `text`."""
    data = text.encode("utf-8", "replace")
    spans = word_spans(data, ascii=ascii)
    if len(data) == len(text):
        return [(int(a), int(b)) for a, b in spans]
    # The number of characters before each byte.
    raw = np.frombuffer(data, np.uint8)
    before = np.concatenate([[0], np.cumsum((raw & 0xC0) != 0x80)])
    return [(int(before[a]), int(before[b])) for a, b in spans.astype(np.int64)]


def document(
    report: SetReport,
    bloom: Answer | None,
    evidence: Evidence | None,
    *,
    own_train: Answer | None,
    scores: dict[str, Any] | None,
    index: dict[str, Any] | None,
    worst: int = 20,
) -> dict[str, Any]:
    """The JSON object of a test set: `docs/overlap.md` has its shape."""
    test = report.texts.test
    examples = []
    for place in report.worst(worst):
        longest = _longest(report, report.groups[place], evidence) if evidence else None
        head = {"id": test.examples[place].id, **report.overlap_of(place)}
        examples.append({**head, "longest": longest})
    return {
        "test": test.name,
        "form": test.form,
        "n": report.layout.n,
        "normaliser": {"version": NORMALISER_VERSION, "ascii": report.layout.ascii},
        "ngrams": report.counts(),
        "fields": report.field_counts(),
        "examples": bins(report.shares),
        "histogram": histogram(report.shares),
        "own_train": None if own_train is None else report.counts(own_train),
        "scores": scores,
        "bloom": None if bloom is None else report.counts(bloom),
        "evidence": None if evidence is None else {**report.counts(), **evidence.totals()},
        "worst": examples,
        "index": index,
    }


def _longest(report: SetReport, group: Sequence[int], evidence: Evidence) -> dict[str, Any] | None:
    best: dict[str, Any] | None = None
    for text in group:
        number = text - report.texts.first
        for first, words, stretch in report.stretches(text, evidence):
            if best is None or words > best["words"]:
                spans = char_spans(report.texts.texts[number], report.layout.ascii)
                best = _place(report.texts.fields[number], spans, first, words, stretch)
    return best


def _place(
    field: str, spans: Sequence[tuple[int, int]], first: int, words: int, stretch: Stretch
) -> dict[str, Any]:
    """Where some words of a field stand there, and in the training text."""
    test = {"test_start": spans[first][0], "test_end": spans[first + words - 1][1]}
    where: dict[str, Any] = {"doc_id": stretch.doc_id, "url": stretch.url, "source": stretch.source}
    where |= {"doc_start": stretch.start, "doc_end": stretch.end}
    return {"field": field, "words": words, **test, **where}
