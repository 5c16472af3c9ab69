"""Parquet tables of pages: `url` and `html`, and what else is known of each.

The rest is optional: `fetched_at`, `status`, `content_type`, `headers`. `html` is binary (as it
came) or text; `fetched_at` a time in any form (`reader.times`); `headers` a list of (name, value),
a map, or the lines as one string. Columns may be of any type of text (`reader.columns`). A
`fetched_at` that is no time, and columns that are not used, are counted. Memory grows with 64 rows
and one page of each column.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.columns import text_column
from webtext_py.errors import InputError
from webtext_py.pages.capture import GOOD, MAX_BODY_BYTES, Capture, Location, Payload, decoded
from webtext_py.pages.http import first_value, is_html, is_web_url
from webtext_py.reader import Passed, group_batches, open_parquet, rows_of
from webtext_py.reader.files import shown
from webtext_py.reader.times import to_micros

Row = dict[str, object]

_ROWS = 64  # our choice: for each batch Arrow makes room for the rest of a column's page
_OPTIONAL = ("fetched_at", "status", "content_type", "headers")


def scan(
    file: str, limit: int, records: Counter[str], passed: Passed
) -> Iterator[tuple[Capture, Callable[[], Payload]]]:
    """The captures in a table's rows, in order, each with what reads its page."""
    with _open(file) as table:
        for name in table.schema_arrow.names:
            if name not in ("url", "html", *_OPTIONAL):
                passed.add("fields", f"{name[:60]}: not used")
        for place, row in _rows(file, table, range(table.num_row_groups), passed):
            records["row"] += 1
            yield row_capture(Location(file, place[0], 1, place[1]), row, limit, passed)


def row_capture(
    location: Location, row: Row, limit: int, passed: Passed
) -> tuple[Capture, Callable[[], Payload]]:
    """The capture that a row describes, and what reads its page."""
    body, problem = _body(row, limit)
    headers = _headers(row.get("headers"))
    kind = text_of(row.get("content_type") or first_value(headers, "content-type"))
    given, status = row.get("fetched_at"), to_int(row.get("status"))
    fetched_at = to_micros(given)
    if fetched_at is None and given not in (None, ""):
        passed.add("values", "fetched_at: no time")
    capture = Capture(
        url=text_of(row.get("url")) or "",
        location=location,
        outcome=problem or GOOD,
        record_type="page",
        status=status,
        content_type=kind,
        fetched_at=fetched_at,
        http_headers=headers or ([("Content-Type", kind)] if kind else []),
    )
    if problem is None:
        if not is_web_url(capture.url):
            capture.outcome = "not_http"
        elif status is not None and status // 100 != 2:
            capture.outcome = "http_error"
        elif kind and not is_html(kind, [], body):
            capture.outcome = "not_html"
    return capture, partial(row_payload, row, limit, MAX_BODY_BYTES)


def read(
    file: str, chosen: Sequence[Location], limit: int, max_body: int
) -> Iterator[tuple[Location, Payload]]:
    """The pages in the rows that `chosen`, in order, names."""
    wanted = {location.place(): location for location in chosen}
    begins = {location.offset for location in chosen}
    with _open(file) as table:
        groups = [group for group, first in enumerate(_starts(table)[:-1]) if first in begins]
        for place, row in _rows(file, table, groups, Passed()):
            if place in wanted:
                yield wanted[place], row_payload(row, limit, max_body)


def row_payload(row: Row, limit: int, max_body: int) -> Payload:
    """The page of a row: at most `limit` bytes as stored, `max_body` decoded."""
    body, problem = _body(row, limit)
    headers = _headers(row.get("headers"))
    kind = row.get("content_type")
    if isinstance(kind, str) and kind and first_value(headers, "content-type") is None:
        headers = [*headers, ("Content-Type", kind)]
    if isinstance(row.get("html"), str):
        # Text has no charset any more: what the page says of itself no longer holds.
        headers = [(n, v) for n, v in headers if n.lower() != "content-type"]
        headers.append(("Content-Type", "text/html; charset=utf-8"))
    url = text_of(row.get("url")) or ""
    payload = Payload(url, to_int(row.get("status")), headers, b"", problem=problem)
    return payload if problem else decoded(payload, bytes(body), max_body)


def _open(file: str) -> pq.ParquetFile:
    try:
        return open_parquet(Path(file), buffer_size=1 << 20, pre_buffer=False)
    except OSError as error:
        raise InputError(f"cannot read `{shown(file)}`: {error.strerror}") from error


def _starts(table: pq.ParquetFile) -> list[int]:
    """The number of each row group's first row, and that of all rows."""
    counts = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
    return list(accumulate(counts, initial=0))


def _rows(
    file: str, table: pq.ParquetFile, groups: Sequence[int], passed: Passed
) -> Iterator[tuple[tuple[int, int], Row]]:
    """Rows of the row groups `groups`, each with its place: the number of the group's first row,
    and how many come before it there."""
    names = table.schema_arrow.names
    columns = ["url", "html", *(name for name in _OPTIONAL if name in names)]
    starts = _starts(table)
    for group in groups:
        number = 0
        for batch in group_batches(table, Path(file), columns, rows=_ROWS, groups=[group]):
            html = batch.column("html")
            bodies: Iterable[object] = (None,) * len(batch)
            if pa.types.is_binary(html.type) or pa.types.is_large_binary(html.type):
                bodies, batch = _views(html), batch.drop_columns("html")
            for row, body in zip(rows_of(batch, passed), bodies, strict=True):
                yield (starts[group], number), row if body is None else {**row, "html": body}
                number += 1


def _views(html: pa.Array) -> Iterator[memoryview]:
    """The pages where Arrow has them: a scan only wants to know that they are there."""
    offsets, data = text_column(html)
    for start, end in pairwise(offsets.tolist()):
        yield data[start:end].data


def _body(row: Row, limit: int) -> tuple[bytes | memoryview, str | None]:
    html = row.get("html")
    body = html.encode("utf-8", "replace") if isinstance(html, str) else html
    if not isinstance(body, bytes | memoryview) or not body:
        return b"", "no_payload"
    return (b"", "too_large") if len(body) > limit else (body, None)


def _headers(value: object) -> list[tuple[str, str]]:
    """Headers out of a list of pairs or of {name, value}, or of lines of text."""
    found: list[tuple[str, str]] = []
    if isinstance(value, str):
        for line in value.splitlines():
            name, colon, rest = line.partition(":")
            if colon and name.strip():
                found.append((name.strip(), rest.strip()))
        return found
    for item in value if isinstance(value, list) else []:
        pair = list(item.values()) if isinstance(item, dict) else item
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name, rest = pair
            if isinstance(name, str) and isinstance(rest, str):
                found.append((name, rest))
    return found


def text_of(value: object) -> str | None:
    """The value where it is text that is not empty."""
    return value if isinstance(value, str) and value else None


def to_int(value: object) -> int | None:
    """An HTTP status out of a number or text; None where it is none."""
    try:
        number = int(str(value).partition(".")[0])
    except ValueError:
        return None
    return number if 0 < number < 1000 else None
