"""Scores with and without overlap: SQuAD's metrics by hand, means by hand, intervals by theory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webtext_py.errors import InputError
from webtext_py.overlap import Example, Scores, TestSet, compare, read_scores, squad_exact, squad_f1


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("The Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("tower", ["the Eiffel tower", "Eiffel"], 0, 2 / 3),
        ("a b c", ["c d"], 0, 0.5),  # `a` is an article: 1 shared of 2 and 2 words
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("", ["x"], 0, 0),
        ("Levi's Stadium", ["Levi\u2019s stadium", "levis stadium"], 1, 1),
        ("x x y", ["x y y"], 0, 2 / 3),
    ],
)
def test_squad_metrics_by_hand(prediction: str, gold: list[str], exact: int, f1: float) -> None:
    assert squad_exact(prediction, gold) == exact
    assert squad_f1(prediction, gold) == pytest.approx(f1)


def make_set(count: int) -> TestSet:
    examples = tuple(Example(str(i), {"text": f"t{i}"}, ("gold",)) for i in range(count))
    return TestSet("set", Path("set.jsonl"), "JSONL", ("text",), examples)


def scores_of(values: "np.ndarray[Any, Any]") -> Scores:
    return Scores({"f1": values.astype(float)}, "scores", 0, 0)


def test_groups_and_means_by_hand() -> None:
    values = np.array([1, 0, 1, 1, 0.5, 0])
    shares = np.array([0, 0, 0.1, 0.2, 1.0, np.nan])
    rows = compare(scores_of(values), shares, np.arange(6))["metrics"]["f1"]
    assert rows["all"]["mean"] == pytest.approx(3.5 / 6)
    assert (rows["clean"]["examples"], rows["clean"]["mean"]) == (2, 0.5)
    assert rows["overlapping"]["mean"] == pytest.approx(2.5 / 3)
    assert (rows["up_to_15"]["mean"], rows["over_15"]["mean"]) == (1, 0.75)
    assert rows["difference"]["mean"] == pytest.approx(2.5 / 3 - 0.5)
    assert all("too few" in rows[name]["note"] for name in rows)
    assert all(rows[name]["interval_95"] is None for name in rows)
    none = compare(scores_of(values), np.zeros(6), np.arange(6))["metrics"]["f1"]
    assert none["over_15"]["note"] == "no examples"
    assert none["difference"]["mean"] is None


def test_interval_is_that_of_theory() -> None:
    random = np.random.default_rng(1)
    values = (random.random(4000) < 0.7).astype(float)
    shares = np.where(np.arange(4000) < 1500, 0.5, 0.0)
    rows = compare(scores_of(values), shares, np.arange(4000))["metrics"]["f1"]
    low, high = rows["clean"]["interval_95"]
    error = np.sqrt(values[1500:].var() / 2500)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.05)
    low, high = rows["difference"]["interval_95"]
    both = np.sqrt(values[1500:].var() / 2500 + values[:1500].var() / 1500)
    assert (high - low) / 2 == pytest.approx(1.96 * both, rel=0.05)


def test_examples_of_one_text_are_drawn_together() -> None:
    random = np.random.default_rng(2)
    by_text = (random.random(100) < 0.5).astype(float)
    values = np.repeat(by_text, 20)  # 2000 examples that are really 100
    clusters = np.repeat(np.arange(100), 20)
    rows = compare(scores_of(values), np.zeros(2000), clusters)["metrics"]["f1"]
    low, high = rows["clean"]["interval_95"]
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(by_text.var() / 100), rel=0.05)


def test_coverage_of_the_interval() -> None:
    random = np.random.default_rng(3)
    inside = 0
    for _ in range(150):
        values = (random.random(300) < 0.6).astype(float)
        shares = np.zeros(300)
        scored = compare(scores_of(values), shares, np.arange(300), resamples=400)
        low, high = scored["metrics"]["f1"]["clean"]["interval_95"]
        inside += low <= 0.6 <= high
    assert 132 <= inside <= 150  # 142.5 expected; 132 is four standard errors below


def test_reading(tmp_path: Path) -> None:
    test = make_set(3)
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"id": "0", "f1": 0.5, "em": 0}\n{"id": 2, "f1": 1, "em": true}\n{"id": 9, "f1": 1}\n'
    )
    scores = read_scores(path, test)
    assert scores.metrics["f1"][[0, 2]].tolist() == [0.5, 1]
    assert np.isnan(scores.metrics["f1"][1])
    assert (scores.missing, scores.unknown) == (1, 1)
    path.write_text(json.dumps({"0": "the Gold", "1": "silver", "2": "gold mine"}))
    scores = read_scores(path, test)
    assert scores.metrics["em"].tolist() == [1, 0, 0]
    assert scores.metrics["f1"].tolist() == pytest.approx([1, 0, 2 / 3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "7", "f1": 1}', "scores no example"),
        ('{"f1": 1}\n{"f1": 0}', "has no `id`"),
        ('{"id": "0", "f1": 1}\n{"id": "0", "f1": 1}', "`0` twice"),
        ('{"id": "0", "note": "x"}\n{"id": "1"}', "no number and no prediction"),
        ("[1, 2]", "neither JSONL"),
    ],
)
def test_wrong_scores_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_scores(path, make_set(3))
