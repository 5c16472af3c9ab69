"""Throws damaged dumps at the reader for as long as asked; any crash or broken promise ends it.

Promises: without `allow_damaged` a file gives all rows of its text, or a `FormatError`; with it,
rows come out, those of whole streams before the first damage unchanged, and the figures add up;
the rows of plain text are those of the slow twin.

Usage: dump.py [--seconds 60] [--seed 1]
"""

import argparse
import bz2
import gzip
import importlib.util
import lzma
import random
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard

from webtext_py.dump import read_submissions
from webtext_py.errors import FormatError

FOLDER = Path(__file__).resolve().parents[1] / "python" / "dump"
PACKERS = [zstandard.ZstdCompressor(write_checksum=True).compress, bz2.compress]
PACKERS += [gzip.compress, lzma.compress, bytes]
FRAGMENTS = [b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\n", b"\0", b"\xff", b"\\u0", b"e"]


def slow_twin() -> ModuleType:
    """The twin that the tests use."""
    spec = importlib.util.spec_from_file_location("twin", FOLDER / "twin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some_lines(generator: random.Random) -> bytes:
    """Submissions, most of them whole."""
    made = []
    for number in range(generator.choice([1, 120, 120, 3000])):
        noise = generator.getrandbits(generator.choice([8, 400, 2000]))
        line = b'{"id":"%x","url":"http:\\/\\/x.example\\/%x","score":%d,"media":{"url":1}}' % (
            number,
            noise,
            number % 9,
        )
        made.append(line)
    return b"\n".join(made) + b"\n"


def damaged(generator: random.Random, data: bytes) -> bytes:
    """The bytes with a few changes: flipped, cut out, doubled, put in."""
    changed = bytearray(data)
    for _ in range(generator.choice([0, 1, 1, 2, 8])):
        at = generator.randrange(len(changed) + 1)
        length = generator.choice([1, 1, 2, 16, 1000])
        match generator.randrange(4):
            case 0:
                changed[at : at + length] = generator.randbytes(len(changed[at : at + length]))
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case _:
                changed[at:at] = generator.choice(FRAGMENTS)
    return bytes(changed)


def rows_of(path: Path, **options: bool) -> tuple[list[dict[str, Any]], Any]:
    """All rows and the figures."""
    reader = read_submissions(path, **options)
    rows = [row for batch in reader for row in batch.to_pylist()]
    return rows, reader.stats


def one(generator: random.Random, path: Path, twin: ModuleType) -> str:
    """One damaged dump; returns what became of it."""
    text = some_lines(generator)
    if generator.random() < 0.5:
        text = damaged(generator, text)
    pack = generator.choice(PACKERS)
    cut = generator.randrange(len(text) + 1)
    packed = pack(text[:cut]) + pack(text[cut:])
    data = packed if pack is bytes else damaged(generator, packed)
    path.write_bytes(data)
    outcome = "read"
    try:
        rows, stats = rows_of(path)
        if data == packed:
            assert rows == twin.read(text)
        assert stats.lost_bytes == 0
        assert stats.damages == ()
    except FormatError:
        outcome = "refused"
    try:
        rows, stats = rows_of(path, allow_damaged=True)
    except FormatError:
        return outcome
    assert len(rows) == stats.ok + stats.damaged + stats.comments == stats.lines - stats.blank
    assert [row["line"] for row in rows] == sorted({row["line"] for row in rows})
    assert stats.lost_bytes == sum(damage.lost_bytes for damage in stats.damages) <= len(data)
    assert (outcome == "refused") >= bool(stats.damages)
    return outcome


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    twin = slow_twin()
    counts = {"read": 0, "refused": 0}
    end = time.monotonic() + options.seconds
    seed = options.seed
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump"
        while time.monotonic() < end:
            try:
                counts[one(random.Random(seed), path, twin)] += 1
            except BaseException:
                print(f"seed {seed}: {path.stat().st_size} bytes", file=sys.stderr)
                raise
            seed += 1
    print(counts)


if __name__ == "__main__":
    main()
