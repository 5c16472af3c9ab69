"""Undoes transfer and content codings of an HTTP body, believing the bytes more than the headers.

Archives hold bodies whose headers are wrong about them: declared chunked or compressed but stored
decoded, compressed twice, compressed without a word. Each layer is undone where the bytes bear it
out and left alone where they do not. A body that breaks off gives what came before. Decompression
streams, and stops at a limit of its own: the ratio says nothing (a page of blanks packs 1,000:1).
"""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from webtext_py.pages.inflate import GZIP, RAW, ZLIB, InflateError, Inflater

# More stacked codings than this are an attack, not a page: our choice (browsers stop near it).
MAX_LAYERS = 8
# Largest zstd window: RFC 8878 recommends that decoders support 8 MiB; `zstd` takes 128 MiB.
_ZSTD_WINDOW = 1 << 27
_PIECE = 1 << 16
_OUT = 1 << 20

_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# RFC 9112, 7.1: hexadecimal size, extensions, line end; some servers pad the size with blanks.
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_CHUNKED_END = re.compile(rb"\r?\n0+[ \t]*\r?\n(?:\r?\n)*\Z")
_TEXT_START = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x00]*<[!?/a-zA-Z]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body with its codings undone.

    `truncated`: it broke off, and `body` is what came before. `too_large`: it passed the limit,
    and `body` holds the bytes up to there.
    """

    body: bytes
    truncated: bool = False
    too_large: bool = False


def decode_body(body: bytes, headers: Iterable[tuple[str, str]], limit: int) -> Decoded:
    """`body` with the codings that `headers` name (and the bytes bear out) undone.

    At most `limit` bytes of any layer are made. Never raises for bad data.
    """
    transfer, content = _codings(headers)
    truncated = False
    if transfer and transfer[-1] == "chunked":
        transfer.pop()
        if (found := dechunk(body)) is not None:
            body, truncated = found[0], not found[1]
    elif _CHUNKED_END.search(body, max(0, len(body) - 64)):
        # Chunked without a word: believed only where the chunks fill the whole body.
        whole = dechunk(body)
        body = whole[0] if whole is not None and whole[1] else body
    named = [*reversed(transfer), *reversed(content)][:MAX_LAYERS]
    for layer in range(MAX_LAYERS):
        decoder = _DECODERS.get(named[layer]) if layer < len(named) else _by_magic(body)
        result = decoder(body, limit) if decoder is not None else None
        if result is not None:
            body, truncated = result.body, truncated or result.truncated
            if result.too_large:
                return result
        elif layer >= len(named):
            break  # nothing left to undo; where a header lies, the next may not
    return _limited([body], limit, truncated=truncated)


def dechunk(body: bytes) -> tuple[bytes, bool] | None:
    """The data of a chunked body and whether its last chunk was seen; None where it is not chunked.

    It is chunked when its first line is a chunk size and a line end follows the chunk's data (or
    the body ends inside it).
    """
    parts: list[bytes] = []
    place = 0
    while True:
        match = _CHUNK_SIZE.match(body, place)
        if match is None:
            if not parts:
                return None
            # A break after good chunks: the bytes behind it may be another cut of the same text,
            # so they are not guessed at.
            return b"".join(parts), False
        size = int(match[1], 16)
        start = match.end()
        if size == 0:
            if not parts and _TEXT_START.match(body, start):
                return None
            return b"".join(parts), True
        data = body[start : start + size]
        place = start + size
        ended = body[place : place + 2]
        if len(data) == size and ended[:1] not in (b"\r", b"\n", b""):
            if not parts:
                return None
            parts.append(data)
            return b"".join(parts), False
        parts.append(data)
        if len(data) < size or not ended:
            # Cut inside a chunk. A first chunk that claims far more than there is, in front of
            # what reads as text, was no chunk size.
            if len(parts) == 1 and _TEXT_START.match(body):
                return None
            return b"".join(parts), False
        place += 2 if ended == b"\r\n" else 1


def _codings(headers: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Names of transfer and content codings, in the order they were applied."""
    found: dict[str, list[str]] = {"transfer-encoding": [], "content-encoding": []}
    for name, value in headers:
        if (names := found.get(name.lower())) is not None:
            names += [item.strip(" \t\"'").lower() for item in value.split(",")]
    transfer, content = found.values()
    return transfer, content


def _inflate(body: bytes, wbits: int, limit: int) -> Decoded:
    """One or more gzip members, or one zlib or raw stream; what follows the last is ignored."""
    view = memoryview(body)
    out: list[bytes] = []
    made = 0
    place = 0
    while True:
        stream = Inflater(wbits)
        while not stream.eof:
            try:
                piece = view[place : place + _PIECE]
                chunk, used = stream.decompress(piece, min(_OUT, limit - made + 1))
            except InflateError as error:
                out.append(error.out)
                return _limited(out, limit, truncated=True)
            out.append(chunk)
            made += len(chunk)
            place += used
            if made > limit:
                return _limited(out, limit, truncated=False)
            if not chunk and not used and not stream.eof:
                return _limited(out, limit, truncated=True)
        if wbits != GZIP or body[place : place + 3] != _GZIP_MAGIC:
            return _limited(out, limit, truncated=False)


def _limited(parts: list[bytes], limit: int, *, truncated: bool) -> Decoded:
    body = b"".join(parts)
    if len(body) > limit:
        return Decoded(body[:limit], truncated, too_large=True)
    return Decoded(body, truncated)


def _gzip(body: bytes, limit: int) -> Decoded | None:
    return _inflate(body, GZIP, limit) if body.startswith(_GZIP_MAGIC) else None


def _deflate(body: bytes, limit: int) -> Decoded | None:
    """`deflate` means zlib (RFC 9110, 8.4.1.2), but many servers sent raw deflate."""
    if len(body) < 2:
        return None
    is_zlib = body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    kinds = (ZLIB, RAW) if is_zlib else (RAW,)
    return _first_whole(body, (_inflate(body, kind, limit) for kind in kinds))


def _first_whole(body: bytes, attempts: Iterable[Decoded]) -> Decoded | None:
    """The first attempt that decodes to the end, else the longest; None where `body` is text."""
    best: Decoded | None = None
    for result in attempts:
        if not result.truncated:
            return result
        if best is None or len(result.body) > len(best.body):
            best = result
    if best is None or not best.body or _TEXT_START.match(body):
        return None
    return best


def _brotli(body: bytes, limit: int) -> Decoded | None:
    return _first_whole(body, [_unbrotli(body, limit)]) if body else None


def _unbrotli(body: bytes, limit: int) -> Decoded:
    import brotli  # type: ignore[import-untyped]

    stream = brotli.Decompressor()
    out: list[bytes] = []
    made = 0
    place = 0
    while not stream.is_finished():
        piece = b""
        if stream.can_accept_more_data():
            piece = body[place : place + _PIECE]
            place += len(piece)
        try:
            chunk = stream.process(piece, output_buffer_limit=_OUT)
        except brotli.error:
            return _limited(out, limit, truncated=True)
        out.append(chunk)
        made += len(chunk)
        if made > limit:
            break
        if not chunk and not piece and not stream.is_finished():
            return _limited(out, limit, truncated=True)
    return _limited(out, limit, truncated=False)


def _zstd(body: bytes, limit: int) -> Decoded | None:
    import zstandard

    if not body.startswith(_ZSTD_MAGIC):
        return None
    out: list[bytes] = []
    made = 0
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    with decompressor.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        while made <= limit:
            try:
                chunk = reader.read(_OUT)
            except zstandard.ZstdError:
                return _limited(out, limit, truncated=True)
            if not chunk:
                break
            out.append(chunk)
            made += len(chunk)
    return _limited(out, limit, truncated=made <= limit and not _zstd_ends(body))


def _zstd_ends(body: bytes) -> bool:
    """Whether the frames of `body` reach their ends: the reader takes a cut one for an end."""
    import zstandard

    from webtext_py.pages.zstd_frame import walk

    try:
        place = 0
        while body.startswith(_ZSTD_MAGIC, place):
            place = walk(body, place)
    except (ValueError, zstandard.ZstdError):
        return False
    return True


def _by_magic(body: bytes) -> "Callable[[bytes, int], Decoded | None] | None":
    """The decoder of a compressed body whose headers said nothing (HTML starts with neither)."""
    if body.startswith(_GZIP_MAGIC):
        return _gzip
    return _zstd if body.startswith(_ZSTD_MAGIC) else None


_DECODERS: dict[str, Callable[[bytes, int], Decoded | None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
