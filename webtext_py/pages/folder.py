"""Folders of HTML files with an index: `urls.csv` or `urls.jsonl`.

Its columns: `file` (relative to the folder) and `url`; `fetched_at` (a time in any form,
`reader.times`), `status` and `content_type` may follow. A row that cannot be used costs that row;
columns that are not used and times that are none are counted. Files may be compressed: what they
hold is told by their bytes.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.pages.capture import Capture, Location, Payload
from webtext_py.pages.framing import Damage
from webtext_py.pages.table import Row, row_capture, row_payload, text_of
from webtext_py.reader.delimited import delimited
from webtext_py.reader.fields import json_object
from webtext_py.reader.files import shown
from webtext_py.reader.passed import Passed

_NAMES = ("urls.csv", "urls.jsonl")
_USED = ("file", "url", "fetched_at", "status", "content_type")
_MOST_LINE = 1 << 24  # our choice: characters


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
        if row is None or not text_of(row.get("file")) or not text_of(row.get("url")):
            damage.append(Damage(str(index), number, 0, "a row without file and URL"))
            continue
        records["row"] += 1
        yield row_capture(Location(folder, number, 1), _page(folder, row, limit), limit, passed)


def read(
    folder: str, chosen: Sequence[Location], limit: int, max_body: int
) -> Iterator[tuple[Location, Payload]]:
    """The pages in the rows that `chosen`, in order, names."""
    wanted = {location.offset: location for location in chosen}
    for number, row in _rows(_index(folder), Passed()):
        location = wanted.get(number)
        if location is None or row is None:
            continue
        yield location, row_payload(_page(folder, row, limit), limit, max_body)


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
        if name not in _USED:
            passed.add("fields", f"{name[:60]}: not used")


def _page(folder: str, row: Row, limit: int) -> Row:
    """A row of the index as a table of pages has it, with the page's bytes: none where its name
    leaves the folder or there is no such file."""
    base, body = Path(folder).resolve(), b""
    # An error: a NUL in the name; a loop of links.
    with suppress(OSError, ValueError, RuntimeError):
        path = (base / (text_of(row.get("file")) or "")).resolve()
        if path.is_relative_to(base) and path.is_file():
            with path.open("rb") as file:
                body = file.read(limit + 1)
    return {**{name: row.get(name) for name in _USED if name != "file"}, "html": body}
