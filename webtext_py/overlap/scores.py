"""Does overlap change the score: metrics over clean and overlapping examples, with intervals."""

import json
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webtext_py.errors import InputError
from webtext_py.overlap.testsets import TestSet, json_lines

RESAMPLES = 10_000  # our choice: the interval's ends move by about 1 % of its width
SEED = 1979  # our choice, stated: results repeat. Efron 1979 is the bootstrap's source
LEAST_CLUSTERS = 20  # our choice: with fewer, percentile intervals are too narrow to be honest
PREDICTIONS = ("prediction", "prediction_text", "predicted", "answer", "output")


@dataclass(frozen=True)
class Scores:
    """Metrics by example of a test set."""

    metrics: dict[str, npt.NDArray[np.float64]]  # by metric, in the set's order; NaN where none
    form: str
    missing: int  # examples of the set without a score
    unknown: int  # ids in the file that the set does not have


def read_scores(path: Path, test: TestSet) -> Scores:
    """Scores from JSONL (`id` and numbers, or `id` and a prediction), or SQuAD predictions
    (one JSON object, id to answer), which are scored with SQuAD's F1 and exact match.

    Raises `InputError` where nothing can be scored, `FormatError` for broken JSON.
    """
    text = path.read_text("utf-8-sig", "replace")
    places = {example.id: place for place, example in enumerate(test.examples)}
    rows, form = _rows(path, text, places)
    metrics: dict[str, npt.NDArray[np.float64]] = {}
    unknown = 0
    for number, row in enumerate(rows, 1):
        if "id" not in row:
            raise InputError(f"`{path}` item {number} has no `id`; it has {', '.join(row)}")
        place = places.get(str(row["id"]))
        if place is None:
            unknown += 1
            continue
        for name, value in _values(row, test, place, path, number).items():
            column = metrics.setdefault(name, np.full(len(places), np.nan))
            if not np.isnan(column[place]):
                raise InputError(f"`{path}` scores the example `{row['id']}` twice")
            column[place] = value
    if not metrics:
        raise InputError(
            f"`{path}` scores no example of `{test.path}`: {unknown} ids are unknown to it",
            'lines are {"id": ..., "f1": 0.8} with the ids of the test set',
        )
    missing = int(np.isnan(np.stack(list(metrics.values()))).any(0).sum())
    return Scores(metrics, form, missing, unknown)


def _rows(path: Path, text: str, places: dict[str, int]) -> tuple[list[dict[str, Any]], str]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and not ("id" in document and str(document["id"]) in places):
        rows = [{"id": key, "prediction": value} for key, value in document.items()]
        return rows, "SQuAD predictions"
    if isinstance(document, dict):
        document = [document]
    if document is None:
        document = json_lines(path, text)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise InputError(f"`{path}` is neither JSONL of objects nor one object of predictions")
    return document, "scores"


def _values(
    row: dict[str, Any], test: TestSet, place: int, path: Path, number: int
) -> dict[str, float]:
    numbers = {
        name: float(value)
        for name, value in row.items()
        if name != "id" and isinstance(value, int | float) and np.isfinite(value)
    }
    prediction = next((row[name] for name in PREDICTIONS if isinstance(row.get(name), str)), None)
    if prediction is None:
        if not numbers:
            raise InputError(f"`{path}` item {number} has no number and no prediction")
        return numbers
    gold = test.examples[place].answers
    if gold is None:
        raise InputError(
            f"`{path}` has predictions, and `{test.path}` has no gold answers to score them with",
            'give numbers: {"id": ..., "f1": 0.8}',
        )
    return numbers | {"f1": squad_f1(prediction, gold), "em": squad_exact(prediction, gold)}


def _squad_words(text: str) -> list[str]:
    """SQuAD's own normalisation: lower case, no ASCII punctuation, no articles."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def squad_exact(prediction: str, gold: Sequence[str]) -> float:
    """1.0 if the prediction equals a gold answer after SQuAD's normalisation. No gold answer means
    that the question has none, and the empty prediction is right. Source: SQuAD 2.0 evaluation."""
    words = _squad_words(prediction)
    return float(any(words == _squad_words(answer) for answer in gold or [""]))


def squad_f1(prediction: str, gold: Sequence[str]) -> float:
    """The best F1 of shared words with a gold answer, 0 to 1. Source: SQuAD 2.0 evaluation."""
    words = _squad_words(prediction)
    return max(_f1(words, _squad_words(answer)) for answer in gold or [""])


def _f1(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    shared = sum((Counter(prediction) & Counter(gold)).values())
    return 2 * shared / (len(prediction) + len(gold))


def compare(
    scores: Scores,
    shares: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Each metric's mean over groups of examples and their difference, with 95 % intervals.

    `shares` is each example's overlap, NaN where it is too short to have an n-gram; those count
    only in `all`. `clusters` numbers the examples that share a text: the bootstrap draws
    whole clusters, since questions about one paragraph are not independent. Percentile intervals;
    None with a note where a group has fewer than 20 clusters.
    """
    groups = {
        "all": np.ones(len(shares), bool),
        "clean": shares == 0,
        "overlapping": shares > 0,
        "up_to_15": (shares > 0) & (shares <= 0.15),
        "over_15": shares > 0.15,
    }
    facts = {"form": scores.form, "missing": scores.missing, "unknown": scores.unknown}
    result: dict[str, Any] = {**facts, "resamples": resamples, "seed": seed, "metrics": {}}
    for metric, values in sorted(scores.metrics.items()):
        present = ~np.isnan(values)
        numbers = {name: present & mask for name, mask in groups.items()}
        drawn = bootstrap(values, numbers, clusters, resamples, seed)
        rows: dict[str, Any] = {}
        for name, mask in numbers.items():
            mean = float(values[mask].mean()) if mask.any() else None
            apart = len(np.unique(clusters[mask]))
            rows[name] = _row(int(mask.sum()), apart, mean, drawn[name])
        difference = drawn["overlapping"] - drawn["clean"]
        both = (rows["overlapping"]["mean"], rows["clean"]["mean"])
        fewest = min(rows["overlapping"]["clusters"], rows["clean"]["clusters"])
        mean = None if None in both else both[0] - both[1]
        rows["difference"] = _row(rows["overlapping"]["examples"], fewest, mean, difference)
        rows["difference"].pop("examples")
        result["metrics"][metric] = rows
    return result


def _row(
    examples: int, clusters: int, mean: float | None, drawn: npt.NDArray[np.float64]
) -> dict[str, Any]:
    interval = None
    note = None
    if mean is None:
        note = "no examples"
    elif clusters < LEAST_CLUSTERS:
        texts = "text" if clusters == 1 else "texts"
        note = f"too few to say: {clusters} independent {texts}, {LEAST_CLUSTERS} needed"
    else:
        drawn = drawn[~np.isnan(drawn)]
        interval = [float(end) for end in np.percentile(drawn, [2.5, 97.5])]
    return {
        "examples": examples,
        "clusters": clusters,
        "mean": mean,
        "interval_95": interval,
        "note": note,
    }


def bootstrap(
    values: npt.NDArray[np.float64],
    groups: Mapping[str, npt.NDArray[np.bool_]],
    clusters: npt.NDArray[np.int64],
    resamples: int,
    seed: int,
    weights: npt.NDArray[np.float64] | None = None,
) -> dict[str, npt.NDArray[np.float64]]:
    """Means of every group in each resample of clusters; NaN where a group came out empty.

    With `weights` the sum of values over the sum of weights.
    """
    weights = np.ones(len(values)) if weights is None else weights
    _, numbers = np.unique(clusters, return_inverse=True)
    count = int(numbers.max()) + 1 if len(numbers) else 0
    sums = np.zeros((count, len(groups)))
    sizes = np.zeros((count, len(groups)))
    for place, mask in enumerate(groups.values()):
        np.add.at(sums[:, place], numbers[mask], values[mask])
        np.add.at(sizes[:, place], numbers[mask], weights[mask])
    random = np.random.Generator(np.random.PCG64(seed))
    means = np.full((resamples, len(groups)), np.nan)
    step = max(1, 4_000_000 // max(count, 1))
    for start in range(0, resamples, step):
        drawn = min(step, resamples - start)
        times = random.multinomial(count, np.full(count, 1 / count), size=drawn).astype(float)
        totals, parts = times @ sums, times @ sizes
        np.divide(totals, parts, out=means[start : start + drawn], where=parts > 0)
    return {name: means[:, place] for place, name in enumerate(groups)}
