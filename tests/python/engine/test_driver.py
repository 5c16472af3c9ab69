"""The driver's rules on a cluster that does as the test says: nothing waits, nothing runs."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from engine_tasks import double

from webtext_py.engine import driver
from webtext_py.engine.cluster import (
    Crashed,
    Failed,
    Node,
    NodeLost,
    Outcome,
    OutOfMemory,
    Ref,
    Said,
)
from webtext_py.engine.commit import run_job
from webtext_py.engine.driver import ClusterEngine
from webtext_py.engine.task import Done, Job, Task
from webtext_py.errors import FencedError, InputError, WebTextError

# What becomes of an attempt: by the number of the attempt and its node; None to run it.
Fate = Callable[[Job, int, str], Outcome | Said | None]


@dataclass
class Clock:
    """Time that passes where something is waited for."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@dataclass
class Planned:
    """A cluster whose attempts end as planned, one at a time and the oldest first."""

    fate: Fate
    clock: Clock
    names: tuple[str, ...] = ("a", "b", "c")
    cpus: int = 1
    begun: list[tuple[str, str]] = field(default_factory=list)
    running: dict[int, tuple[Job, int, str]] = field(default_factory=dict)
    killed: list[Ref] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    most: int = 0

    def nodes(self) -> list[Node]:
        return [Node(n, f"node {n}", self.cpus, 8 << 30) for n in self.names if n not in self.gone]

    def submit(self, job: Job, node: Node) -> Ref:
        ref = len(self.begun)
        number = sum(name == job.task.name for name, _ in self.begun) + 1
        self.begun.append((job.task.name, node.id))
        self.running[ref] = job, number, node.id
        on_it = sum(where == node.id for _, _, where in self.running.values())
        self.most = max(self.most, on_it)
        return ref

    def kill(self, ref: Ref) -> None:
        self.killed.append(ref)
        self.running.pop(ref, None)  # type: ignore[call-overload]

    def wait(self, refs: Iterable[Ref], seconds: float) -> list[tuple[Ref, Outcome | Said]]:
        self.clock.now += seconds
        assert self.clock.now < 1e6, "it never ends"
        heard: list[tuple[Ref, Outcome | Said]] = []
        for ref, (job, number, node) in list(self.running.items()):
            assert ref in set(refs)
            outcome = self.fate(job, number, node)
            if outcome is None:
                outcome = run_job(job)
            if outcome is SILENCE:
                continue
            heard.append((ref, outcome))
            if not isinstance(outcome, Said):
                del self.running[ref]
                break
        return heard

    def close(self) -> None:
        pass


SILENCE = Said(-1)  # never sent


class Units:
    def __init__(self) -> None:
        self.told = 0

    def advanced(self, units: int) -> None:
        self.told += units


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(driver, "time", clock)
    return clock


def jobs(folder: Path, count: int, **facts: Any) -> list[Job]:
    source = folder / "source.txt"
    source.write_text("21")
    found = []
    for number in range(count):
        name = f"t{number}"
        out = folder / "out" / name
        task = Task(name, double, (source,), (out,), {"add": number}, 5, **facts)
        marker = folder / "done" / f"{name}.json"
        found.append(Job(task, folder, marker, f"print{number}", folder / "state"))
    return found


def run(folder: Path, cluster: Planned, given: list[Job], **options: Any) -> list[Done]:
    units = Units()
    done = list(ClusterEngine(cluster, **options).run(given, units))
    assert units.told == sum(job.task.weight for job in given)
    assert {d.name for d in done} == {job.task.name for job in given}
    return done


def events(folder: Path, task: str) -> list[str]:
    rows = map(json.loads, (folder / "state" / "attempts.jsonl").read_text().splitlines())
    return [row["what"] for row in rows if row["task"] == task]


def test_each_node_gets_one_attempt_more_than_cpus(tmp_path: Path, clock: Clock) -> None:
    cluster = Planned(lambda *_: None, clock, cpus=2)
    run(tmp_path, cluster, jobs(tmp_path, 20))
    assert cluster.most == 3
    assert len(cluster.begun) == 20
    assert (tmp_path / "out" / "t7").read_text() == "49"


@pytest.mark.parametrize(("how", "said"), [(Crashed, "died"), (OutOfMemory, "ran out of memory")])
def test_three_crashes_name_the_task(
    tmp_path: Path, clock: Clock, how: Callable[[str], Outcome], said: str
) -> None:
    cluster = Planned(lambda job, *_: how("bang") if job.task.name == "t1" else None, clock)
    with pytest.raises(WebTextError, match=rf"task `t1` {said}.* 3 times, .* node .: bang"):
        run(tmp_path, cluster, jobs(tmp_path, 4))
    assert [name for name, _ in cluster.begun].count("t1") == 3
    assert events(tmp_path, "t1")[-1] == "named"
    # The next run counts anew; one whose driver died does not.
    with pytest.raises(WebTextError):
        run(tmp_path, cluster, jobs(tmp_path, 4))
    assert [name for name, _ in cluster.begun].count("t1") == 6
    journal = tmp_path / "state" / "attempts.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]) + '{"torn')
    with pytest.raises(WebTextError, match="4 times"):
        run(tmp_path, cluster, jobs(tmp_path, 4))


def test_a_crash_is_retried_alone_with_twice_the_memory(tmp_path: Path, clock: Clock) -> None:
    beside: list[int] = []

    def fate(job: Job, number: int, node: str) -> Outcome | None:
        if job.task.name != "t0":
            return None
        if number < 3:
            return Crashed("bang")
        beside.append(sum(where == node for _, _, where in cluster.running.values()))
        return None

    cluster = Planned(fate, clock, ("a",), cpus=3)
    run(tmp_path, cluster, jobs(tmp_path, 6, memory=1 << 30))
    assert beside == [1]
    rows = (tmp_path / "state" / "attempts.jsonl").read_text().splitlines()
    begun = [r for r in map(json.loads, rows) if (r["task"], r["what"]) == ("t0", "begun")]
    assert [row["memory"] >> 30 for row in begun] == [1, 2, 4]


def test_memory_bounds_what_a_node_takes(tmp_path: Path, clock: Clock) -> None:
    cluster = Planned(lambda *_: None, clock, ("a",), cpus=8)
    run(tmp_path, cluster, jobs(tmp_path, 6, memory=4 << 30))
    assert cluster.most == 2


def test_a_lost_node_is_banned_and_costs_no_crash(tmp_path: Path, clock: Clock) -> None:
    def fate(job: Job, number: int, node: str) -> Outcome | None:
        return NodeLost("gone") if node == "a" else None

    cluster = Planned(fate, clock)
    run(tmp_path, cluster, jobs(tmp_path, 9))
    last = max(place for place, (_, node) in enumerate(cluster.begun) if node == "a")
    assert last < 6
    assert len(cluster.begun) == 9 + 2
    assert not any("crashed" in events(tmp_path, f"t{n}") for n in range(9))


def test_eight_lost_nodes_name_the_task(tmp_path: Path, clock: Clock) -> None:
    names = tuple("abcdefghij")
    cluster = Planned(lambda *_: NodeLost("gone"), clock, names)
    with pytest.raises(WebTextError, match="task `t0` lost 8 nodes"):
        run(tmp_path, cluster, jobs(tmp_path, 1))


def test_no_node_left_is_an_error(tmp_path: Path, clock: Clock) -> None:
    cluster = Planned(lambda *_: NodeLost("gone"), clock)
    with pytest.raises(InputError, match=r"no node is left to run tasks on \(3 live, 3 banned\)"):
        run(tmp_path, cluster, jobs(tmp_path, 1))


def test_a_silent_node_is_banned(tmp_path: Path, clock: Clock) -> None:
    frozen: set[str] = set()

    def fate(job: Job, number: int, node: str) -> Outcome | Said | None:
        if job.task.name == "t5":
            frozen.add(node) if number == 1 else None
        return SILENCE if node in frozen else None

    cluster = Planned(fate, clock)
    run(tmp_path, cluster, jobs(tmp_path, 9), silent_s=10.0, straggler_s=1e9)
    assert "lost" in events(tmp_path, "t5")
    assert len(frozen) == 1


def test_while_the_driver_stands_still_nobody_is_silent(tmp_path: Path, clock: Clock) -> None:
    looks = 0

    def fate(job: Job, number: int, node: str) -> Outcome | Said | None:
        nonlocal looks
        looks += 1
        clock.now += 100 if looks == 5 else 0  # a suspended machine, a folder that hangs
        return SILENCE if looks < 12 else None

    cluster = Planned(fate, clock, ("a",))
    run(tmp_path, cluster, jobs(tmp_path, 1), silent_s=10.0, straggler_s=1e9)
    assert len(cluster.begun) == 1


def test_who_says_that_it_lives_is_not_silent(tmp_path: Path, clock: Clock) -> None:
    said = 0

    def fate(job: Job, number: int, node: str) -> Outcome | Said | None:
        nonlocal said
        said += 1
        return Said(2) if said < 100 else None

    cluster = Planned(fate, clock, ("a",))
    run(tmp_path, cluster, jobs(tmp_path, 1), silent_s=10.0)
    assert len(cluster.begun) == 1
    assert clock.now > 1040


def test_a_straggler_gets_a_second_attempt_and_cannot_commit(tmp_path: Path, clock: Clock) -> None:
    late: list[Job] = []

    def fate(job: Job, number: int, node: str) -> Outcome | Said | None:
        if job.task.name != "t4" or number > 1:
            return None
        late[:] = [job]
        return Said(1)

    cluster = Planned(fate, clock)
    run(tmp_path, cluster, jobs(tmp_path, 9), straggler_s=5.0)
    assert [name for name, _ in cluster.begun].count("t4") == 2
    assert len({node for name, node in cluster.begun if name == "t4"}) == 2
    assert events(tmp_path, "t4") == ["begun", "begun", "done", "beaten"]
    assert len(cluster.killed) == 1
    # The late one wakes up: with the marker there it commits nothing, without it neither.
    stamp = (tmp_path / "out" / "t4").stat().st_mtime_ns
    assert run_job(late[0]).outputs
    (tmp_path / "done" / "t4.json").unlink()
    with pytest.raises(FencedError):
        run_job(late[0])
    assert (tmp_path / "out" / "t4").stat().st_mtime_ns == stamp
    assert not list(tmp_path.rglob(".tmp-*"))


def test_two_attempts_at_once_leave_one_result(tmp_path: Path) -> None:
    first, second = jobs(tmp_path, 1) * 2
    object.__setattr__(first, "attempt", "one")
    object.__setattr__(second := jobs(tmp_path, 1)[0], "attempt", "two")
    done = run_job(first)
    (tmp_path / "done" / "t0.json").unlink()  # as if the first had not come so far
    assert run_job(second).outputs == done.outputs
    (tmp_path / "done" / "t0.json").unlink()
    (tmp_path / "out" / "t0").write_text("other")
    with pytest.raises(WebTextError, match="task `t0` is not deterministic"):
        run_job(second)
    assert not list(tmp_path.rglob(".tmp-*"))


def test_an_error_stops_the_step_with_where_it_was(tmp_path: Path, clock: Clock) -> None:
    def fate(job: Job, number: int, node: str) -> Outcome | Said | None:
        if job.task.name == "t2":
            return Failed(InputError("`x` is bad", "do better"))
        return None if number else SILENCE

    cluster = Planned(fate, clock)
    with pytest.raises(InputError, match="`x` is bad") as caught:
        run(tmp_path, cluster, jobs(tmp_path, 9))
    assert caught.value.__notes__[0].startswith("task `t2`, attempt 1, on node node ")
    assert not cluster.running, "all others were ended"
