"""Tasks, commits, the pool and a stage's resume, on tasks small enough to see through."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_tasks import die_always, die_once, double, fail

from webtext_py.engine import LocalEngine, Task
from webtext_py.engine.commit import peak_memory_bytes
from webtext_py.errors import InputError, StaleError, WebTextError
from webtext_py.stage import Silent, StageRun, Workspace


class Counting(Silent):
    def __init__(self) -> None:
        self.total = self.units = 0

    def step_started(self, step: str, total: int, unit: str) -> None:
        self.total += total

    def advanced(self, units: int) -> None:
        self.units += units


def doubles(run: StageRun, source: Path, count: int = 6) -> list[Task]:
    return [
        Task(f"double-{i}", double, (source,), (run.data / "out" / f"{i}.txt",), {"add": i}, 3)
        for i in range(count)
    ]


def run_doubles(data: Path, source: Path, workers: int, **options: Any) -> dict[str, bytes]:
    observer = Counting()

    def body(run: StageRun) -> dict[str, Any]:
        done = run.tasks("double", doubles(run, source))
        return {"sum": sum(d.counts["value"] for d in done)}

    with Workspace(data, LocalEngine(workers), observer) as workspace:
        entry = workspace.stage(
            "out", body, config={"a": 1}, inputs={"source": source}, files=["out/*"], **options
        )
    assert entry.counts == {"sum": 6 * int(source.read_text())}
    assert observer.units == observer.total
    return {p.name: p.read_bytes() for p in sorted((data / "out").iterdir())}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("21")
    return path


def test_pool_equals_one_process(tmp_path: Path, source: Path) -> None:
    one = run_doubles(tmp_path / "one", source, 1)
    assert one == run_doubles(tmp_path / "three", source, 3)
    assert one["4.txt"] == b"46"


def test_done_stage_is_not_run_again(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    run_doubles(data, source, 1)
    with Workspace(data, LocalEngine(1)) as workspace:
        config = {"a": 1}
        before = workspace.manifest.stages["out"]
        entry = workspace.stage("out", _unexpected, config=config, inputs={"source": source})
        assert entry == before


def _unexpected(run: StageRun) -> dict[str, Any]:
    raise AssertionError("the stage was done")


@pytest.mark.parametrize("torn", [b"", b"\0" * 300, b'{"name": "dou', b"[1]", b"7"])
def test_a_torn_marker_costs_its_task_again(tmp_path: Path, source: Path, torn: bytes) -> None:
    def begun(run: StageRun) -> dict[str, Any]:
        run.tasks("double", doubles(run, source, 3))
        raise InputError("stop")

    def resumed(run: StageRun) -> dict[str, Any]:
        run.tasks("double", doubles(run, source, 3))
        return {}

    data = tmp_path / "data"
    with Workspace(data, LocalEngine(1)) as workspace:
        with pytest.raises(InputError, match="stop"):
            workspace.stage("out", begun, config={}, inputs={})
        before = {path.name: path.read_bytes() for path in (data / "out").iterdir()}
        markers = sorted((data / ".state" / "done" / "out" / "double").iterdir())
        whole = markers[0].read_bytes()
        markers[0].write_bytes(torn)
        stamps = [path.stat().st_mtime_ns for path in markers]

        def checked(run: StageRun) -> dict[str, Any]:
            counts = resumed(run)
            again = [path.stat().st_mtime_ns for path in markers]
            assert again[0] != stamps[0]
            assert again[1:] == stamps[1:]
            assert json.loads(markers[0].read_bytes())["outputs"] == json.loads(whole)["outputs"]
            return counts

        workspace.stage("out", checked, config={}, inputs={})
    assert {path.name: path.read_bytes() for path in (data / "out").iterdir()} == before


def test_interrupted_stage_does_only_what_is_missing(tmp_path: Path, source: Path) -> None:
    def broken(run: StageRun) -> dict[str, Any]:
        run.tasks("double", [*doubles(run, source, 3)])
        run.tasks("fail", [Task("fail", fail, (), (run.data / "out" / "bad.txt",))])
        return {}

    data = tmp_path / "data"
    with Workspace(data, LocalEngine(1)) as workspace:
        with pytest.raises(InputError, match="`x` is bad"):
            workspace.stage("out", broken, config={}, inputs={})
        assert not (data / "out" / "bad.txt").exists()
        assert not list(data.rglob(".tmp-*"))

    def resumed(run: StageRun) -> dict[str, Any]:
        tasks = doubles(run, source, 3)
        marker = data / ".state" / "done" / "out" / "double" / f"{tasks[0].name}.json"
        stamp = marker.stat().st_mtime_ns
        run.tasks("double", tasks)
        assert marker.stat().st_mtime_ns == stamp
        return {}

    with Workspace(data, LocalEngine(1)) as workspace:
        workspace.stage("out", resumed, config={}, inputs={})
    assert json.loads((data / "manifest.json").read_bytes())["stages"]["out"]["state"] == "done"


def test_stale_result_is_refused_and_forced(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    run_doubles(data, source, 1)
    source.write_text("5")
    with pytest.raises(StaleError, match="input `source`: other content"):
        run_doubles(data, source, 1)
    assert run_doubles(data, source, 1, force=True)["0.txt"] == b"10"


def test_files_of_others_are_not_removed(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    (data / "out").mkdir(parents=True)
    (data / "out" / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="has no manifest"):
        run_doubles(data, source, 1)
    assert (data / "out" / "precious.txt").read_text() == "mine"


@pytest.mark.parametrize("workers", [1, 3])
def test_error_of_a_task_arrives_with_its_hint(tmp_path: Path, workers: int) -> None:
    def body(run: StageRun) -> dict[str, Any]:
        run.tasks("fail", [Task(f"f{i}", fail, (), (run.data / f"{i}.txt",)) for i in range(4)])
        return {}

    with Workspace(tmp_path / "data", LocalEngine(workers)) as workspace:
        with pytest.raises(InputError) as caught:
            workspace.stage("out", body, config={})
        assert caught.value.hint == "do better"
    assert not list((tmp_path / "data").rglob("*.txt"))


def test_killed_worker_costs_one_more_attempt(tmp_path: Path) -> None:
    token = tmp_path / "token"

    def body(run: StageRun) -> dict[str, Any]:
        arguments = {"token": str(token)}
        run.tasks(
            "die",
            [Task(f"d{i}", die_once, (), (run.data / f"{i}.txt",), arguments) for i in range(4)],
        )
        return {}

    with Workspace(tmp_path / "data", LocalEngine(2)) as workspace:
        workspace.stage("out", body, config={})
    assert (tmp_path / "data" / "3.txt").read_text() == "survived"


def test_task_that_kills_workers_is_named(tmp_path: Path) -> None:
    def body(run: StageRun) -> dict[str, Any]:
        tasks = [Task(f"d{i}", die_always, (), (run.data / f"{i}.txt",)) for i in range(2)]
        run.tasks("die", tasks)
        return {}

    message = r"task `d\d` killed its worker process 2 times"
    workspace = Workspace(tmp_path / "data", LocalEngine(2))
    with workspace, pytest.raises(WebTextError, match=message):
        workspace.stage("out", body, config={})


def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "data"), Workspace(tmp_path / "data")
    with first, pytest.raises(InputError, match="another webtext is at work"):
        second.__enter__()


def test_manifest_of_another_tool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="is not a manifest of webtext"):
        Workspace(tmp_path).__enter__()


def test_peak_memory_is_of_this_process_alone() -> None:
    held = b"x" * (300 << 20)
    code = "from webtext_py.engine.commit import peak_memory_bytes as p; print(p())"
    started = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert peak_memory_bytes() > len(held)
    assert 1 << 20 < int(started.stdout) < 200 << 20
