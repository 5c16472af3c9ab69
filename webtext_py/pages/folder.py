"""Folders of HTML files with an index: `urls.csv` or `urls.jsonl`.

Its columns: `file` (relative to the folder) and `url`; `fetched_at` (a time in any form,
`reader.times`), `status` and `content_type` may follow. A row that cannot be used costs that row;
columns that are not used and times that are none are counted. Files may be compressed: what they
hold is told by their bytes.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.pages.capture import GOOD, MAX_BODY_BYTES, Capture, Location, Payload, decoded
from webtext_py.pages.framing import Damage
from webtext_py.pages.http import is_html, is_web_url
from webtext_py.reader.delimited import delimited
from webtext_py.reader.fields import json_object
from webtext_py.reader.files import shown
from webtext_py.reader.passed import Passed
from webtext_py.reader.times import to_micros

_NAMES = ("urls.csv", "urls.jsonl")
_MOST_LINE = 1 << 24  # our choice: characters
Row = dict[str, object]


def index_file(folder: Path, files: Iterable[str]) -> Path | None:
    """The index among the `files` of `folder`; None where there is none.

    Raises `InputError` where there are two.
    """
    found = [name for name in _NAMES if name in files]
    if len(found) > 1:
        raise InputError(f"`{folder}` has both urls.csv and urls.jsonl", "keep one of them")
    return folder / found[0] if found else None


def scan(
    folder: str, limit: int, records: Counter[str], damage: list[Damage], passed: Passed
) -> Iterator[tuple[Capture, Callable[[], Payload]]]:
    """The captures that a folder's index names, in its order, each with what reads its page."""
    index = _index(folder)
    for number, row in _rows(index, passed):
        file = None if row is None else text_of(row.get("file"))
        url = None if row is None else text_of(row.get("url"))
        if row is None or not file or not url:
            damage.append(Damage(str(index), number, 0, "a row without file and URL"))
            continue
        records["row"] += 1
        body, problem = _load(folder, file, limit)
        capture = page_capture(Location(folder, number, 1), url, row, body, problem, passed)
        yield capture, partial(_payload, row, body, problem, MAX_BODY_BYTES)


def read(
    folder: str, chosen: Sequence[Location], limit: int, max_body: int
) -> Iterator[tuple[Location, Payload]]:
    """The pages in the rows that `chosen`, in order, names."""
    wanted = {location.offset: location for location in chosen}
    for number, row in _rows(_index(folder), Passed()):
        location = wanted.get(number)
        if location is None or row is None:
            continue
        body, problem = _load(folder, text_of(row.get("file")) or "", limit)
        yield location, _payload(row, body, problem, max_body)


def _payload(row: Row, body: bytes, problem: str | None, max_body: int) -> Payload:
    kind = text_of(row.get("content_type"))
    headers = [("Content-Type", kind)] if kind else []
    payload = Payload(text_of(row.get("url")) or "", to_int(row.get("status")), headers, b"")
    payload.problem = problem
    return payload if problem else decoded(payload, body, max_body)


def page_capture(
    location: Location,
    url: str,
    values: Row,
    body: bytes | memoryview,
    problem: str | None,
    passed: Passed,
) -> Capture:
    """The capture that a row of an index or a table describes."""
    given = values.get("fetched_at")
    fetched_at = to_micros(given)
    if fetched_at is None and given not in (None, ""):
        passed.add("values", "fetched_at: no time")
    kind = text_of(values.get("content_type"))
    status = to_int(values.get("status"))
    outcome = problem or GOOD
    if problem is None:
        if not is_web_url(url):
            outcome = "not_http"
        elif status is not None and status // 100 != 2:
            outcome = "http_error"
        elif kind and not is_html(kind, [], body):
            outcome = "not_html"
    return Capture(
        url=url,
        location=location,
        outcome=outcome,
        record_type="page",
        status=status,
        content_type=kind,
        fetched_at=fetched_at,
        http_headers=[("Content-Type", kind)] if kind else [],
    )


def _index(folder: str) -> Path:
    here = Path(folder)
    index = index_file(here, [name for name in _NAMES if (here / name).is_file()])
    if index is None:
        raise InputError(f"`{folder}` has no urls.csv or urls.jsonl any more")
    return index


def _rows(index: Path, passed: Passed) -> Iterator[tuple[int, Row | None]]:
    """The index's rows with their numbers, from 0; None for one that cannot be read."""
    try:
        with index.open("rb") as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", "replace", newline="")
            lines = iter(lambda: file.readline(_MOST_LINE), "")
            if index.suffix == ".jsonl":
                filled = (line for line in lines if line.strip())
                yield from enumerate(map(json_object, filled))
                return
            begin = partial(_need, index, passed)
            rows = delimited(lines, shown(index), passed, begin=begin)
            for number, row in enumerate(rows):
                yield number, dict(row)
    except OSError as error:
        raise InputError(f"cannot read `{shown(index)}`: {error.strerror or error}") from error


def _need(index: Path, passed: Passed, names: list[str]) -> None:
    if {"file", "url"} - set(names):
        raise InputError(
            f"`{shown(index)}` has the columns {','.join(names)[:300]}, expected file,url and "
            "perhaps fetched_at,status,content_type"
        )
    for name in names:
        if name not in ("file", "url", "fetched_at", "status", "content_type"):
            passed.add("fields", f"{name[:60]}: not used")


def _load(folder: str, name: str, limit: int) -> tuple[bytes, str | None]:
    """A page's bytes, and what is wrong: a name that leaves the folder, no file, too large."""
    base = Path(folder).resolve()
    try:
        path = (base / name).resolve()
        if not path.is_relative_to(base) or not path.is_file():
            return b"", "no_payload"
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except (OSError, ValueError, RuntimeError):  # a NUL in the name; a loop of links
        return b"", "no_payload"
    if not body:
        return b"", "no_payload"
    return (b"", "too_large") if len(body) > limit else (body, None)


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
