"""A whole build at three sizes: what grows with its size, stage by stage, and how fast.

    python benches/scale.py [--sizes 40000 120000 400000] [--real]
        [--record benches/record/scale.json]

Makes N links, of which 8 in 45 have a page (as in WebText), a fifth of these copies of an earlier
one, in containers of 60 captures, and for every ten containers a file of articles, in which some
pages stand; builds with one worker, each size in a process of its own. It is a model, in which all
is smaller by the same factor: a partition for 1,000 links, and at most 4 files for a task of a
merge. WebText has 236 partitions, and 256 is the limit of files; ten times WebText has ten times
the partitions, as the largest of these has against the smallest. With `--real` the limits are the
package's own: 4,500,000 links are a tenth of WebText's.
Tasks, their inputs and the bytes they wrote are counted by the engine, opens of the build's files
by the kernel (strace, in a second run of the model, so that it costs no CPU seconds of the first),
CPU seconds are those of the process, peak memory that of the stage, with what the process had at
its start.
`verify` must find nothing.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bpe_corpus import record

from webtext_py import workspace
from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Listener, LocalEngine
from webtext_py.engine.commit import peak_memory_bytes
from webtext_py.engine.task import Job
from webtext_py.manifest import Entry
from webtext_py.observer import Observer
from webtext_py.pipeline import Build, Sources
from webtext_py.stages.dedup import search
from webtext_py.stages.wikipedia import stage
from webtext_py.verify import verify

CAPTURES = 60  # in a container
ARTICLES = 10  # containers for a file of articles
LINKS = 1_000  # for a partition
MOST_FILES = 4  # that a task of a merge opens
WORDS = [f"word{n}" for n in range(5000)]


def make(folder: Path, links: int) -> Sources:
    """A table of links, and containers of what some of them lead to."""
    draw = random.Random(1)
    urls = [f"http://site{n % 997}.test/story/{n}" for n in range(links)]
    karma = [draw.randint(3, 900) for _ in urls]
    for name in ("pages", "articles"):
        (folder / name).mkdir(parents=True)
    table = {"url": urls, "karma": karma, "created_utc": [1_400_000_000 + n for n in range(links)]}
    pq.write_table(pa.table(table), folder / "links.parquet")
    chosen = [n for n in range(links) if n * 8 % 45 < 8]
    for part, first in enumerate(range(0, len(chosen), CAPTURES)):
        mine = chosen[first : first + CAPTURES]
        rows = {"url": [urls[n] for n in mine], "html": [_page(chosen, n) for n in mine]}
        pq.write_table(pa.table(rows), folder / "pages" / f"{part:06d}.parquet")
        if part % ARTICLES == 0:
            texts = [re.sub("<[^>]*>", " ", _page(chosen, n)) for n in mine[:5]]
            lines = [json.dumps({"title": f"{part}-{n}", "text": t}) for n, t in enumerate(texts)]
            path = folder / "articles" / f"{part:06d}.jsonl"
            path.write_text("\n".join(lines) + "\n")
    given = {name: (str(folder / name),) for name in ("pages", "articles")}
    links_ = folder / "links.parquet"
    return Sources(links=links_, pages=given["pages"], wikipedia=given["articles"])


def _page(chosen: list[int], number: int) -> str:
    text = random.Random(chosen[0] + number // 900 if number % 5 == 0 else number)
    paragraphs = [" ".join(text.choices(WORDS, k=75)) for _ in range(4)]
    return "<html><body>" + "".join(f"<p>{p}.</p>" for p in paragraphs) + "</body></html>"


class Counting(LocalEngine):
    """An engine of one worker that counts what it runs."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__(1)
        self.clock = clock

    def run(self, jobs: Iterable[Job], listener: Listener) -> Iterator[Done]:
        """Runs them all."""
        given = list(jobs)
        figures = self.clock.figures
        figures["tasks"] += len(given)
        figures["inputs"] += sum(len(job.task.inputs) for job in given)
        for done in super().run(given, listener):
            figures["bytes"] += sum(facts["bytes"] for facts in done.outputs.values())
            yield done


class Clock(Observer):
    """Figures by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self.figures: dict[str, float] = dict.fromkeys(("tasks", "inputs", "bytes"), 0)

    def stage_started(self, stage: str) -> None:
        """From zero; so too the kernel's mark of the largest size."""
        self.figures = dict.fromkeys(("tasks", "inputs", "bytes"), 0)
        Path("/proc/self/clear_refs").write_text("5")
        self.cpu = time.process_time()

    def stage_ended(self, stage: str, entry: Entry, fresh: bool) -> None:
        """Keeps them."""
        cpu = round(time.process_time() - self.cpu, 2)
        peak = round(peak_memory_bytes() / 1e6, 1)
        self.stages[stage] = {**self.figures, "cpu_s": cpu, "peak_mb": peak}


def one(folder: Path, links: int, real: bool) -> dict[str, Any]:
    """Figures of a build in this process."""
    partitions = None
    if not real:
        workspace.MOST_FILES = search.MOST_FILES = stage.MOST_FILES = MOST_FILES
        partitions = max(1, links // LINKS)
    sources = make(folder / "in", links)
    Path("/proc/self/clear_refs").write_text("5")
    clock, start_mb = Clock(), peak_memory_bytes() / 1e6
    config = BuildConfig(extractor="rules", partitions=partitions)
    entries = Build(folder / "data", sources, config).run(Counting(clock), clock)
    assert not (problems := verify(folder / "data").problems), problems
    return {
        "links": entries["links"].counts["urls"]["kept"],
        "documents": entries["extract"].counts["kept"],
        "duplicates": sum(entries["dedup"].counts["dropped"].values()),
        "articles": entries["wikipedia"].counts["dropped"]["wikipedia_content"],
        "partitions": config.partitions,
        "start_mb": round(start_mb, 1),
        "stages": clock.stages,
    }


def apart(links: int, *, real: bool = False, traced: bool = False) -> dict[str, Any]:
    """The same in a process of its own; `traced`, with the opens of its files."""
    folder = Path(tempfile.mkdtemp(prefix="webtext-scale-"))
    try:
        command = [sys.executable, __file__, "--one", str(folder), str(links)]
        command += ["--real"] if real else []
        log = folder / "opens.log"
        if traced:
            filters = ["--seccomp-bpf", "-e", "trace=open,openat"]
            command = ["strace", "-f", "-qq", *filters, "-o", str(log), *command]
        found: dict[str, Any] = json.loads(subprocess.check_output(command, env=dict(os.environ)))
        if traced:
            with log.open(errors="replace") as lines:
                here = f'"{folder}/data/'
                found["opens"] = sum(here in line and " = -1 " not in line for line in lines)
        return found
    finally:
        shutil.rmtree(folder)


def growth(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How much faster than the links each figure grew, from the smallest size to the largest: 1 is
    linear, below 1 less. Each size's first cost, the same for all, makes it look slower."""
    small, large = runs[0], runs[-1]
    times = large["links"] / small["links"]
    return {
        stage: {
            what: round(large["stages"][stage][what] / max(value, 1e-9) / times, 3)
            for what, value in small["stages"][stage].items()
        }
        for stage in small["stages"]
    }


def main() -> None:
    """All sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[40_000, 120_000, 400_000])
    parser.add_argument("--real", action="store_true", help="the package's own limits")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(Path(options.one[0]), int(options.one[1]), options.real)))
        return
    runs = [apart(size, real=options.real) for size in options.sizes]
    document = {"command": " ".join(["scale.py", *sys.argv[1:]]), "runs": runs}
    document["growth_against_links"] = growth(runs)
    opens = 0.0
    if not options.real:
        for size, run in zip(options.sizes, runs, strict=True):
            run["opens"] = apart(size, traced=True)["opens"]
        times = runs[-1]["links"] / runs[0]["links"]
        opens = round(runs[-1]["opens"] / runs[0]["opens"] / times, 3)
        document["opens_against_links"] = opens
    record(options.record, document, ["pyarrow"])
    assert opens < 1.1, f"opens grew {opens:.2f} times as fast as the links"
    for name, figures in document["growth_against_links"].items():
        for what, grew in figures.items():
            # A busy machine takes some more CPU seconds for the same.
            most = 1.3 if what == "cpu_s" else 1.2
            assert grew < most, f"{what} of {name} grew {grew} times as fast"


if __name__ == "__main__":
    main()
