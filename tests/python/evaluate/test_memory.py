"""Planted contamination moves an item; the difference between the columns is the planted one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webtext_py.evaluate.items import Item
from webtext_py.evaluate.memory import overlap_of, shares_of
from webtext_py.evaluate.results import judge, samples, score
from webtext_py.evaluate.scorer import Scored
from webtext_py.overlap import IndexConfig, TrainingText, build_index

from .conftest import write_rows

WORDS = [f"word{n}" for n in range(4000)]


def _text(number: int, length: int = 20) -> str:
    chance = np.random.default_rng(number)
    return " ".join(chance.choice(WORDS, length))


def _index(folder: Path, planted: list[str], n: int) -> Path:
    texts = [f"{_text(900 + i)} {text} {_text(700 + i)}" for i, text in enumerate(planted)]
    rows = [{"text": text} for text in [*texts, _text(5000, 400)]]
    train = TrainingText.of([write_rows(folder / f"train{len(planted)}.jsonl", rows)])
    path = folder / f"{n}-{len(planted)}.bloom"
    build_index(train, path, IndexConfig(n=n))
    return path


def _judged(known: set[int], count: int) -> Any:
    """Right on the items in `known`; the others are right every second time."""
    items = [
        Item(str(n), (("p", "a"), ("p", "b")), 0, _text(n), facts={"choices": ["a", "b"]})
        for n in range(count)
    ]
    sure, wrong = Scored([-1.0], [True]), Scored([-3.0], [False])
    answers = [[sure, wrong] if n in known or n % 2 else [wrong, sure] for n in range(count)]
    return judge("made", "made", "choices", 0, "choices", items, answers)


@pytest.mark.parametrize("n", [8, 13])
def test_the_planted_difference(tmp_path: Path, n: int) -> None:
    known = set(range(0, 80, 2))  # 40 items, which without it would all be wrong
    judged = _judged(known, 200)
    index = _index(tmp_path, [_text(number) for number in sorted(known)], n)
    shares = shares_of(judged.items, index)
    assert set(np.flatnonzero(shares > 0).tolist()) == known
    found = score(judged, {n: shares})["acc"]["by_overlap"][str(n)]
    assert (found["overlapping"]["items"], found["overlapping"]["value"]) == (40, 1.0)
    clean = 100 / 160  # the odd ones are right
    assert found["clean"]["value"] == pytest.approx(clean)
    assert found["difference"]["value"] == pytest.approx(1 - clean)
    low, high = found["difference"]["interval_95"]
    assert low < 1 - clean < high
    made = overlap_of([judged], [{n: shares}], {n: index}, "this build's text")
    assert made is not None
    assert made["items"]["made"][str(n)]["any"] == 40
    curve = made["curves"]["made"][str(n)]
    assert (curve[0]["value"], curve[-1]["value"]) == (pytest.approx(clean), 1.0)
    assert samples(judged, {n: shares})[0][f"overlap_{n}gram"] == 1.0


def test_one_item_moves(tmp_path: Path) -> None:
    judged = _judged(set(), 30)
    before = shares_of(judged.items, _index(tmp_path, [], 8))
    after = shares_of(judged.items, _index(tmp_path, [_text(7)], 8))
    assert not before.any()
    assert np.flatnonzero(after).tolist() == [7]


def test_items_shorter_than_the_ngram_are_in_neither(tmp_path: Path) -> None:
    judged = _judged(set(), 4)
    short = [Item(i.id, i.asks, i.gold, "three words only", facts=i.facts) for i in judged.items]
    shares = shares_of(short, _index(tmp_path, [], 8))
    assert np.isnan(shares).all()
    found = score(judged, {8: shares})["acc"]["by_overlap"]["8"]
    assert (found["clean"]["items"], found["overlapping"]["items"]) == (0, 0)
    assert found["difference"]["note"] == "no items"
