"""A gzip member of a WARC file without the payload of its record, of the same length.

The record keeps its headers and those of HTTP, with length and digests of what it holds now, so
that whoever checks it finds nothing wrong; the digest by which others know the payload stands in a
field of webtext's own. What is left is filled up with a comment in the member's header (RFC 1952,
FCOMMENT). Memory: twice the member, and the first megabyte of a record.
"""

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

from webtext_py.pages.archive import KEPT_DIGEST

_GZIP = zlib.MAX_WBITS + 16
_HEAD = 1 << 20  # our choice: of a record's headers, WARC's and HTTP's together
_CHUNK = 1 << 20
_BLANK = re.compile(rb"\r?\n\r?\n")
_SIZE = re.compile(rb"[0-9]{1,18}")
_DIGESTS = (b"WARC-Payload-Digest", b"WARC-Block-Digest")
_KEPT = KEPT_DIGEST.encode()
_OF_BLOCK = (b"content-length", b"warc-truncated", _KEPT, *(name.lower() for name in _DIGESTS))


def members(data: bytes) -> Iterator[bytes]:
    """The gzip members in `data`, one after the other; what is none comes as a whole."""
    while data:
        unpacker = zlib.decompressobj(_GZIP)
        waiting = data
        try:
            while waiting and not unpacker.eof:
                unpacker.decompress(waiting, _CHUNK)
                waiting = unpacker.unconsumed_tail
        except zlib.error:
            yield data
            return
        rest = unpacker.unused_data
        yield data[: len(data) - len(rest)]
        data = rest


def without_payload(member: bytes) -> bytes:
    """The member with the headers of its record alone; itself where it holds no more.

    What cannot be read as a record, or goes on with one, becomes empty.
    """
    try:
        unpacker = zlib.decompressobj(_GZIP)
        head = unpacker.decompress(member, _HEAD)
    except zlib.error:
        return _fitting([], len(member))
    blank = _BLANK.search(head)
    lines = head[: blank.start() if blank else 0].split(b"\n")
    fields = {name: value.strip() for name, value in map(_field, lines[1:])}
    size = fields.get(b"content-length", b"")
    if blank is None or not head.startswith(b"WARC/") or _SIZE.fullmatch(size) is None:
        return _fitting([], len(member))
    length, kind = int(size), fields.get(b"warc-type", b"").lower()
    block, rest = head[blank.end() :][:length], head[blank.end() + length :]
    ends = _BLANK.search(block)
    http = block[: ends.end()] if ends and kind == b"response" else b""
    whole = kind in (b"request", b"warcinfo", b"revisit")
    http = block if whole else http
    if length == len(http) and unpacker.eof and not rest.strip():
        return member
    kept = [line.strip() for line in lines if _field(line)[0] not in _OF_BLOCK]
    digest = fields.get(b"warc-payload-digest")
    if digest is None:
        payload = hashlib.sha1(block[len(http) :], usedforsecurity=False)
        _feed(payload, unpacker, length - len(block))
        digest = _said(payload)
    kept.append(_KEPT + b": " + digest)
    told = [
        name + b": " + _said(hashlib.sha1(data, usedforsecurity=False))
        for name, data in (() if whole else zip(_DIGESTS, (b"", http), strict=True))
    ]
    # Shorter than what it replaces, but for a payload of a few bytes.
    told = [*kept, *told, b"WARC-Truncated: unspecified"]
    records = [_record(told, http), _record(kept, http), _record(kept, b"")]
    return _fitting(records, len(member))


def _record(lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body]) + b"\r\n\r\n"


def _fitting(records: list[bytes], length: int) -> bytes:
    """The first of these, or of nothing, that a member of `length` bytes can hold."""
    packed = (_packed(record, length) for record in (*records, b""))
    return next((made for made in packed if made is not None), bytes(length))


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value


def _said(digest: "hashlib._Hash") -> bytes:
    return b"sha1:" + base64.b32encode(digest.digest())


def _feed(digest: "hashlib._Hash", unpacker: "zlib._Decompress", left: int) -> None:
    with suppress(zlib.error):  # it breaks off: what there is of it
        while left > 0 and not unpacker.eof and unpacker.unconsumed_tail:
            piece = unpacker.decompress(unpacker.unconsumed_tail, _CHUNK)[:left]
            digest.update(piece)
            left -= len(piece)


def _packed(content: bytes, length: int) -> bytes | None:
    """`content` as a gzip member of `length` bytes; None where it needs more."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    raw = packer.compress(content) + packer.flush()
    fill = length - 18 - len(raw)
    if fill < 0:
        return None
    head = b"\x1f\x8b\x08" + (b"\x10" if fill else b"\0") + b"\0\0\0\0\0\xff"
    comment = b" " * (fill - 1) + b"\0" if fill else b""
    return head + comment + raw + struct.pack("<II", zlib.crc32(content), len(content))
