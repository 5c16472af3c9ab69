"""Writes `docs/demo.md`: which page of the demo data shows what, from `expected.json`."""

import re
from typing import Any

INTRO = """# The demo data

`webtext build` without inputs reads the small data set inside the package (`webtext_py/demo`). Its
texts were written for this project; every site in it is invented (the hosts end in `.example`,
which nobody can register), and so are the people of the short stories and of the Harbour Post.

| file | what it is |
| --- | --- |
| `RS_demo.ndjson.zst` | {lines} submission lines with the field quirks of all eras of the dumps |
| `pages.warc.gz` | WARC/1.1, one gzip member a record: {captures} captures of pages in ten designs |
| `squad.jsonl` | {examples} questions with contexts, for `webtext overlap` |
| `expected.json` | how each line, each link and each question must end; the tests read it |

With the defaults {kept} documents are kept. {distinct} of them are texts of their own, {words:,}
words together; the other two are a reprint that differs more than `--near-dup 0.8` takes and a copy
of a Wikipedia page, which only `--near-dup 0.65` and `--wikipedia` can find.

The source texts and the builder are in `tools/demo`. After a change there, run
`python tools/demo/make_demo.py`; a test compares its output with the committed files, byte for byte.
This page is written by it too.
"""

LINES = """
## Lines

Each line of the dump ends in one outcome. {by_outcome}.

| case | shows | outcome |
| --- | --- | --- |
"""

LINKS = """
## Links

One row for each URL after merging (rows of one kind are joined). "Ends" is stage and outcome under the
defaults; "otherwise" says which option changes it. Where a rule drops a link there is a good capture
behind it wherever possible, so that without the rule the page would be kept.

| case | shows | ends | otherwise |
| --- | --- | --- | --- |
"""

OVERLAP = """
## The test set

Counts are of 8-grams of the contexts (lower-cased words joined by single spaces) against the prose
of all kept pages: {found} of {total} occurrences, {distinct_found} of {distinct} distinct.

| what was planted in the context | questions | 8-grams found |
| --- | --- | --- |
"""


def page(expected: dict[str, Any]) -> str:
    """The whole page."""
    counts, links, overlap = expected["counts"], expected["links"], expected["overlap"]
    parts = [
        INTRO.format(
            lines=counts["lines"],
            captures=sum(link["captures"] for link in links),
            examples=len(overlap["examples"]),
            kept=counts["kept_documents"],
            distinct=counts["distinct_prose_documents"],
            words=counts["distinct_prose_words"],
        ),
        LINES.format(
            by_outcome=", ".join(f"{v} {k}" for k, v in counts["lines_by_outcome"].items())
        ),
        *_line_rows(expected["lines"], links),
        LINKS,
        *_link_rows(links),
        OVERLAP.format(**overlap["ngrams"]),
        *_overlap_rows(overlap["examples"]),
    ]
    return "".join(parts)


def _line_rows(lines: list[dict[str, Any]], links: list[dict[str, Any]]) -> list[str]:
    """Lines that show something of their own, beyond what their link shows."""
    of_link = {link["case"]: link["shows"] for link in links}
    rows = {
        (_kind(line["case"]), line["shows"], line["outcome"])
        for line in lines
        if line["shows"] != of_link[line["case"]]
    }
    return [f"| {case} | {_cell(shows)} | {outcome} |\n" for case, shows, outcome in sorted(rows)]


def _link_rows(links: list[dict[str, Any]]) -> list[str]:
    rows = []
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for link in links:
        groups.setdefault((_kind(link["case"]), link["outcome"], link["shows"]), []).append(link)
    for same in groups.values():
        first = same[0]
        case = first["case"] if len(same) == 1 else f"{_kind(first['case'])} ({len(same)})"
        other = ", ".join(f"`--{option}`: {end}" for option, end in first["under"].items())
        ends = f"{first['stage']}: {first['outcome']}"
        if first["duplicate_of"] and first["outcome"] == "exact_duplicate":
            ends += f" of {first['duplicate_of']}"
        rows.append(f"| {case} | {_cell(first['shows'])} | {ends} | {other} |\n")
    return rows


def _overlap_rows(examples: list[dict[str, Any]]) -> list[str]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for example in examples:
        groups.setdefault(example["planted"], []).append(example)
    return [
        f"| {planted} | {len(group)} | {sum(e['found'] for e in group)} of "
        f"{sum(e['total'] for e in group)} |\n"
        for planted, group in groups.items()
    ]


def _kind(case: str) -> str:
    return re.sub(r"-\d+$", "", case) if not case.startswith("near-") else case


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
