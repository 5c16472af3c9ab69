"""A published list of domains beside ours: share and rank."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
        said = f"{unread} of its lines name none" if unread else "it is empty"
        raise InputError(
            f"`{path}` is no list of domains: {said}",
            "one domain a line was expected, with a count before or after it if there is one",
        )
    counted = None not in counts.values()
    ordered = sorted(counts, key=lambda name: -(counts[name] or 0)) if counted else counts
    bare = sum("." in name for name in counts) * 2 < len(counts)
    numbers_ = tuple(counts[n] or 0 for n in ordered) if counted else None
    return Published(tuple(ordered), numbers_, bare, unread)


class Standing:
    """How our domains stand beside a list, from parts of them. Memory: the list twice, a part."""

    def __init__(self, published: Published) -> None:
        self._list = published
        self._names = pa.array(published.names, pa.string())
        self._found: dict[str, int] = {}  # documents of names of the list
        self._first: list[tuple[int, str]] = []  # those with most documents, and how many, below 0
        self._sizes: Counter[int] = Counter()  # how many names have so many documents

    def add(self, domains: "pa.Array | pa.ChunkedArray", documents: Any) -> None:
        """Domains with their documents; those that are one name of the list come together."""
        names = pc.fill_null(bare(domains) if self._list.bare else domains, "")
        rows = pa.table([names, documents], names=["name", "n"]).filter(pc.greater(documents, 0))
        rows = rows.group_by(["name"], use_threads=False).aggregate([("n", "sum")])
        self._sizes.update(rows["n_sum"].to_pylist())
        listed = rows.filter(pc.is_in(rows["name"], self._names))
        self._found |= {row["name"]: row["n_sum"] for row in listed.to_pylist()}
        most = rows.sort_by([("n_sum", "descending"), ("name", "ascending")])[: _DEPTHS[-1]]
        new = ((-row["n_sum"], row["name"]) for row in most.to_pylist())
        self._first = sorted([*self._first, *new])[: _DEPTHS[-1]]

    def document(self) -> dict[str, Any]:
        """The list beside ours; names with as many documents share a rank."""
        names, counts = self._list.names, self._list.counts
        total = sum(n * many for n, many in self._sizes.items())
        sizes = sorted(self._sizes, reverse=True)
        above = accumulate((self._sizes[n] for n in sizes), initial=1)
        ranks = dict(zip(sizes, above, strict=False))
        both = [name for name in names if name in self._found]
        listed, theirs = sum(self._found.values()), sum(counts or ())
        order = [name for _, name in self._first]
        return {
            "names": len(names),
            "unread": self._list.unread,
            "bare": self._list.bare,
            "found": len(both),
            "documents": listed,
            "share": listed / total if total else 0.0,
            "depths": [
                {"depth": depth, "common": len(set(names[:depth]) & set(order[:depth]))}
                for depth in sorted({min(depth, len(names)) for depth in _DEPTHS})
            ],
            "rank_correlation": _spearman([ranks[self._found[name]] for name in both]),
            "rows": [
                {
                    "name": name,
                    "their_rank": place,
                    "their_share": counts[place - 1] / theirs if counts and theirs else None,
                    "rank": ranks.get(self._found.get(name, 0)),
                    "documents": self._found.get(name, 0),
                    "share": self._found.get(name, 0) / total if total else 0.0,
                }
                for place, name in enumerate(names[:SHOWN], 1)
            ],
        }


def bare(names: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """Names up to their first dot."""
    return pc.replace_substring_regex(names, r"(?s)\..*", "")


def _spearman(ranks: Sequence[int]) -> float | None:
    """Spearman's correlation of ranks with the order in which they stand; None of fewer than 3, and
    where all are equal."""
    _, place, counts = np.unique(ranks, return_inverse=True, return_counts=True)
    if len(ranks) < 3 or len(counts) < 2:
        return None
    mine = (np.cumsum(counts) - (counts - 1) / 2)[place]  # of equal ones the mean
    return round(float(np.corrcoef(mine, np.arange(len(ranks)))[0, 1]), 4)
