"""Rows of numbers and labels of the blocks of labelled pages, and texts by scores, by the core."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from labelled_pages import SNIPPETS, LabelledPage
from numpy.typing import NDArray

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.url.host import parsed_host, registrable_domain

# Pages that may be trained on, by their licences; the others judge only.
TRAINING = frozenset(
    [
        "article-extraction-benchmark",
        SNIPPETS,
        "wcxb",
        "harvest",
        "chinese",
        "newspaper4k",
    ]
)
FOLDS = 5
# A block is main text where at least this share of its words stands in the gold, in order.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Blocks:
    bounds: NDArray[np.int64]  # of each page's blocks, pages + 1
    features: NDArray[np.float32]  # (blocks, features)
    labels: NDArray[np.int8]  # 1 main text, 0 not, -1 unknown
    words: NDArray[np.uint32]  # of each block


Column = tuple[NDArray[np.int64], NDArray[np.uint8]]


def _columns(pages: list[LabelledPage]) -> tuple[Column, Column]:
    bodies = pa.array([page.body for page in pages], pa.large_binary())
    types = pa.array([page.content_type or "" for page in pages], pa.large_string())
    return text_column(bodies), text_column(types)


def blocks_of(pages: list[LabelledPage]) -> Blocks:
    """The blocks of all pages; where a page has snippets only, those without one are unknown."""
    golds = pa.array([page.article or "" for page in pages], pa.large_string())
    bounds, features, shares, words, text_bounds, texts = (
        memoryview(buffer) for buffer in _core.block_features(*_columns(pages), text_column(golds))
    )
    counts = np.frombuffer(words, np.uint32)
    labels = (np.frombuffer(shares, np.float32) >= LEAST_SHARE).astype(np.int8)
    labels[counts == 0] = -1
    page_bounds = np.frombuffer(bounds, np.int64)
    block_bounds = np.frombuffer(text_bounds, np.int64).tolist()
    for page, (start, end) in zip(pages, pairwise(page_bounds.tolist()), strict=True):
        if page.article is None:
            for block in range(start, end):
                text = bytes(texts[block_bounds[block] : block_bounds[block + 1]]).decode()
                labels[block] = _by_snippets(page, " ".join(text.split()))
    rows = np.frombuffer(features, np.float32).reshape(len(counts), -1)
    return Blocks(page_bounds, rows, labels, counts)


def _by_snippets(page: LabelledPage, text: str) -> int:
    if any(" ".join(snippet.split()) in text for snippet in page.wanted):
        return 1
    if any(" ".join(snippet.split()) in text for snippet in page.unwanted):
        return 0
    return -1


def texts_by(
    pages: list[LabelledPage], bounds: NDArray[np.int64], scores: NDArray[np.float32]
) -> list[str]:
    """Texts of pages where their blocks have `scores`, which extraction would give itself."""
    data = np.ascontiguousarray(scores, np.float32).view(np.uint8)
    offsets, texts = _core.text_by_scores(*_columns(pages), 4 * bounds, data)
    places = np.frombuffer(memoryview(offsets), np.int64).tolist()
    joined = bytes(memoryview(texts))
    return [joined[start:end].decode() for start, end in pairwise(places)]


def second_rows(
    pages: list[LabelledPage], bounds: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Rows of the second look at all blocks, by their `scores` of the first: (blocks, numbers)."""
    data = np.ascontiguousarray(scores, np.float32).view(np.uint8)
    rows = _core.second_features(*_columns(pages), 4 * bounds, data)
    return np.frombuffer(memoryview(rows), np.float32).reshape(len(scores), -1)


def folds_of(pages: list[LabelledPage]) -> NDArray[np.int64]:
    """The fold of each page: pages of a registrable domain share one, over all collections."""

    def fold(page: LabelledPage) -> int:
        host = parsed_host(page.url.partition("://")[2].partition("/")[0].partition(":")[0])
        domain = registrable_domain(host) if host else page.id
        if domain in ("example.org", "archive.org"):  # no address, or that of an archive
            domain = page.id
        return hashlib.blake2b(domain.encode(), digest_size=8).digest()[0] % FOLDS

    return np.array([fold(page) for page in pages])


def weights_of(blocks: Blocks) -> NDArray[np.float32]:
    """Weight of each block: its share of its page's words, pages being equal; mean one."""
    weights = np.where(blocks.labels >= 0, np.minimum(blocks.words, 200) + 5.0, 0.0)
    for start, end in pairwise(blocks.bounds.tolist()):
        total = weights[start:end].sum()
        if total:
            weights[start:end] /= total
    return (weights * len(weights) / weights.sum()).astype(np.float32)
