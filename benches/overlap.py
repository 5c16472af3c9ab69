"""Overlap: text against an exact set, an index from Parquet, its rate, inserts beside rbloom.

    python benches/overlap.py --corpus CORPUS --squad dev-v1.1.json [--parts index] [--record FILE]

`CORPUS` is a folder of Parquet files with a column `text`, one a language. Answers are checked
first: every n-gram of the corpus must be in its index. Wall seconds are of the whole process; CPU
seconds tell what other load on the machine hides. Medians of `--rounds`. `--record` puts the parts
that ran into FILE and keeps the others.
"""

import argparse
import hashlib
import itertools
import json
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py import overlap as lib
from webtext_py.columns import text_column


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median and least wall seconds, median CPU seconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        "wall_s": statistics.median(walls),
        "wall_least_s": min(walls),
        "cpu_s": statistics.median(cpus),
    }


def rates(
    seconds: dict[str, float], count: float, unit: str, *, cpu: bool = True
) -> dict[str, float]:
    """The same as amounts a second; a child's CPU seconds are not ours."""
    amounts = {
        f"{unit}_s": round(count / seconds["wall_s"], 1),
        f"{unit}_s_best": round(count / seconds["wall_least_s"], 1),
    }
    if cpu:
        amounts[f"{unit}_per_cpu_s"] = round(count / seconds["cpu_s"], 1)
    return amounts


def load(path: Path) -> pa.Array:
    """The texts of a file as one array."""
    texts = pq.read_table(path, columns=["text"]).column(0)
    return pa.concat_arrays(texts.chunks).cast(pa.large_string())


def scan(corpus: Path, squad: Path, rounds: int) -> dict[str, Any]:
    """Normalise + hash + exact probe of text in memory against SQuAD's contexts and questions."""
    layout = lib.Layout([lib.read_test_set(squad)], 8, False)
    result: dict[str, Any] = {"ngrams_of_the_set": len(layout.core)}
    for path in sorted(corpus.glob("*.parquet")):
        column = text_column(load(path))
        size = len(column[1])
        row = {}
        for threads in (1, 2):
            seconds = timed(
                lambda t=threads, c=column: _core.NgramScanner(layout.core).scan_rows(*c, t), rounds
            )
            row[f"threads_{threads}"] = rates(seconds, size / 1e6, "MB")
        result[path.stem] = {"MB": round(size / 1e6, 1), **row}
        print(path.stem, result[path.stem], flush=True)
    return result


def index(corpus: Path, probes: int, rounds: int) -> dict[str, Any]:
    """The corpus's index from Parquet on two threads; its answers; its measured rate."""
    text = lib.TrainingText.of([corpus])
    sizes = [pa.compute.binary_length(load(s.path)).to_numpy().sum() for s in text.sources]
    megabytes = float(sum(sizes)) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.bloom"
        built = timed(lambda: lib.build_index(text, path, threads=2), rounds)
        made = lib.Index(path)
        lost = 0
        for source in text.sources:
            texts = load(source.path)
            some = texts.take(pa.array(range(0, len(texts), 50)))
            layout = _core.NgramTexts(*text_column(some), 8, False)
            found = np.frombuffer(memoryview(made.core.query(layout)), np.uint64)
            lost += len(layout) - len(found)
        assert lost == 0, f"{lost} n-grams of the corpus are not in its index"
        eighth = max(2 << 20, made.facts["file_bytes"] // 8)
        bounded = timed(
            lambda: lib.build_index(text, Path(folder) / "b.bloom", memory=eighth, threads=2), 1
        )
        other = lib.Index(Path(folder) / "b.bloom")
        assert other.facts["digest"] == made.facts["digest"], "memory changes the index"
        checked = timed(lambda: lib.check_index(made, probes=probes, threads=2), rounds)
        measured = made.measured()
        # At full load: sized for what it holds, without the five standard errors.
        exact = lib.IndexConfig(capacity=made.facts["distinct"])
        full = lib.build_index(text, Path(folder) / "full.bloom", exact, threads=2)
        full_rate = lib.check_index(full, probes=probes, threads=2)
        assert full_rate["rate_upper_95"] <= 1e-8
        run_command(corpus, Path(folder) / "data")  # the files are in memory from here on
        command = timed(lambda: run_command(corpus, Path(folder) / "data"), rounds)
        kept = (Path(folder) / f"data{number}" for number in itertools.count())
        command_kept = timed(lambda: run_command(corpus, next(kept)), rounds)
    facts = {k: made.facts[k] for k in ("ngrams", "distinct", "capacity", "file_bytes", "digest")}
    return {
        "text_MB": round(megabytes, 1),
        **facts,
        "expected_rate": made.facts["expected_rate"],
        "build": rates(built, megabytes, "MB"),
        "build_in_an_eighth": {"memory": eighth, **rates(bounded, megabytes, "MB")},
        "full_load": {
            "capacity": full.facts["capacity"],
            "expected_rate": full.facts["expected_rate"],
            **full_rate,
        },
        "command": {
            "what": "webtext overlap index as a process, with the digests of the manifest",
            "data directory removed before each": rates(command, megabytes, "MB", cpu=False),
            "each directory kept": rates(command_kept, megabytes, "MB", cpu=False),
        },
        "check": {"seconds": checked, **(measured or {})},
    }


def run_command(corpus: Path, data: Path) -> None:
    """Indexes `corpus` into a data directory, which is removed first."""
    shutil.rmtree(data, ignore_errors=True)
    program = "from webtext_py.cli.main import main; main()"
    words = ["overlap", "index", "--train", str(corpus), "--data", str(data), "--quiet"]
    command = [sys.executable, "-P", "-c", program, *words, "--workers", "2"]
    subprocess.run(command, check=True, capture_output=True)


def inserts(millions: int) -> dict[str, Any]:
    """Our inserts (cargo bench) and rbloom's, at 1e-8, in one run."""
    run = ["cargo", "bench", "--quiet", "--bench", "overlap_layouts", "--", str(millions)]
    found = subprocess.run(run, check=True, capture_output=True, text=True)
    layouts = json.loads(found.stdout[found.stdout.index("{") :])
    from rbloom import Bloom

    random.seed(1)
    count = 2_000_000
    keys = [random.getrandbits(63) for _ in range(count)]
    peer = Bloom(millions * 1_000_000, 1e-8)  # its default hash, the fastest it has
    start = time.process_time()
    peer.update(keys)
    seconds = time.process_time() - start
    assert all(key in peer for key in keys[:1000])
    rate = count / seconds / 1e6
    ours = next(row for row in layouts["layouts"] if row and row["layout"] == "ours, 1 threads")
    return {
        **layouts,
        "rbloom": {"version": version("rbloom"), "insert_M_per_cpu_s": round(rate, 3)},
        "ours_over_rbloom_per_core": round(ours["insert_M_per_cpu_s"] / rate, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--squad", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--probes", type=int, default=4_000_000_000)
    parser.add_argument("--millions", type=int, default=40)
    parser.add_argument("--parts", default="scan,index,inserts")
    parser.add_argument("--record", type=Path)
    args = parser.parse_args()
    parts = args.parts.split(",")
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    made: dict[str, Any] = {}
    if "scan" in parts:
        made["scan"] = scan(args.corpus, args.squad, args.rounds)
    if "index" in parts:
        made["index"] = index(args.corpus, args.probes, args.rounds)
        print(json.dumps(made["index"], indent=1), flush=True)
    if "inserts" in parts:
        made["inserts"] = inserts(args.millions)
        print(json.dumps(made["inserts"], indent=1), flush=True)
    with Path("/proc/loadavg").open() as stream:
        load = stream.read().split()[0]
    if args.record:
        result = json.loads(args.record.read_text()) if args.record.exists() else {}
        result |= {
            "command": "python benches/overlap.py --corpus corpus --squad squad/dev-v1.1.json",
            "machine": "AMD EPYC, 2 cores",
            "python": platform.python_version(),
            "pyarrow": version("pyarrow"),
            "squad_sha256": hashlib.sha256(args.squad.read_bytes()).hexdigest(),
            "rounds": args.rounds,
            **made,
        }
        for part in made:
            result.setdefault("load_average", {})[part] = load
            result.setdefault("commits", {})[part] = head.stdout.strip()
        args.record.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
