"""One pass over training text for the exact n-grams of test sets: what is there, and where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.observer import SILENT, Observer
from webtext_py.overlap.training import TrainingText

PASSAGE = 160  # characters of the training text shown on each side of a stretch: our choice
MOST_PASSAGE = 4000  # characters of a stretch shown: our choice

NOTHING = np.uint32(2**32 - 1)


@dataclass(frozen=True)
class Stretch:
    """A stretch of training text whose words equal a stretch of a test set's."""

    place: int  # of its first word over all test texts
    ngrams: int  # n - 1 less than its words
    doc_id: str
    url: str | None
    source: str  # the file's name
    start: int  # characters of the training text
    end: int
    before: str  # what stands around it, for people
    passage: str
    after: str


@dataclass
class Evidence:
    """What the pass found."""

    documents: npt.NDArray[np.uint32]  # by n-gram: training documents that have it
    best: npt.NDArray[np.uint32]  # by place: the longest stretch over it, NOTHING where none is
    stretches: list[Stretch]
    by_ngram: npt.NDArray[np.uint32]  # by n-gram: a stretch that has it, NOTHING where none does
    texts: int = 0  # training documents read
    words: int = 0
    ngrams: int = 0
    overlapping: dict[Path, list[int]] = field(default_factory=dict)  # rows with any, by file
    rows: dict[Path, int] = field(default_factory=dict)  # documents read, by file

    def totals(self) -> dict[str, int]:
        """How much training text was read."""
        return {"documents": self.texts, "words": self.words, "ngrams": self.ngrams}


@dataclass(frozen=True)
class Part:
    """What some of the files have; of several, in order, `joined` makes the whole."""

    documents: npt.NDArray[np.uint32]  # by n-gram
    lengths: npt.NDArray[np.uint32]  # by place: n-grams of the longest stretch over it
    best: npt.NDArray[np.uint32]  # by place: its number in `stretches`
    stretches: list[Stretch]
    words: int
    ngrams: int
    overlapping: list[list[int]]  # by file
    rows: list[int]  # by file


def find_evidence(
    texts: _core.NgramTexts,
    training: TrainingText,
    *,
    threads: int = 1,
    observer: Observer = SILENT,
) -> Evidence:
    """Reads all training text once. Memory grows with the test sets, not with the training text.

    The result does not depend on `threads` or on how the text is cut into files and batches, but
    for which of several equally long stretches is shown: the first in the order of the files.
    """
    observer.step_started("evidence", training.size(), "bytes")
    part = find_part(texts, training, threads, observer.advanced)
    return joined([part], texts, training)


def find_part(
    texts: _core.NgramTexts, training: TrainingText, threads: int, advance: Callable[[int], None]
) -> Part:
    """What the files of a text have."""
    scanner = _core.NgramScanner(texts)
    stretches: list[Stretch] = []
    overlapping, rows_of = [], []
    for source, batches in training.files(extra=["url"]):
        row = 0
        rows: list[int] = []
        for batch in batches:
            column = text_column(batch.column("text"))
            hits_buffer, runs_buffer = scanner.scan_rows(*column, threads)
            hits = np.frombuffer(memoryview(hits_buffer), np.uint32)
            found = np.frombuffer(memoryview(runs_buffer), np.uint64).reshape(-1, 5)
            for line in found.tolist():
                stretches.append(_stretch(batch, line, source.path.name))
            rows += (np.flatnonzero(hits) + row).tolist()
            row += batch.num_rows
        overlapping.append(rows)
        rows_of.append(row)
        advance(source.path.stat().st_size)
    best = np.frombuffer(memoryview(scanner.best_runs()), np.uint32).copy()
    covered = best != NOTHING
    # Those that a longer one took all places of are left out.
    used, best[covered] = np.unique(best[covered], return_inverse=True)
    stretches = [stretches[number] for number in used]
    lengths = np.zeros(len(best), np.uint32)
    lengths[covered] = np.array([one.ngrams for one in stretches], np.uint32)[best[covered]]
    counts = np.frombuffer(memoryview(scanner.documents()), np.uint32)
    return Part(counts, lengths, best, stretches, *scanner.totals(), overlapping, rows_of)


def joined(parts: Sequence[Part], texts: _core.NgramTexts, training: TrainingText) -> Evidence:
    """The evidence of all files, out of parts in the order of the files."""
    best, lengths = parts[0].best.copy(), parts[0].lengths.copy()
    stretches = list(parts[0].stretches)
    for part in parts[1:]:
        longer = part.lengths > lengths  # of equal ones the first stays
        best[longer] = part.best[longer] + np.uint32(len(stretches))
        lengths[longer] = part.lengths[longer]
        stretches += part.stretches
    ngrams_at = np.frombuffer(memoryview(texts.ngrams()), np.uint32)
    covered = np.flatnonzero((best != NOTHING) & (ngrams_at != NOTHING))[::-1]  # the first wins
    by_ngram = np.full(len(texts), NOTHING)
    by_ngram[ngrams_at[covered]] = best[covered]
    counts = np.minimum(sum(part.documents.astype(np.uint64) for part in parts), NOTHING)
    paths = [source.path for source in training.sources]
    rows = dict(zip(paths, (n for part in parts for n in part.rows), strict=True))
    found = dict(zip(paths, (n for part in parts for n in part.overlapping), strict=True))
    return Evidence(
        counts.astype(np.uint32),
        best,
        stretches,
        by_ngram,
        sum(rows.values()),
        sum(part.words for part in parts),
        sum(part.ngrams for part in parts),
        {path: numbers for path, numbers in found.items() if numbers},
        rows,
    )


def _stretch(batch: pa.RecordBatch, line: Sequence[int], source: str) -> Stretch:
    row, start, end, place, ngrams = line
    text, doc_id, url = (batch.column(name)[row].as_py() for name in ("text", "id", "url"))
    data = text.encode()
    first = len(data[:start].decode())
    passage = data[start:end].decode()
    before = data[max(0, start - 4 * PASSAGE) : start].decode("utf-8", "ignore")[-PASSAGE:]
    after = data[end : end + 4 * PASSAGE].decode("utf-8", "ignore")[:PASSAGE]
    shown = passage if len(passage) <= MOST_PASSAGE else passage[:MOST_PASSAGE] + " [...]"
    where = (doc_id, url, source, first, first + len(passage))
    return Stretch(place, ngrams, *where, before, shown, after)
