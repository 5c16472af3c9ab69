"""`kill -9` in every step of `webtext dedup`: the next run goes on and ends in the same bytes."""

import hashlib
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parents[1] / "pipeline" / "killed_build.py"
STEPS = ["sign", "group", "candidates", "shingles", "verify", "components", "cluster"]
STEPS += ["duplicates", "write"]
MOMENTS = ("written", "flushed", "renamed", "marked")


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    """Two files with exact copies, near ones and chains, JSONL so that a copy of them is made."""
    draw = random.Random(4)
    rows = []
    for number in range(120):
        words = [f"w{draw.randrange(900)}" for _ in range(120)]
        for copy in range(draw.randint(1, 3)):
            rows.append({"id": f"d{number}-{copy}", "text": " ".join(words), "karma": copy})
            if draw.random() < 0.8:
                words[draw.randrange(120)] = f"new{number}"
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for place, file in enumerate(files):
        file.write_text("".join(json.dumps(row) + "\n" for row in rows[place::2]))
    return files


def _digests(out: Path) -> dict[str, str]:
    files = sorted([*out.glob("*.parquet"), *out.glob("duplicates/*.parquet")])
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _run(*arguments: object) -> int:
    return subprocess.run(
        [sys.executable, "-P", DRIVER, *map(str, arguments)], start_new_session=True, check=False
    ).returncode


@pytest.mark.parametrize("shift", [0, 2])
def test_killed_in_every_step(tmp_path: Path, texts: list[Path], shift: int) -> None:
    assert _run(tmp_path / "whole", "none", "none", 1, "dedup", *texts) == 0
    expected = _digests(tmp_path / "whole")
    assert len(expected) == 4  # two files of kept rows, and as many of removals
    out = tmp_path / "out"
    for place, step in enumerate(STEPS):
        moment = MOMENTS[(place + shift) % len(MOMENTS)]
        code = _run(out, f"dedup/{step}", moment, 1, "dedup", *texts)
        assert code == -signal.SIGKILL, step
        state = json.loads((out / "manifest.json").read_bytes())["stages"]["dedup"]["state"]
        assert state == "running"
    assert _run(out, "dedup", "manifest", 1, "dedup", *texts) == -signal.SIGKILL
    assert _run(out, "none", "none", 1, "dedup", *texts) == 0
    assert _digests(out) == expected
    assert not list(out.rglob(".tmp-*"))


# The command, which kills itself with all its threads once a task of `step` has left its marker.
COMMAND = """
import os, signal, sys
from webtext_py.cli.main import main
from webtext_py.engine import commit

step, write = sys.argv.pop(1), commit.write_json

def marked(path, *rest, **options):
    write(path, *rest, **options)
    if path.parent.name == step:
        os.kill(os.getpid(), signal.SIGKILL)

commit.write_json = marked
main()
"""


@pytest.mark.parametrize("step", ["sign", "candidates", "cluster"])
def test_the_command_killed_with_two_workers(tmp_path: Path, texts: list[Path], step: str) -> None:
    def command(out: Path, step: str = "none") -> int:
        given = ["dedup", *map(str, texts), "--out", str(out), "--workers", "2", "--quiet"]
        words = [sys.executable, "-P", "-c", COMMAND, step, *given]
        return subprocess.run(words, check=False).returncode

    assert command(tmp_path / "whole") == 0
    out = tmp_path / "out"
    assert command(out, step) == -signal.SIGKILL
    assert command(out) == 0
    assert _digests(out) == _digests(tmp_path / "whole")
