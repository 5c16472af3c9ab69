"""Throws damaged and odd test sets at their reader.

Promises: a file gives examples with unique ids and texts in UTF-8, or an `InputError` or
`FormatError`.

Usage: testsets.py [--seconds 60] [--seed 1] [--all]
"""

import bz2
import gzip
import json
import lzma
import random
from pathlib import Path
from typing import Any

import zstandard
from fuzzing import FRAGMENTS, damaged, run
from table import parquet

from webtext_py.errors import FormatError, InputError
from webtext_py.overlap.testsets import find_test_sets, read_test_set

TEXTS: list[Any] = [
    "A text of a few words.",
    "",
    "one , two ' s",
    "\ud800",
    "= = Heading = =",
    "é中文",
]
VALUES = [*TEXTS, 1, 2.5, None, True, ["a", "b"], ["a", 1], {"text": ["x"]}, {"a": {"b": [1]}}, []]
NAMES = ["id", "context", "question", "text", "answers", "label", "data", "paragraphs", "é"]
ENDINGS = [".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet", "", ".raw", ".md"]
PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
PACKERS[".zst"] = zstandard.ZstdCompressor().compress
PARTS = [
    *FRAGMENTS,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\t",
    b"[MASK]\n",
    b" = A = \n",
    b"\n\n",
    b"\x80",
]


def squad(generator: random.Random) -> dict[str, Any]:
    """SQuAD's shape."""

    def pick() -> Any:
        return generator.choice(TEXTS if generator.random() < 0.9 else VALUES)

    def question(number: int) -> dict[str, Any]:
        return {"id": f"q{number}", "question": pick(), "answers": [{"text": pick()}]}

    paragraphs = [{"context": pick(), "qas": [question(n) for n in range(3)]}]
    return {"version": "1.1", "data": [{"title": pick(), "paragraphs": paragraphs}]}


def text(generator: random.Random) -> tuple[bytes, str]:
    """A test set in one of the forms, and how its name usually ends."""

    def row() -> dict[str, Any]:
        values = VALUES if generator.random() < 0.3 else TEXTS
        return {name: generator.choice(values) for name in generator.sample(NAMES[1:], 4)}

    rows = [row() for _ in range(generator.choice([0, 1, 4, 30, 30]))]
    match generator.randrange(7):
        case 0:
            return json.dumps(squad(generator)).encode(), ".json"
        case 1:
            return json.dumps(rows).encode(), ".json"
        case 2:
            return json.dumps({"data": rows}).encode(), ".json"
        case 3:
            return "\n".join(map(json.dumps, rows)).encode(), ".jsonl"
        case 4:
            separator, ending = generator.choice([(",", ".csv"), ("\t", ".tsv")])
            head = separator.join(generator.sample(NAMES[:8], 4))
            texts = [
                generator.choice([TEXTS[0], TEXTS[2], "", "é中文"]) for _ in range(4 * len(rows))
            ]
            body = [
                separator.join(f'"{t}"' for t in texts[i : i + 4]) for i in range(0, len(texts), 4)
            ]
            return "\n".join([head, *body]).encode(), ending
        case 5:
            blocks = ["The [MASK] did it .\n[MASK]\nhe\nfox\n" for _ in rows]
            return "\n".join(blocks).encode(), ".txt"
        case _:
            return "\n".join(
                ["", " = Title = ", "words of it", "", "more"] * len(rows)
            ).encode(), ".txt"


def one(generator: random.Random, folder: Path) -> str:
    """One test set; returns what became of it."""
    if generator.random() < 0.8:
        data, usual = text(generator)
    else:
        data, usual = parquet(generator, NAMES), ".parquet"
    if generator.random() < 0.5:
        data = damaged(generator, data, fragments=PARTS)
    ending = generator.choice(["", "", *PACKERS])
    packed = PACKERS[ending](data)
    if ending and generator.random() < 0.3:
        packed = damaged(generator, packed)
    form = usual if generator.random() < 0.8 else generator.choice(ENDINGS)
    path = folder / f"set{form}{ending}"
    path.write_bytes(packed)
    fields = generator.choice([(), (), (), ("text",), ("context", "label")])
    text_as = generator.choice([None, None, "line", "whole", "paragraph"])
    try:
        ((name, found),) = find_test_sets([path])[0]
        read = read_test_set(found, name, fields=fields, text_as=text_as)
    except (InputError, FormatError):
        return "refused"
    ids = [example.id for example in read.examples]
    assert len(set(ids)) == len(ids)
    for example in read.examples:
        assert set(example.texts) <= set(read.fields)
        for value in example.texts.values():
            value.encode()
    return read.form.partition(",")[0]


if __name__ == "__main__":
    # The reader asks for room for the largest test set before it reads; little of it is used.
    run(__doc__, one, reserved_bytes=5 << 30)
