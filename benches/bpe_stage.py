"""`webtext bpe encode` end to end: zstd Parquet to `tokens/`, on two workers, with where time goes.

Makes shards of real text once, times the command as a process (start-up and all), checks ids of the
result against `Tokenizer.encode`, and times each part of a task alone.

Usage: bpe_stage.py [--megabytes 300] [--runs 3] [--workers 2] [--data DIR] [--record FILE]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bpe_corpus import SHARED, corpus, corpus_names, record, text_bytes, timed

from webtext_py import Tokenizer
from webtext_py.bpe import encode_stage as stage
from webtext_py.reader import read_batches, recognise

SHARDS = 8


def parts(shard: Path, tokenizer: Path, folder: Path) -> dict[str, float]:
    """CPU seconds of one shard's parts: read, encode, write."""
    encoder = Tokenizer.from_file(tokenizer)
    batches, _, read = timed(lambda: list(read_batches(recognise(shard), batch_bytes=4 << 20)))
    columns = [batch.column("text") for batch in batches]
    endoftext = encoder.special["<|endoftext|>"]
    rows, _, encode = timed(
        lambda: [encoder.encode_batch(c, prefix=endoftext, threads=1) for c in columns]
    )
    del rows
    digest = encoder.digest
    arguments: dict[str, Any] = {"digest": digest, "pattern": None, "text_field": "text"}
    arguments["flat"] = False
    stage._load(tokenizer, None, digest)
    _, _, whole = timed(
        lambda: stage.encode_file([shard, tokenizer], [folder / "out.parquet"], **arguments)
    )
    return {"read": read, "encode": encode, "write_and_rest": whole - read - encode}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=300)
    parser.add_argument("--files", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    column = corpus(options.data, options.files or corpus_names(options.data), options.megabytes)
    size = text_bytes(column)
    tokenizer = options.data / "gpt2" / "encoder.json"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = []
        for number in range(SHARDS):
            rows = column.take(pa.array(range(number, len(column), SHARDS)))
            ids = [f"{number:02d}{row:030d}" for row in range(len(rows))]
            shards.append(folder / f"train-{number:05d}.parquet")
            pq.write_table(pa.table({"doc_id": ids, "text": rows}), shards[-1], compression="zstd")
        walls, cpus = [], []
        for turn in range(options.runs):
            data = folder / f"data{turn}"
            command = [sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()"]
            command += ["bpe", "encode", "--data", str(data), "--tokenizer", str(tokenizer)]
            command += ["--workers", str(options.workers), "--quiet", "--input", *map(str, shards)]
            before, started = os.times(), time.perf_counter()
            subprocess.run(command, check=True)
            walls.append(time.perf_counter() - started)
            after = os.times()
            cpus.append(
                after.children_user
                + after.children_system
                - before.children_user
                - before.children_system
            )
        first = pq.read_table(data / "tokens" / shards[0].name)["tokens"]
        encoder = Tokenizer.from_file(tokenizer)
        for row in range(0, len(first), max(1, len(first) // 50)):
            text = column[row * SHARDS].as_py()
            assert first[row].as_py()[1:] == encoder.encode(text).tolist(), "other ids"
        shares = parts(shards[0], tokenizer, folder)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    record(
        options.record,
        {
            "command": " ".join(["bpe_stage.py", *sys.argv[1:]]),
            "bytes": size,
            "wall_s": round(wall, 2),
            "cpu_s": round(cpu, 2),
            "mb_s": round(size / 1e6 / wall),
            "mb_per_cpu_s": round(size / 1e6 / cpu),
            "cpu_s_of_one_shard": {part: round(share, 3) for part, share in shares.items()},
        },
        ["pyarrow"],
    )


if __name__ == "__main__":
    main()
