"""Stages at work in a data directory: what is done stays, what is missing is made.

`Workspace` holds the directory's lock, its manifest and the engine; its `run` asks `decide` whether
a stage is done, to be resumed, to be redone or stale. `Steps` is what a stage's body works with: it
hands tasks to the engine and gives back what they made.
"""

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from webtext_py.digests import STATE, Digests
from webtext_py.engine import Done, Engine, LocalEngine, Task, ThreadEngine
from webtext_py.engine.commit import (
    clean,
    file_facts,
    peak_memory_bytes,
    read_marker,
    read_markers,
    write_markers,
)
from webtext_py.engine.journal import finish
from webtext_py.engine.lease import Lease
from webtext_py.engine.task import Job, TaskFunction
from webtext_py.errors import InputError
from webtext_py.ledger import add_up
from webtext_py.manifest import REMOVAL, Entry, Manifest, differences, refuse_stale
from webtext_py.observer import SILENT, Observer
from webtext_py.stage import Files, Stage
from webtext_py.tables import join_shuffles
from webtext_py.versions import library_version

MOST_FILES = 256  # our choice: that a task of a merge reads


Verdict = Literal["done", "resume", "run", "redo", "stale"]


def decide(old: Entry | None, new: Entry, *, force: bool, again: bool = False) -> Verdict:
    """What becomes of a stage whose record is `old` and should be `new`.

    `again`: it was asked for anew, whatever stands there. The one place that says so, for a run,
    for `--dry-run` and for `--show-config`.
    """
    if old is None or again:
        return "run"
    if old.key != new.key:
        return "redo" if force else "stale"
    return "done" if old.state == "done" else "resume"


@dataclass
class Workspace:
    """A data directory with what is needed to run stages in it. Use as a context manager: it holds
    the directory's lock, so that two runs never write the same files."""

    data: Path
    engine: Engine = field(default_factory=LocalEngine)
    observer: Observer = SILENT
    reading: bool = False  # makes nothing and locks nothing: a stage that is not done is an error

    def __enter__(self) -> "Workspace":
        name = str(self.data.resolve())
        if (shown := name.encode("utf-8", "replace").decode()) != name:
            # Arrow, which writes the tables, takes no other.
            raise InputError(f"`{shown}` is not UTF-8", "use a directory whose name is")
        if not self.reading:
            self._take()
        try:
            if not self.reading:
                finish(self.data, self.data / REMOVAL)
            self.manifest = Manifest(self.data)
            self.digests = Digests(self.data)
        except BaseException:
            self._release()
            raise
        return self

    def _take(self) -> None:
        try:
            (self.data / STATE).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(f"`{self.data}` is a file; a data directory was expected") from None
        self.lease = Lease.take(self.data / STATE, self.observer.note)

    def _release(self) -> None:
        if not self.reading:
            self.lease.release()

    def _save(self) -> None:
        """Writes the manifest, unless another webtext has the directory by now."""
        self.lease.check()
        self.manifest.save()

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        self._release()

    def run(self, stage: Stage, *, force: bool = False, again: bool = False) -> Entry:
        """Runs a stage, or finds it done; `again` redoes it, whatever stands there.

        Raises `StaleError` for a result under another key, unless `force`.
        """
        old = self.manifest.stages.get(stage.name)
        likes = dict(old.inputs) if old is not None else {}
        given = {path: likes.get(name) for name, path in stage.inputs(self.data).items()}
        self.digests.prepare(given, self.engine, self.observer)
        new = expected_entry(stage, self.data, self.manifest, self.digests)
        if new.inputs and not self.reading:
            self.digests.save()
        if self.reading and (old is None or old.state != "done"):
            raise InputError(f"`{self.data}` has no finished `{stage.name}`")
        verdict = decide(old, new, force=force, again=again)
        if verdict == "stale":
            assert old is not None
            raise refuse_stale(stage.name, old, new)
        if verdict == "done":
            assert old is not None
            if not self.reading:
                self.tidy(stage.name)
            self.observer.stage_ended(stage.name, old, False)
        else:
            if verdict != "resume":
                self.forget(stage.name)
            old = self._work(stage, new)
        stage.check(old.counts)
        return old

    def run_all(
        self, stages: Sequence[Stage], *, force: bool = False, start: str | None = None
    ) -> dict[str, Entry]:
        """Runs stages in their order; from the one called `start` on all are redone."""
        entries: dict[str, Entry] = {}
        again = False
        for stage in stages:
            if stage.name == start:
                again = True
                # Not before: a stale stage ahead of it is refused with nothing lost.
                for later in stages[len(entries) :]:
                    self.forget(later.name)
            entries[stage.name] = self.run(stage, force=force, again=again)
        return entries

    def forget(self, name: str) -> None:
        """Removes a stage's entry; its files go when it is run again."""
        if self.manifest.stages.pop(name, None) is not None:
            self._save()

    def amend(self, name: str, path: Path, change: Callable[[], None]) -> None:
        """Changes a file of a finished stage in place.

        From before the change until its new digest is known the stage is not done: after a kill
        between, whoever runs it next finishes it. A file of no stage is just changed.
        """
        entry = self.manifest.stages.get(name)
        file = str(path.relative_to(self.data))
        if entry is None or file not in entry.outputs:
            change()
            return
        entry.state = "running"
        self._save()
        change()
        entry.outputs[file] = file_facts(path)
        entry.state = "done"
        self._save()

    def tidy(self, name: str) -> None:
        """Removes what only a stage needed while it ran."""
        # What only this stage needed; after a kill in the middle the next run removes the rest.
        for folder in (f"{STATE}/done/{name}", f"{STATE}/work/{name}"):
            shutil.rmtree(self.data / folder, ignore_errors=True)

    def _empty(self, stage: Stage) -> None:
        found = [path for files in stage.files for path in files.there(self.data)]
        if found and not self.manifest.path.exists():
            raise InputError(
                f"`{found[0]}` is not webtext's: `{self.data}` has no manifest",
                "use another directory, or move the files away",
            )
        for path in found:
            path.unlink()
        self.tidy(stage.name)

    def _work(self, stage: Stage, entry: Entry) -> Entry:
        name = stage.name
        self.observer.stage_started(name)
        if name not in self.manifest.stages:
            self._empty(stage)
            self.manifest.stages[name] = entry
            self._save()
        clean(self.data)
        steps = Steps(self, stage, entry)
        started = time.monotonic()
        try:
            counts = dict(stage.body(steps))
        except BaseException:
            self.engine.close()  # nobody writes any more: what is half-written can go
            clean(self.data)
            raise
        entry.outputs = dict(sorted(steps.kept_outputs().items()))
        entry.counts = counts
        entry.seconds = round(steps.seconds_before + time.monotonic() - started, 3)
        entry.peak_memory_bytes = max(peak_memory_bytes(), steps.peak_memory_bytes)
        entry.state = "done"
        self.manifest.stages[name] = entry
        self._save()
        self.tidy(name)
        self.observer.stage_ended(name, entry, True)
        return entry


def expected_entry(
    stage: Stage,
    data: Path,
    manifest: Manifest,
    digests: Digests,
    keys: Mapping[str, str] | None = None,
) -> Entry:
    """The record that a stage is to have. In a plan, `keys` are those of the stages before it that
    would run, and what they would make is not there yet."""
    inputs = {n: p for n, p in stage.inputs(data).items() if keys is None or p.exists()}
    old = manifest.stages.get(stage.name)
    likes = old.inputs if old is not None else {}
    return Entry.begun(
        stage.config(),
        {name: digests.of_input(path, likes.get(name)) for name, path in inputs.items()},
        {n: (keys or {}).get(n) or manifest.stages[n].key for n in stage.after},
        stage.rules,
        {name: library_version(name) for name in stage.libraries},
    )


def plan(
    data: Path, stages: Sequence[Stage], *, force: bool = False, start: str | None = None
) -> list[tuple[str, str]]:
    """What `Workspace.run_all` would do, by stage: a `Verdict`, with the difference behind it.
    Changes nothing."""
    manifest, digests = Manifest(data), Digests(data)
    keys: dict[str, str] = {}
    verdicts = []
    again = False
    for stage in stages:
        again = again or stage.name == start
        there = {path: None for path in stage.inputs(data).values() if path.exists()}
        digests.prepare(there, ThreadEngine())
        new = expected_entry(stage, data, manifest, digests, keys)
        keys[stage.name] = new.key
        old = manifest.stages.get(stage.name)
        verdict: str = decide(old, new, force=force, again=again)
        if verdict in ("redo", "stale"):
            assert old is not None
            verdict = f"{verdict}: {'; '.join(differences(old, new)[:3])}"
        verdicts.append((stage.name, verdict))
    return verdicts


class Work:
    """The work of one task of a step: its own inputs and arguments.

    `weight` is its share of the step's progress; `name` stands in the names of its outputs, where
    its number should not; `makes` is how many of the step's outputs it makes, where not all.
    """

    def __init__(
        self,
        *inputs: Path,
        weight: int = 1,
        name: str | None = None,
        makes: int | None = None,
        **arguments: Any,
    ) -> None:
        self.inputs = inputs
        self.weight = weight
        self.name = name
        self.makes = makes
        self.arguments = arguments


def weighed(path: Path, *beside: Path, **arguments: Any) -> Work:
    """Work on a file, with its bytes as its weight, and what is read `beside` it."""
    return Work(path, *beside, weight=max(1, path.stat().st_size), **arguments)


def split(partitions: int, *inputs: Path) -> list[Work]:
    """Work for each partition of the same inputs."""
    return [Work(*inputs, partition=p) for p in range(partitions)]


def ranges(count: int, most: int) -> list[tuple[int, int]]:
    """At most `most` ranges of so many things, as long as one another: first and end of each."""
    number = min(count, most)
    ends = [count * i // number for i in range(number + 1)] if number else []
    return list(pairwise(ends))


@dataclass(frozen=True)
class Made:
    """What a step made, a `Done` and its files for each task in the order of the work."""

    done: Sequence[Done]
    paths: Sequence[tuple[Path, ...]]

    def files(self, output: int = 0) -> tuple[Path, ...]:
        """The files of all tasks that are their output number `output`."""
        return tuple(paths[output] for paths in self.paths)

    def counts(self, name: str) -> list[Any]:
        """A count of every task."""
        return [done.counts[name] for done in self.done]

    def total(self, name: str) -> int:
        """The sum of a count."""
        return sum(self.counts(name))

    def by_name(self, name: str) -> Counter[str]:
        """The sum of counts by name."""
        return add_up(self.counts(name))


class Steps:
    """A stage at work: hands the tasks of its steps to the engine and knows what they made."""

    def __init__(self, workspace: Workspace, stage: Stage, entry: Entry | None = None) -> None:
        self.workspace = workspace
        self.data = workspace.data
        self.engine = workspace.engine
        self.observer = workspace.observer
        self.manifest = workspace.manifest
        self.work = workspace.data / STATE / "work" / stage.name  # what only this stage needs
        self.seconds_before = 0.0  # spent by earlier, interrupted runs on tasks that still count
        self.peak_memory_bytes = 0
        self._stage = stage
        self._libraries = {name: library_version(name) for name in stage.libraries}
        self._rules = {"stage": stage.name, "rules": stage.rules, "libraries": self._libraries}
        self._outputs: dict[str, dict[str, Any]] = {}
        # Inputs from outside by the digests that the stage's record has of them.
        self._known = {
            path: entry.inputs[name]
            for name, path in (stage.inputs(self.data).items() if entry is not None else ())
            if entry is not None and name in entry.inputs
        }

    def each(
        self,
        step: str,
        function: TaskFunction,
        over: Iterable[Work],
        outputs: Sequence[str | Files],
        *,
        unit: str = "tasks",
        options: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Made:
        """Runs a step, a task for each of `over`, as far as it is not done.

        `outputs` name the files of a task: `Files` of the data directory, or text with `{}` for a
        working file. `arguments` are those of every task; `options` too, but no result depends on
        them.
        """
        tasks = []
        for i, item in enumerate(over):
            key = i if item.name is None else item.name
            made = tuple(
                self.data / kind.name(key)
                if isinstance(kind, Files)
                else self.work / Files(kind).name(key)
                for kind in outputs[: item.makes]
            )
            name = Files(f"{step}-{{}}").name(key)
            given = {**arguments, **item.arguments}
            tasks.append(Task(name, function, item.inputs, made, given, item.weight, options or {}))
        return Made(self.tasks(step, tasks, unit), [task.outputs for task in tasks])

    def joined(
        self, step: str, files: Sequence[Path], join: TaskFunction = join_shuffles
    ) -> tuple[Path, ...]:
        """Files of a shuffle, or fewer with the same rows in the same order: at most `MOST_FILES`.
        `join` is the task that makes one of several.

        Every task of a merge opens each of them, so that without a limit the opens of a build would
        grow with the square of its size, as do the pieces that a shuffle cuts its rows into.
        """
        if len(files) <= MOST_FILES:
            return tuple(files)
        work = [Work(*files[first:end]) for first, end in ranges(len(files), MOST_FILES)]
        return self.each(step, join, work, [f"{step}-{{}}.joined"]).files()

    def one(
        self,
        step: str,
        function: TaskFunction,
        inputs: Sequence[Path],
        outputs: Sequence[str | Files],
        **others: Any,
    ) -> Made:
        """Runs a step of a single task; `others` as for `each`."""
        return self.each(step, function, [Work(*inputs, name="all")], outputs, **others)

    def tasks(self, step: str, tasks: Sequence[Task], unit: str = "tasks") -> list[Done]:
        """Runs the tasks of a step that are not done yet; returns all, in the order given."""
        names = [task.name for task in tasks]
        if len(set(names)) != len(names):
            raise ValueError(f"task names of step `{step}` are not unique")
        folder = self.data / STATE / "done" / self._stage.name / step
        before = read_markers(folder)
        done: dict[str, Done] = {}
        jobs = []
        for task in tasks:
            digests = {path: self._digest(path) for path in task.inputs}
            fingerprint = task.fingerprint(digests, self._rules)
            marker = folder / f"{task.name}.json"
            found = read_marker(marker, self.data, fingerprint, before.get(task.name))
            if found is not None:
                done[task.name] = found
                self.seconds_before += found.seconds
            else:
                how = (fingerprint, self.data / STATE, (self.workspace.lease.fence,))
                jobs.append(Job(task, self.data, marker, *how, versions=self._libraries))
        observer = self.observer
        observer.step_started(step, sum(job.task.weight for job in jobs), unit)
        # Closed at once on an error or Ctrl-C, so that workers never outlive the step.
        with contextlib.closing(self.engine.run(jobs, observer)) as results:
            for result in results:
                done[result.name] = result
        if jobs:
            write_markers(folder, [done[name] for name in names])
        for result in done.values():
            self._outputs.update(result.outputs)
            self.peak_memory_bytes = max(self.peak_memory_bytes, result.peak_memory_bytes)
            for path, facts in result.outputs.items():
                self._known[self.data / path] = facts["sha256"]
        return [done[name] for name in names]

    def keep(self, paths: Iterable[Path]) -> None:
        """Records files that the stage's body wrote itself, each of them whole or not at all."""
        for path in paths:
            self._outputs[str(path.relative_to(self.data))] = file_facts(path)

    def kept_outputs(self) -> dict[str, dict[str, Any]]:
        """Length and digest of every file that outlives the stage."""
        return {p: facts for p, facts in self._outputs.items() if not p.startswith(STATE)}

    def before(self, files: Files) -> list[Path]:
        """The files of this kind that the stages before left, in order."""
        entries = (self.manifest.stages[name] for name in self._stage.after)
        return [self.data / name for entry in entries for name in files.among(entry.outputs)]

    def counts(self, stage: str) -> dict[str, Any]:
        """The counts of a finished stage."""
        return self.manifest.stages[stage].counts

    def _digest(self, path: Path) -> str:
        if path not in self._known:
            relative = str(path.relative_to(self.data)) if path.is_relative_to(self.data) else None
            for entry in self.manifest.stages.values():
                if relative in entry.outputs:
                    self._known[path] = entry.outputs[relative]["sha256"]
                    break
            else:
                self._known[path] = self.workspace.digests.of_input(path)
        return self._known[path]
