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

import brotli
import zstandard

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "webtext demo archive")
HTML = (("Content-Type", "text/html; charset=utf-8"),)
AGENT = "webtext-demo/1"


@dataclass(frozen=True)
class Capture:
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


REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    404: "Not Found",
    500: "Internal Server Error",
}


def warcinfo(date: str) -> bytes:
    """The file's first record."""
    block = b"software: webtext demo builder\r\nformat: WARC File Format 1.1\r\ndescription: pages written for the webtext demo\r\n"
    return _member(
        _record(
            "warcinfo",
            "",
            date,
            "application/warc-fields",
            block,
            [("WARC-Filename", "pages.warc.gz")],
        )
    )


def records(capture: Capture) -> list[bytes]:
    """The gzip members of one capture: its request where it has one, then its response."""
    members = []
    if capture.with_request:
        host, path = _split(capture.url)
        block = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {AGENT}\r\nAccept-Encoding: gzip, br\r\n\r\n".encode()
        members.append(
            _member(
                _record(
                    "request",
                    capture.url,
                    capture.date,
                    "application/http; msgtype=request",
                    block,
                    [],
                )
            )
        )
    extra: list[tuple[str, str]] = []
    body = b"" if capture.revisit_of else _coded(capture)
    digest = "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()
    kind = "response"
    if capture.revisit_of:
        kind = "revisit"
        digest = "sha1:" + base64.b32encode(hashlib.sha1(_coded(capture)).digest()).decode()
        extra += [
            ("WARC-Profile", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"),
            ("WARC-Refers-To-Target-URI", capture.revisit_of[0]),
            ("WARC-Refers-To-Date", capture.revisit_of[1]),
        ]
    extra.append(("WARC-Payload-Digest", digest))
    block = _http(capture, body)
    record = _record(
        kind, capture.url, capture.date, "application/http; msgtype=response", block, extra
    )
    members.append(_damaged(record, capture.damage) if capture.damage else _member(record))
    return members


def _http(capture: Capture, body: bytes) -> bytes:
    headers = list(capture.headers)
    says = capture.coding if capture.says is None else capture.says
    if says:
        headers.append(("Content-Encoding", says))
    if capture.chunked or capture.says_chunked:
        headers.append(("Transfer-Encoding", "chunked"))
    elif not capture.revisit_of:
        headers.append(("Content-Length", str(len(body))))
    lines = [
        f"HTTP/1.1 {capture.status} {REASONS[capture.status]}",
        *(f"{k}: {v}" for k, v in headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _coded(capture: Capture) -> bytes:
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
    identity = uuid.uuid5(NAMESPACE, f"{kind}|{url}|{date}")
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{identity}>"),
        ("WARC-Date", date),
    ]
    if url:
        fields.append(("WARC-Target-URI", url))
    block_digest = "sha1:" + base64.b32encode(hashlib.sha1(block).digest()).decode()
    fields += [
        *extra,
        ("WARC-Block-Digest", block_digest),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    head = "WARC/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields) + "\r\n"
    return head.encode() + block + b"\r\n\r\n"


def _member(data: bytes) -> bytes:
    # level 9 with no time and no name; byte 9 (the system) is 255 = unknown whatever Python says
    packed = bytearray(gzip.compress(data, 9, mtime=0))
    packed[9] = 255
    return bytes(packed)


def _damaged(record: bytes, how: str) -> bytes:
    packed = bytearray(_member(record))
    if how == "all":
        # the first three bits of the deflate data: a last block of the reserved type 3
        packed[10] = 0x07
        return bytes(packed)
    half = len(packed) // 2
    packed[half : half + 64] = bytes(0xFF ^ b for b in packed[half : half + 64])
    return bytes(packed)


def _split(url: str) -> tuple[str, str]:
    host, _, path = url.split("://", 1)[1].partition("/")
    return host, "/" + path
