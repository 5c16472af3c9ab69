"""`kill -9` at any moment: the next run does only what is missing, and ends in the same bytes."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import STAGES, Build, Sources
from webtext_py.verify import verify

from . import trees

REPOSITORY = Path(__file__).parents[3]

DRIVER = Path(__file__).with_name("killed_build.py")

# Every stage twice and more, every moment in at least two stages. Counts reach past the first
# task, so that a resume finds some of them done.
PLAN = [
    ("links", "written", 3),
    ("links", "renamed", 20),
    ("links", "manifest", 1),
    ("pages", "flushed", 5),
    ("pages", "marked", 20),
    ("pages", "manifest", 1),
    ("extract", "flushed", 2),
    ("extract", "renamed", 1),
    ("extract", "marked", 1),
    ("dedup", "written", 2),
    ("dedup", "marked", 2),
    ("wikipedia", "renamed", 1),
    ("wikipedia", "manifest", 1),
    ("shard", "flushed", 4),
    ("shard", "renamed", 2),
    ("shard", "marked", 3),
]


def run(*arguments: object) -> int:
    """Exit code of a process in a session of its own; negative: the signal."""
    return subprocess.run(
        [sys.executable, "-P", *map(str, arguments)], start_new_session=True, check=False
    ).returncode


def test_killed_at_every_moment_of_every_stage(built: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    hit: Counter[str] = Counter()
    for stage, moment, count in PLAN:
        assert run(DRIVER, data, stage, moment, count) == -signal.SIGKILL, (stage, moment)
        manifest = json.loads((data / "manifest.json").read_bytes())["stages"]
        place = STAGES.index(stage)
        # The manifest shows where it was: stages before are done, later ones not begun.
        assert [manifest[name]["state"] for name in STAGES[:place]] == ["done"] * place
        assert all(name not in manifest for name in STAGES[place + 1 :])
        assert manifest[stage]["state"] in ("running", "done")
        hit[stage] += 1
    assert set(hit) == set(STAGES)
    assert min(hit.values()) >= 2
    assert run(DRIVER, data, "none", "none", 1) == 0
    assert trees.digests(data) == trees.digests(built)
    assert not list(data.rglob(".tmp-*"))
    assert verify(data).problems == []


# Every step of the stages that look for copies, one after the other in one build: each run does
# what the last one left and is killed in the next step.
STEPS = {
    "dedup": "sign group candidates shingles verify components cluster duplicates",
    "wikipedia": "hosts articles index shares grams matches join-matches judge",
}
MOMENTS = ("written", "flushed", "renamed", "marked")


def test_killed_in_every_step_that_looks_for_copies(tmp_path: Path) -> None:
    articles = REPOSITORY / "tools" / "demo" / "spares" / "s11-wikipedia.txt"
    whole, data = tmp_path / "whole", tmp_path / "data"
    # Two workers here, one in what is killed.
    Build(whole, Sources(wikipedia=(str(articles),)), BuildConfig()).run(LocalEngine(2))
    assert trees.digests(whole, "wikipedia")
    steps = [f"{stage}/{step}" for stage, names in STEPS.items() for step in names.split()]
    for place, step in enumerate(steps):
        moment = MOMENTS[place % len(MOMENTS)]
        assert run(DRIVER, data, step, moment, 1, "wikipedia", articles) == -signal.SIGKILL, step
    assert run(DRIVER, data, "none", "none", 1, "wikipedia", articles) == 0
    assert trees.digests(data, "wikipedia") == trees.digests(whole, "wikipedia")
    manifest = json.loads((data / "manifest.json").read_bytes())["stages"]
    assert manifest["dedup"]["counts"]["dropped"]["near_duplicate"]
    assert manifest["wikipedia"]["counts"]["dropped"]["wikipedia_content"] == 1
    assert verify(data).problems == []


# The command with workers from the first step on, however small it is. When a worker was given the
# second task of `step`, this process kills itself with all workers, or that worker alone, or stops
# all workers, so that the step cannot end. The last two say so.
COMMAND = """
import itertools, os, signal, sys
from multiprocessing import active_children
from webtext_py.cli.main import main
from webtext_py.engine import local

step, act = sys.argv.pop(1), sys.argv.pop(1)
count, give, local.TRY_BYTES = itertools.count(1), local._Worker.give, -1

def watched(worker, job):
    give(worker, job)
    if not job.marker.parent.match(step) or next(count) != 2:
        return
    if act == "kill all":
        os.killpg(0, signal.SIGKILL)
    elif act == "kill one":
        worker.process.kill()
    else:
        for child in active_children():
            os.kill(child.pid, signal.SIGSTOP)
    print(act, flush=True)

local._Worker.give = watched
main()
"""


def _command(data: Path, step: str = "none", act: str = "none") -> subprocess.Popen[bytes]:
    words = ("build", "--quiet", "--data", str(data), "--workers", "2")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", COMMAND, step, act, *words],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("step", ["links/unique", "pages/round-00", "shard/write"])
def test_process_group_killed_with_workers(built: Path, tmp_path: Path, step: str) -> None:
    data = tmp_path / "data"
    process = _command(data, step, "kill all")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    finished = _command(data)
    _, errors = finished.communicate()
    assert finished.returncode == 0, errors.decode()
    assert trees.digests(data) == trees.digests(built)


def test_one_killed_worker_does_not_stop_the_build(built: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = _command(data, "links/unique", "kill one")
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert output == b"kill one\n"
    assert trees.digests(data) == trees.digests(built)


def test_ctrl_c_ends_with_130_and_resumes(built: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = _command(data, "pages/round-00", "stop")
    assert process.stdout is not None
    assert process.stdout.readline() == b"stop\n"
    # A terminal sends it to the whole foreground group, workers too.
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == b""
    assert errors.strip() == b"interrupted"
    assert run(DRIVER, data, "none", "none", 1) == 0
    assert trees.digests(data) == trees.digests(built)
