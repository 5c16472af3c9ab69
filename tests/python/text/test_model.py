"""The block model: the core against a slow twin of its trees, and the table against its script."""

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from labelled_pages import LabelledPage, article_benchmark
from numpy.typing import NDArray
from page_texts import by_model, by_rules

from webtext_py import _core
from webtext_py.columns import text_column

TABLE = Path(__file__).parents[3] / "src" / "extract" / "model.bin"


def forests() -> list[list[tuple[list[tuple[int, float, int, int]], list[float]]]]:
    """Splits and leaves of the trees of both looks, as the table's format says."""
    table, at, found = TABLE.read_bytes(), 0, []
    while at < len(table):
        assert table[at : at + 4] == b"WTBF"
        (trees,) = struct.unpack_from("<H", table, at + 6)
        at += 8
        forest = []
        for _ in range(trees):
            count = table[at]
            splits = list(struct.iter_unpack("<Hfbb", table[at + 1 : at + 1 + 8 * count]))
            at += 1 + 8 * count
            forest.append((splits, list(struct.unpack_from(f"<{count + 1}f", table, at))))
            at += 4 * (count + 1)
        found.append(forest)
    return found


def scores(
    forest: list[tuple[list[tuple[int, float, int, int]], list[float]]],
    rows: NDArray[np.float32],
) -> NDArray[np.float32]:
    def leaf(
        splits: list[tuple[int, float, int, int]], leaves: list[float], row: NDArray[np.float32]
    ) -> float:
        at = 0 if splits else -1
        while at >= 0:
            feature, threshold, left, right = splits[at]
            at = left if row[feature] <= threshold else right
        return leaves[-1 - at]

    sums = [sum(leaf(splits, leaves, row) for splits, leaves in forest) for row in rows]
    return np.array(sums, np.float32)


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> list[LabelledPage]:
    return article_benchmark(shared_data / "html")[:12]


@pytest.mark.shared_data
def test_texts_are_what_a_slow_walk_of_both_forests_gives(pages: list[LabelledPage]) -> None:
    first, second = forests()
    bodies = text_column(pa.array([page.body for page in pages], pa.large_binary()))
    types = text_column(pa.array([""] * len(pages), pa.large_string()))
    bounds, features, *_ = map(memoryview, _core.block_features(bodies, types, types))
    offsets = 4 * np.frombuffer(bounds, np.int64)
    rows = np.frombuffer(features, np.float32).reshape(offsets[-1] // 4, -1)
    found = scores(first, rows).view(np.uint8)
    again = np.frombuffer(
        memoryview(_core.second_features(bodies, types, offsets, found)), np.float32
    ).reshape(len(rows), -1)
    places, texts = map(
        memoryview,
        _core.text_by_scores(bodies, types, offsets, scores(second, again).view(np.uint8)),
    )
    ends = np.frombuffer(places, np.int64).tolist()
    expected = [bytes(texts[start:end]).decode() for start, end in pairwise(ends)]
    got = by_model(pages)
    assert got == expected
    assert got != by_rules(pages)


@pytest.mark.shared_data
def test_texts_are_the_same_alone_and_in_a_batch(pages: list[LabelledPage]) -> None:
    assert [by_model([page])[0] for page in pages] == by_model(pages)


def test_the_table_is_small_and_holds_nothing_but_trees() -> None:
    assert 20_000 <= TABLE.stat().st_size <= 110_000
    assert [len(forest) > 0 for forest in forests()] == [True, True]
