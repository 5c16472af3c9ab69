"""One stage's run in a data directory: what is done stays, what is missing is made.

`Workspace` holds the directory's lock, its manifest and the engine; `Workspace.stage` decides
whether a stage is done, to be resumed, to be redone or stale; inside it, `StageRun.tasks` runs a
step's tasks.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from webtext_py.engine import Done, Engine, LocalEngine, Task
from webtext_py.engine.commit import clean, file_facts, peak_memory_bytes, read_marker
from webtext_py.engine.task import Job
from webtext_py.errors import InputError
from webtext_py.manifest import (
    STATE,
    Digests,
    Entry,
    Manifest,
    new_entry,
    refuse_stale,
)


class Observer(Protocol):
    """Hears what a run does; the command draws bars from it."""

    def stage_started(self, stage: str) -> None:
        """A stage begins or is taken up again."""

    def step_started(self, step: str, total: int, unit: str) -> None:
        """A step of the running stage begins: `total` units of work are left."""

    def advanced(self, units: int) -> None:
        """`units` more are done."""

    def stage_ended(self, stage: str, entry: Entry, fresh: bool) -> None:
        """A stage is done; `fresh` is false where it had been before."""


class Silent:
    """An observer that says nothing."""

    def stage_started(self, stage: str) -> None:
        """Ignored."""

    def step_started(self, step: str, total: int, unit: str) -> None:
        """Ignored."""

    def advanced(self, units: int) -> None:
        """Ignored."""

    def stage_ended(self, stage: str, entry: Entry, fresh: bool) -> None:
        """Ignored."""


@dataclass
class Workspace:
    """A data directory with what is needed to run stages in it. Use as a context manager: it holds
    the directory's lock, so that two runs never write the same files."""

    data: Path
    engine: Engine = field(default_factory=LocalEngine)
    observer: Observer = field(default_factory=Silent)
    reading: bool = False  # makes nothing and locks nothing: a stage that is not done is an error

    def __enter__(self) -> "Workspace":
        if not self.reading:
            self._take()
        self.manifest = Manifest(self.data)
        self.digests = Digests(self.data)
        return self

    def _take(self) -> None:
        try:
            (self.data / STATE).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(f"`{self.data}` is a file; a data directory was expected") from None
        self._lock = os.open(self.data / STATE / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise InputError(
                f"another webtext is at work in `{self.data}`",
                "wait for it, or use another directory with `--data`",
            ) from None

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        if not self.reading:
            os.close(self._lock)

    def stage(
        self,
        name: str,
        body: Callable[["StageRun"], Mapping[str, Any]],
        *,
        config: Mapping[str, Any],
        inputs: Mapping[str, Path] | None = None,
        upstream: Sequence[str] = (),
        files: Sequence[str] = (),
        force: bool = False,
    ) -> Entry:
        """Runs a stage, or finds it done.

        `body` makes the outputs and returns the counts. `config` is all of the configuration that
        the outputs depend on; `inputs` are outside files by their short names; `upstream` the
        stages whose outputs are read; `files` are glob patterns (below the data directory) of what
        belongs to this stage alone and is removed before it is redone. A result under another key
        raises `StaleError` unless `force`.
        """
        digests = {short: self.digests.of(path) for short, path in (inputs or {}).items()}
        if digests and not self.reading:
            self.digests.save()
        keys = {before: self.manifest.stages[before].key for before in upstream}
        entry = new_entry(config, digests, keys)
        old = self.manifest.stages.get(name)
        if self.reading and (old is None or old.state != "done"):
            raise InputError(f"`{self.data}` has no finished `{name}`")
        if old is not None and old.key != entry.key:
            if not force:
                raise refuse_stale(name, old, entry)
            self.forget(name)
        elif old is not None and old.state == "done":
            if not self.reading:
                self._tidy(name)
            self.observer.stage_ended(name, old, False)
            return old
        return self._run(name, entry, body, files)

    def forget(self, name: str) -> None:
        """Removes a stage's entry; its files go when it is run again."""
        if self.manifest.stages.pop(name, None) is not None:
            self.manifest.save()

    def _tidy(self, name: str) -> None:
        # What only this stage needed; after a kill in the middle the next run removes the rest.
        for folder in (f"{STATE}/done/{name}", f"{STATE}/work/{name}"):
            shutil.rmtree(self.data / folder, ignore_errors=True)

    def _empty(self, name: str, files: Sequence[str]) -> None:
        found = [path for pattern in files for path in sorted(self.data.glob(pattern))]
        if found and not self.manifest.path.exists():
            raise InputError(
                f"`{found[0]}` is not webtext's: `{self.data}` has no manifest",
                "use another directory with `--data`, or move the files away",
            )
        for path in found:
            path.unlink()
        self._tidy(name)

    def _run(
        self,
        name: str,
        entry: Entry,
        body: Callable[["StageRun"], Mapping[str, Any]],
        files: Sequence[str],
    ) -> Entry:
        self.observer.stage_started(name)
        if name not in self.manifest.stages:
            self._empty(name, files)
            self.manifest.stages[name] = entry
            self.manifest.save()
        clean(self.data)
        run = StageRun(self, name)
        started = time.monotonic()
        try:
            counts = dict(body(run))
        except BaseException:
            self.engine.close()  # nobody writes any more: what is half-written can go
            clean(self.data)
            raise
        entry.outputs = dict(sorted(run.kept_outputs().items()))
        entry.counts = counts
        entry.seconds = round(run.seconds_before + time.monotonic() - started, 3)
        entry.peak_memory_bytes = max(peak_memory_bytes(), run.peak_memory_bytes)
        entry.state = "done"
        self.manifest.stages[name] = entry
        self.manifest.save()
        self._tidy(name)
        self.observer.stage_ended(name, entry, True)
        return entry


class StageRun:
    """A stage at work: hands tasks to the engine and collects what they made."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.data = workspace.data
        self.work = workspace.data / STATE / "work" / name  # files that only this stage needs
        self.seconds_before = 0.0  # spent by earlier, interrupted runs on tasks that still count
        self.peak_memory_bytes = 0
        self._outputs: dict[str, dict[str, Any]] = {}
        self._known: dict[Path, str] = {}

    def tasks(self, step: str, tasks: Sequence[Task], unit: str = "tasks") -> list[Done]:
        """Runs the tasks of a step that are not done yet; returns all, in the order given."""
        names = [task.name for task in tasks]
        if len(set(names)) != len(names):
            raise ValueError(f"task names of step `{step}` are not unique")
        folder = self.data / STATE / "done" / self.name / step
        done: dict[str, Done] = {}
        jobs = []
        for task in tasks:
            fingerprint = task.fingerprint({path: self._digest(path) for path in task.inputs})
            marker = folder / f"{task.name}.json"
            found = read_marker(marker, self.data, fingerprint)
            if found is not None:
                done[task.name] = found
                self.seconds_before += found.seconds
            else:
                jobs.append(Job(task, self.data, marker, fingerprint))
        observer = self.workspace.observer
        observer.step_started(step, sum(job.task.weight for job in jobs), unit)
        # Closed at once on an error or Ctrl-C, so that workers never outlive the step.
        with contextlib.closing(_generator(self.workspace.engine, jobs, observer)) as results:
            for result in results:
                done[result.name] = result
        for result in done.values():
            self._outputs.update(result.outputs)
            self.peak_memory_bytes = max(self.peak_memory_bytes, result.peak_memory_bytes)
            for path, facts in result.outputs.items():
                self._known[self.data / path] = facts["sha256"]
        return [done[name] for name in names]

    def keep(self, paths: Sequence[Path]) -> None:
        """Records files that the stage's body wrote itself, each of them whole or not at all."""
        for path in paths:
            self._outputs[str(path.relative_to(self.data))] = file_facts(path)

    def kept_outputs(self) -> dict[str, dict[str, Any]]:
        """Length and digest of every file that outlives the stage."""
        return {p: facts for p, facts in self._outputs.items() if not p.startswith(STATE)}

    def outputs_of(self, stage: str, folder: str) -> list[Path]:
        """The files that a finished stage left in `folder`, in order."""
        entry = self.workspace.manifest.stages[stage]
        return [self.data / p for p in sorted(entry.outputs) if p.startswith(f"{folder}/")]

    def _digest(self, path: Path) -> str:
        if path not in self._known:
            relative = str(path.relative_to(self.data)) if path.is_relative_to(self.data) else None
            for entry in self.workspace.manifest.stages.values():
                if relative in entry.outputs:
                    self._known[path] = entry.outputs[relative]["sha256"]
                    break
            else:
                self._known[path] = self.workspace.digests.of(path)
        return self._known[path]


def _generator(
    engine: Engine, jobs: Sequence[Job], observer: Observer
) -> Generator[Done, None, None]:
    yield from engine.run(jobs, observer)
