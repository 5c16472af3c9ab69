"""`webtext build` end to end on real lines, pages and archives; its first stages on large input.

    python benches/build.py --shared DATA [--synthetic 300000] [--record benches/record/build.json]

DATA is the shared test data. Its dump lines are pointed at the 486 labelled pages and at the good
captures of three archives, as the test of the whole build does, and built with one worker, each run
in a process and directory of its own; `verify` must find nothing and all runs must give the same
bytes before a figure counts. `--synthetic N` makes N links and about as many captures, with
redirects, revisits, pages captured many times and pages that many redirect to, and runs the stages
links and pages alone. CPU seconds are those of all processes of the build, by stage; peak memory
is that of the largest one so far, libraries included.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tests" / "python" / part) for part in ("text", "pipeline")]

import labelled_pages  # noqa: E402
import real_input  # noqa: E402
import trees  # noqa: E402

from webtext_py.config import BuildConfig  # noqa: E402
from webtext_py.defaults import PARTITIONS  # noqa: E402
from webtext_py.engine import LocalEngine  # noqa: E402
from webtext_py.engine.commit import peak_memory_bytes  # noqa: E402
from webtext_py.manifest import Entry  # noqa: E402
from webtext_py.observer import Observer  # noqa: E402
from webtext_py.pages.containers import Containers  # noqa: E402
from webtext_py.pipeline import Build, Sources  # noqa: E402
from webtext_py.stages.links.stage import Links  # noqa: E402
from webtext_py.stages.pages.stage import Pages  # noqa: E402
from webtext_py.verify import verify  # noqa: E402
from webtext_py.workspace import Workspace  # noqa: E402

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int | None = None) -> float:
    """CPU seconds of a process and all below it, ended children included."""
    folder = Path(f"/proc/{process or os.getpid()}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for task in (folder / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime, cutime, cstime
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(cpu_seconds, children))


class Clock(Observer):
    """Seconds and CPU seconds by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}

    def stage_started(self, stage: str) -> None:
        self._started = time.monotonic(), cpu_seconds()

    def stage_ended(self, stage: str, entry: Entry, fresh: bool) -> None:
        wall, cpu = self._started
        self.stages[stage] = {
            "cpu_seconds": round(cpu_seconds() - cpu, 2),
            "seconds": round(time.monotonic() - wall, 2),
            "peak_memory_mib": round(entry.peak_memory_bytes / 2**20),
        }


def digest_of(found: Mapping[str, str]) -> str:
    """One digest of a tree's digests."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def build_real(data: Path, sources: Sources) -> dict[str, Any]:
    """One whole build: its clock, counts and the digest of its outputs."""
    clock = Clock()
    started = time.monotonic(), cpu_seconds()
    entries = Build(data, sources, BuildConfig()).run(LocalEngine(1), clock)
    spent = time.monotonic() - started[0], cpu_seconds() - started[1]
    problems = verify(data).problems
    assert not problems, problems
    return {
        "stages": clock.stages,
        "seconds": round(spent[0], 2),
        "cpu_seconds": round(spent[1], 2),
        "counts": {
            "lines": entries["links"].counts["lines"]["in"],
            "captures": sum(entries["pages"].counts["captures"].values()),
            "pages": entries["extract"].counts["in"],
            "documents": entries["shard"].counts["kept"],
            "words": entries["extract"].counts["words"],
        },
        "digest": digest_of(trees.digests(data)),
    }


def stages_synthetic(data: Path, table: Path, archive: Path) -> dict[str, Any]:
    """The stages links and pages on made input."""
    clock = Clock()
    config = BuildConfig(partitions=PARTITIONS)
    with Workspace(data, LocalEngine(1), clock) as workspace:
        first = workspace.run(Links(config, {"links": table}, "links"))
        second = workspace.run(Pages(Containers({"archive": archive}), PARTITIONS))
    assert first.counts["urls"]["kept"] == second.counts["in"]
    found = {
        f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("links", "pages", "ledger")
        for path in sorted((data / folder).iterdir())
    }
    return {
        "stages": clock.stages,
        "counts": {"links": second.counts["in"], "kept": second.counts["kept"]}
        | {f"captures {name}": n for name, n in second.counts["captures"].items()}
        | {f"dropped {name}": n for name, n in second.counts["dropped"].items()},
        "digest": digest_of(found),
    }


def make_synthetic(folder: Path, count: int) -> tuple[Path, Path]:
    """A table of `count` links and an archive: each page once, a tenth of them redirects to one of
    ten front pages, a twentieth revisits, and each front page captured 500 times."""
    draw = random.Random(1)
    urls = [f"https://site{i % 5003}.example/story/{i:07d}" for i in range(count)]
    table = {
        "url": urls,
        "karma": [draw.randrange(0, 60) for _ in urls],
        "created_utc": [1_300_000_000 + draw.randrange(150_000_000) for _ in urls],
        "subreddit": ["news"] * count,
    }
    pq.write_table(pa.table(table), folder / "links.parquet")
    fronts = [f"https://front{i}.example/" for i in range(10)]
    with (folder / "archive.warc.gz").open("wb") as stream:
        for number, url in enumerate([*urls, *(fronts * 500)]):
            stream.write(_member(_record(number, url, fronts, draw)))
    return folder / "links.parquet", folder / "archive.warc.gz"


def _member(content: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(content) + packer.flush()


def _record(number: int, url: str, fronts: list[str], draw: random.Random) -> bytes:
    kind, status, body, more = "response", "200 OK", f"<p>page {number}</p>".encode(), ""
    extra = ""
    share = draw.random() if "story" in url else 1.0
    if share < 0.10:
        status, body, more = "302 Found", b"", f"Location: {draw.choice(fronts)}\r\n"
    elif share < 0.15:
        kind, body = "revisit", b""
        extra = f"WARC-Refers-To-Target-URI: {url}\r\n"
    elif share < 0.20:
        status = "404 Not Found"
    day = time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_300_000_000 + draw.randrange(200_000_000))
    )
    http = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nServer: nginx\r\n"
        f"Date: Mon, 01 Jan 2018 00:00:00 GMT\r\nCache-Control: max-age=60\r\n{more}\r\n"
    ).encode() + body
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {day}\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012d}>\r\n{extra}"
        f"WARC-Payload-Digest: sha1:{number % 977:032d}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    ).encode()
    return head + http + b"\r\n\r\n"


def _run(work: Callable[..., dict[str, Any]], arguments: tuple[Any, ...], pipe: Any) -> None:
    result = work(*arguments)
    pipe.send(result | {"peak_memory_mib": round(peak_memory_bytes() / 2**20)})


def apart(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """The result of `work` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(work, arguments, theirs))
    process.start()
    theirs.close()
    result: dict[str, Any] = ours.recv()
    process.join()
    return result


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over runs that must agree in everything but time and memory."""
    assert len({(run["digest"], json.dumps(run["counts"])) for run in runs}) == 1, "runs differ"
    stages = {
        stage: {
            what: statistics.median(run["stages"][stage][what] for run in runs)
            for what in runs[0]["stages"][stage]
        }
        for stage in runs[0]["stages"]
    }
    result = {"runs": len(runs), "counts": runs[0]["counts"], "stages": stages}
    for what in ("seconds", "cpu_seconds", "peak_memory_mib"):
        if what in runs[0]:
            result[what] = statistics.median(run[what] for run in runs)
    return result


def real(shared: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """The whole build on real input."""
    labelled = [
        *labelled_pages.article_benchmark(shared / "html"),
        *labelled_pages.snippet_benchmark(shared / "html"),
    ]
    bodies = [(real_input.usable(page.url), page.body) for page in labelled]
    (folder / "in").mkdir()
    made = real_input.make(shared, folder / "in", bodies)
    sources = Sources(tuple(map(str, made.dumps)), None, tuple(map(str, made.pages)))
    runs = [apart(build_real, folder / f"real{i}", sources) for i in range(rounds)]
    result = middle(runs)
    extracted = result["stages"]["extract"]
    result["pages per CPU second, whole build"] = round(
        result["counts"]["pages"] / result["cpu_seconds"], 1
    )
    result["pages per CPU second, extract"] = round(
        result["counts"]["pages"] / extracted["cpu_seconds"], 1
    )
    return result


def synthetic(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """The stages links and pages on made input."""
    (folder / "made").mkdir()
    table, archive = make_synthetic(folder / "made", count)
    runs = [apart(stages_synthetic, folder / f"made{i}", table, archive) for i in range(rounds)]
    result = middle(runs)
    for stage, what in (("links", count), ("pages", count + 5000)):
        seconds = result["stages"][stage]["cpu_seconds"]
        result["stages"][stage]["rows per CPU second"] = round(what / seconds)
    return {"made": count, **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, metavar="DATA", help="the shared test data")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="links to make")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--machine", default=platform.machine())
    arguments = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    record: dict[str, Any] = {
        "what": "webtext build, one worker",
        "command": "python benches/build.py "
        + " ".join(["--shared DATA"] * bool(arguments.shared))
        + f" --synthetic {arguments.synthetic} --rounds {arguments.rounds}",
        "commit": commit,
        "machine": f"{arguments.machine}, Python {platform.python_version()}",
    }
    with tempfile.TemporaryDirectory() as name:
        if arguments.shared:
            record["real input"] = real(arguments.shared, Path(name), arguments.rounds)
        if arguments.synthetic:
            made = synthetic(Path(name), arguments.synthetic, arguments.rounds)
            record["links and pages, made input"] = made
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    print(text, end="")
    if arguments.record is not None:
        arguments.record.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
