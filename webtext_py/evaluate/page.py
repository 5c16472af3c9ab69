"""The results as tables for people, and as one HTML page in the form of the overlap report."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from webtext_py.overlap.page import head, table

from .published import GPT2, GPT3
from .results import Judged

MOST_TEXT = 1500  # characters of an item shown: our choice
_SHARES = ("acc", "f1", "em", "exact_match", "rouge")  # metrics that are shares, in percent here


def shown(metric: str, value: float | None) -> str:
    """A metric's value: shares in percent, the rest as it is."""
    if value is None:
        return "-"
    if any(word in metric for word in _SHARES):
        return f"{100 * value:.2f} %"
    return f"{value:.2f}" if abs(value) < 1e6 else f"{value:.3g}"


def table_rows(
    document: Mapping[str, Any], columns: Sequence[str] = GPT2
) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table: each metric of each task, beside the published figures."""
    rows = []
    for key, metrics in document["intervals"].items():
        for metric, found in metrics.items():
            published = document["published"][key][metric]
            figures = [_figure(metric, published["figures"].get(name)) for name in columns]
            rows.append([key, metric, *_score(metric, found), f"{found['items']:,}", *figures])
    return ["task", "metric", "score", "95 % interval", "items", *columns], rows


def _figure(metric: str, value: float | None) -> str:
    return "" if value is None else shown(metric, value)


def _score(metric: str, found: Mapping[str, Any]) -> list[str]:
    ends = found["interval_95"]
    low, high = ("", "") if ends is None else (shown(metric, end) for end in ends)
    interval = f"{low.removesuffix(' %')} to {high}" if ends is not None else ""
    return [shown(metric, found["value"]), interval]


_GROUPS = {
    "all": "all items",
    "clean": "no overlap",
    "overlapping": "any overlap",
    "difference": "any overlap minus none",
}


def overlap_rows(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the scores by overlap."""
    rows = []
    for key, metrics in document["intervals"].items():
        for metric, found in metrics.items():
            for n, groups in found.get("by_overlap", {}).items():
                for group, label in _GROUPS.items():
                    row = groups[group]
                    score = _score(metric, row)
                    note = score[1] or row["note"] or ""
                    items = f"{row['items']:,}" if "items" in row else ""
                    rows.append([key, metric, n, label, items, score[0], note])
    return ["task", "metric", "n-gram", "items", "number", "score", "95 % interval"], rows


def render(document: dict[str, Any], judged: Sequence[Judged]) -> str:
    """The page of a result."""
    model = document["config"]["model"]
    parts = [
        head(f"Scores of {model['name']}"),
        f"<h1>Scores of {escape(str(model['name']))}</h1>",
        f'<p class="lead">{len(judged)} tasks, {sum(len(j.items) for j in judged):,} items.</p>',
        "<h2>Scores</h2>",
        table(*table_rows(document, (*GPT2, *GPT3)), _CAPTION),
        _reasons(document),
    ]
    if document["overlap"] is not None:
        parts += ["<h2>Memory or generalisation?</h2>", _overlap(document)]
    for one in judged:
        parts += [f"<h2>{escape(one.key)}</h2>", _extremes(one, document)]
    parts += ["<h2>How this was measured</h2>", _method(document), "</body></html>\n"]
    return "\n".join(parts)


_CAPTION = (
    "The reports' figures stand only beside a score of the same protocol. Intervals: bootstrap by "
    "item, by passage where items share one."
)


def _reasons(document: Mapping[str, Any]) -> str:
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
    return "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)


def _overlap(document: Mapping[str, Any]) -> str:
    overlap = document["overlap"]
    caption = (
        f"Overlap with {overlap['text']}, by n-grams of an item's own words. Items shorter than n "
        "words are in neither group."
    )
    figures = [
        _curve(key, document, n, points)
        for key, curves in overlap["curves"].items()
        for n, points in curves.items()
        if any(point["items"] for point in points[1:])
    ]
    return table(*overlap_rows(document), caption) + "".join(figures)


def _curve(
    key: str, document: Mapping[str, Any], n: str, points: Sequence[Mapping[str, Any]]
) -> str:
    """The first metric over the share of overlap, one bar a group of items."""
    metric = next(iter(document["intervals"][key]))
    most = max([p["value"] for p in points if p["value"] is not None] + [1e-9])
    bars = []
    for place, point in enumerate(points):
        x, value = 10 + 95 * place, point["value"]
        height = 0.0 if value is None else 140 * min(1.0, value / most)
        label = "none" if point["share"] == "0" else f"{point['share']} %"
        bars.append(
            f'<rect class="b" x="{x}" y="{170 - height:.1f}" width="80" height="{height:.1f}"/>'
            f'<text x="{x + 40}" y="{164 - height:.1f}" text-anchor="middle">'
            f"{escape(shown(metric, value))}</text>"
            f'<text x="{x + 40}" y="186" text-anchor="middle">{label}</text>'
            f'<text x="{x + 40}" y="202" text-anchor="middle">{point["items"]:,}</text>'
        )
    return (
        '<figure><div class="wide"><svg viewBox="0 0 590 210" width="590" height="210" role="img" '
        f'aria-label="{escape(metric)} by share of overlap">{"".join(bars)}</svg></div>'
        f"<figcaption>{escape(key)}: {escape(metric)} by the share of an item's {n}-grams that "
        "stand in the text, and how many items.</figcaption></figure>"
    )


def _extremes(one: Judged, document: Mapping[str, Any]) -> str:
    places = {item.id: number for number, item in enumerate(one.items)}
    found = document["extremes"][one.key]
    sides = []
    for side in ("worst", "best"):
        cards = [_card(one, places[row["id"]], row) for row in found[side]]
        sides.append(f"<div><strong>{side}</strong>{''.join(cards)}</div>")
    cut = document["cut"][one.key]
    said = f"form {one.form}, protocol {one.protocol.name}, {one.shots} shots"
    if cut["items"]:
        said += (
            f"; the context had no room for {cut['tokens']:,} tokens of {cut['items']:,} items, "
            "which were cut at the left"
        )
    return f'<p class="dim">{escape(said)}</p><div class="pair">{"".join(sides)}</div>'


def _card(one: Judged, place: int, row: Mapping[str, Any]) -> str:
    item, answers = one.items[place], one.answers[place]
    text = item.text if len(item.text) <= MOST_TEXT else item.text[:MOST_TEXT] + " [...]"
    said = str(one.protocol.shown(item, answers))
    metric = next(iter(one.protocol.metrics))
    return (
        f"<article><h3>{escape(item.id)}: {escape(shown(metric, row['value']))}</h3>"
        f'<div class="text" dir="auto">{escape(text)}</div>'
        f'<div class="dim">answered: {escape(said[:MOST_TEXT])}</div></article>'
    )


def _method(document: Mapping[str, Any]) -> str:
    config = document["config"]
    lines = [
        f"Scored on {config['device']} in {config['dtype']} with {config['threads']} threads; "
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
    return "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)
