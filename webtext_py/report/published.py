"""A published list of domains beside ours: share and rank."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webtext_py.errors import InputError

SHOWN = 50  # first domains of the list: our choice
_DEPTHS = (10, 100, 1000)


@dataclass(frozen=True)
class Published:
    """A list of domains, the first first; `bare` where its names have no suffix (`nytimes`)."""

    names: tuple[str, ...]
    counts: tuple[int, ...] | None
    bare: bool
    unread: int  # lines that name no domain


def read_list(path: Path) -> Published:
    """A list of one domain a line, with a count before or after it or none, in columns by white
    space, tabs or commas; OpenAI's `domains.txt` is one. Raises `InputError` where it is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"`{path}` is not UTF-8 text; a list of domains was expected") from None
    counts: dict[str, int | None] = {}
    unread = 0
    for line in lines:
        fields = [field for field in re.split(r"[\s,]+", line.split("#", 1)[0]) if field]
        numbers = [field for field in fields if field.isascii() and field.isdigit()]
        names = [field for field in fields if field not in numbers]
        if len(names) == 1 and len(numbers) <= 1:
            name = names[0].lower()
            counts.setdefault(name, int(numbers[0]) if numbers else None)
        elif fields:
            unread += 1
    if not counts or unread > len(counts):
        raise InputError(
            f"`{path}` is no list of domains: {unread} of its lines name none",
            "one domain a line was expected, with a count before or after it if there is one",
        )
    names_ = list(counts)
    known = [count for count in counts.values() if count is not None]
    if len(known) == len(names_):
        names_.sort(key=lambda name: -(counts[name] or 0))
    bare = sum("." in name for name in names_) * 2 < len(names_)
    numbers_ = tuple(counts[n] or 0 for n in names_) if len(known) == len(names_) else None
    return Published(tuple(names_), numbers_, bare, unread)


def compare(published: Published, ours: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The list beside our domains (rows with `key` and `documents`)."""
    documents: dict[str, int] = {}
    for row in ours:
        name = row["key"] or ""
        name = name.partition(".")[0] if published.bare else name
        documents[name] = documents.get(name, 0) + row["documents"]
    documents = {name: count for name, count in documents.items() if count}
    order = sorted(documents, key=lambda name: (-documents[name], name))
    rank = {name: place for place, name in enumerate(order, 1)}
    both = [name for name in published.names if name in rank]
    total, listed = sum(documents.values()), sum(documents[name] for name in both)
    their_total = sum(published.counts) if published.counts else 0
    return {
        "names": len(published.names),
        "unread": published.unread,
        "bare": published.bare,
        "found": len(both),
        "documents": listed,
        "share": listed / total if total else 0.0,
        "depths": [
            {"depth": depth, "common": len(set(published.names[:depth]) & set(order[:depth]))}
            for depth in sorted({min(depth, len(published.names)) for depth in _DEPTHS})
        ],
        "rank_correlation": _spearman([rank[name] for name in both]),
        "rows": [
            {
                "name": name,
                "their_rank": place,
                "their_share": published.counts[place - 1] / their_total
                if published.counts and their_total
                else None,
                "rank": rank.get(name),
                "documents": documents.get(name, 0),
                "share": documents.get(name, 0) / total if total else 0.0,
            }
            for place, name in enumerate(published.names[:SHOWN], 1)
        ],
    }


def _spearman(ranks: Sequence[int]) -> float | None:
    """Spearman's correlation of ranks with the order in which they stand; None of fewer than 3."""
    if len(ranks) < 3:
        return None
    mine = np.argsort(np.argsort(ranks))
    return round(float(np.corrcoef(mine, np.arange(len(ranks)))[0, 1]), 4)
