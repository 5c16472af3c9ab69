"""Tokens a second that one core turns from zstd token shards into batches.

Usage: python benches/train_data.py [--tokens-millions 64] [--text DIR]

Makes shards as `webtext bpe encode` writes them (zstd, BYTE_STREAM_SPLIT, row groups of 1 M tokens)
from Zipf-distributed ids, which compress like text's; or takes `--tokens DIR`. Checks first that an
epoch's batches hold every token, then times a whole epoch of 1,024-token windows in batches of 512,
in CPU seconds of this one thread. The bar is 40 M tokens/s; a GPU takes 0.6 M.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.tokens import TokenSet
from webtext_py.train.config import DataConfig, ModelConfig
from webtext_py.train.data import Windows

VOCAB, CONTEXT, BATCH = 50257, 1024, 512


def make(folder: Path, millions: int) -> None:
    """Shards of 16 M tokens of documents of some 600 tokens."""
    generator = np.random.default_rng(0)
    weights = 1 / np.arange(2, VOCAB + 1)
    weights /= weights.sum()
    for shard in range(max(1, millions // 16)):
        n = min(16, millions) * 2**20
        ids = generator.choice(VOCAB - 1, n, p=weights).astype(np.uint16)
        starts = np.arange(0, n, 600)
        ids[starts] = VOCAB - 1
        offsets = pa.array(np.append(starts, n).astype(np.int32))
        names = pa.array([f"{i:032x}" for i in range(len(starts))])
        table = pa.table({"doc_id": names, "tokens": pa.ListArray.from_arrays(offsets, ids)})
        pq.write_table(
            table,
            folder / f"train-{shard:05}.parquet",
            row_group_size=2**20 // 600,
            compression="zstd",
            use_dictionary=False,
            column_encoding={"tokens.list.element": "BYTE_STREAM_SPLIT", "doc_id": "PLAIN"},
        )


def windows(folder: Path) -> Windows:
    """A fresh reader with nothing cached."""
    tokens = TokenSet.open(sorted(folder.rglob("train-*.parquet")))
    return Windows(tokens, ModelConfig(context=CONTEXT, vocab_size=VOCAB), DataConfig())


def check(folder: Path) -> None:
    """Every window of an epoch comes once: the sum over all targets is the files' own."""
    reader = windows(folder)
    total = 0
    for i in range(reader.count):
        total += int(reader.batch(i, 1)[0, 1:].sum(dtype=np.int64))
    epoch = reader._epoch(0)
    stream = [reader.set.read(int(i), VOCAB) for i in epoch.spans]
    expected = int(np.concatenate(stream)[1 : reader.count * CONTEXT + 1].sum(dtype=np.int64))
    assert total == expected, (total, expected)


def main() -> None:
    """Makes, checks, times; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens-millions", type=int, default=64)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.tokens or Path(made)
        if arguments.tokens is None:
            make(folder, arguments.tokens_millions)
        check(folder)
        rates = []
        for _ in range(arguments.runs):
            reader = windows(folder)
            steps = reader.count // BATCH
            started = time.process_time()
            for step in range(steps):
                reader.batch(step * BATCH, BATCH)
            rates.append(steps * BATCH * CONTEXT / (time.process_time() - started) / 1e6)
        size = sum(p.stat().st_size for p in folder.rglob("train-*.parquet"))
    result = {
        "tokens": reader.set.tokens,
        "bytes_per_token_on_disk": round(size / reader.set.tokens, 3),
        "million_tokens_per_cpu_second": {
            "median": round(statistics.median(rates), 1),
            "all": [round(rate, 1) for rate in rates],
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
