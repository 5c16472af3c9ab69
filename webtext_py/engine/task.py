"""What a task is, and what an engine has to do with it."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

TaskFunction = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True)
class Task:
    """A pure function from named input files to named output files.

    `function(inputs, outputs, **arguments, **options)` is called with lists of paths; it must be
    importable by name, write every one of `outputs` and return counts that JSON can hold. What it
    writes may depend on nothing but the content of `inputs` and `arguments`.
    """

    name: str  # unique in its step; names the marker file
    function: TaskFunction
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weight: int = 1  # share of the step's progress, in the step's unit
    options: Mapping[str, Any] = field(default_factory=dict)  # arguments that change no result
    cpus: int = 1  # for an engine that places tasks on machines
    memory: int = 0  # bytes that it is known to need; 0 where it fits beside others
    alone: bool = False  # on its machine, while it runs

    def fingerprint(self, digests: Mapping[Path, str], rules: Mapping[str, Any]) -> str:
        """SHA-256 of what the outputs depend on: function, arguments, the inputs' content, and the
        `rules` (with the versions of libraries) of the stage."""
        parts = {
            "rules": rules,
            "function": f"{self.function.__module__}.{self.function.__qualname__}",
            "arguments": self.arguments,
            "inputs": [digests[path] for path in self.inputs],
            "outputs": [path.name for path in self.outputs],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """A finished task, as its marker records it."""

    name: str
    fingerprint: str
    outputs: dict[str, dict[str, Any]]  # path relative to the data directory -> bytes, sha256
    counts: dict[str, Any]
    seconds: float
    peak_memory_bytes: int


class Listener(Protocol):
    """Hears how far a step is."""

    def advanced(self, units: int) -> None:
        """`units` more of the step's weight are done."""


@dataclass(frozen=True)
class Job:
    """A task with the places that the engine's side needs; crosses to worker processes."""

    task: Task
    root: Path  # output paths in the marker are relative to it
    marker: Path | None  # none where there is nothing to resume: a task without outputs
    fingerprint: str
    state: Path  # where engines keep what they must know after a kill
    fences: tuple[Path, ...] = ()  # files whose presence says that this may no longer commit
    # An engine under which several attempts at a task may be alive names each, and says what its
    # process must be like. Their outputs are created, never replaced.
    attempt: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


# What was done, in any order; closing it stops the rest.
Results = Generator[Done, None, None]


class Engine(Protocol):
    """Runs jobs somewhere and yields what was done, in any order."""

    def run(self, jobs: Iterable[Job], listener: Listener) -> Results:
        """Runs every job once; raises the first error after stopping the rest."""

    def close(self) -> None:
        """Gives back what the engine holds; called when a workspace is left."""
