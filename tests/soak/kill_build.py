"""Random `kill -9` over demo builds: every resumed build must end in the uninterrupted bytes.

    python tests/soak/kill_build.py --kills 100 --seed 1 [--folder DIR] [--record NOTE.md]

Not part of the test run: minutes of work. Each build starts in an empty directory and is killed at
random moments, the whole process group or one worker of the engine, with 1 to 3 workers drawn
anew for each start, until a start reaches the end. Then its files must equal those of a build that
nobody killed, byte for byte, `verify` must find nothing, and nothing half-written may lie about.
Exit 1 at the first difference; the directory stays for a look.
"""

import argparse
import datetime as dt
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from webtext_py.pipeline import STAGES
from webtext_py.verify import verify

ROOT = Path(__file__).parents[2]
# Steps as small as the demo's would have no workers.
_COMMAND = (
    "from webtext_py.engine import local; local.TRY_BYTES = -1\n"
    "from webtext_py.cli.main import main; main()"
)
_GROUP, _WORKER = "group", "worker"
_POLL_S = 0.002


@dataclass
class Tally:
    """What was done so far."""

    kills: Counter[str] = field(default_factory=Counter)  # by what was killed
    stages: Counter[str] = field(default_factory=Counter)  # by the stage it happened in
    workers: Counter[int] = field(default_factory=Counter)  # by number of workers
    builds: int = 0
    starts: int = 0
    late: int = 0  # kills that came after the build's end, and do not count

    @property
    def total(self) -> int:
        """Kills that hit a running build."""
        return self.kills.total()


def digests(data: Path) -> dict[str, str]:
    """SHA-256 of every output, by the tests' own account of what must be the same."""
    path = ROOT / "tests" / "python" / "pipeline" / "trees.py"
    spec = spec_from_file_location("trees", path)
    assert spec is not None
    assert spec.loader is not None
    trees = module_from_spec(spec)
    spec.loader.exec_module(trees)
    found: dict[str, str] = trees.digests(data)
    return found


def start(data: Path, workers: int) -> subprocess.Popen[bytes]:
    """A demo build in a process group of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-c", _COMMAND, "build", "--quiet"),
            *("--data", str(data), "--workers", str(workers)),
        ],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def stage_of(data: Path) -> str:
    """The stage at work by the manifest; `begin` before the first."""
    try:
        stages: dict[str, Any] = json.loads((data / "manifest.json").read_bytes())["stages"]
    except FileNotFoundError:
        return "begin"
    running = [name for name in STAGES if stages.get(name, {}).get("state") == "running"]
    return running[0] if running else f"after {list(stages)[-1]}" if stages else "begin"


def engine_workers(process: int) -> list[int]:
    """Process ids of the engine's workers; the sandbox's processes are its own affair."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in children if _is_worker(int(child))]


def _is_worker(process: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(moment: float, process: subprocess.Popen[bytes]) -> bool:
    """Whether the process still ran at `moment` (monotonic seconds)."""
    while time.monotonic() < moment:
        if process.poll() is not None:
            return False
        time.sleep(_POLL_S)
    return process.poll() is None


def attempt(data: Path, draw: random.Random, whole_s: float, left: int, tally: Tally) -> bool:
    """One start with its kills, at most `left`; whether it came to its end."""
    workers = draw.choice((1, 2, 3))
    tally.starts += 1
    process = start(data, workers)
    began = time.monotonic()
    try:
        # One worker at the most: two deaths of one task are rightly an error.
        if left and workers > 1 and draw.random() < 0.5:
            moment = began + draw.uniform(0.05, 0.6) * whole_s
            if wait_until(moment, process) and (victims := engine_workers(process.pid)):
                where = stage_of(data)
                os.kill(draw.choice(victims), signal.SIGKILL)
                _count(tally, _WORKER, where, workers)
                left -= 1
        if left and draw.random() < 0.85:
            moment = time.monotonic() + draw.uniform(0.02, 0.5) * whole_s
            if wait_until(moment, process):
                where = stage_of(data)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if process.returncode == -signal.SIGKILL:
                    _count(tally, _GROUP, where, workers)
                    return False
                tally.late += 1
        _, errors = process.communicate()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
    if process.returncode != 0:
        raise SystemExit(f"{data}: exit {process.returncode}\n{errors.decode()}")
    return True


def _count(tally: Tally, what: str, where: str, workers: int) -> None:
    tally.kills[what] += 1
    tally.stages[where] += 1
    tally.workers[workers] += 1


def check(data: Path, reference: dict[str, str]) -> None:
    """Raises `SystemExit` unless the finished build equals the reference."""
    found = digests(data)
    differing = sorted(
        n for n in found.keys() | reference.keys() if found.get(n) != reference.get(n)
    )
    if differing:
        raise SystemExit(f"{data}: {len(differing)} files differ, first {differing[0]}")
    problems = verify(data).problems
    if problems:
        raise SystemExit(f"{data}: verify found {problems}")
    left = [*data.rglob(".tmp-*"), *(data / ".state").glob("work/*/*")]
    if left:
        raise SystemExit(f"{data}: left behind {left[0]}")


def soak(folder: Path, kills: int, seed: int, seconds: float) -> Tally:
    """Builds and kills until `kills` kills or, roughly, `seconds` are reached."""
    draw = random.Random(seed)
    tally = Tally()
    whole = folder / "whole"
    began = time.monotonic()
    if start(whole, 1).wait() != 0:
        raise SystemExit("the uninterrupted build failed")
    whole_s = time.monotonic() - began
    reference = digests(whole)
    print(f"uninterrupted: {whole_s:.1f} s, {len(reference)} files", flush=True)
    while tally.total < kills and time.monotonic() - began < seconds:
        data = folder / f"build-{tally.builds:03d}"
        while not attempt(data, draw, whole_s, kills - tally.total, tally):
            pass
        check(data, reference)
        shutil.rmtree(data)
        tally.builds += 1
        print(f"{tally.total} kills, {tally.builds} builds the same", flush=True)
    return tally


def note(tally: Tally, arguments: argparse.Namespace, seconds: float) -> str:
    """The dated record."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    stages = ", ".join(f"{name} {tally.stages[name]}" for name in sorted(tally.stages))
    workers = ", ".join(f"{n}: {tally.workers[n]}" for n in sorted(tally.workers))
    return f"""\
# Random kills over demo builds, {dt.date.today()}

`python tests/soak/kill_build.py --kills {arguments.kills} --seed {arguments.seed}`,
commit {commit}, {arguments.machine}, Python {platform.python_version()}.

{tally.total} kills (`kill -9`): {tally.kills[_GROUP]} of the whole process group, \
{tally.kills[_WORKER]} of one worker.
{tally.builds} builds in {tally.starts} starts and {seconds:.0f} s came to their end. Each equals \
the uninterrupted build byte for
byte (links, pages, documents, duplicates, ledger, shards); `verify` finds nothing; no temporary \
file is left.

Kills by stage at work: {stages}.
Kills by number of workers: {workers}.
{tally.late} more came after a build's end and do not count.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=7200, help="begin no build after these")
    parser.add_argument("--folder", type=Path, help="where to build [default: a temporary one]")
    parser.add_argument("--record", type=Path, metavar="NOTE.md", help="write the dated note here")
    parser.add_argument("--machine", default=platform.machine(), help="named in the note")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="webtext-soak-"))
    began = time.monotonic()
    tally = soak(folder, arguments.kills, arguments.seed, arguments.seconds)
    text = note(tally, arguments, time.monotonic() - began)
    print(text)
    if arguments.record is not None:
        arguments.record.write_text(text, encoding="utf-8")
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
