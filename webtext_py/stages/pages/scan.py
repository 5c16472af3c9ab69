"""Captures of a container to rows by partition of their key; revisits apart, to be resolved."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import partition_of
from webtext_py.engine import advance
from webtext_py.pages.archive import open_container, scan_container
from webtext_py.pages.capture import Capture
from webtext_py.records import CAPTURES
from webtext_py.tables import Shuffle, read_tables, write_table
from webtext_py.url.key import url_key

GOOD = "good"
REDIRECT = "redirect"
REVISIT = "revisit"
_ROWS = 4096

# A capture on its way through the joins. `next_key` is where a redirect or a revisit points.
ROWS = pa.schema([*CAPTURES, pa.field("next_key", pa.string())])


def scan(inputs: list[Path], outputs: list[Path], name: str) -> dict[str, Any]:
    """Task: a container to captures (first half of `outputs`) by partition of `url_key` and
    revisits (second half) by partition of the key they refer to.

    Returns `captures` by outcome, and `damage`: what could not be read, with file and offset.
    """
    half = len(outputs) // 2
    outcomes: Counter[str] = Counter()
    container = open_container(inputs[0])
    found = scan_container(container)
    held: list[dict[str, Any]] = []
    said = 0
    with Shuffle(outputs, ROWS) as shuffle:
        for capture in found:
            outcomes[capture.outcome] += 1
            row = _row(capture, name)
            if row is None:
                outcomes["no_url_key"] += 1
                outcomes[capture.outcome] -= 1
                continue
            held.append(row)
            if len(held) == _ROWS:
                _add(shuffle, held, half)
                advance(found.position - said)
                said = found.position
                held = []
        _add(shuffle, held, half)
    return {
        "captures": dict(sorted((+outcomes).items())),
        "damage": [[d.offset, d.bytes_lost, d.what] for d in found.damage],
    }


def _row(capture: Capture, name: str) -> dict[str, Any] | None:
    key = url_key(capture.url)
    if key is None:
        return None
    if capture.outcome == REVISIT:
        next_key = url_key(capture.refers_to_uri or capture.url) or key
    elif capture.outcome == REDIRECT:
        next_key = url_key(capture.redirect_to) if capture.redirect_to else None
    else:
        next_key = None
    return {
        "url_key": key,
        "url": capture.url,
        "final_url": capture.url,
        "redirects": [],
        "status": capture.status,
        "content_type": capture.content_type,
        "http_headers": [{"name": n, "value": v} for n, v in capture.http_headers],
        "fetched_at": capture.fetched_at,
        "outcome": capture.outcome,
        "source": "archive",
        "container": capture.container,
        "location": {
            "file": name,
            "offset": capture.location.offset,
            "length": capture.location.length,
        },
        "payload_digest": capture.payload_digest,
        "next_key": next_key,
    }


def _add(shuffle: Shuffle, rows: list[dict[str, Any]], half: int) -> None:
    table = pa.Table.from_pylist(rows, ROWS)
    revisit = pc.equal(table["outcome"], REVISIT)
    by = pc.if_else(revisit, table["next_key"], table["url_key"])
    targets = partition_of(by, half)
    shift = revisit.combine_chunks().to_numpy(zero_copy_only=False)
    shuffle.add(table, targets + np.where(shift, half, 0))


def resolve_revisits(inputs: list[Path], outputs: list[Path], captures: int) -> dict[str, Any]:
    """Task: revisits of one partition with the payload they stand for, by partition of their own
    key.

    The first `captures` inputs hold the partition's captures, the others its revisits. A revisit
    keeps its URL and date and takes the rest from the earliest capture of the same payload; one
    that finds none is `revisit_without_original`.
    """
    rows = read_tables(inputs[captures:])
    originals: dict[tuple[str, str], dict[str, Any]] = {}
    if rows.num_rows:
        for row in read_tables(inputs[:captures]).sort_by(_ORDER).to_pylist():
            if row["payload_digest"] and row["outcome"] != REVISIT:
                originals.setdefault((row["url_key"], row["payload_digest"]), row)
    done = []
    for row in rows.to_pylist():
        original = originals.get((row["next_key"], row["payload_digest"]))
        if original is None:
            done.append({**row, "outcome": "revisit_without_original", "next_key": None})
        else:
            own = {name: row[name] for name in ("url_key", "url", "final_url", "fetched_at")}
            done.append({**original, **own})
    table = pa.Table.from_pylist(done, ROWS)
    with Shuffle(outputs, ROWS) as shuffle:
        shuffle.add(table, partition_of(table["url_key"], len(outputs)))
    return {"resolved": sum(row["outcome"] != "revisit_without_original" for row in done)}


_ORDER = [
    ("url_key", "ascending"),
    ("fetched_at", "ascending"),
    ("url", "ascending"),
    ("payload_digest", "ascending"),
    ("status", "ascending"),
]


def index(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: all captures of one partition, in order of key and date, as `pages/index-*.parquet`."""
    rows = read_tables(inputs)
    places = pa.table(
        {
            "file": pc.struct_field(rows["location"], "file"),
            "offset": pc.struct_field(rows["location"], "offset"),
        }
    )
    ordered = rows.append_column("_file", places["file"]).append_column("_at", places["offset"])
    ordered = ordered.sort_by([*_ORDER, ("_file", "ascending"), ("_at", "ascending")])
    write_table(ordered.select(ROWS.names).cast(ROWS), outputs[0])
    write_table(ordered.select(CAPTURES.names).cast(CAPTURES), outputs[1])
    return {"rows": rows.num_rows}
