"""Throws damaged tables of pages and of links at their readers.

Promises: a table gives its rows or an `InputError` or `FormatError`; rows of links without damage
are those that the file has, one for one.

Usage: table.py [--seconds 60] [--seed 1] [--all]
"""

import csv
import datetime as dt
import io
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fuzzing import FRAGMENTS, damaged, run

from webtext_py.errors import FormatError, InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.capture import captures_to_batch
from webtext_py.stages.links.lines import judge, submissions
from webtext_py.stages.links.table import read_links

LIMIT = 1 << 16
MOMENT = dt.datetime(2014, 5, 1, 12, tzinfo=dt.UTC)
STRINGS = ["", "http://a.example/x", "https://b.example/?q=1&amp;r", "text/html", "2014-05-01"]
STRINGS += [
    "<p>a page</p>",
    "1400000000",
    "1e300",
    "nan",
    "-inf",
    "true",
    "\ufeff",
    "\0",
    "x" * 300,
]
STRINGS += ["9" * 30, "0001-01-01", "9999-12-31T23:59:59+14:00", "Content-Type: text/html\r\nA: b"]
NUMBERS: list[Any] = [0, 1, -1, 3, 1_400_000_000, 1 << 62, -(1 << 63), (1 << 63) - 1]
FLOATS: list[Any] = [0.0, 1.5, -1e300, 1e300, float("nan"), float("inf"), 1_400_000_000.25]
MOMENTS: list[Any] = [MOMENT, dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime(1600, 1, 1)]
OTHERS: list[Any] = [None, True, [], [1], {"a": 1}, [["Content-Type", "text/html"]]]
PAGE_NAMES = ["url", "html", "fetched_at", "status", "content_type", "headers", "more"]
LINK_NAMES = ["url", "karma", "created_utc", "subreddit", "over_18", "submission_id", "more"]


def column(generator: random.Random, rows: int) -> pa.Array:
    """A column of any type that has a value for everything in it."""
    strings = [generator.choice([*STRINGS, None]) for _ in range(rows)]
    numbers = [generator.choice([*NUMBERS, None]) for _ in range(rows)]
    match generator.randrange(16):
        case 0:
            return pa.array(strings, pa.large_string())
        case 1:
            return pa.array(strings, pa.string_view())
        case 2:
            return pa.array(strings, pa.string()).dictionary_encode()
        case 3:
            return pa.array([s and s.encode() + b"\xff" for s in strings], pa.binary())
        case 4:
            return pa.array(numbers, pa.int64())
        case 5:
            return pa.array([generator.choice([*FLOATS, None]) for _ in range(rows)], pa.float64())
        case 6:
            unit = generator.choice(["s", "ms", "us", "ns"])
            zone = generator.choice([None, "UTC", "Asia/Tokyo"])
            return pa.array(numbers, pa.int64()).view(pa.timestamp(unit, zone))
        case 7:
            return pa.nulls(rows)
        case 8:
            return pa.array([generator.choice([True, False, None]) for _ in range(rows)])
        case 9:
            return pa.array([n and n % (1 << 31) for n in numbers], pa.int32()).view(pa.date32())
        case 10:
            kind = pa.list_(pa.list_(pa.string()))
            return pa.array(
                [generator.choice([None, [], [["A", "b"], ["c"]]]) for _ in range(rows)], kind
            )
        case 11:
            kind = pa.map_(pa.string(), pa.string())
            return pa.array([generator.choice([None, [], [("A", "b")]]) for _ in range(rows)], kind)
        case 12:
            return pa.array([n and n % 1000 for n in numbers], pa.decimal128(10, 2))
        case _:
            return pa.array(strings, pa.string())


def parquet(generator: random.Random, names: list[str]) -> bytes:
    """A table with some of the columns, in any types."""
    rows = generator.choice([0, 1, 5, 40])
    chosen = [name for name in names if generator.random() < 0.85]
    columns = {}
    for name in chosen:
        usual = generator.random() < 0.5
        if usual and name in ("html", "url"):
            columns[name] = pa.array([generator.choice(STRINGS[:6]) for _ in range(rows)])
        elif usual and name in ("karma", "created_utc", "status"):
            columns[name] = pa.array(
                [generator.choice(NUMBERS[:5]) for _ in range(rows)], pa.int64()
            )
        else:
            columns[name] = column(generator, rows)
    sink = io.BytesIO()
    options: dict[str, Any] = {
        "row_group_size": generator.choice([1, 7, 100]),
        "compression": generator.choice(["zstd", "snappy", "none"]),
        "use_dictionary": generator.random() < 0.5,
    }
    try:
        pq.write_table(pa.table(columns), sink, **options)
    except pa.ArrowInvalid:
        # Times that no Parquet holds: then as numbers.
        plain = {
            name: values.view(pa.int64()) if pa.types.is_timestamp(values.type) else values
            for name, values in columns.items()
        }
        sink = io.BytesIO()
        pq.write_table(pa.table(plain), sink, **options)
    return sink.getvalue()


def lines(generator: random.Random) -> bytes:
    """Links as JSONL or CSV."""
    values = [*STRINGS, *NUMBERS[:6], *FLOATS[:4], *OTHERS]
    usual: dict[str, list[Any]] = {
        "url": STRINGS[1:3],
        "karma": NUMBERS[:4],
        "created_utc": [1_400_000_000, "2014-05-01T12:00:00Z", "1400000000", 1.4e9],
    }
    rows = [
        {
            name: generator.choice(usual.get(name, values) if generator.random() < 0.7 else values)
            for name in LINK_NAMES
        }
        for _ in range(generator.choice([1, 5, 60]))
    ]
    if generator.random() < 0.5:
        return b"\n".join(json.dumps(row).encode() for row in rows) + b"\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, LINK_NAMES, dialect=generator.choice(["excel", "unix"]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def pages(path: Path) -> str:
    """Reads a table of pages."""
    try:
        (container,) = list_containers([str(path)])
    except InputError:
        return "refused"
    try:
        found = list(scan_container(container, LIMIT))
        captures_to_batch(found, path.name)
        read = list(
            read_captures(
                container,
                [c.location for c in found],
                max_payload_bytes=LIMIT,
                max_body_bytes=LIMIT,
            )
        )
    except (InputError, FormatError):
        return "refused on the way"
    assert len(read) == len(found)
    for _, payload in read:
        assert len(payload.body) <= LIMIT
        assert payload.problem in (None, "too_large", "no_payload", "damaged_record")
    return "read"


def links(path: Path, rows: int | None) -> str:
    """Reads a table of links and judges its rows, as the links stage does."""
    found = 0
    try:
        for batch in read_links(path):
            outcomes = judge(batch, 2_000_000_000, 0, nsfw=False)
            assert outcomes.null_count == 0
            assert len(submissions(batch, "a", found)) == batch.num_rows
            found += batch.num_rows
    except (InputError, FormatError):
        return "refused"
    assert rows in (None, found), f"{found} of {rows} rows"
    return "read"


def one(generator: random.Random, folder: Path) -> str:
    """One table; returns what became of it."""
    kind = generator.choice(["pages", "links", "links"])
    text = kind == "links" and generator.random() < 0.6
    rows = None
    if text:
        data = lines(generator)
        fragments = [*FRAGMENTS, b"[" * 3000, b'{"a":' * 3000, b"'", b";", b"\xc2\xa0"]
    else:
        data = parquet(generator, PAGE_NAMES if kind == "pages" else LINK_NAMES)
        fragments = FRAGMENTS
        rows = pq.read_metadata(io.BytesIO(data)).num_rows
    if generator.random() < 0.5:
        data, rows = damaged(generator, data, fragments=fragments), None
    path = folder / "table"
    path.write_bytes(data)
    return f"{kind}: {pages(path) if kind == 'pages' else links(path, rows)}"


if __name__ == "__main__":
    run(__doc__, one)
