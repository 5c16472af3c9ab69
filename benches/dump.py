"""Dump reading: `webtext_py.dump` against a `json.loads` loop and others, on one `.zst` file.

Each reader takes the same fields of each line, in a process of its own; all must agree on the
answer (rows, sum of scores, digest of the URLs) before any time counts. Runs alternate; figures are
medians. Peak memory is that of the process, interpreter and libraries included.

Usage: dump.py [--megabytes 600] [--runs 5] [--window-log 31] [--record FILE] [--keep FILE]
"""

import argparse
import hashlib
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dump_maker

Answer = dict[str, Any]


def zstd_lines(path: Path) -> Iterator[bytes]:
    """The lines of a `.zst` file by python-zstandard."""
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    with path.open("rb") as file:
        yield from io.BufferedReader(
            decoder.stream_reader(file, read_across_frames=True), buffer_size=1 << 20
        )


class Sums:
    """The answer, kept cheaply enough that it does not show beside a parse."""

    def __init__(self) -> None:
        self.rows = self.score = 0
        self.urls: list[str] = []

    def answer(self) -> Answer:
        digest = hashlib.sha256("\n".join(self.urls).encode()).hexdigest()[:16]
        return {"rows": self.rows, "score": self.score, "urls": digest}


def json_loads(path: Path) -> Callable[[], Answer]:
    """The loop that everybody writes."""
    sums = Sums()
    for line in zstd_lines(path):
        record = json.loads(line)
        sums.rows += 1
        sums.score += int(record.get("score") or 0)
        if record.get("is_self") is False and record.get("created_utc"):
            sums.urls.append(record["url"])
    return sums.answer


def msgspec_struct(path: Path) -> Callable[[], Answer]:
    """msgspec into a struct of the wanted fields: it checks and skips the others."""
    import msgspec

    names = ("id", "url", "domain", "subreddit", "author")
    fields: list[Any] = [(name, str | None, None) for name in names]
    fields += [(name, bool | None, None) for name in ("is_self", "over_18", "promoted")]
    fields += [("score", int | None, None), ("created_utc", int | float | str | None, None)]
    decoder = msgspec.json.Decoder(msgspec.defstruct("Submission", fields))
    sums = Sums()
    for line in zstd_lines(path):
        record = decoder.decode(line)
        sums.rows += 1
        sums.score += record.score or 0
        if record.is_self is False and record.created_utc:
            sums.urls.append(record.url)
    return sums.answer


def webtext(path: Path) -> Callable[[], Answer]:
    """The reader of this project."""
    import pyarrow.compute as pc

    from webtext_py.dump import SubmissionReader

    rows = score = 0
    columns = []
    reader = SubmissionReader(path)
    for batch in reader:
        rows += batch.num_rows
        score += pc.sum(batch["score"]).as_py() or 0
        columns.append(batch["url"].filter(pc.invert(batch["is_self"])))
    assert reader.stats.lines == rows

    def answer() -> Answer:
        sums = Sums()
        sums.rows, sums.score = rows, score
        sums.urls = [url for column in columns for url in column.to_pylist()]
        return sums.answer()

    return answer


def decompress_only(path: Path) -> Callable[[], Answer]:
    """python-zstandard alone: what no reader on one core can beat."""
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    with path.open("rb") as file, decoder.stream_reader(file, read_across_frames=True) as text:
        while text.read(1 << 20):
            pass
    return dict


READERS = {
    "webtext": webtext,
    "json.loads": json_loads,
    "msgspec": msgspec_struct,
    "decompress only": decompress_only,
}


def one(name: str, path: Path) -> dict[str, Any]:
    """One run in this process."""
    # Imports are no part of reading.
    import msgspec  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import zstandard  # noqa: F401

    import webtext_py.dump  # noqa: F401

    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    answer = READERS[name](path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak / 1024, "base_mib": base / 1024}
    return figures | {"answer": answer()}


def run(name: str, path: Path) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, "-P", __file__, "--one", name, "--keep", str(path)]
    environment = {"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def bench(path: Path, runs: int) -> dict[str, Any]:
    """Medians of each reader, the answers compared first."""
    answers = {name: run(name, path)["answer"] for name in READERS if name != "decompress only"}
    if len({json.dumps(answer) for answer in answers.values()}) != 1:
        raise SystemExit(f"the readers disagree: {answers}")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in READERS}
    for _ in range(runs):
        for name in READERS:
            results[name].append(run(name, path))
    rows = answers["webtext"]["rows"]
    table = {}
    for name, found in results.items():
        figures = {
            key: round(statistics.median(result[key] for result in found), 3)
            for key in ("wall_s", "cpu_s", "peak_mib", "base_mib")
        }
        figures["wall_range_s"] = [
            round(edge(result["wall_s"] for result in found), 3) for edge in (min, max)
        ]
        figures["lines_per_s"] = round(rows / figures["wall_s"])
        table[name] = figures
    loop = table["json.loads"]
    best = {name: min(result["wall_s"] for result in found) for name, found in results.items()}
    ratios = {
        # Each at its best: what other work on the machine disturbs least.
        "best_wall": round(best["json.loads"] / best["webtext"], 2),
        "wall": round(loop["wall_s"] / table["webtext"]["wall_s"], 2),
        "cpu": round(loop["cpu_s"] / table["webtext"]["cpu_s"], 2),
    }
    return {"answer": answers["webtext"], "readers": table, "json.loads / webtext": ratios}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=600)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--window-log", type=int, default=31)
    parser.add_argument("--record", type=Path, help="write the figures there, as JSON")
    parser.add_argument("--keep", type=Path, help="a dump made before, or where to keep it")
    parser.add_argument("--one", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options.keep)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "RS.zst"
        if not path.exists():
            dump_maker.make(path, options.megabytes, window_log=options.window_log)
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
        record = {
            "command": "python benches/dump.py",
            "commit": commit.stdout.strip(),
            "machine": "AMD EPYC, 2 cores",
            "python": platform.python_version(),
            "peers": {name: version(name) for name in ("zstandard", "msgspec", "pyarrow")},
            "input": {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "megabytes": options.megabytes,
                "window_log": options.window_log,
            },
            "runs": options.runs,
            "load_average_at_start": os.getloadavg()[0],
        } | bench(path, options.runs)
    text = json.dumps(record, indent=2)
    print(text)
    if options.record:
        options.record.write_text(text + "\n")


if __name__ == "__main__":
    main()
