"""What a capture of a page is, where it lies, and what reading it gives."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from webtext_py import records
from webtext_py.pages.coding import decode_body

# A page larger than this is no page. Our choice: Common Crawl cuts payloads at 1 MiB (5 MiB since
# 2025), and the extractor's own limit is 20 MB of text.
MAX_PAYLOAD_BYTES = 64 << 20
MAX_BODY_BYTES = 128 << 20
GOOD = "good"  # the outcome of a capture, archived or fetched, that is a page


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a capture lies.

    `offset` and `length` are bytes of `file`: the record's, or those of the compressed members it
    has to itself; then `skip` is None. Where it shares a member with others, `offset` is the
    member's, `skip` the decoded bytes before the record and `length` its decoded bytes. In a list
    of files `offset` is the row and `length` is 1; in a table `offset` is the first row of the row
    group and `skip` the rows before this one in it.
    """

    file: str
    offset: int
    length: int
    skip: int | None = None

    def place(self) -> tuple[int, int]:
        """Sort key: the order in the file."""
        return self.offset, self.skip or 0


@dataclass(slots=True)
class Capture:
    """One capture, by its headers alone.

    `fetched_at` and `refers_to_date`: microseconds since 1970, UTC; None where not known.
    `outcome`: `good` (2xx and HTML) or the reason why not: `redirect`, `revisit`, `http_error`,
    `not_html`, `no_http_headers`, `not_http` (another scheme, or no URL), `too_large`, `no_payload`
    (a table without one), `damaged_record`. A revisit may carry headers of its own.
    `redirect_to`: absolute, for a 3xx with a usable `Location`. `payload_digest`: as recorded (not
    verified), else computed over the payload as it is stored, with its codings; None of what is no
    record.
    """

    url: str
    location: Location
    outcome: str
    record_type: str
    status: int | None = None
    content_type: str | None = None
    fetched_at: int | None = None
    redirect_to: str | None = None
    http_headers: list[tuple[str, str]] = field(default_factory=list)
    payload_digest: str | None = None
    refers_to_uri: str | None = None
    refers_to_date: int | None = None


@dataclass(slots=True)
class Payload:
    """One capture's page.

    `body` has its transfer and content codings undone. `truncated`: it breaks off (in the archive,
    or its coding is damaged), and `body` is what there is. `problem`: None, or why `body` is empty:
    `too_large`, `damaged_record`, `no_payload`.
    """

    url: str
    status: int | None
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool = False
    problem: str | None = None


def payload_digest(payload: "bytes | memoryview") -> str:
    """`sha1:` and base32 of a payload as it is stored, as in WARC."""
    digest = hashlib.sha1(payload, usedforsecurity=False).digest()
    return f"sha1:{base64.b32encode(digest).decode()}"


def decoded(payload: Payload, stored: bytes, limit: int) -> Payload:
    """The payload with the page in `stored`, its codings undone: at most `limit` bytes."""
    found = decode_body(stored, payload.headers, limit)
    if found.too_large:
        payload.problem = "too_large"
    else:
        payload.body, payload.truncated = found.body, found.truncated
    return payload


_TAKEN = [
    "url", "status", "content_type", "http_headers", "fetched_at", "outcome", "container",
    "location", "payload_digest",
]  # fmt: skip

# A scan's table: the columns of the page index that a capture alone can fill, in that order, and
# those that following redirects and revisits needs.
SCANNED = pa.schema(
    [
        *(records.CAPTURES.field(name) for name in _TAKEN),
        pa.field("record_type", pa.string(), False),
        pa.field("redirect_to", pa.string()),
        pa.field("refers_to_uri", pa.string()),
        pa.field("refers_to_date", records.TIMESTAMP),
    ]
)


_TEXTS = ("url", "content_type", "payload_digest", "record_type", "redirect_to", "refers_to_uri")


def captures_to_batch(captures: Sequence[Capture], container: str) -> pa.RecordBatch:
    """`captures` as a record batch of the schema `SCANNED`.

    `container`: the kind of all of them, `warc`, `arc`, `html` or `parquet`. Times are cut to the
    schema's milliseconds.
    """
    columns: dict[str, list[Any]] = {
        **{name: [_text(getattr(c, name)) for c in captures] for name in _TEXTS},
        "status": [c.status for c in captures],
        "http_headers": [
            [{"name": _text(n), "value": _text(v)} for n, v in c.http_headers] for c in captures
        ],
        "fetched_at": [_millis(c.fetched_at) for c in captures],
        "outcome": [c.outcome for c in captures],
        "container": [container] * len(captures),
        "location": [
            {"file": at.file, "offset": at.offset, "length": at.length, "skip": at.skip}
            for at in (c.location for c in captures)
        ],
        "refers_to_date": [_millis(c.refers_to_date) for c in captures],
    }
    arrays = [pa.array(columns[f.name], f.type) for f in SCANNED]
    return pa.RecordBatch.from_arrays(arrays, schema=SCANNED)


def _text(value: str | None) -> str | None:
    """`value` as Arrow takes it: lone surrogates, which no UTF-8 holds, replaced."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()


def _millis(micros: int | None) -> int | None:
    return None if micros is None else micros // 1000
