"""Throws damaged dumps at the reader for as long as asked; any crash or broken promise ends it.

Promises: without `allow_damaged` a file gives all rows of its text, or a `FormatError`; with it,
rows come out, those of whole streams before the first damage unchanged, and the figures add up;
the rows of plain text are those of the slow twin.

Usage: dump.py [--seconds 60] [--seed 1] [--all]
"""

import bz2
import functools
import gzip
import importlib.util
import lzma
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard
from fuzzing import damaged, run

from webtext_py.dump import SubmissionReader
from webtext_py.errors import FormatError

FOLDER = Path(__file__).resolve().parents[1] / "python" / "dump"
PACKERS = [zstandard.ZstdCompressor(write_checksum=True).compress, bz2.compress]
PACKERS += [gzip.compress, lzma.compress, bytes]
CHANGES = [0, 1, 1, 2, 8]
FRAGMENTS = [b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\n", b"\0", b"\xff", b"\\u0", b"e"]


@functools.cache
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


def rows_of(path: Path, **options: bool) -> tuple[list[dict[str, Any]], Any]:
    """All rows and the figures."""
    reader = SubmissionReader(path, **options)
    rows = [row for batch in reader for row in batch.to_pylist()]
    return rows, reader.stats


def one(generator: random.Random, folder: Path) -> str:
    """One damaged dump; returns what became of it."""
    path, twin = folder / "dump", slow_twin()
    text = some_lines(generator)
    if generator.random() < 0.5:
        text = damaged(generator, text, CHANGES, FRAGMENTS)
    pack = generator.choice(PACKERS)
    cut = generator.randrange(len(text) + 1)
    packed = pack(text[:cut]) + pack(text[cut:])
    data = packed if pack is bytes else damaged(generator, packed, CHANGES, FRAGMENTS)
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


if __name__ == "__main__":
    run(__doc__, one)
