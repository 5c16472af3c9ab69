"""Throws damaged archives at the WARC and ARC readers; any crash or broken promise ends it.

Promises: a file is taken or refused with an `InputError`; damage is never raised; captures stand in
the order of the file, inside it; each can be read back by its location, once; two scans agree. An
archive that nobody damaged gives every record.

Usage: warc.py [--seconds 60] [--seed 1] [--all]
"""

import gzip
import random
from pathlib import Path

import zstandard
from fuzzing import FRAGMENTS, damaged, run

from webtext_py.errors import InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container

LIMIT = 1 << 16
PAGE = b"<!doctype html><title>t</title><p>" + b"words of a page " * 20
PARTS = [b"<!--", b"-->", b"<!-- -->", b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n", b"WARC/1.0\r\n"]
PARTS += [
    b"Content-Length: 9\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n",
]
PARTS += [
    b"WARC-Type: revisit\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"5\r\n",
    b"0\r\n",
]
PARTS += [*FRAGMENTS, b"WARC/0.18\n", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"http://a.example/ "]


def warc_record(generator: random.Random, number: int) -> bytes:
    """A record of any type, most of them responses."""
    kind = generator.choice(["response"] * 5 + ["resource", "revisit", "request", "warcinfo"])
    body = PAGE if generator.random() < 0.7 else generator.randbytes(generator.choice([0, 9, 3000]))
    heads = [b"Content-Type: text/html\r\n"]
    if generator.random() < 0.2:
        heads.append(b"Content-Encoding: gzip\r\n")
        body = gzip.compress(body)
    status = generator.choice([b"200 OK", b"200 OK", b"301 Moved", b"404 Not Found", b"103 Early"])
    if generator.random() < 0.1:
        heads.append(b"Location: /elsewhere\r\n")
    block = b"HTTP/1.1 " + status + b"\r\n" + b"".join(heads) + b"\r\n" + body
    if kind in ("resource", "warcinfo"):
        block = body
    head = (
        f"WARC/1.{generator.randrange(2)}\r\nWARC-Type: {kind}\r\n"
        f"WARC-Record-ID: <urn:uuid:{number:032x}>\r\nWARC-Date: 2016-01-01T00:00:00Z\r\n"
        f"WARC-Target-URI: http://host{number}.example/page\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def arc_record(generator: random.Random, number: int) -> bytes:
    """A record of version 1."""
    block = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE
    head = f"http://host{number}.example/ 192.0.2.1 20160101000000 text/html {len(block)}\n"
    return head.encode() + block + b"\n"


def archive(generator: random.Random) -> tuple[bytes, int]:
    """An archive and how many captures it has."""
    count = generator.choice([1, 2, 5, 20])
    if generator.random() < 0.2:
        info = b"1 0 made\nURL IP-address Archive-date Content-type Archive-length\n"
        head = f"filedesc://a.arc 0.0.0.0 20160101000000 text/plain {len(info)}\n".encode()
        records = [head + info + b"\n"]
        records += [arc_record(generator, number) for number in range(count)]
        captures = count
    else:
        records = [warc_record(generator, number) for number in range(count)]
        captures = sum(
            any(f"WARC-Type: {kind}".encode() in r for kind in ("response", "resource", "revisit"))
            for r in records
        )
    if generator.random() < 0.3:
        records = [damaged(generator, r, (0, 0, 1, 3), PARTS) for r in records]
        captures = -1
    match generator.randrange(5):
        case 0:
            packed = b"".join(records)
        case 1:
            packed = gzip.compress(b"".join(records), 1, mtime=0)
        case 2:
            packed = b"".join(map(zstandard.ZstdCompressor(1).compress, records))
        case _:
            packed = b"".join(gzip.compress(r, 1, mtime=0) for r in records)
    return packed, captures


def one(generator: random.Random, folder: Path) -> str:
    """One archive; returns what became of it."""
    data, captures = archive(generator)
    path = folder / generator.choice(["a.warc.gz", "a.warc", "a.arc", "a"])
    if generator.random() < 0.7:
        data, captures = damaged(generator, data, fragments=PARTS), -1
        if generator.random() < 0.1:
            data = generator.choice(PARTS) * generator.choice([2, 60, 2000]) + data
    path.write_bytes(data)
    try:
        (container,) = list_containers([str(path)])
    except InputError:
        assert captures < 0, "a whole archive was refused"
        return "refused"
    scan = scan_container(container, LIMIT)
    found = list(scan)
    assert captures in (-1, len(found)), f"{len(found)} captures of {captures}"
    assert captures < 0 or (not scan.damage and not scan.damaged)
    places = [capture.location.place() for capture in found]
    assert places == sorted(set(places))
    for capture in found:
        assert 0 <= capture.location.offset < len(data)
        assert capture.location.length > 0
    for damage in scan.damage:
        assert 0 <= damage.offset <= len(data)
    again = list(scan_container(container, LIMIT))
    assert again == found, "two scans differ"
    locations = [capture.location for capture in found]
    generator.shuffle(locations)
    read = dict(read_captures(container, locations, max_payload_bytes=LIMIT, max_body_bytes=LIMIT))
    assert sorted(read) == sorted(locations)
    for capture in found:
        payload = read[capture.location]
        assert len(payload.body) <= LIMIT
        assert payload.url == capture.url or payload.problem == "damaged_record"
        if capture.outcome == "good":
            assert payload.problem in (None, "too_large"), payload.problem
    return "read whole" if captures >= 0 else "read" if found else "nothing in it"


if __name__ == "__main__":
    run(__doc__, one)
