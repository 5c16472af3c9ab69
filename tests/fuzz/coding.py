"""Throws damaged bodies at the reader of transfer and content codings.

Promises: it never raises, makes at most the limit, and gives a whole body with true headers back as
it was; a body cut short is a beginning of it.

Usage: coding.py [--seconds 60] [--seed 1] [--all]
"""

import functools
import gzip
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import zstandard
from fuzzing import FRAGMENTS, damaged, run

from webtext_py.pages.coding import decode_body
from webtext_py.pages.http import is_html, parse_head

LIMIT = 1 << 16
PARTS = [
    *FRAGMENTS,
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
]
PARTS += [b"<!-- -->", b"<!--", b"HTTP/1.1 100 Continue\r\n\r\n"]


def raw_deflate(data: bytes) -> bytes:
    """Deflate without a zlib head, as some servers mean it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def chunked(data: bytes) -> bytes:
    """Chunks of 1,000 bytes."""
    chunks = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstandard.ZstdCompressor().compress,
}


@functools.cache
def bomb(name: str) -> bytes:
    """64 MiB of nothing."""
    return CODERS[name](bytes(64 << 20))


def one(generator: random.Random, folder: Path) -> str:
    """One body; returns what became of it."""
    size = generator.choice([1, 100, 5000, LIMIT, LIMIT + 1, 4 * LIMIT])
    words = [b"one ", b"two ", b"three ", "v\u00efer ".encode()]
    text = b"<!doctype html><p>" + b"".join(generator.choices(words, k=size // 4))
    body, names = text, []
    for _ in range(generator.choice([0, 1, 1, 2, 3, 9])):
        name = generator.choice(list(CODERS))
        pack = raw_deflate if name == "deflate" and generator.random() < 0.5 else CODERS[name]
        body = pack(body)
        names.append(name)
    headers = [("Content-Type", "text/html")]
    if names:
        headers.append(("Content-Encoding", ", ".join(names)))
    if generator.random() < 0.3:
        body = chunked(body)
        headers.append(("Transfer-Encoding", "chunked"))
    change = generator.choice(["whole", "cut", "damaged", "lies", "bomb"])
    if change == "cut":
        body = body[: generator.randrange(len(body) + 1)]
    elif change == "damaged":
        body = damaged(generator, body, fragments=PARTS)
    elif change == "lies":
        named = generator.choices([*CODERS, "identity", "chunked", ""], k=generator.randrange(40))
        headers = [("Content-Encoding", ",".join(named)), ("transfer-encoding", "chunked")]
    elif change == "bomb":
        names = [generator.choice(list(CODERS))]
        body = bomb(names[0])
        for _ in range(generator.randrange(3)):
            names.append(generator.choice(list(CODERS)))
            body = CODERS[names[-1]](body)
        headers = [("Content-Encoding", ", ".join(names))]
    if change == "damaged" and generator.random() < 0.3:
        body = generator.choice(PARTS) * generator.choice([2, 60]) + body
    found = decode_body(body, headers, LIMIT)
    assert len(found.body) <= LIMIT
    is_html(None, headers, body)
    parse_head(
        damaged(generator, b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + body[:3000], fragments=PARTS)
    )
    if change == "whole" and len(names) <= 8:
        assert found.body == text[:LIMIT]
        assert found.too_large == (len(text) > LIMIT)
        assert not found.truncated
    if change == "cut" and not names and headers[-1][0] != "Transfer-Encoding":
        assert found.body == body[:LIMIT]
    if change == "bomb":
        assert found.too_large
    return change


if __name__ == "__main__":
    run(__doc__, one)
