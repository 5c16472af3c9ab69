"""Writes WARC/1.1 records, one gzip member each, the same bytes every time.

Record ids are UUIDs of version 5 over type, URL and date; the gzip header has no time.
"""

import base64
import gzip
import hashlib
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import brotli
import zstandard

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "webtext demo archive")
HTML = (("Content-Type", "text/html; charset=utf-8"),)
HTTP = "application/http; msgtype="
AGENT = "webtext-demo/1"


@dataclass(frozen=True)
class Recording:
    """One capture of `url` at `date` (ISO 8601, UTC).

    `coding` is what is done to the body: "", gzip, deflate, br or zstd; `says` what the header
    claims (the same unless given); `chunked` cuts the coded body into chunks, `says_chunked` only
    claims it. `revisit_of` is the (url, date) whose payload this one has. `damage` is "" or body
    (the deflate stream breaks inside the body) or all (nothing of the member can be read).
    """

    url: str
    date: str
    status: int = 200
    headers: Sequence[tuple[str, str]] = HTML
    body: bytes = b""
    coding: str = ""
    says: str | None = None
    chunked: bool = False
    says_chunked: bool = False
    revisit_of: tuple[str, str] | None = None
    damage: str = ""
    with_request: bool = False


def warcinfo(date: str) -> bytes:
    """The file's first record."""
    about = [
        ("software", "webtext demo builder"),
        ("format", "WARC File Format 1.1"),
        ("description", "pages written for the webtext demo"),
    ]
    name = [("WARC-Filename", "pages.warc.gz")]
    block = _lines(about).encode()
    return _member(_record("warcinfo", "", date, "application/warc-fields", block, name))


def records(capture: Recording) -> list[bytes]:
    """The gzip members of one capture: its request where it has one, then its response."""
    url, date = capture.url, capture.date
    members = []
    if capture.with_request:
        host, _, path = url.split("://", 1)[1].partition("/")
        asked = [("Host", host), ("User-Agent", AGENT), ("Accept-Encoding", "gzip, br")]
        block = f"GET /{path} HTTP/1.1\r\n{_lines(asked)}\r\n".encode()
        members.append(_member(_record("request", url, date, f"{HTTP}request", block, [])))
    body = _coded(capture)
    extra = [("WARC-Payload-Digest", _sha1(body))]
    if capture.revisit_of:
        body = b""
        extra[:0] = [
            ("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"),
            ("WARC-Refers-To-Target-URI", capture.revisit_of[0]),
            ("WARC-Refers-To-Date", capture.revisit_of[1]),
        ]
    kind = "revisit" if capture.revisit_of else "response"
    record = _record(kind, url, date, f"{HTTP}response", _http(capture, body), extra)
    return [*members, _member(record, capture.damage)]


def _http(capture: Recording, body: bytes) -> bytes:
    headers = list(capture.headers)
    says = capture.coding if capture.says is None else capture.says
    if says:
        headers.append(("Content-Encoding", says))
    if capture.chunked or capture.says_chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    elif not capture.revisit_of:
        headers.append(("Content-Length", str(len(body))))
    head = f"HTTP/1.1 {capture.status} {HTTPStatus(capture.status).phrase}\r\n{_lines(headers)}\r\n"
    return head.encode("latin-1") + body


def _coded(capture: Recording) -> bytes:
    body = capture.body
    if capture.coding == "gzip":
        body = _member(body)
    elif capture.coding == "deflate":
        body = zlib.compress(body, 9)
    elif capture.coding == "br":
        body = brotli.compress(body, quality=9)
    elif capture.coding == "zstd":
        body = zstandard.ZstdCompressor(level=19).compress(body)
    if capture.chunked:
        pieces = [body[i : i + 1013] for i in range(0, len(body), 1013)]
        body = b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"
    return body


def _record(
    kind: str, url: str, date: str, content_type: str, block: bytes, extra: list[tuple[str, str]]
) -> bytes:
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(NAMESPACE, f'{kind}|{url}|{date}')}>"),
        ("WARC-Date", date),
        *([("WARC-Target-URI", url)] if url else []),
        *extra,
        ("WARC-Block-Digest", _sha1(block)),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    return f"WARC/1.1\r\n{_lines(fields)}\r\n".encode() + block + b"\r\n\r\n"


def _lines(fields: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def _sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def _member(data: bytes, damage: str = "") -> bytes:
    # level 9 with no time and no name; byte 9 (the system) is 255 = unknown whatever Python says
    packed = bytearray(gzip.compress(data, 9, mtime=0))
    packed[9] = 255
    if damage == "all":
        # the first three bits of the deflate data: a last block of the reserved type 3
        packed[10] = 0x07
    elif damage == "body":
        half = len(packed) // 2
        packed[half : half + 64] = bytes(0xFF ^ b for b in packed[half : half + 64])
    return bytes(packed)
