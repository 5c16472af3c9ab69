"""Memory of training on the whole corpus, fed once, twice and ten times.

Each in a process of its own that reads the files in batches as the command does. Peaks are of the
resident size, above what it was when the modules were loaded, the input batch included. Tables are
the counter's own, on all threads; they must not grow.

Usage: bpe_memory.py [--times 1 2 10] [--threads 2] [--data DIR] [--record FILE]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bpe_corpus import SHARED, record


def status(key: str) -> float:
    """A size of this process in MB, from /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(key)


def child(data: Path, times: int, threads: int) -> None:
    """Counts so many times, trains, prints sizes in MB as JSON."""
    from webtext_py import _core
    from webtext_py.bpe.train import BpeConfig, learn
    from webtext_py.columns import text_column
    from webtext_py.reader import read_batches, recognise

    before = status("VmRSS")
    counter = _core.BpeCounter("gpt2", False, [])
    batch_mb = 0.0
    for _ in range(times):
        for path in sorted((data / "corpus").glob("*.parquet")):
            for batch in read_batches(recognise(path)):
                offsets, text = text_column(batch.column("text"))
                counter.count(offsets, text, threads)
                batch_mb = max(batch_mb, batch.nbytes / 1e6)
    tables, counted = counter.memory_bytes / 1e6, status("VmHWM")
    pieces = counter.finish()
    distinct = len(pieces)
    learn(pieces, BpeConfig())
    sizes = {
        "tables_mb": tables,
        "peak_counting_mb": counted - before,
        "peak_mb": status("VmHWM") - before,
        "largest_batch_mb": batch_mb,
    }
    print(json.dumps({name: round(size, 1) for name, size in sizes.items()} | {"pieces": distinct}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 10])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--child", type=int)
    options = parser.parse_args()
    if options.child is not None:
        child(options.data, options.child, options.threads)
        return
    rows = {}
    for times in options.times:
        command = [sys.executable, __file__, "--child", str(times)]
        command += ["--threads", str(options.threads), "--data", str(options.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows[f"fed {times} times"] = json.loads(done.stdout)
    tables = {row["tables_mb"] for row in rows.values()}
    assert len(tables) == 1, f"the tables grew: {tables}"
    document = {"command": " ".join(["bpe_memory.py", *sys.argv[1:]]), "threads": options.threads}
    record(options.record, document | {"rows": rows}, ["pyarrow"])


if __name__ == "__main__":
    main()
