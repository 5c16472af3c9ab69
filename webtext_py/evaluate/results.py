"""From answers to results: values by item, scores with intervals, the JSON object, the samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import published
from .intervals import RESAMPLES, Numbers, groups_of, scores
from .items import Item
from .metrics import first_sentences
from .protocols import PROTOCOLS, Protocol
from .scorer import Generated, Rolled, Scored

CONFIDENT = 0.01  # share of the questions that the model is most sure of: GPT-2 report, 3.8
_SHOWN = 10  # worst and best items on the page: our choice


@dataclass(frozen=True)
class Judged:
    """A task's items with what was answered and what it is worth."""

    key: str  # its name in the results: `lambada`, `lambada_15shot`
    task: str
    form: str
    shots: int
    protocol: Protocol
    items: Sequence[Item]
    answers: Sequence[Sequence[Any]]
    values: Sequence[Mapping[str, tuple[float, float]]]

    def numbers(self, metric: str) -> tuple[Numbers, Numbers]:
        """Part and whole of every item."""
        pairs = [values[metric] for values in self.values]
        return np.array([p for p, _ in pairs], float), np.array([w for _, w in pairs], float)

    def clusters(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """A number for each item, the same for those that share a passage."""
        names: dict[str, int] = {}
        marks = (item.cluster or f"\0{number}" for number, item in enumerate(self.items))
        return np.array([names.setdefault(mark, len(names)) for mark in marks], np.int64)


def answer_of(row: Mapping[str, Any]) -> Scored | Rolled | Generated:
    """An answer as a line of a file has it."""
    kind = Rolled if "starts" in row else Generated if "text" in row else Scored
    return kind(**row)


def judge(
    key: str, task: str, form: str, shots: int, protocol: str, items: Sequence[Item],
    answers: Sequence[Sequence[Any]],
) -> Judged:  # fmt: skip
    """What each item's answers are worth; the pieces of a text become its items."""
    how = PROTOCOLS[protocol]
    if how.way == "rolling":
        items, answers = _pieces(items, answers)
    values = [dict(how.judge(i, a)) for i, a in zip(items, answers, strict=True)]
    if "exact_match_top1" in how.metrics:
        _keep_confident(values, answers)
    return Judged(key, task, form, shots, how, items, answers, values)


def _pieces(
    items: Sequence[Item], answers: Sequence[Sequence[Any]]
) -> tuple[list[Item], list[list[Rolled]]]:
    """The text's pieces as items, each with its own tokens: those that begin in it."""
    [item] = items
    starts = np.concatenate([np.asarray(part.starts, np.int64) for part in answers[0]])
    logprobs = [value for part in answers[0] for value in part.logprobs]
    text = item.asks[0][0]
    made, rolled = [], []
    for number, (first, end, units, size, characters) in enumerate(item.facts["pieces"], 1):
        low, high = np.searchsorted(starts, [first, end])
        facts = {"units": units, "bytes": size, "characters": characters}
        made.append(replace(item, id=str(number), text=text[first:end], asks=(), facts=facts))
        rolled.append([Rolled(starts[low:high].tolist(), logprobs[low:high])])
    return made, rolled


def _keep_confident(
    values: Sequence[dict[str, tuple[float, float]]], answers: Sequence[Sequence[Generated]]
) -> None:
    sure = sorted(range(len(values)), key=lambda i: (-answers[i][0].logprob, i))
    for place in sure[max(1, round(CONFIDENT * len(values))) :]:
        values[place]["exact_match_top1"] = (0.0, 0.0)


def score(judged: Judged, shares: Mapping[int, Numbers] | None = None) -> dict[str, Any]:
    """Each metric's scores by group of items; with `shares` of overlap also by those, for each
    length of n-gram."""
    if judged.protocol.name == "translation":
        return {"bleu": _bleu(judged)}
    clusters = judged.clusters()
    made: dict[str, Any] = {}
    for name, metric in judged.protocol.metrics.items():
        parts, wholes = judged.numbers(name)
        made[name] = scores(metric, parts, wholes, groups_of(None, len(parts)), clusters)["all"]
        for n, share in (shares or {}).items():
            groups = groups_of(share, len(parts))
            found = scores(metric, parts, wholes, groups, clusters)
            made[name].setdefault("by_overlap", {})[str(n)] = found
    return made


def _bleu(judged: Judged) -> dict[str, Any]:
    """sacreBLEU of the whole set, with its own interval by resampling."""
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU()
    said = [first_sentences(answers[0].text, 1) for answers in judged.answers]
    found = metric.corpus_score(
        said, [[str(item.gold) for item in judged.items]], n_bootstrap=RESAMPLES
    )
    half = float(getattr(found, "_ci", 0.0))
    middle = float(getattr(found, "_mean", found.score))
    return {
        "items": len(said),
        "value": float(found.score),
        "interval_95": [middle - half, middle + half],
        "note": str(metric.get_signature()),
        "stderr": None,
    }


def document(
    judged: Sequence[Judged], scored: Sequence[Mapping[str, Any]], config: Mapping[str, Any],
    overlap: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """The JSON object, in the shape of the community's harness with ours beside it."""
    made: dict[str, Any] = {
        "results": {}, "configs": {}, "versions": {}, "n-shot": {}, "n-samples": {},
        "higher_is_better": {}, "config": dict(config), "intervals": {}, "published": {},
        "cut": {}, "overlap": overlap, "extremes": {},
    }  # fmt: skip
    for one, found in zip(judged, scored, strict=True):
        key, metrics = one.key, one.protocol.metrics
        made["results"][key] = {"alias": key, **_flat(found)}
        made["configs"][key] = {
            "task": one.task,
            "form": one.form,
            "protocol": one.protocol.name,
            "num_fewshot": one.shots,
            "metrics": {name: metric.says for name, metric in metrics.items()},
        }
        made["versions"][key] = 1
        made["n-shot"][key] = one.shots
        made["n-samples"][key] = {"original": len(one.items), "effective": len(one.items)}
        made["higher_is_better"][key] = {name: metric.higher for name, metric in metrics.items()}
        made["intervals"][key] = found
        made["published"][key] = {name: _published(one, name) for name in metrics}
        made["cut"][key] = _cuts(one)
        made["extremes"][key] = extremes(one)
    return made


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, row in found.items():
        flat[f"{name},none"] = row["value"]
        flat[f"{name}_stderr,none"] = "N/A" if row["stderr"] is None else row["stderr"]
    return flat


def _published(one: Judged, metric: str) -> dict[str, Any]:
    size = len(one.items)
    if one.protocol.way == "rolling":
        counted = published.SIZED.get(metric, "units")
        size = sum(item.facts[counted] for item in one.items)
    figures, reason = published.figures(one.task, one.shots, metric, size)
    return {"figures": dict(figures), "reason": reason}


def _cuts(one: Judged) -> dict[str, int]:
    """Items whose context had no room for all of a prefix, and the tokens left out."""
    cuts = [[getattr(answer, "cut", 0) for answer in answers] for answers in one.answers]
    return {"items": sum(any(cut) for cut in cuts), "tokens": sum(map(sum, cuts))}


def extremes(one: Judged) -> dict[str, list[dict[str, Any]]]:
    """The items with the worst and the best score by the first metric, each with its value."""
    name = next(iter(one.protocol.metrics))
    if not one.values or name not in one.values[0]:
        return {"worst": [], "best": []}
    parts, wholes = one.numbers(name)
    value = np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
    sure = np.array([_sure(answers) for answers in one.answers])
    up = value if one.protocol.metrics[name].higher else -value
    order = sorted(range(len(up)), key=lambda i: (up[i], sure[i], i))

    def row(place: int) -> dict[str, Any]:
        return {"id": one.items[place].id, "value": float(value[place])}

    return {
        "worst": [row(place) for place in order[:_SHOWN]],
        "best": [row(place) for place in order[::-1][:_SHOWN]],
    }


def _sure(answers: Sequence[Any]) -> float:
    """The log-probability of what was answered, for the order among equals."""
    if not answers:
        return 0.0
    first = answers[0]
    return float(first.logprob) if isinstance(first, Generated) else float(sum(first.logprobs))


def samples(one: Judged, shares: Mapping[int, Numbers] | None = None) -> list[dict[str, Any]]:
    """A line for each item: ids, what was asked and answered, its values, its overlap."""
    lines = []
    for place, (item, answers, values) in enumerate(
        zip(one.items, one.answers, one.values, strict=True)
    ):
        line: dict[str, Any] = {
            "doc_id": item.id,
            "target": item.gold,
            "arguments": [list(ask) for ask in item.asks],
            "resps": one.protocol.shown(item, answers),
        }
        for name, (part, whole) in values.items():
            line[name] = part / whole if whole else None
        for n, share in (shares or {}).items():
            line[f"overlap_{n}gram"] = None if np.isnan(share[place]) else float(share[place])
        lines.append(line)
    return lines
