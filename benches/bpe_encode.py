"""Encoding with GPT-2's vocabulary: webtext against tiktoken, tokenizers and gigatoken.

Cold is the first pass of a fresh encoder over the text, warm the best of those after it. Each
encoder runs in a process of its own and must give the same ids (SHA-256) before its time counts.
Wall and CPU seconds; MB/s are of text.

Usage: bpe_encode.py [--megabytes 100] [--files en | --mixed] [--runs 3] [--slow-runs 1]
                     [--only NAME...] [--data DIR] [--record FILE]
"""

import argparse
import hashlib
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from bpe_corpus import (
    peer_corpus,
    peer_options,
    record,
    run_peers,
    text_bytes,
    tiktoken_gpt2,
    timed,
)

PASSES = 4


def webtext(data: Path, column: pa.Array, threads: int) -> tuple[Callable[[], Any], Any]:
    """Arrow in, Arrow out."""
    from webtext_py import Tokenizer

    tokenizer = Tokenizer.from_file(data / "gpt2" / "encoder.json")
    call = lambda: tokenizer.encode_batch(column, threads=threads)  # noqa: E731
    return call, lambda rows: rows.values.to_numpy()


def gigatoken(data: Path, column: pa.Array, threads: int) -> tuple[Callable[[], Any], Any]:
    """Its buffers with a separator, its fastest way in; on one thread or on all."""
    import awkward
    import gigatoken
    from tokenizers import Tokenizer, models, pre_tokenizers

    model = models.BPE.from_file(
        str(data / "gpt2" / "encoder.json"), str(data / "gpt2" / "vocab.bpe")
    )
    reference = Tokenizer(model)
    reference.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    encoder = gigatoken.Tokenizer.from_json(reference.to_str())
    separator = b"\0\0\0"
    text = separator.join(value.encode() for value in column.to_pylist() if value)
    source = gigatoken.BytesSource([text], separator=separator)
    call = lambda: encoder.encode_batch(source, parallel=threads > 1)  # noqa: E731
    return call, lambda rows: np.asarray(awkward.flatten(rows)).astype(np.uint16)


def tiktoken(data: Path, column: pa.Array, threads: int) -> tuple[Callable[[], Any], Any]:
    """`encode_ordinary_batch` of strings."""
    encoding = tiktoken_gpt2(data)
    texts = column.to_pylist()
    call = lambda: encoding.encode_ordinary_batch(texts, num_threads=threads)  # noqa: E731
    return call, lambda rows: np.concatenate([np.array(row, np.uint16) for row in rows])


def tokenizers(data: Path, column: pa.Array, threads: int) -> tuple[Callable[[], Any], Any]:
    """`encode_batch_fast` of strings."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    model = models.BPE.from_file(
        str(data / "gpt2" / "encoder.json"), str(data / "gpt2" / "vocab.bpe")
    )
    encoder = Tokenizer(model)
    encoder.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    texts = column.to_pylist()
    call = lambda: encoder.encode_batch_fast(texts, add_special_tokens=False)  # noqa: E731
    return call, lambda rows: np.concatenate([np.array(row.ids, np.uint16) for row in rows])


ENCODERS = {
    "webtext, 1 thread": (webtext, 1),
    "webtext, 2 threads": (webtext, 2),
    "gigatoken, 1 thread": (gigatoken, 1),
    "gigatoken, 2 threads": (gigatoken, 2),
    "tiktoken, 1 thread": (tiktoken, 1),
    "tiktoken, 2 threads": (tiktoken, 2),
    "tokenizers, 1 thread": (tokenizers, 1),
}


def child(name: str, options: argparse.Namespace) -> None:
    """One process: cold and warm passes; prints figures as JSON."""
    import os

    make, threads = ENCODERS[name]
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    column = peer_corpus(options)
    call, ids_of = make(options.data, column, threads)
    passes = []
    for _ in range(PASSES if make in (webtext, gigatoken) else 1):
        rows, wall, cpu = timed(call)
        passes.append((wall, cpu))
    ids = ids_of(rows)
    print(
        json.dumps(
            {
                "cold": passes[0],
                "warm": min(passes[1:] or passes),
                "tokens": len(ids),
                "sha256": hashlib.sha256(ids.tobytes()).hexdigest(),
            }
        )
    )


def main() -> None:
    options = peer_options(__doc__.splitlines()[0], list(ENCODERS)).parse_args()
    if options.child:
        child(options.child, options)
        return
    slow = [name for name in ENCODERS if not name.startswith(("webtext", "gigatoken"))]
    runs = run_peers(__file__, options, slow)
    size = text_bytes(peer_corpus(options))
    expected = next(iter(runs.values()))[0]["sha256"]
    rows = {}
    for name, figures in runs.items():
        speed = lambda kind, which, figures=figures: round(  # noqa: E731
            size / 1e6 / statistics.median(run[kind][which] for run in figures)
        )
        rows[name] = {
            "same_ids": all(run["sha256"] == expected for run in figures),
            "runs": len(figures),
            "cold_mb_s": speed("cold", 0),
            "cold_mb_per_cpu_s": speed("cold", 1),
            "warm_mb_s": speed("warm", 0),
            "warm_mb_per_cpu_s": speed("warm", 1),
        }
    document = {"command": " ".join(["bpe_encode.py", *sys.argv[1:]]), "bytes": size, "rows": rows}
    record(options.record, document, ["tiktoken", "tokenizers", "gigatoken"])


if __name__ == "__main__":
    main()
