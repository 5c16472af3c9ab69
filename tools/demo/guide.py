"""Writes `docs/demo.md`, which page of the demo data shows what: `expected.json` in `guide.md`."""

import re
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent / "guide.md"


def page(expected: dict[str, Any]) -> str:
    """The whole page."""
    counts, links, overlap = expected["counts"], expected["links"], expected["overlap"]
    return TEMPLATE.read_text(encoding="utf-8").format(
        counts=counts,
        by_outcome=", ".join(f"{v} {k}" for k, v in counts["lines_by_outcome"].items()),
        captures=sum(link["captures"] for link in links),
        examples=len(overlap["examples"]),
        ngrams=overlap["ngrams"],
        line_rows=_rows(_lines(expected["lines"], links)),
        link_rows=_rows(map(_link, _groups(links, lambda k: (_kind(k), k["outcome"], k["shows"])))),
        overlap_rows=_rows(map(_planted, _groups(overlap["examples"], lambda e: e["planted"]))),
    )


def _lines(lines: list[dict[str, Any]], links: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Lines that show something of their own, beyond what their link shows."""
    of_link = {link["case"]: link["shows"] for link in links}
    own = (line for line in lines if line["shows"] != of_link[line["case"]])
    return sorted({(_kind(line), line["shows"], line["outcome"]) for line in own})


def _link(same: list[dict[str, Any]]) -> tuple[str, ...]:
    first = same[0]
    case = first["case"] if len(same) == 1 else f"{_kind(first)} ({len(same)})"
    ends = f"{first['stage']}: {first['outcome']}"
    if first["outcome"] == "exact_duplicate":
        ends += f" of {first['duplicate_of']}"
    other = ", ".join(f"`--{option}`: {end}" for option, end in first["under"].items())
    return case, first["shows"], ends, other


def _planted(same: list[dict[str, Any]]) -> tuple[str, ...]:
    found, total = (sum(example[key] for example in same) for key in ("found", "total"))
    return same[0]["planted"], str(len(same)), f"{found} of {total}"


def _groups(
    items: list[dict[str, Any]], key: Callable[[dict[str, Any]], Hashable]
) -> list[list[dict[str, Any]]]:
    groups: dict[Hashable, list[dict[str, Any]]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n" for row in rows)


def _kind(item: dict[str, Any]) -> str:
    case: str = item["case"]
    return case if case.startswith("near-") else re.sub(r"-\d+$", "", case)
