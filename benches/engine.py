"""What an engine costs beside the tasks: time a task, and the driver's memory.

Runs a stage of tasks that do nothing but write 20 bytes, on the local engine and on a Ray started
here, each in a process of its own, and checks every output before the time counts. `made` hands a
step's list of tasks to an engine that finishes them in the driver without running them: what is
left is the memory of the driver.

Usage: engine.py [--tasks 10000] [--made 100000] [--workers 2] [--record FILE]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bpe_corpus import record

from webtext_py.engine.choose import Where
from webtext_py.engine.cluster import Node
from webtext_py.engine.commit import peak_memory_bytes
from webtext_py.engine.driver import ClusterEngine
from webtext_py.engine.task import Done, Engine, Job
from webtext_py.observer import Observer
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Steps, Work, Workspace

OUT = Files("out/{}.txt")


def write(inputs: list[Path], outputs: list[Path], number: int) -> dict[str, Any]:
    """Task: a line."""
    outputs[0].write_text(f"{number:019d}\n")
    return {"rows": 1, "dropped": {"too_short": number}}


class Nothing(Stage):
    """A step of `count` tasks."""

    name = "nothing"
    rules = 1
    files = (OUT,)

    def __init__(self, count: int) -> None:
        self.count = count

    def body(self, steps: Steps) -> dict[str, Any]:
        """The step."""
        work = [Work(number=number) for number in range(self.count)]
        return {"rows": steps.each("write", write, work, [OUT]).total("rows")}


class Made:
    """A cluster of 1,000 CPUs that says of every attempt that it is done."""

    def nodes(self) -> list[Node]:
        """Sixteen nodes."""
        return [Node(f"{n}", f"node {n}", 64, 256 << 30) for n in range(16)]

    def submit(self, job: Job, node: Node) -> Any:
        """Remembers the job."""
        self.jobs[id(job)] = job
        return id(job)

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}

    def wait(self, refs: Iterable[Any], seconds: float) -> list[tuple[Any, Done]]:
        """All that wait are done."""
        return [(ref, self._done(self.jobs.pop(ref))) for ref in refs]

    def kill(self, ref: Any) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is held."""

    def _done(self, job: Job) -> Done:
        task = job.task
        name = str(task.outputs[0].relative_to(job.root))
        facts = {name: {"bytes": 20, "sha256": f"{task.arguments['number']:064d}"}}
        counts = {"rows": 1, "dropped": {"too_short": task.arguments["number"]}}
        return Done(task.name, job.fingerprint, facts, counts, 0.001, 1 << 27)


class Observing(Observer):
    """Takes the time of the step alone."""

    def __init__(self) -> None:
        self.began = self.wall = 0.0

    def advanced(self, units: int) -> None:
        """From the first that is done on: what starts before is not a task's."""
        self.began = self.began or time.perf_counter()
        self.wall = time.perf_counter() - self.began


def one(engine: Engine, tasks: int, check: bool) -> dict[str, Any]:
    """Figures of one run in this process."""
    watch = Observing()
    with tempfile.TemporaryDirectory() as name:
        with Workspace(Path(name), engine, watch) as workspace:
            assert workspace.run(Nothing(tasks)).counts == {"rows": tasks}
        if check:
            found = sorted((Path(name) / "out").iterdir())
            assert [path.read_text() for path in found] == [f"{n:019d}\n" for n in range(tasks)]
    cpu = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return {
        "tasks": tasks,
        "wall_ms_a_task": round(1000 * watch.wall / (tasks - 1), 3),
        "driver_peak_mb": round(peak_memory_bytes() / 1e6, 1),
        "cpu_s": round(cpu, 2),
    }


def main() -> None:
    """Each engine in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--made", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--one", choices=["local", "ray", "made"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one == "made":
        print(json.dumps(one(ClusterEngine(Made()), options.made, check=False)))
        return
    if options.one:
        engine = Where(options.one, workers=options.workers).make()
        print(json.dumps(one(engine, options.tasks, check=True)))
        return
    figures = {}
    for name in ("local", "ray", "made"):
        command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=env)
        figures[name] = json.loads(ran.stdout)
    assert figures["ray"]["wall_ms_a_task"] < 10
    assert figures["made"]["driver_peak_mb"] < 1074
    document = {"command": " ".join(["engine.py", *sys.argv[1:]]), "workers": options.workers}
    record(options.record, {**document, **figures}, ["pyarrow", "ray"])


if __name__ == "__main__":
    main()
