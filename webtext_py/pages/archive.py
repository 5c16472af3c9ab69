"""Captures of pages: which files hold them, what lies in each, the pages of chosen ones.

WARC 0.17 to 1.1 and ARC 1 and 2, plain, gzip or zstd, with a member for each record or not; folders
of HTML with `urls.csv` or `urls.jsonl`; Parquet with `url, html`. Nothing is copied: a scan yields
a `Capture` for each response, resource and revisit record, and `read_captures` goes back for the
payloads that were chosen. Other records (request, metadata, warcinfo, conversion, continuation) are
counted and passed over.

Damage costs the record it is in where records have members of their own or the file is plain, and
what lies behind it in the member where they share one; `Scan.damage` has each place. Memory: the
largest payload allowed, a few times over; never the file.
"""

import base64
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from webtext_py.errors import InputError
from webtext_py.pages import folder, table
from webtext_py.pages.capture import (
    GOOD,
    MAX_BODY_BYTES,
    MAX_PAYLOAD_BYTES,
    Capture,
    Location,
    Payload,
    decoded,
    payload_digest,
)
from webtext_py.pages.dates import parse_date
from webtext_py.pages.framing import Damage, Frame, Frames, Reader
from webtext_py.pages.http import (
    REDIRECTS,
    HttpHead,
    first_value,
    is_html,
    is_web_url,
    join_location,
    parse_head,
)
from webtext_py.pages.kinds import FORMS, Container, NotPages, sniff
from webtext_py.pages.runs import open_runs
from webtext_py.reader.files import ending_of, files_in, named_files, shown
from webtext_py.reader.passed import Passed

_CAPTURES = frozenset({"response", "resource", "revisit"})
# Of a record whose payload was removed: the digest that it had.
KEPT_DIGEST = "webtext-payload-digest"
_HEX_SHA1 = re.compile(r"[0-9a-fA-F]{40}\Z")


def list_containers(paths: Sequence[str], passed: Passed | None = None) -> list[Container]:
    """The containers at `paths`, sorted by path, each once.

    Each path is a file, a folder (searched to its depth; a folder with `urls.csv` or `urls.jsonl`
    is one container) or a glob, `**` included. A file is judged by its first bytes. What a folder
    holds besides is left out, and counted in `passed`.

    Raises `InputError` for a path that does not exist, a file given by name or glob that holds no
    pages, and a folder without any.
    """
    passed = Passed() if passed is None else passed
    found: set[Container] = set()
    for path in paths:
        for name in named_files(path):
            found |= _folder(name, passed) if name.is_dir() else {_file(name)}
    return sorted(found)


def _file(path: Path) -> Container:
    """The container that a file given by its name is."""
    try:
        return sniff(path)
    except NotPages as answer:
        raise InputError(
            f"`{shown(path)}` is {answer}; expected WARC, ARC, Parquet with `url` and `html`, or a "
            "folder of HTML with `urls.csv`"
        ) from None


def _folder(path: Path, passed: Passed) -> set[Container]:
    """The containers in a folder."""
    found: set[Container] = set()
    others: list[tuple[str, str]] = []

    def unwanted(file: Path) -> str | None:
        try:
            found.add(Container(str(file), "html") if file.is_dir() else sniff(file))
        except NotPages as answer:
            others.append((str(file), str(answer)))
            return f"{ending_of(file)}: {str(answer)[:60]}"
        return None

    files_in(path, unwanted, passed, lambda here, names: folder.index_file(here, names) is not None)
    if not found:
        what = f"; `{shown(others[0][0])}` is {others[0][1]}" if others else ""
        raise InputError(
            f"the folder `{shown(path)}` holds no archive of pages ({len(others)} other files)"
            f"{what}",
            "a folder of HTML files needs a `urls.csv` with the columns file,url",
        )
    return found


class Scan(Iterator[Capture]):
    """The captures of one container, once, in the order of the file.

    `records`: whole records by type, `damaged`: those that are not whole though their header could
    be read, `damage`: each stretch that gives nothing, `passed`: what of an index or table is not
    used. All are complete when the iteration is. `payload` reads the page of the capture that came
    last.
    """

    def __init__(self, container: Container, max_payload_bytes: int) -> None:
        self.records: Counter[str] = Counter()
        self.damaged = 0
        self.damage: list[Damage] = []
        self.passed = Passed()
        self._captures = self._of(container, max_payload_bytes)

    def __next__(self) -> Capture:
        capture, self.payload = next(self._captures)
        return capture

    def _of(
        self, container: Container, limit: int
    ) -> Iterator[tuple[Capture, Callable[[], Payload]]]:
        if container.kind == "html":
            yield from folder.scan(container.file, limit, self.records, self.damage, self.passed)
            return
        if container.kind == "parquet":
            yield from table.scan(container.file, limit, self.records, self.passed)
            return
        form = FORMS[container.kind]
        with _open(container.file) as file:
            size = os.fstat(file.fileno()).st_size
            runs = open_runs(file, size, container.compression, form.begins)
            frames = Frames(runs, form, container.file, limit)
            frames.damage = self.damage
            for frame in frames:
                kind = frame.header.kind or "unknown"
                if frame.complete:
                    self.records[kind] += 1
                else:
                    self.damaged += 1
                if kind in _CAPTURES:
                    yield (
                        _capture(frame, container.file),
                        partial(_payload, frame, MAX_BODY_BYTES),
                    )


def scan_container(container: Container, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> Scan:
    """Iterates over the captures of `container`, by their headers.

    Records with more than `max_payload_bytes` are passed over as `too_large`. Raises `InputError`
    where the file cannot be opened; damage is never raised.
    """
    return Scan(container, max_payload_bytes)


def read_captures(
    container: Container,
    locations: Iterable[Location],
    *,
    max_payload_bytes: int = MAX_PAYLOAD_BYTES,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Iterator[tuple[Location, Payload]]:
    """The payloads of the captures at `locations`, in the order of the file, each location once.

    Seeks where records have members of their own; captures that share a member are read in one
    pass over it. `max_payload_bytes` bounds a payload as stored, `max_body_bytes` as decoded.
    """
    chosen = sorted(set(locations), key=Location.place)
    if container.kind == "html":
        yield from folder.read(container.file, chosen, max_payload_bytes, max_body_bytes)
        return
    if container.kind == "parquet":
        yield from table.read(container.file, chosen, max_payload_bytes, max_body_bytes)
        return
    with _open(container.file) as file:
        for location, frame in _frames_at(container, file, chosen, max_payload_bytes):
            yield location, _payload(frame, max_body_bytes)


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(f"cannot open `{path}`: {error.strerror}") from error


def _frames_at(
    container: Container, file: BinaryIO, chosen: Sequence[Location], limit: int
) -> Iterator[tuple[Location, Frame | None]]:
    """The frame at each of the chosen locations; None where none is there any more."""
    form = FORMS[container.kind]
    size = os.fstat(file.fileno()).st_size
    runs = open_runs(file, size, container.compression, form.begins)
    frames = Frames(runs, form, container.file, limit)
    reader: Reader | None = None
    begun = -1
    for location in chosen:
        skip = location.skip or 0
        if reader is None or begun != location.offset or reader.tell() > skip or reader.done:
            runs.seek(location.offset)
            run = runs.next_run()
            reader = None if run is None else Reader(run)
            begun = location.offset
        frame: Frame | None = None
        if reader is not None and reader.skip(skip - reader.tell()):
            reader.before = reader.tell()
            frame = next(frames.of_run(reader), None)
        yield location, frame


def _capture(frame: Frame, file: str) -> Capture:
    """The capture that a response, resource or revisit record is."""
    header = frame.header
    fields = header.fields
    capture = Capture(
        url=header.url,
        location=Location(file, frame.offset, frame.length, frame.skip),
        outcome="damaged_record",
        record_type=header.kind,
        status=header.status,
        fetched_at=parse_date(header.date),
    )
    head = _head(frame)
    if head is not None:
        capture.status = head.status
        capture.http_headers = head.headers
        capture.content_type = first_value(head.headers, "content-type")
        if head.status in REDIRECTS:
            target = first_value(head.headers, "location")
            capture.redirect_to = join_location(header.url, target) if target else None
    elif header.kind == "resource":
        capture.content_type = header.content_type or None
    if not frame.complete:
        return capture
    capture.payload_digest = _digest(frame, head)
    if header.kind == "revisit":
        uri = fields.get("warc-refers-to-target-uri", "")
        capture.refers_to_uri = uri.strip("<>") or None
        capture.refers_to_date = parse_date(fields.get("warc-refers-to-date", ""))
    capture.outcome = _outcome(capture, frame, head)
    return capture


def _head(frame: Frame) -> HttpHead | None:
    """The HTTP head of a frame's block, where it has one."""
    return None if frame.header.kind == "resource" else parse_head(frame.block)


def _outcome(capture: Capture, frame: Frame, head: HttpHead | None) -> str:
    """`good` or why not, of a record that is whole."""
    if capture.record_type == "revisit":
        return "revisit"
    if not is_web_url(capture.url):
        return "not_http"
    if head is None and capture.record_type != "resource":
        return "no_http_headers"
    if capture.redirect_to is not None:
        return "redirect"
    if head is not None and head.status // 100 != 2:
        return "http_error"
    body = frame.block[head.body :] if head is not None else frame.block
    if not is_html(capture.content_type, capture.http_headers, body):
        return "not_html"
    return "too_large" if frame.too_large else GOOD


def _digest(frame: Frame, head: HttpHead | None) -> str | None:
    """The payload's digest, as recorded (SHA-1 in base32 throughout), else computed."""
    fields = frame.header.fields
    recorded = fields.get(KEPT_DIGEST) or fields.get("warc-payload-digest", "")
    if recorded:
        algorithm, colon, value = recorded.partition(":")
        if colon and algorithm.lower() == "sha1":
            if _HEX_SHA1.match(value):
                value = base64.b32encode(bytes.fromhex(value)).decode()
            return f"sha1:{value.upper()}"
        return recorded
    if frame.too_large or frame.header.kind == "revisit":
        return None
    return payload_digest(memoryview(frame.block)[head.body if head is not None else 0 :])


def _payload(frame: Frame | None, limit: int) -> Payload:
    """The page in a frame, its codings undone."""
    if frame is None:
        return Payload("", None, [], b"", problem="damaged_record")
    header = frame.header
    head = _head(frame)
    headers = head.headers if head is not None else []
    if header.kind == "resource" and header.content_type:
        headers = [("Content-Type", header.content_type)]
    payload = Payload(header.url, head.status if head else header.status, headers, b"")
    if not frame.complete or frame.too_large:
        payload.problem = "too_large" if frame.complete else "damaged_record"
        return payload
    stored = frame.block[head.body :] if head is not None else frame.block
    payload = decoded(payload, stored, limit)
    declared = first_value(headers, "content-length") or ""
    payload.truncated = payload.problem is None and (
        payload.truncated
        or "warc-truncated" in header.fields
        or "warc-segment-number" in header.fields
        or (declared.isascii() and declared.isdigit() and int(declared[:18]) > len(stored))
    )
    return payload
