"""What a build ended with, and what one would make: tables for people."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from webtext_py.reader.passed import passed_said
from webtext_py.sizes import size

from .output import console, damage_said

if TYPE_CHECKING:
    from webtext_py.manifest import Entry
    from webtext_py.outlook import Outlook


def print_plan(verdicts: list[tuple[str, str]], outlook: "dict[str, Outlook]") -> None:
    """The stages, what a run would do with each, and about what it would make there."""
    out = console()
    for name, verdict in verdicts:
        line = f"{name:<10} {verdict}"
        if verdict != "done" and (expected := outlook.get(name)) is not None:
            line += (
                f"; about {expected.tasks:,} tasks, {expected.files:,} files of "
                f"{size(expected.bytes)}, {size(expected.memory)} for the largest task"
            )
        out.print(line, markup=False, soft_wrap=True)


def print_summary(
    data: Path, entries: "dict[str, Entry]", passed: dict[str, dict[str, int]]
) -> None:
    """What went in, what was kept, and why the rest was not."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for name in ("in", "kept", "dropped"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for stage, counts in _rows(entries):
        lost = sum(counts["dropped"].values())
        reasons = sorted(counts["dropped"].items(), key=lambda item: (-item[1], item[0]))
        why = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
        table.add_row(stage, f"{counts['in']:,}", f"{counts['kept']:,}", f"{lost:,}", why)
    out = console()
    out.print(table)
    damage = entries["links"].counts["damage"] | entries["pages"].counts["damage"]
    for line in damage_said(damage):
        out.print(line, markup=False)
    articles = entries["wikipedia"].counts.get("articles", {})
    read = [entries[name].counts.get("passed_over", {}) for name in ("links", "pages")]
    for found in (passed, *read, _left_out(articles)):
        if said := passed_said(found):
            out.print(said, markup=False, soft_wrap=True)
    splits = entries["shard"].counts["splits"]
    parts = [
        f"{split}: {n['rows']:,} documents, {n['words']:,} words, {size(n['bytes'])}"
        for split, n in splits.items()
        if n["shards"]
    ]
    out.print("\n".join([*parts, f"shards are in {data / 'shards'}"]), markup=False)


def _left_out(articles: dict[str, int]) -> dict[str, dict[str, int]]:
    """What was left out of files of articles, as readers say it."""
    names = ("redirects", "other_namespaces", "older_revisions", "damaged_pages", "damages")
    found = {f"articles: {name}": articles[name] for name in names if articles.get(name)}
    return {"rows": found} if found else {}


def _rows(entries: "dict[str, Entry]") -> list[tuple[str, dict[str, Any]]]:
    rows: list[tuple[str, dict[str, Any]]] = []
    for name, entry in entries.items():
        if name == "links":
            rows += [("lines", entry.counts["lines"]), ("links", entry.counts["urls"])]
        elif "dropped" in entry.counts:
            rows.append((name, entry.counts))
    return rows
