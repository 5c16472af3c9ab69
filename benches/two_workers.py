"""Two workers beside one where they cannot help much: the stage `links` on few and small dumps.

Made dumps (`dump_maker.py`) of 10 kB, 4 MB, 400 MB, and four of 100 MB. Each run is a new process
and a new data directory, one and two workers in turn. Wall seconds, medians. Where two workers cost
more than a twentieth, starting them is dearer than what they do.

Usage: two_workers.py [--runs 7] [--record FILE]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dump_maker
from bpe_corpus import record

STAGE = """
import sys
from pathlib import Path
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.stages.links.stage import Links
from webtext_py.workspace import Workspace
files = {path.name: path for path in sorted(Path(sys.argv[1]).iterdir())}
with Workspace(Path(sys.argv[2]), LocalEngine(int(sys.argv[3]))) as workspace:
    workspace.run(Links(BuildConfig(before="2030"), files, "dumps"))
"""


def dumps(folder: Path) -> dict[str, Path]:
    """A folder of dumps for each size."""
    whole = folder / "whole.ndjson"
    dump_maker.make(whole, 400)
    content = whole.read_bytes()
    made = {}
    for name, parts, size in (
        ("10 kB", 1, 10_000),
        ("4 MB", 1, 4_000_000),
        ("400 MB", 1, len(content)),
        ("4 x 100 MB", 4, len(content)),
    ):
        made[name] = folder / name.replace(" ", "")
        made[name].mkdir()
        start = 0
        for part in range(1, parts + 1):
            end = content.rindex(b"\n", 0, size * part // parts) + 1
            (made[name] / f"RS_{part}.ndjson").write_bytes(content[start:end])
            start = end
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    sizes = {}
    load = round(os.getloadavg()[1], 2)
    with tempfile.TemporaryDirectory() as folder:
        for name, files in dumps(Path(folder)).items():
            walls: dict[int, list[float]] = {1: [], 2: []}
            for run in range(options.runs):
                for workers in walls:
                    data = Path(folder) / f"{files.name}-{run}-{workers}"
                    start = time.perf_counter()
                    words = [str(files), str(data), str(workers)]
                    subprocess.run([sys.executable, "-P", "-c", STAGE, *words], check=True)
                    walls[workers].append(time.perf_counter() - start)
            one, two = (statistics.median(walls[workers]) for workers in (1, 2))
            sizes[name] = {
                "one_s": round(one, 3),
                "two_s": round(two, 3),
                "two_over_one": round(two / one, 3),
            }
            print(name, sizes[name], flush=True)
    document = {
        "command": " ".join(["two_workers.py", *sys.argv[1:]]),
        "runs": options.runs,
        "load_before": load,
        "sizes": sizes,
    }
    record(options.record, document, ["pyarrow"])


if __name__ == "__main__":
    main()
