"""`webtext bpe train` as a new process, reading included, against tokenizers' trainer in this one.

Both get the same texts: the command as a Parquet file (zstd, as shards are), tokenizers as a
list of strings that is already in memory. The merges must be equal. Wall and CPU seconds, in turn,
medians; where other work runs on the machine compare CPU seconds of one run.

Usage: bpe_train_command.py [--megabytes 100] [--files en | --mixed] [--runs 5] [--data DIR]
                            [--record FILE]
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from bpe_corpus import (
    peer_corpus,
    peer_options,
    record,
    reference_training,
    text_bytes,
    timed,
)

VOCAB_SIZE = 50257


def command(shard: Path, out: Path) -> tuple[float, float]:
    """Wall and CPU seconds of the command in a new process."""
    line = ["bpe", "train", "--input", str(shard), "--out", str(out), "--no-special"]
    line += ["--vocab-size", str(VOCAB_SIZE), "--force", "--quiet"]
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    start = "from webtext_py.cli.main import main; main()"
    subprocess.run([sys.executable, "-P", "-c", start, *line], check=True)
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def middle(runs: list[tuple[float, float]], which: int) -> float:
    """The median of wall (0) or CPU (1) seconds."""
    return round(statistics.median(run[which] for run in runs), 2)


def main() -> None:
    options = peer_options(__doc__.splitlines()[0], ["command"]).parse_args()
    column = peer_corpus(options)
    texts = column.to_pylist()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        shard, out = Path(folder) / "text.parquet", Path(folder) / "vocabulary"
        pq.write_table(pa.table({"text": column}), shard, compression="zstd", row_group_size=4096)
        for _ in range(options.runs):
            ours.append(command(shard, out))
            (merges, _), wall, cpu = timed(lambda: reference_training(iter(texts), VOCAB_SIZE))
            theirs.append((wall, cpu))
        lines = (out / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    document = {
        "command": " ".join(["bpe_train_command.py", *sys.argv[1:]]),
        "bytes": text_bytes(column),
        "runs": options.runs,
        "same_merges": lines == [" ".join(merge) for merge in merges],
        "webtext": {"wall_s": middle(ours, 0), "cpu_s": middle(ours, 1)},
        "tokenizers": {"wall_s": middle(theirs, 0), "cpu_s": middle(theirs, 1)},
        "times_in_wall": round(middle(theirs, 0) / middle(ours, 0), 1),
        "times_in_cpu": round(middle(theirs, 1) / middle(ours, 1), 1),
    }
    record(options.record, document, ["tokenizers", "pyarrow"])


if __name__ == "__main__":
    main()
