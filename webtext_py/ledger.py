"""Nothing vanishes: what a stage takes equals what it keeps plus what it drops, by reason.

Lines are counted by file and outcome (`ledger/lines.parquet`); every URL has one row with the
stage where it ended (`ledger/urls-STAGE-*.parquet`).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from webtext_py.records import LEDGER_URLS, table

KEPT = "kept"


class LedgerError(AssertionError):
    """Numbers of a stage that do not add up: a bug of webtext, never of the input."""


def balance(stage: str, taken: int, kept: int, dropped: Mapping[str, int]) -> dict[str, Any]:
    """The stage's counts as the manifest holds them: `in`, `kept`, `dropped` by reason.

    Raises `LedgerError` unless `taken == kept + sum(dropped.values())`.
    """
    total = kept + sum(dropped.values())
    if taken != total:
        raise LedgerError(f"{stage}: {taken} taken, but {kept} kept + {total - kept} dropped")
    return {"in": taken, "kept": kept, "dropped": dict(sorted(dropped.items()))}


def add_up(parts: list[Mapping[str, int]]) -> Counter[str]:
    """The sum of many tasks' counts by reason."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def reasons(counts: Mapping[str, Any]) -> str:
    """What a stage dropped, for people: `3 low_karma, 1 media_host`."""
    return ", ".join(f"{count} {reason}" for reason, count in counts["dropped"].items()) or "empty"


def count_values(values: "pa.Array | pa.ChunkedArray") -> dict[str, int]:
    """How often each value of a text column occurs, by value."""
    import pyarrow.compute as pc  # here alone: commands that count nothing start sooner

    counts = pc.value_counts(values)
    pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    return dict(sorted(pairs))


def url_ends(
    stage: str,
    url_keys: "pa.Array | pa.ChunkedArray | list[str]",
    outcomes: "pa.Array | pa.ChunkedArray | list[str]",
    doc_ids: "pa.Array | pa.ChunkedArray | list[str | None] | None" = None,
) -> pa.Table:
    """Rows of `ledger/urls`: each URL's end in `stage`, ordered by `url_key`."""
    count = len(url_keys)
    ids = pa.nulls(count, pa.string()) if doc_ids is None else doc_ids
    columns = {"url_key": url_keys, "stage": pa.repeat(stage, count), "outcome": outcomes}
    return table(LEDGER_URLS, columns | {"doc_id": ids}).sort_by("url_key")
