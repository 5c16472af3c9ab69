"""The inputs of `webtext extract`, and the pages in each.

Archives, tables and indexed folders are read as a build reads them, each capture for itself: no
redirect is followed and nothing is left out as a repeat. JSONL with `html` and HTML files come in
beside.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.errors import InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.capture import (
    GOOD,
    MAX_BODY_BYTES,
    MAX_PAYLOAD_BYTES,
    SCANNED,
    Capture,
    Location,
    Payload,
    captures_to_batch,
)
from webtext_py.pages.coding import decode_body
from webtext_py.pages.cut import rows_of
from webtext_py.pages.folder import index_file
from webtext_py.pages.http import first_value
from webtext_py.pages.table import row_capture
from webtext_py.reader import Passed, open_any, recognise
from webtext_py.reader.fields import json_object
from webtext_py.reader.files import ending_of, named_files
from webtext_py.text.page import Page
from webtext_py.url.key import without_credentials

# An archive or table of so many bytes is read by several tasks, for which it is read once more,
# by one, that finds the places of its pages (our choice: some seconds of work).
LARGE_BYTES = 64 << 20
_SCANNED_ROWS = 8192
_PLACES = pa.schema(
    [SCANNED.field(name) for name in ("url", "content_type", "fetched_at", "location")]
)

_HTML = (".html", ".htm", ".xhtml")
_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Given:
    """An input: `kind` is `archive` (all that a build takes), `lines` (JSONL) or `files` (an HTML
    file, or the HTML files below a folder)."""

    path: Path
    kind: str


def list_inputs(paths: Sequence[str | Path], passed: Passed) -> list[Given]:
    """The inputs at `paths`: files, folders and globs, each once, in order.

    A folder gives its archives and tables, its JSONL, and the HTML files below it as one input;
    what else it holds is counted in `passed`. Raises `InputError` for what is missing or holds no
    pages.
    """
    found: dict[Path, Given] = {}
    for given in paths:
        for path in named_files(given):
            inputs = _of_folder(path, passed) if path.is_dir() else [_of_file(path)]
            found |= {one.path.resolve(): one for one in inputs}
    return list(found.values())


def _of_folder(folder: Path, passed: Passed) -> list[Given]:
    if index_file(folder, [path.name for path in folder.iterdir()]) is not None:
        return [Given(folder, "archive")]
    lines = sorted(p for p in folder.rglob("*") if p.is_file() and _ends(p, _LINES))
    found = [Given(path, "lines") for path in lines]
    if _html_files(folder):
        found.append(Given(folder, "files"))
    try:
        found += [Given(Path(c.file), "archive") for c in list_containers([str(folder)])]
    except InputError:
        if not found:
            kinds = "HTML, WARC, ARC, Parquet, JSONL"
            raise InputError(f"`{folder}` holds no pages ({kinds})") from None
    taken = {one.path for one in found if one.kind != "files"}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not _ends(p, _HTML)):
        if taken.isdisjoint({path, *path.parents}):
            passed.add("files", ending_of(path))
    return found


def _of_file(path: Path) -> Given:
    if _ends(path, _HTML):
        return Given(path, "files")
    try:
        list_containers([str(path)])
    except InputError:
        with open_any(path) as stream:
            begins_html = stream.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        if begins_html:
            return Given(path, "files")
        if recognise(path).kind == "jsonl":
            return Given(path, "lines")
        raise
    return Given(path, "archive")


def _ends(path: Path, endings: tuple[str, ...]) -> bool:
    name = path.name.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return name.endswith(endings)


def _html_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if _ends(p, _HTML) and p.is_file())


# The name that a page goes by, and the page or why there is none.
Item = tuple[str, Page | str]


def pages_of(path: Path, kind: str, damage: list[list[Any]], passed: Passed) -> Iterator[Item]:
    """The pages of one input, and why others are none; what is damaged goes to `damage`, what is
    not used to `passed`."""
    if kind == "files":
        yield from (_file(file, path) for file in _html_files(path))
    elif kind == "lines":
        yield from _lines(path, passed)
    else:
        found = scan_container(list_containers([str(path)])[0])
        for capture in found:
            good = capture.outcome == GOOD
            yield _item(capture, found.payload()) if good else ("", capture.outcome)
        damage += [[place.offset, place.bytes_lost, place.what] for place in found.damage]
        passed.update(found.passed.document())


def is_large(given: Given) -> bool:
    """Whether an input is worth a scan, so that several tasks can read it."""
    file = given.kind == "archive" and given.path.is_file()
    return file and given.path.stat().st_size >= LARGE_BYTES


def scan(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the good captures of an archive or table, in the order of their places.

    Returns how many others there are by outcome in `dropped`, `damage` and `passed_over`.
    """
    container = list_containers([str(inputs[0])])[0]
    found = scan_container(container)
    dropped: Counter[str] = Counter()
    good = 0
    with pq.ParquetWriter(outputs[0], _PLACES, compression="zstd") as writer:
        while held := list(islice(found, _SCANNED_ROWS)):
            rows = captures_to_batch(held, container.kind)
            dropped.update(outcome for outcome in rows["outcome"].to_pylist() if outcome != GOOD)
            rows = rows.filter(pc.equal(rows["outcome"], GOOD)).select(_PLACES.names)
            writer.write_batch(_without_file(rows))
            good += rows.num_rows
    return {
        "good": good,
        "dropped": dict(sorted(dropped.items())),
        "damage": [[place.offset, place.bytes_lost, place.what] for place in found.damage],
        "passed_over": found.passed.document(),
    }


def _without_file(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Places that do not say where a machine keeps its files."""
    place = rows["location"]
    parts = [pc.struct_field(place, name) for name in ("offset", "length", "skip")]
    nowhere = pa.StructArray.from_arrays(
        [pa.repeat("", rows.num_rows), *parts], fields=list(place.type)
    )
    return rows.set_column(rows.schema.names.index("location"), _PLACES.field("location"), nowhere)


def pages_at(path: Path, places: Path, first: int, count: int) -> Iterator[Item]:
    """The pages of `path` that `count` rows of `places`, from number `first` on, name."""
    rows = rows_of(places, first, count, _PLACES.names).to_pylist()
    known = {Location(**row["location"] | {"file": str(path)}): row for row in rows}
    for location, payload in read_captures(list_containers([str(path)])[0], list(known)):
        row = known[location]
        yield _page(row["url"], row["content_type"], row["fetched_at"], payload)


def _item(capture: Capture, payload: Payload) -> Item:
    micros = capture.fetched_at
    when = None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
    return _page(capture.url, capture.content_type, when, payload)


def _page(url: str, kind: str | None, fetched_at: datetime | None, payload: Payload) -> Item:
    if payload.problem is not None:
        return url, payload.problem
    headers = tuple(payload.headers)
    kind = first_value(payload.headers, "content-type") or kind
    return without_credentials(url), Page(url, payload.body, kind, headers, fetched_at)


def _file(file: Path, given: Path) -> Item:
    name = file.relative_to(given).as_posix() if file != given else file.name
    with file.open("rb") as stream:
        body = stream.read(MAX_PAYLOAD_BYTES + 1)
    decoded = decode_body(body, [], MAX_BODY_BYTES)
    if len(body) > MAX_PAYLOAD_BYTES or decoded.too_large:
        return name, "too_large"
    return name, Page("", decoded.body)


def _lines(path: Path, passed: Passed) -> Iterator[Item]:
    """Pages of JSONL: objects with `html`, and what else a table of pages has."""
    with open_any(path) as stream:
        number = -1
        while line := stream.readline(2 * MAX_PAYLOAD_BYTES):
            number += 1
            while not line.endswith(b"\n") and len(line) >= 2 * MAX_PAYLOAD_BYTES:
                line = stream.readline(2 * MAX_PAYLOAD_BYTES) + b"too long"
            if not line.strip():
                continue
            row = json_object(line)
            if row is None:
                yield "", "bad_line"
                continue
            capture, payload = row_capture(Location("", number, 1), row, MAX_PAYLOAD_BYTES, passed)
            # A line without an address is a page all the same.
            usable = capture.outcome == GOOD or (capture.outcome == "not_http" and not capture.url)
            yield _item(capture, payload()) if usable else ("", capture.outcome)
