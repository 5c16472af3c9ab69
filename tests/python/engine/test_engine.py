"""Tasks, commits, the pool and a stage's resume, on tasks small enough to see through."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_tasks import OUT, Simple, die_always, die_once, double, fail, who

from webtext_py.engine import LocalEngine
from webtext_py.engine.commit import peak_memory_bytes
from webtext_py.errors import InputError, StaleError, WebTextError
from webtext_py.observer import Observer
from webtext_py.stage import Files
from webtext_py.workspace import Made, Steps, Work, Workspace, plan


class Counting(Observer):
    def __init__(self) -> None:
        self.total = self.units = 0

    def step_started(self, step: str, total: int, unit: str) -> None:
        self.total += total

    def advanced(self, units: int) -> None:
        self.units += units


def doubles(steps: Steps, source: Path, count: int = 6) -> Made:
    work = [Work(source, weight=3, add=i) for i in range(count)]
    return steps.each("double", double, work, [OUT])


def run_doubles(data: Path, source: Path, workers: int, **options: Any) -> dict[str, bytes]:
    observer = Counting()
    stage = Simple(
        lambda steps: {"sum": doubles(steps, source).total("value")}, {"source": source}, {"a": 1}
    )
    with Workspace(data, LocalEngine(workers), observer) as workspace:
        entry = workspace.run(stage, **options)
    assert entry.counts == {"sum": 6 * int(source.read_text())}
    assert observer.units == observer.total
    return {p.name: p.read_bytes() for p in sorted((data / "out").iterdir())}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("21")
    return path


@pytest.mark.usefixtures("workers_at_once")
def test_pool_equals_one_process(tmp_path: Path, source: Path) -> None:
    one = run_doubles(tmp_path / "one", source, 1)
    assert one == run_doubles(tmp_path / "three", source, 3)
    assert one["00004.txt"] == b"46"


def test_done_stage_is_not_run_again(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    run_doubles(data, source, 1)
    with Workspace(data, LocalEngine(1)) as workspace:
        before = workspace.manifest.stages["out"]
        assert workspace.run(Simple(_unexpected, {"source": source}, {"a": 1})) == before


def _unexpected(steps: Steps) -> dict[str, Any]:
    raise AssertionError("the stage was done")


def in_one_file(markers: Path, *lines: bytes) -> None:
    """A step's markers as a finished one leaves them."""
    markers.write_bytes(b"\n".join(lines))


def in_single_files(markers: Path, *lines: bytes) -> None:
    """A step's markers as a kill leaves them, before it ended."""
    markers.unlink()
    folder = markers.with_suffix("")
    folder.mkdir()
    for number, line in enumerate(lines):
        (folder / f"double-{number:05d}.json").write_bytes(line)


@pytest.mark.parametrize("spread", [in_one_file, in_single_files])
@pytest.mark.parametrize("torn", [b"", b"\0" * 300, b'{"name": "dou', b"[1]", b"7"])
def test_a_torn_marker_costs_its_task_again(
    tmp_path: Path, source: Path, torn: bytes, spread: Callable[..., None]
) -> None:
    def begun(steps: Steps) -> dict[str, Any]:
        doubles(steps, source, 3)
        raise InputError("stop")

    data = tmp_path / "data"
    with Workspace(data, LocalEngine(1)) as workspace:
        with pytest.raises(InputError, match="stop"):
            workspace.run(Simple(begun))
        before = {path.name: path.read_bytes() for path in (data / "out").iterdir()}
        markers = data / ".state" / "done" / "out" / "double.jsonl"
        assert not markers.with_suffix("").exists(), "the single ones are gone"
        whole = markers.read_bytes().splitlines()
        spread(markers, torn, *whole[1:])
        made = sorted((data / "out").iterdir())
        stamps = [path.stat().st_mtime_ns for path in made]

        def checked(steps: Steps) -> dict[str, Any]:
            doubles(steps, source, 3)
            again = [path.stat().st_mtime_ns for path in made]
            assert again[0] != stamps[0]
            assert again[1:] == stamps[1:]
            lines = markers.read_bytes().splitlines()
            assert [json.loads(line)["outputs"] for line in lines] == [
                json.loads(line)["outputs"] for line in whole
            ]
            assert lines[1:] == whole[1:]
            return {}

        workspace.run(Simple(checked))
    assert {path.name: path.read_bytes() for path in (data / "out").iterdir()} == before


def test_interrupted_stage_does_only_what_is_missing(tmp_path: Path, source: Path) -> None:
    def broken(steps: Steps) -> dict[str, Any]:
        doubles(steps, source, 3)
        steps.each("fail", fail, [Work(name="bad")], [OUT])
        return {}

    data = tmp_path / "data"
    with Workspace(data, LocalEngine(1)) as workspace:
        with pytest.raises(InputError, match="`x` is bad"):
            workspace.run(Simple(broken))
        assert not (data / "out" / "bad.txt").exists()
        assert not list(data.rglob(".tmp-*"))

    def resumed(steps: Steps) -> dict[str, Any]:
        made = data / "out" / "00000.txt"
        stamp = made.stat().st_mtime_ns
        doubles(steps, source, 3)
        assert made.stat().st_mtime_ns == stamp
        return {}

    with Workspace(data, LocalEngine(1)) as workspace:
        workspace.run(Simple(resumed))
    assert json.loads((data / "manifest.json").read_bytes())["stages"]["out"]["state"] == "done"


def test_stale_result_is_refused_and_forced(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    run_doubles(data, source, 1)
    source.write_text("5")
    with pytest.raises(StaleError, match="input `source`: other content"):
        run_doubles(data, source, 1)
    assert run_doubles(data, source, 1, force=True)["00000.txt"] == b"10"


def test_files_of_others_are_not_removed(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    (data / "out").mkdir(parents=True)
    (data / "out" / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="has no manifest"):
        run_doubles(data, source, 1)
    assert (data / "out" / "precious.txt").read_text() == "mine"


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.usefixtures("workers_at_once")
def test_error_of_a_task_arrives_with_its_hint(tmp_path: Path, workers: int) -> None:
    def body(steps: Steps) -> dict[str, Any]:
        steps.each("fail", fail, [Work() for _ in range(4)], [OUT])
        return {}

    with Workspace(tmp_path / "data", LocalEngine(workers)) as workspace:
        with pytest.raises(InputError) as caught:
            workspace.run(Simple(body))
        assert caught.value.hint == "do better"
    assert not list((tmp_path / "data").rglob("*.txt"))


def test_workers_come_where_a_step_is_worth_them(tmp_path: Path) -> None:
    for seconds, here in ((0.0, True), (0.3, False)):
        data = tmp_path / str(seconds)

        def body(steps: Steps, seconds: float = seconds) -> dict[str, Any]:
            made = steps.each("who", who, [Work() for _ in range(5)], [OUT], seconds=seconds)
            return {"processes": made.counts("process")}

        with Workspace(data, LocalEngine(2)) as workspace:
            processes = workspace.run(Simple(body)).counts["processes"]
        assert processes[:2] == [os.getpid()] * 2
        assert (set(processes) == {os.getpid()}) is here


@pytest.mark.usefixtures("workers_at_once")
def test_killed_worker_costs_one_more_attempt(tmp_path: Path) -> None:
    token = tmp_path / "token"

    def body(steps: Steps) -> dict[str, Any]:
        steps.each("die", die_once, [Work() for _ in range(4)], [OUT], token=str(token))
        return {}

    with Workspace(tmp_path / "data", LocalEngine(2)) as workspace:
        workspace.run(Simple(body))
    assert (tmp_path / "data" / "out" / "00003.txt").read_text() == "survived"


@pytest.mark.usefixtures("workers_at_once")
def test_task_that_kills_workers_is_named(tmp_path: Path) -> None:
    def body(steps: Steps) -> dict[str, Any]:
        steps.each("die", die_always, [Work(), Work()], [OUT])
        return {}

    message = r"task `die-0000\d` killed its worker process 2 times"
    workspace = Workspace(tmp_path / "data", LocalEngine(2))
    with workspace, pytest.raises(WebTextError, match=message):
        workspace.run(Simple(body))


def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "data"), Workspace(tmp_path / "data")
    with first, pytest.raises(InputError, match="another webtext is at work"):
        second.__enter__()


def test_manifest_of_another_tool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="is not a manifest of webtext"):
        Workspace(tmp_path).__enter__()
    (tmp_path / "manifest.json").unlink()
    with Workspace(tmp_path):
        pass  # the directory is nobody's again


def test_peak_memory_is_of_this_process_alone() -> None:
    held = b"x" * (300 << 20)
    code = "from webtext_py.engine.commit import peak_memory_bytes as p; print(p())"
    started = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert peak_memory_bytes() > len(held)
    assert 1 << 20 < int(started.stdout) < 200 << 20


def work_of(data: Path, stage: Simple, **options: Any) -> int:
    """Units of work that running a stage took."""
    observer = Counting()
    with Workspace(data, LocalEngine(1), observer) as workspace:
        workspace.run(stage, **options)
    return observer.units


def test_a_raised_number_redoes_its_stage_and_what_depends_on_it(
    tmp_path: Path, source: Path
) -> None:
    data = tmp_path / "data"
    first = Simple(lambda steps: {"n": doubles(steps, source, 2).total("value")}, name="a")
    copies = Files("copies/{}.txt")

    def again(steps: Steps) -> dict[str, Any]:
        work = [Work(path) for path in steps.before(OUT)]
        return {"n": steps.each("again", double, work, [copies]).total("value")}

    second = Simple(again, name="b", after=("a",), files=(copies,))
    aside = Simple(lambda steps: {}, name="c", files=())
    stages = [first, second, aside]
    for stage in stages:
        work_of(data, stage)
    assert [verdict for _, verdict in plan(data, stages)] == ["done"] * 3
    stages[0] = replace(first, rules=2)
    assert plan(data, stages) == [
        ("a", "stale: rules: 1 -> 2"),
        ("b", "stale: stage `a`: redone since"),
        ("c", "done"),
    ]
    with pytest.raises(StaleError, match="rules: 1 -> 2"):
        work_of(data, stages[0])
    assert [work_of(data, stage, force=True) for stage in stages] == [6, 2, 0]


def test_an_entry_of_an_older_webtext_is_stale_by_name(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"
    run_doubles(data, source, 1)
    manifest = json.loads((data / "manifest.json").read_bytes())
    for name in ("rules", "libraries"):
        del manifest["stages"]["out"][name]
    manifest["stages"]["out"]["key"] = "0" * 32
    (data / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StaleError, match="rules: those of an older webtext -> 1"):
        run_doubles(data, source, 1)
    run_doubles(data, source, 1, force=True)


def test_a_half_done_stage_never_mixes_rules(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"

    def broken(steps: Steps) -> dict[str, Any]:
        doubles(steps, source, 3)
        raise InputError("stop")

    with pytest.raises(InputError, match="stop"):
        work_of(data, Simple(broken))
    whole = Simple(lambda steps: {"n": len(doubles(steps, source).done)}, rules=2)
    with pytest.raises(StaleError, match="was begun from something else: rules: 1 -> 2"):
        work_of(data, whole)
    assert work_of(data, whole, force=True) == 18


def test_options_change_no_fingerprint(tmp_path: Path, source: Path) -> None:
    data = tmp_path / "data"

    def half(steps: Steps) -> dict[str, Any]:
        steps.each("double", double, [Work(source)], [OUT], options={"add": 0})
        raise InputError("stop")

    def whole(steps: Steps) -> dict[str, Any]:
        steps.each("double", double, [Work(source)], [OUT], options={"add": 5})
        return {}

    with pytest.raises(InputError, match="stop"):
        work_of(data, Simple(half))
    assert work_of(data, Simple(whole)) == 0, "the task was done"
