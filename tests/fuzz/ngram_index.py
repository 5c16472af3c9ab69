"""Throws damaged n-gram indexes (Bloom filters on disk) at their reader.

Promises: a file opens or is refused with a `FormatError`; one that opens and whose digest holds
counts as it did before; merging and checking a damaged one is refused. Half of the changed headers
have their digests made right again, so that the fields themselves are tried.

Usage: ngram_index.py [--seconds 60] [--seed 1] [--all]
"""

import functools
import hashlib
import json
import random
import struct
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fuzzing import damaged, run

from webtext_py.errors import FormatError, InputError
from webtext_py.overlap.index import Index, IndexConfig, build_index, merge_indexes
from webtext_py.overlap.training import TrainingText

TEXTS = [" ".join(f"w{n * k % 97}" for n in range(60)) for k in range(1, 30)]
CHECKED = 2016  # of `src/overlap/file.rs`
NUMBERS = [0, 1, 2, 7, 64, 65, 255, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 64) - 1]


@functools.cache
def whole() -> tuple[bytes, list[list[int]]]:
    """An index and what it counts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(pa.table({"text": TEXTS[:20]}), folder / "text.parquet")
        text = TrainingText.of([folder / "text.parquet"])
        index = build_index(text, folder / "a.index", IndexConfig(capacity=2000), memory=4 << 20)
        return (folder / "a.index").read_bytes(), index.count(pa.array(TEXTS)).tolist()


def signed(data: bytearray) -> bytes:
    """The file with the header's digests as they should be."""
    metadata = struct.unpack_from("<I", data, 36)[0]
    data[152:184] = hashlib.sha256(data[max(0, len(data) - metadata) :]).digest()
    data[CHECKED : CHECKED + 32] = hashlib.sha256(data[:CHECKED]).digest()
    return bytes(data)


def changed(generator: random.Random, data: bytes) -> tuple[bytes, str]:
    """A damaged index, and how."""
    match generator.randrange(4):
        case 0:
            return damaged(generator, data), "anywhere"
        case 1:
            made = bytearray(data)
            at = generator.choice([*range(8, 40, 4), *range(40, 120, 8)])
            value = generator.choice(NUMBERS)
            if at < 40:
                struct.pack_into("<I", made, at, value % (1 << 32))
            else:
                struct.pack_into("<Q", made, at, value)
            return signed(made), "a field"
        case 2:
            made = bytearray(damaged(generator, data[:184])[:184].ljust(184, b"\0") + data[184:])
            return signed(made), "fields"
        case _:
            head, metadata = data[:4096], struct.unpack_from("<I", data, 36)[0]
            body = data[4096 : len(data) - metadata]
            other = damaged(generator, data[len(data) - metadata :])
            made = bytearray(head + body + other)
            struct.pack_into("<I", made, 36, len(other))
            return signed(made), "metadata"


def one(generator: random.Random, folder: Path) -> str:
    """One index; returns what became of it."""
    data, counts = whole()
    made, how = (data, "nothing") if generator.random() < 0.05 else changed(generator, data)
    path, good = folder / "a.index", folder / "good.index"
    path.write_bytes(made)
    good.write_bytes(data)
    try:
        index = Index(path)
    except FormatError:
        assert how != "nothing"
        return f"{how}: refused"
    json.dumps(index.describe())
    found = index.count(pa.array(TEXTS)).tolist()
    try:
        index.core.verify(1)
        index.core.check(1000, 1, 1)
    except (FormatError, InputError):
        assert how != "nothing"
        try:
            merge_indexes([good, path], folder / "merged.index")
        except (FormatError, InputError):
            return f"{how}: its check refuses it"
        raise AssertionError("a filter that its check refuses was merged") from None
    if index.facts["n"] == 8 and not index.facts["ascii"]:
        assert found == counts, f"{how}: other counts"
    try:
        merged = merge_indexes([good, path], folder / "merged.index")
    except (FormatError, InputError):
        assert how != "nothing"
        return f"{how}: opened, not merged"
    assert merged.count(pa.array(TEXTS)).tolist() == counts
    return f"{how}: opened"


if __name__ == "__main__":
    run(__doc__, one)
