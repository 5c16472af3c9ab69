"""The report as one self-contained HTML page: no script, no network, safe for hostile text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from webtext_py.markup import Html, columns, join, page, percent, table, tag, tiles
from webtext_py.overlap.evidence import NOTHING, Evidence, Stretch
from webtext_py.overlap.report import SetReport, char_spans

MOST_TEXT = 4000  # characters of an example's field shown: our choice
MOST_STRETCHES = 4  # training passages shown for an example: our choice


def render(document: dict[str, Any], report: SetReport, evidence: Evidence | None) -> str:
    """The page of a test set, from its JSON object and what it was made of."""
    name = document["test"]
    parts = [
        tag("h1", f"Overlap of {name} with the training text"),
        *_lead(document),
        tag("h2", "N-grams"),
        _ngram_table(document),
        tag("h2", "Examples"),
        _example_table(document),
        _histogram(document["histogram"]),
    ]
    if document["own_train"] is not None:
        parts += [tag("h2", "Beside the set's own training split"), _own_table(document)]
    if document["scores"] is not None:
        parts += [tag("h2", "Does it change the score?"), _score_tables(document["scores"])]
    parts += [tag("h2", "Examples with most overlap"), *_worst(document, report, evidence)]
    parts += [tag("h2", "How this was counted"), *_method(document)]
    return page(f"Overlap: {name}", *parts)


def _lead(document: dict[str, Any]) -> list[Html]:
    found, total = document["ngrams"]["found"], document["ngrams"]["total"]
    any_, examples = document["examples"]["any"], document["examples"]["total"]
    n = document["n"]
    said = (
        f"{percent(found, total)} of its {n}-grams ({found:,} of {total:,}) stand in the training "
        f"text; {any_:,} of {examples:,} examples have at least one."
    )
    numbers = [
        (f"of its {n}-grams found", percent(found, total)),
        ("examples", examples),
        ("with any overlap", any_),
        ("wholly found", document["examples"]["all"]),
    ]
    return [tag("p", said, class_="lead"), tag("p", document["form"], class_="dim"), tiles(numbers)]


def _counts(name: str, counts: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{counts['total']:,}",
        f"{counts['found']:,}",
        percent(counts["found"], counts["total"]),
        f"{counts['distinct']:,}",
        f"{counts['distinct_found']:,}",
        percent(counts["distinct_found"], counts["distinct"]),
    ]


def _ngram_table(document: dict[str, Any]) -> Html:
    rows = [_counts(name, counts) for name, counts in document["fields"].items()]
    rows.append(_counts("all fields", document["ngrams"]))
    if document["bloom"] is not None and document["evidence"] is not None:
        rows.append(_counts("all fields, by the filter", document["bloom"]))
    head = ["field", "n-grams", "found", "share", "distinct", "found", "share"]
    return table(head, rows, "A text that several examples share is counted once.")


_BINS = {
    "too_short": "shorter than n words",
    "clean": "no overlap",
    "any": "any overlap",
    "over_15": "over 15 %",
    "over_50": "over 50 %",
    "all": "all n-grams found",
}


def _example_table(document: dict[str, Any]) -> Html:
    columns = {name: counts["examples"] for name, counts in document["fields"].items()}
    columns["all fields"] = document["examples"]
    rows = [
        [label, *(f"{c[key]:,} ({percent(c[key], c['total'])})" for c in columns.values())]
        for key, label in _BINS.items()
    ]
    return table(["examples", *columns], rows, "Each example by its own text.")


def _histogram(counts: Sequence[int]) -> Html:
    labels = ["none", *(f"{10 * t}-{10 * t + 10}" for t in range(10)), "all"]
    caption = (
        "Examples by the share of their n-grams that were found, in percent; examples shorter than "
        "n words are left out."
    )
    return columns(labels, {"examples": counts}, caption)


def _own_table(document: dict[str, Any]) -> Html:
    rows = []
    for label, key in (("own training split", "own_train"), ("our training text", "ngrams")):
        counts = document[key]
        rows.append([label, percent(counts["found"], counts["total"]), f"{counts['found']:,}"])
    caption = "The form of Table 6 of the GPT-2 report: share of the set's n-grams found in each."
    return table(["overlap with", "share", "n-grams"], rows, caption)


_GROUPS = {
    "all": "all examples",
    "clean": "no overlap",
    "overlapping": "any overlap",
    "up_to_15": "up to 15 %",
    "over_15": "over 15 %",
    "difference": "any overlap minus none",
}


def score_rows(metric: dict[str, Any]) -> list[list[str]]:
    """Rows of a metric's table: group, examples, mean, interval or note."""
    rows = []
    for key, label in _GROUPS.items():
        row = metric[key]
        mean = "-" if row["mean"] is None else f"{row['mean']:+.4f}"
        mean = mean if key == "difference" else mean.removeprefix("+")
        ends = row["interval_95"]
        interval = row["note"] if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"
        rows.append([label, f"{row['examples']:,}" if "examples" in row else "", mean, interval])
    return rows


def _score_tables(scores: dict[str, Any]) -> Html:
    caption = (
        f"Bootstrap over examples that share a text, {scores['resamples']:,} resamples; "
        f"{scores['missing']:,} examples without a score, {scores['unknown']:,} scores of "
        "unknown ids."
    )
    head = ["examples", "mean", "95 % interval"]
    return join(
        table([name, *head], score_rows(metric), caption)
        for name, metric in scores["metrics"].items()
    )


def _worst(document: dict[str, Any], report: SetReport, evidence: Evidence | None) -> list[Html]:
    if not document["worst"]:
        return [tag("p", "None.")]
    places = {example.id: place for place, example in enumerate(report.texts.test.examples)}
    return [_card(row, places[row["id"]], report, evidence) for row in document["worst"]]


def _card(row: dict[str, Any], place: int, report: SetReport, evidence: Evidence | None) -> Html:
    left = [tag("strong", "test")]
    stretches: list[Stretch] = []
    for text in report.groups[place]:
        number = text - report.texts.first
        left.append(tag("div", report.texts.fields[number], class_="dim"))
        left.append(_text(_highlight(report, text)))
        if evidence is not None:
            stretches += [one for _, _, one in report.stretches(text, evidence)]
    right = [tag("strong", "training")]
    longest = sorted(dict.fromkeys(stretches), key=lambda one: (-one.ngrams, one.place))
    for one in longest[:MOST_STRETCHES]:
        where = f"{one.doc_id} in {one.source}, characters {one.start:,} to {one.end:,}"
        right.append(tag("div", _link(one.url), where, class_="dim"))
        right.append(_text(join([one.before, tag("mark", one.passage), one.after])))
    if len(longest) > MOST_STRETCHES:
        said = f"and {len(longest) - MOST_STRETCHES} shorter passages"
        right.append(tag("div", said, class_="dim"))
    if evidence is None:
        right.append(tag("div", "no evidence was asked for", class_="dim"))
    share = percent(row["found"], row["ngrams"])
    title = f"{row['id']}: {share} ({row['found']:,} of {row['ngrams']:,} n-grams)"
    return tag(
        "article",
        tag("h3", title),
        tag("div", tag("div", *left), tag("div", *right), class_="pair"),
    )


def _text(content: Html) -> Html:
    return tag("div", content, class_="text", dir="auto")


def _link(url: str | None) -> Html:
    if url is None:
        return Html()
    shown: object = url
    if url.lower().startswith(("http://", "https://")):
        shown = tag("a", url, href=url, rel="noreferrer noopener")
    return join([shown, Html("<br>")])


def _highlight(report: SetReport, text: int) -> Html:
    """The text with every word of a found n-gram marked."""
    content = report.texts.texts[text - report.texts.first]
    start, end = int(report.layout.starts[text]), int(report.layout.starts[text + 1])
    numbers = report.layout.ngrams[start:end]
    valid = numbers != NOTHING
    found = np.zeros(end - start, bool)
    found[valid] = report.answer.found[numbers[valid]]
    spans = char_spans(content, report.layout.ascii)
    stretches: list[list[int]] = []
    for place in np.flatnonzero(found).tolist():
        first, last = spans[place][0], spans[place + report.layout.n - 1][1]
        if stretches and first <= stretches[-1][1]:
            stretches[-1][1] = last
        else:
            stretches.append([first, last])
    pieces: list[str] = []
    at = 0
    for first, last in stretches:
        if first >= MOST_TEXT:
            break
        last = min(last, MOST_TEXT)
        pieces += [content[at:first], tag("mark", content[first:last])]
        at = last
    pieces.append(content[at:MOST_TEXT])
    return join([*pieces, " [...]" if len(content) > MOST_TEXT else ""])


def _method(document: dict[str, Any]) -> list[Html]:
    normaliser = document["normaliser"]
    words = "runs of [A-Za-z0-9]" if normaliser["ascii"] else "Unicode letters and numbers"
    lines = [
        f"Words are lower-cased {words} (normaliser {normaliser['version']}); "
        f"{document['n']} in a row are an n-gram; n-grams do not cross documents or fields."
    ]
    evidence, index = document["evidence"], document["index"]
    if evidence is not None:
        lines.append(
            f"Found means found exactly, word by word, in {evidence['documents']:,} training "
            f"documents of {evidence['words']:,} words."
        )
    else:
        lines.append("Found means found by the filter; no exact pass was made.")
    if index is not None:
        lines.append(
            f"The filter holds about {index['distinct']:,} distinct n-grams in "
            f"{index['bits'] / 8e6:,.1f} MB and errs with a rate of {index['expected_rate']:.1e}."
        )
    return [tag("p", line, class_="dim") for line in lines]
