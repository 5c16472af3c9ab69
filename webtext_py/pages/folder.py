"""Folders of HTML files with an index: `urls.csv` or `urls.jsonl`.

Its columns: `file` (relative to the folder) and `url`; `fetched_at` (ISO 8601, or seconds since
1970), `status` and `content_type` may follow. A row that cannot be used costs that row. Files may
be compressed: what they hold is told by their bytes.
"""

import base64
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.pages.capture import MAX_BODY_BYTES, Capture, Location, Payload
from webtext_py.pages.coding import decode_body
from webtext_py.pages.dates import parse_date
from webtext_py.pages.framing import Damage
from webtext_py.pages.http import is_html, is_web_url

__all__ = ["index_file", "page_capture", "read", "scan", "to_int", "to_micros"]

_NAMES = ("urls.csv", "urls.jsonl")
Row = dict[str, object]


def index_file(folder: Path, files: Iterable[str]) -> Path | None:
    """The index among the `files` of `folder`; null where there is none.

    Raises `InputError` where there are two.
    """
    found = [name for name in _NAMES if name in files]
    if len(found) > 1:
        raise InputError(f"`{folder}` has both urls.csv and urls.jsonl", "keep one of them")
    return folder / found[0] if found else None


def scan(
    folder: str, limit: int, records: Counter[str], damage: list[Damage]
) -> Iterator[tuple[Capture, Callable[[], Payload]]]:
    """The captures that a folder's index names, in its order, each with what reads its page."""
    index = _index(folder)
    for number, row in _rows(index):
        file = None if row is None else _text(row.get("file"))
        url = None if row is None else _text(row.get("url"))
        if row is None or not file or not url:
            damage.append(Damage(str(index), number, 0, "a row without file and URL"))
            continue
        records["row"] += 1
        body, problem = _load(folder, file, limit)
        capture = page_capture(Location(folder, number, 1), url, row, body, problem)
        yield capture, partial(_payload, row, body, problem, MAX_BODY_BYTES)


def read(
    folder: str, chosen: Sequence[Location], limit: int, max_body: int
) -> Iterator[tuple[Location, Payload]]:
    """The pages in the rows that `chosen`, in order, names."""
    wanted = {location.offset: location for location in chosen}
    for number, row in _rows(_index(folder)):
        location = wanted.get(number)
        if location is None or row is None:
            continue
        body, problem = _load(folder, _text(row.get("file")) or "", limit)
        yield location, _payload(row, body, problem, max_body)


def _payload(row: Row, body: bytes, problem: str | None, max_body: int) -> Payload:
    kind = _text(row.get("content_type"))
    headers = [("Content-Type", kind)] if kind else []
    payload = Payload(_text(row.get("url")) or "", to_int(row.get("status")), headers, b"")
    if problem is None:
        decoded = decode_body(body, headers, max_body)
        problem = "too_large" if decoded.too_large else None
        payload.body = b"" if problem else decoded.body
        payload.truncated = decoded.truncated
    payload.problem = problem
    return payload


def page_capture(
    location: Location, url: str, values: Row, body: bytes, problem: str | None
) -> Capture:
    """The capture that a row of an index or a table describes."""
    kind = _text(values.get("content_type"))
    status = to_int(values.get("status"))
    outcome = problem or "good"
    if problem is None:
        if not is_web_url(url):
            outcome = "not_http"
        elif status is not None and status // 100 != 2:
            outcome = "http_error"
        elif kind and not is_html(kind, [], body):
            outcome = "not_html"
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return Capture(
        url=url,
        location=location,
        outcome=outcome,
        record_type="page",
        status=status,
        content_type=kind,
        fetched_at=to_micros(values.get("fetched_at")),
        http_headers=[("Content-Type", kind)] if kind else [],
        payload_digest=None if problem else f"sha1:{base64.b32encode(digest).decode()}",
    )


def _index(folder: str) -> Path:
    here = Path(folder)
    index = index_file(here, [name for name in _NAMES if (here / name).is_file()])
    if index is None:
        raise InputError(f"`{folder}` has no urls.csv or urls.jsonl any more")
    return index


def _rows(index: Path) -> Iterator[tuple[int, Row | None]]:
    """The index's rows with their numbers, from 0; null for one that cannot be read."""
    try:
        with index.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            if index.suffix == ".jsonl":
                for number, line in enumerate(line for line in file if line.strip()):
                    yield number, _json_row(line)
                return
            reader = csv.DictReader(file)
            missing = {"file", "url"} - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"`{index}` has the columns {','.join(reader.fieldnames or ())}, expected "
                    "file,url and perhaps fetched_at,status,content_type"
                )
            for number, row in enumerate(reader):
                yield number, dict(row)
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot read `{index}`: {error}") from error


def _json_row(line: str) -> Row | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _load(folder: str, name: str, limit: int) -> tuple[bytes, str | None]:
    """A page's bytes, and what is wrong: a name that leaves the folder, no file, too large."""
    base = Path(folder).resolve()
    try:
        path = (base / name).resolve()
        if not path.is_relative_to(base) or not path.is_file():
            return b"", "no_payload"
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return b"", "no_payload"
    if not body:
        return b"", "no_payload"
    return (b"", "too_large") if len(body) > limit else (body, None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def to_int(value: object) -> int | None:
    """An HTTP status out of a number or text; null where it is none."""
    try:
        number = int(str(value).partition(".")[0])
    except ValueError:
        return None
    return number if 0 < number < 1000 else None


def to_micros(value: object) -> int | None:
    """Microseconds since 1970 out of a date or seconds since then; null where it is neither."""
    text = str(value).strip() if value is not None else ""
    if text and len(text) <= 11 and text.isascii() and text.isdigit():
        return int(text) * 1_000_000
    return parse_date(text)
