"""Identity on the whole corpus: merges and vocabulary with tokenizers, ids with tiktoken.

Trains both at 50,257 entries on each file named, or on all as one corpus, in one sequence mode, and
compares merges and ids entry by entry; encodes with GPT-2's vocabulary and compares SHA-256 of
all ids. Not about time: what it prints of that is from one run.

Usage: bpe_identity.py [--files en de ... | --whole] [--sequence document|line] [--encode]
                       [--data DIR] [--record FILE]
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from bpe_corpus import (
    SHARED,
    corpus,
    corpus_names,
    record,
    reference_training,
    text_bytes,
    tiktoken_gpt2,
    timed,
)

from webtext_py import Tokenizer
from webtext_py.bpe.train import BpeConfig, train_texts

VOCAB_SIZE = 50257


def training(column: pa.Array, sequence: str) -> dict[str, Any]:
    """Trains with both and compares."""
    config = BpeConfig(VOCAB_SIZE, 2, sequence=sequence, special=())  # type: ignore[arg-type]
    ours, seconds, _ = timed(lambda: train_texts([column], config))
    files = dict(ours.files())
    lines = files["merges.txt"].decode().splitlines()[1:]
    merges = [(left, right) for left, right in (line.split(" ") for line in lines)]
    vocab = json.loads(files["vocab.json"])
    texts = (text.as_py() for text in column)
    units = texts if sequence == "document" else (line for text in texts for line in _lines(text))
    theirs, their_seconds, _ = timed(lambda: reference_training(units, VOCAB_SIZE))
    return {
        "merges": len(merges),
        "vocab": len(vocab),
        "same_merges": merges == theirs[0],
        "same_vocab": vocab == theirs[1],
        "made_twice": len(merges) + 256 - len(vocab),
        "merges_sha256": hashlib.sha256(repr(merges).encode()).hexdigest(),
        "seconds": round(seconds, 2),
        "tokenizers_seconds": round(their_seconds, 2),
    }


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return lines + ([parts[-1]] if parts[-1] else [])


def encoding(column: pa.Array, data: Path) -> dict[str, Any]:
    """Encodes with both and compares digests of all ids."""
    tokenizer = Tokenizer.from_file(data / "gpt2" / "encoder.json")
    reference = tiktoken_gpt2(data)
    ours, theirs = hashlib.sha256(), hashlib.sha256()
    count = 0
    rows = tokenizer.encode_batch(column)
    for start in range(0, len(column), 512):
        part = rows.slice(start, 512)
        ours.update(part.flatten().to_numpy().tobytes())
        texts = column.slice(start, 512).to_pylist()
        for ids in reference.encode_ordinary_batch(texts, num_threads=2):
            theirs.update(np.array(ids, np.uint16).tobytes())
        count += len(part.flatten())
    return {
        "tokens": count,
        "same_ids": ours.digest() == theirs.digest(),
        "ids_sha256": ours.hexdigest(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", nargs="+")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--sequence", choices=["document", "line"], default="document")
    parser.add_argument("--encode", action="store_true")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    names = options.files or corpus_names(options.data)
    for group in [names] if options.whole else [[name] for name in names]:
        column = corpus(options.data, group)
        found: dict[str, Any] = {
            "command": "bpe_identity.py",
            "corpus": "whole" if options.whole else group[0],
            "bytes": text_bytes(column),
        }
        if options.encode:
            found |= encoding(column, options.data)
        else:
            found |= {"sequence": options.sequence, **training(column, options.sequence)}
        record(options.record, found, ["tokenizers", "tiktoken"])


if __name__ == "__main__":
    main()
