"""Who may write in a data directory: this process, another one here, one on another machine."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from engine_tasks import OUT, Simple

from webtext_py.engine import lease
from webtext_py.engine.lease import Lease
from webtext_py.errors import FencedError, InputError
from webtext_py.workspace import Steps, Work, Workspace


def holder(state: Path) -> Path:
    (path,) = (state / "lease").iterdir()
    return path


def elsewhere(state: Path) -> None:
    """As if the holder were on another machine."""
    path = holder(state)
    row = json.loads(path.read_bytes())
    row["machine"], row["host"], row["released"] = ["there"], "there", False
    path.write_text(json.dumps(row))


def test_a_lease_is_one_persons_and_numbers_go_up(tmp_path: Path) -> None:
    first = Lease.take(tmp_path)
    with pytest.raises(InputError, match="another webtext is at work"):
        Lease.take(tmp_path)
    first.check()
    first.release()
    second = Lease.take(tmp_path)
    assert (first.number, second.number) == (1, 2)
    assert first.fence.exists()
    with pytest.raises(InputError, match="took over"):
        first.check()
    second.release()
    assert holder(tmp_path).name == "2"


def test_one_that_was_killed_here_costs_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from webtext_py.engine.lease import Lease; "
        "Lease.take(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    # Not waited for: a zombie lives no more either.
    process = subprocess.Popen([sys.executable, "-P", "-c", code, str(tmp_path)])
    assert process.stdin is None
    while not (tmp_path / "lease" / "1").exists() or not lease._read(tmp_path / "lease" / "1"):
        pass
    stat = Path(f"/proc/{process.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        pass
    Lease.take(tmp_path).release()
    process.wait()


def test_a_silent_one_elsewhere_is_watched_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SILENT_S", 0.5)
    Lease.take(tmp_path).release()
    elsewhere(tmp_path)
    said: list[str] = []
    taken = Lease.take(tmp_path, said.append)
    assert taken.number == 2
    assert len(said) == 1
    assert "on `there` did not end" in said[0]
    taken.release()


def test_one_elsewhere_that_beats_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SILENT_S", math.inf)
    monkeypatch.setattr(lease.time, "sleep", lambda seconds: holder(tmp_path).write_text("{}"))
    Lease.take(tmp_path).release()
    elsewhere(tmp_path)
    with pytest.raises(InputError, match="another webtext is at work"):
        Lease.take(tmp_path)


def take_over(inputs: list[Path], outputs: list[Path], state: str) -> None:
    """A task during which another webtext takes the directory."""
    (Path(state) / "lease" / "2").touch()
    outputs[0].write_text("late")


def test_what_was_taken_over_commits_nothing(tmp_path: Path) -> None:
    def body(steps: Steps) -> dict[str, int]:
        state = str(tmp_path / ".state")
        return {"n": len(steps.each("s", take_over, [Work()], [OUT], state=state).done)}

    with Workspace(tmp_path) as workspace, pytest.raises(FencedError, match="given up"):
        workspace.run(Simple(body))
    assert not (tmp_path / "out" / "00000.txt").exists()
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["stages"]["out"]["state"] == "running"
