"""Codings are undone by what the bytes are, whatever the headers say, within limits."""

import gzip
import random
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py.pages.coding import Decoded, dechunk, decode_body

PAGE = (
    "<!doctype html><html><title>Ä page</title>" + "<p>Some words, many times. </p>" * 400
).encode()
LIMIT = 1 << 20


def chunked(body: bytes, size: int = 777) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": lambda body: body,
}


def content(*names: str) -> list[tuple[str, str]]:
    return [("Content-Encoding", ", ".join(names))]


CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize("name", PACK)
def test_each_coding(name: str) -> None:
    assert decode_body(PACK[name](PAGE), content(name), LIMIT) == Decoded(PAGE)


@pytest.mark.parametrize("name", PACK)
def test_header_that_lies(name: str) -> None:
    """The archive stored the body decoded and kept the header."""
    assert decode_body(PAGE, content(name), LIMIT) == Decoded(PAGE)
    assert decode_body(PAGE, [*content(name), CHUNKED], LIMIT) == Decoded(PAGE)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_stacks(name: str) -> None:
    twice = gzip.compress(PACK[name](PAGE))
    assert decode_body(twice, content(name, "gzip"), LIMIT) == Decoded(PAGE)
    headers = [*content(name), ("content-encoding", "GZIP"), CHUNKED]
    assert decode_body(chunked(twice), headers, LIMIT) == Decoded(PAGE)
    # declared twice, done once
    assert decode_body(PACK[name](PAGE), content(name, "gzip"), LIMIT) == Decoded(PAGE)


def test_compressed_without_a_word() -> None:
    assert decode_body(gzip.compress(PAGE), [], LIMIT) == Decoded(PAGE)
    assert decode_body(gzip.compress(gzip.compress(PAGE)), content("gzip"), LIMIT) == Decoded(PAGE)
    assert decode_body(zstandard.compress(PAGE), [], LIMIT) == Decoded(PAGE)
    assert decode_body(chunked(gzip.compress(PAGE)), [], LIMIT) == Decoded(PAGE)


def test_raw_deflate_and_gzip_of_several_members() -> None:
    assert decode_body(raw_deflate(PAGE), content("deflate"), LIMIT) == Decoded(PAGE)
    members = gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]) + b"trailing bytes"
    assert decode_body(members, content("gzip"), LIMIT) == Decoded(PAGE)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_cut_body_gives_what_precedes_the_cut(name: str) -> None:
    body = random.Random(7).randbytes(400_000).hex().encode()
    packed = PACK[name](body)
    result = decode_body(packed[: len(packed) // 2], content(name), LIMIT)
    assert result.truncated
    assert not result.too_large
    assert len(result.body) > len(body) // 8
    assert body.startswith(result.body)


def test_damaged_gzip_gives_what_precedes_the_damage() -> None:
    body = random.Random(7).randbytes(100_000).hex().encode()
    packed = bytearray(gzip.compress(body))
    packed[-6] ^= 1  # the checksum: everything came out
    assert decode_body(bytes(packed), content("gzip"), LIMIT) == Decoded(body, truncated=True)
    packed[len(packed) // 2] ^= 255
    result = decode_body(bytes(packed), content("gzip"), LIMIT)
    assert result.truncated
    assert result.body[:10_000] == body[:10_000]


CHUNKS = [
    (b"5\r\nhello\r\n0\r\n\r\n", (b"hello", True)),
    (b"5 \r\nhello\r\n000\r\nTrailer: x\r\n\r\n", (b"hello", True)),
    (b"5;name=value\r\nhello\r\n0\r\n\r\n", (b"hello", True)),
    (b"5\nhello\n0\n\n", (b"hello", True)),
    (b"5\r\nhello\r\n", (b"hello", False)),
    (b"5\r\nhel", (b"hel", False)),
    (b"5\r\nhello\r\nnot a size\r\n", (b"hello", False)),
    (b"A\r\n0123456789\r\n2\r\nab\r\n0\r\n\r\n", (b"0123456789ab", True)),
    (b"0\r\n\r\n", (b"", True)),
    (b"<p>text", None),
    (b"", None),
    (b"5\r\nhello world", None),
    (b"-5\r\nhello\r\n", None),
    (b"0x5\r\nhello\r\n", None),
]


@pytest.mark.parametrize(("body", "expected"), CHUNKS)
def test_chunks(body: bytes, expected: tuple[bytes, bool] | None) -> None:
    assert dechunk(body) == expected


def test_text_that_begins_like_a_chunk_size_stays() -> None:
    for body in (b"2017\n<p>A year, and its page.</p>", b"0\r\n<p>None.</p>", b"abc\r\n"):
        assert decode_body(body, [], LIMIT) == Decoded(body)
    text = b"5\r\nhello\r\nand more, no chunk"
    assert decode_body(text, [], LIMIT) == Decoded(text)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_bomb_stops_at_the_limit(name: str) -> None:
    blanks = bytes(16 << 20)
    packed = brotli.compress(blanks, quality=2) if name == "br" else PACK[name](blanks)
    result = decode_body(packed, content(name), LIMIT)
    assert result.too_large
    assert len(result.body) == LIMIT


def test_bomb_in_layers_stops() -> None:
    packed = gzip.compress(gzip.compress(gzip.compress(bytes(256 << 20), 1), 1), 1)
    assert decode_body(packed, content("gzip"), LIMIT).too_large
    many = PAGE
    for _ in range(12):
        many = gzip.compress(many)
    result = decode_body(many, content(*["gzip"] * 12), LIMIT)
    assert result.body.startswith(b"\x1f\x8b")  # eight layers are undone, the rest is left


def test_body_at_and_over_the_limit() -> None:
    assert decode_body(b"x" * LIMIT, [], LIMIT) == Decoded(b"x" * LIMIT)
    assert decode_body(b"x" * (LIMIT + 1), [], LIMIT).too_large
    assert decode_body(gzip.compress(b"x" * LIMIT), content("gzip"), LIMIT) == Decoded(b"x" * LIMIT)
    assert decode_body(gzip.compress(b"x" * (LIMIT + 1)), content("gzip"), LIMIT).too_large


@settings(max_examples=300, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.sampled_from(["gzip", "deflate", "br", "zstd"]).map(lambda n: PACK[n](PAGE)),
    ),
    at=st.integers(0, 400),
    noise=st.binary(max_size=6),
    names=st.lists(st.sampled_from([*PACK, "chunked", "sdch", ""]), max_size=4),
    transfer=st.booleans(),
)
def test_any_bytes_under_any_headers(
    body: bytes, at: int, noise: bytes, names: list[str], transfer: bool
) -> None:
    damaged = body[:at] + noise + body[at + len(noise) :]
    headers = [*content(*names), *([CHUNKED] if transfer else [])]
    result = decode_body(damaged, headers, 4096)
    assert len(result.body) <= 4096
    assert decode_body(damaged, headers, 4096) == result


@settings(max_examples=100, deadline=None)
@given(
    body=st.binary(max_size=2000).map(lambda data: b"<p>" + data),
    names=st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), max_size=3),
    size=st.integers(1, 500),
)
def test_decoding_inverts_coding(body: bytes, names: list[str], size: int) -> None:
    packed = body
    for name in names:
        packed = PACK[name](packed)
    headers = [*content(*names), CHUNKED]
    assert decode_body(chunked(packed, size), headers, LIMIT) == Decoded(body)
