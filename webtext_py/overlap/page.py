"""The report as one self-contained HTML page: no script, no network, safe for hostile text."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from webtext_py.overlap.evidence import NOTHING, Evidence, Stretch
from webtext_py.overlap.report import SetReport, char_spans

MOST_TEXT = 4000  # characters of an example's field shown: our choice
MOST_RUNS = 4  # training passages shown for an example: our choice

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --dim: #667; --line: #d8dbe0; --bar: #4a6fa5;
  --mark: #ffe08a; --back: #fff; --card: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --dim: #9aa2ad; --line: #3a3f46;
  --bar: #7ea3d8; --mark: #6b5510; --back: #15181c; --card: #1d2126; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.lead { font-size: 1.1rem; } .dim, caption, figcaption { color: var(--dim); font-size: .875rem; }
table { border-collapse: collapse; margin: .5rem 0; } caption { text-align: left; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; } th { font-weight: 600; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .b { fill: var(--bar); }
svg .x { stroke: var(--line); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: .8rem 1rem; margin: 1rem 0; }
h1, article h3, .dim { overflow-wrap: anywhere; } article h3 { font-size: 1rem; margin: 0 0 .5rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1.2rem; }
@media (max-width: 48rem) { .pair { grid-template-columns: 1fr; } }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0 .8rem; }
mark { background: var(--mark); color: inherit; padding: .05em 0; }
a { color: var(--bar); overflow-wrap: anywhere; }
"""


def render(document: dict[str, Any], report: SetReport, evidence: Evidence | None) -> str:
    """The page of a test set, from its JSON object and what it was made of."""
    name = escape(document["test"])
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Nothing is fetched, whatever a text may hold.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">",
        f"<title>Overlap: {name}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Overlap of {name} with the training text</h1>",
        _lead(document),
        "<h2>N-grams</h2>",
        _ngram_table(document),
        "<h2>Examples</h2>",
        _example_table(document),
        _histogram(document["histogram"]),
    ]
    if document["own_train"] is not None:
        parts += ["<h2>Beside the set's own training split</h2>", _own_table(document)]
    if document["scores"] is not None:
        parts += ["<h2>Does it change the score?</h2>", _score_tables(document["scores"])]
    parts += ["<h2>Examples with most overlap</h2>", *_worst(document, report, evidence)]
    parts += ["<h2>How this was counted</h2>", _method(document), "</body></html>\n"]
    return "\n".join(parts)


def percent(part: float, whole: float) -> str:
    """`12.3 %`, or a dash of nothing."""
    return f"{100 * part / whole:.2f} %" if whole else "-"


def _lead(document: dict[str, Any]) -> str:
    found, total = document["ngrams"]["found"], document["ngrams"]["total"]
    any_, examples = document["examples"]["any"], document["examples"]["total"]
    return (
        f'<p class="lead">{percent(found, total)} of its {document["n"]}-grams '
        f"({found:,} of {total:,}) stand in the training text; {any_:,} of {examples:,} examples "
        f'have at least one.</p><p class="dim">{escape(document["form"])}</p>'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


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


def _ngram_table(document: dict[str, Any]) -> str:
    rows = [_counts(name, counts) for name, counts in document["fields"].items()]
    rows.append(_counts("all fields", document["ngrams"]))
    if document["bloom"] is not None and document["evidence"] is not None:
        rows.append(_counts("all fields, by the filter", document["bloom"]))
    head = ["field", "n-grams", "found", "share", "distinct", "found", "share"]
    return _table(head, rows, "A text that several examples share is counted once.")


_BINS = {
    "too_short": "shorter than n words",
    "clean": "no overlap",
    "any": "any overlap",
    "over_15": "over 15 %",
    "over_50": "over 50 %",
    "all": "all n-grams found",
}


def _example_table(document: dict[str, Any]) -> str:
    columns = {name: counts["examples"] for name, counts in document["fields"].items()}
    columns["all fields"] = document["examples"]
    rows = [
        [label, *(f"{c[key]:,} ({percent(c[key], c['total'])})" for c in columns.values())]
        for key, label in _BINS.items()
    ]
    return _table(["examples", *columns], rows, "Each example by its own text.")


def _histogram(counts: Sequence[int]) -> str:
    labels = ["none", *(f"{10 * t}-{10 * t + 10}" for t in range(10)), "all"]
    most = max([*counts, 1])
    bars = []
    for place, (count, label) in enumerate(zip(counts, labels, strict=True)):
        height = 150 * count / most
        x = 10 + 58 * place
        bars.append(
            f'<rect class="b" x="{x}" y="{180 - height:.1f}" width="48" height="{height:.1f}">'
            f"<title>{label}: {count:,} examples</title></rect>"
            f'<text x="{x + 24}" y="{174 - height:.1f}" text-anchor="middle">{count:,}</text>'
            f'<text x="{x + 24}" y="196" text-anchor="middle">{label}</text>'
        )
    return (
        '<figure><div class="wide"><svg viewBox="0 0 710 210" width="710" height="210" role="img" '
        'aria-label="Examples by their share of overlap">'
        f'<line class="x" x1="0" y1="180.5" x2="710" y2="180.5"/>{"".join(bars)}</svg></div>'
        "<figcaption>Examples by the share of their n-grams that were found, in percent; examples "
        "shorter than n words are left out.</figcaption></figure>"
    )


def _own_table(document: dict[str, Any]) -> str:
    rows = []
    for label, key in (("own training split", "own_train"), ("our training text", "ngrams")):
        counts = document[key]
        rows.append([label, percent(counts["found"], counts["total"]), f"{counts['found']:,}"])
    caption = "The form of Table 6 of the GPT-2 report: share of the set's n-grams found in each."
    return _table(["overlap with", "share", "n-grams"], rows, caption)


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


def _score_tables(scores: dict[str, Any]) -> str:
    caption = (
        f"Bootstrap over examples that share a text, {scores['resamples']:,} resamples; "
        f"{scores['missing']:,} examples without a score, {scores['unknown']:,} scores of "
        "unknown ids."
    )
    head = ["examples", "mean", "95 % interval"]
    return "".join(
        _table([name, *head], score_rows(metric), caption)
        for name, metric in scores["metrics"].items()
    )


def _worst(document: dict[str, Any], report: SetReport, evidence: Evidence | None) -> list[str]:
    if not document["worst"]:
        return ["<p>None.</p>"]
    places = {example.id: place for place, example in enumerate(report.texts.test.examples)}
    return [_card(row, places[row["id"]], report, evidence) for row in document["worst"]]


def _card(row: dict[str, Any], place: int, report: SetReport, evidence: Evidence | None) -> str:
    left = []
    runs: list[Stretch] = []
    for text in report.groups[place]:
        number = text - report.texts.first
        left.append(f'<div class="dim">{escape(report.texts.fields[number])}</div>')
        left.append(f'<div class="text" dir="auto">{_highlight(report, text)}</div>')
        if evidence is not None:
            runs += [run for _, _, run in report.runs(text, evidence)]
    right = []
    longest = sorted(dict.fromkeys(runs), key=lambda run: (-run.ngrams, run.place))
    for run in longest[:MOST_RUNS]:
        where = f"{run.doc_id} in {run.source}, characters {run.start:,} to {run.end:,}"
        right.append(f'<div class="dim">{_link(run.url)}{escape(where)}</div>')
        right.append(
            f'<div class="text" dir="auto">{escape(run.before)}<mark>{escape(run.passage)}</mark>'
            f"{escape(run.after)}</div>"
        )
    if len(longest) > MOST_RUNS:
        right.append(f'<div class="dim">and {len(longest) - MOST_RUNS} shorter passages</div>')
    if evidence is None:
        right.append('<div class="dim">no evidence was asked for</div>')
    return (
        f"<article><h3>{escape(row['id'])}: {percent(row['found'], row['ngrams'])} "
        f"({row['found']:,} of {row['ngrams']:,} n-grams)</h3>"
        f'<div class="pair"><div><strong>test</strong>{"".join(left)}</div>'
        f"<div><strong>training</strong>{''.join(right)}</div></div></article>"
    )


def _link(url: str | None) -> str:
    if url is None:
        return ""
    shown = escape(url)
    if url.lower().startswith(("http://", "https://")):
        return f'<a href="{shown}" rel="noreferrer noopener">{shown}</a><br>'
    return f"{shown}<br>"


def _highlight(report: SetReport, text: int) -> str:
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
    pieces = []
    at = 0
    for first, last in stretches:
        if first >= MOST_TEXT:
            break
        last = min(last, MOST_TEXT)
        pieces.append(f"{escape(content[at:first])}<mark>{escape(content[first:last])}</mark>")
        at = last
    pieces.append(escape(content[at:MOST_TEXT]))
    return "".join(pieces) + (" [...]" if len(content) > MOST_TEXT else "")


def _method(document: dict[str, Any]) -> str:
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
    return "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)
