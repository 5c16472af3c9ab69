"""The results as tables for people, and as one HTML page in the form of the overlap report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from webtext_py.markup import Html, columns, page, table, tag, tiles
from webtext_py.reader.passed import passed_said

from .published import GPT2, GPT3
from .results import Judged

MOST_TEXT = 1500  # characters of an item shown: our choice
_SHARES = ("acc", "f1", "em", "exact_match", "rouge")  # metrics that are shares, in percent here


def shown(metric: str, value: float | None) -> str:
    """A metric's value: shares in percent, the rest as it is."""
    if value is None:
        return "-"
    if _is_share(metric):
        return f"{100 * value:.2f} %"
    return f"{value:.2f}" if abs(value) < 1e6 else f"{value:.3g}"


def _is_share(metric: str) -> bool:
    return any(word in metric for word in _SHARES)


def table_rows(
    document: Mapping[str, Any], columns: Sequence[str] = GPT2
) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table: each metric of each task, beside the published figures."""
    rows = []
    for key, metrics in document["intervals"].items():
        for metric, found in metrics.items():
            published = document["published"][key][metric]
            known = map(published["figures"].get, columns)
            figures = ["" if value is None else shown(metric, value) for value in known]
            rows.append([key, metric, *_score(metric, found), f"{found['items']:,}", *figures])
    return ["task", "metric", "score", "95 % interval", "items", *columns], rows


def _score(metric: str, found: Mapping[str, Any]) -> list[str]:
    ends = found["interval_95"]
    low, high = ("", "") if ends is None else (shown(metric, end) for end in ends)
    interval = f"{low.removesuffix(' %')} to {high}" if ends is not None else ""
    return [shown(metric, found["value"]), interval]


def overlap_rows(
    document: Mapping[str, Any], short: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the scores by overlap; `short`: the first metric and n-gram of tasks that
    have any."""
    rows = []
    for key, metrics in document["intervals"].items():
        for metric, found in list(metrics.items())[: 1 if short else None]:
            for n, groups in list(found.get("by_overlap", {}).items())[: 1 if short else None]:
                if short and not groups["overlapping"]["items"]:
                    continue
                difference = groups["difference"]
                cells = [f"{_score(metric, groups[g])[0]} ({groups[g]['items']:,})" for g in _BOTH]
                score, interval = _score(metric, difference)
                rows.append([key, metric, n, *cells, score, interval or difference["note"] or ""])
    names = ["task", "metric", "n-gram", "clean (items)", "overlapping (items)"]
    return [*names, "difference", "95 % interval"], rows


_BOTH = ("clean", "overlapping")


def render(document: dict[str, Any], judged: Sequence[Judged]) -> str:
    """The page of a result."""
    name = document["config"]["model"]["name"]
    numbers = [("tasks", len(judged)), ("items", sum(len(one.items) for one in judged))]
    parts = [
        tag("h1", f"Scores of {name}"),
        tiles(numbers),
        tag("h2", "Scores"),
        table(*table_rows(document, (*GPT2, *GPT3)), _CAPTION, words=(0, 1)),
        *_notes(document),
    ]
    if document["overlap"] is not None:
        parts += [tag("h2", "Memory or generalisation?"), *_overlap(document)]
    for one in judged:
        parts += [tag("h2", one.key), *_extremes(one, document)]
    parts += [tag("h2", "How this was measured"), *_method(document)]
    return page(f"Scores: {name}", *parts)


_CAPTION = (
    "The reports' figures stand only beside a score of the same protocol. Intervals: bootstrap by "
    "item, by passage where items share one."
)


def _dim(lines: Iterable[str]) -> list[Html]:
    return [tag("p", line, class_="dim") for line in lines]


def _notes(document: Mapping[str, Any]) -> list[Html]:
    lines = [
        f"{key}, {metric}: no published figure beside it, since {published['reason']}."
        for key, metrics in document["published"].items()
        for metric, published in metrics.items()
        if published["reason"]
    ]
    lines += [
        f"{key}, {metric}: {found['note']}."
        for key, metrics in document["intervals"].items()
        for metric, found in metrics.items()
        if found["note"]
    ]
    return _dim(lines)


def _overlap(document: Mapping[str, Any]) -> list[Html]:
    overlap = document["overlap"]
    caption = (
        f"Overlap with {overlap['text']}, by n-grams of an item's own words. Items shorter than n "
        "words are in neither group."
    )
    figures = [
        _curve(key, next(iter(document["intervals"][key])), n, points)
        for key, curves in overlap["curves"].items()
        for n, points in curves.items()
        if any(point["items"] for point in points[1:])
    ]
    return [table(*overlap_rows(document), caption, words=(0, 1)), *figures]


def _curve(key: str, metric: str, n: str, points: Sequence[Mapping[str, Any]]) -> Html:
    """The first metric over the share of overlap: shares in percent, the rest in whole numbers."""
    scale = 100 if _is_share(metric) else 1
    values = [round(scale * min(point["value"] or 0, 1e9)) for point in points]
    labels = ["none" if point["share"] == "0" else f"{point['share']} %" for point in points]
    below = [f"{name} ({p['items']:,})" for name, p in zip(labels, points, strict=True)]
    unit = " in percent" if scale == 100 else ""
    caption = (
        f"{key}: {metric}{unit} by the share of an item's {n}-grams that stand in the text, and "
        "how many items"
    )
    return columns(labels, {metric: values}, caption, below=below)


def _extremes(one: Judged, document: Mapping[str, Any]) -> list[Html]:
    places = {item.id: number for number, item in enumerate(one.items)}
    found = document["extremes"][one.key]
    sides = [
        tag("div", tag("strong", side),
            *(_card(one, places[row["id"]], row) for row in found[side]))
        for side in ("worst", "best")
    ]  # fmt: skip
    cut = document["cut"][one.key]
    said = f"form {one.form}, protocol {one.protocol.name}, {one.shots} shots"
    if cut["items"]:
        said += (
            f"; the context had no room for {cut['tokens']:,} tokens of {cut['items']:,} items, "
            "which were cut at the left"
        )
    if lost := passed_said(document["configs"][one.key]["passed"]):
        said += f"; {lost}"
    return [*_dim([said]), tag("div", *sides, class_="pair")]


def _card(one: Judged, place: int, row: Mapping[str, Any]) -> Html:
    item, answers = one.items[place], one.answers[place]
    text = item.text if len(item.text) <= MOST_TEXT else item.text[:MOST_TEXT] + " [...]"
    said = str(one.protocol.shown(item, answers))
    metric = next(iter(one.protocol.metrics))
    return tag(
        "article",
        tag("h3", f"{item.id}: {shown(metric, row['value'])}"),
        tag("div", text, class_="text", dir="auto"),
        tag("div", f"answered: {said[:MOST_TEXT]}", class_="dim"),
    )


def _method(document: Mapping[str, Any]) -> list[Html]:
    config = document["config"]
    lines = [
        f"Scored on {config['device']} in {config['dtype']}; "
        f"log-probabilities in nats; shots by seed {config['seed']}.",
        "Every row of a batch has a shape that follows from its own length, so no score depends on "
        "what was scored beside it.",
        f"Running text: windows of the model's context, stride "
        f"{config['stride'] or 'the whole context'}; a unit is a word or a line's end of the "
        "original text.",
        "Libraries: " + ", ".join(f"{k} {v}" for k, v in config["libraries"].items()) + ".",
    ]
    for key, settings in document["configs"].items():
        says = "; ".join(f"{m}: {what}" for m, what in settings["metrics"].items() if what)
        if says:
            lines.append(f"{key}: {says}.")
    return _dim(lines)
