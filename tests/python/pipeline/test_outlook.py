"""What `--dry-run` says of a build, against the build."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Listener, LocalEngine
from webtext_py.engine.task import Job
from webtext_py.observer import Observer
from webtext_py.outlook import Given, outlooks
from webtext_py.pipeline import STAGES, Build, Sources


class Counting(LocalEngine):
    """Counts the tasks of each stage."""

    def __init__(self) -> None:
        super().__init__(1)
        self.tasks: Counter[str] = Counter()

    def run(self, jobs: Iterable[Job], listener: Listener) -> Iterator[Done]:
        for job in jobs:
            assert job.marker is not None
            self.tasks[job.marker.parts[-3]] += 1
            yield from super().run([job], listener)


def test_the_tasks_and_files_of_the_demo(tmp_path: Path) -> None:
    build = Build(tmp_path, Sources(), BuildConfig(partitions=3))
    expected = build.outlook()
    engine = Counting()
    entries = build.run(engine, Observer())
    assert set(expected) == set(STAGES)
    assert engine.tasks["links"] == expected["links"].tasks
    assert len(entries["links"].outputs) == expected["links"].files
    for stage in STAGES:
        # The demo is a handful of pages with long ways: what is guessed is only near.
        assert expected[stage].tasks / 4 < engine.tasks[stage] < 4 * expected[stage].tasks
        made = len(entries[stage].outputs)
        assert expected[stage].files / 4 < made < 4 * expected[stage].files


def test_a_whole_webtext_and_ten_times_that(tmp_path: Path) -> None:
    def sized(name: str, size: int) -> Path:
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(size)  # takes no room
        return path

    dump = [sized("dump", 45 * 10**9)]
    archives = [sized(f"{n}.warc.gz", 10**9) for n in range(40)]
    one = outlooks(Given(dump, True, archives * 100, [], 233, 256 << 20, 1 << 30))
    ten = outlooks(Given(dump * 10, True, archives * 1000, [], 2329, 256 << 20, 1 << 30))
    tasks = [sum(outlook.tasks for outlook in each.values()) for each in (one, ten)]
    assert 10_000 < tasks[0] < 30_000
    assert tasks[1] < 11 * tasks[0]
    assert ten["dedup"].tasks < 3 * one["dedup"].tasks
    for outlook in (*one.values(), *ten.values()):
        assert outlook.memory < 2 << 30
