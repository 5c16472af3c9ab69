"""What a cluster has to do for the driver: name its nodes, start, end and watch attempts.

`driver.ClusterEngine` does the rest on top: where an attempt goes, what follows from its end. So
another cluster (Slurm's) needs these five methods and `attempt`, which runs on its nodes.
"""

import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from webtext_py.engine import progress
from webtext_py.engine.commit import run_job
from webtext_py.engine.local import portable
from webtext_py.engine.task import Done, Job
from webtext_py.errors import InputError
from webtext_py.versions import differing

BEAT_S = 5.0  # how often an attempt that says nothing shows that it lives: our choice
_SAY_S = 1.0  # how often it says how far it is


@dataclass(frozen=True)
class Node:
    """A machine of a cluster."""

    id: str
    name: str  # for people
    cpus: int
    memory: int  # bytes


@dataclass(frozen=True)
class Lost:
    """An attempt that came to nothing, through no error of the task's."""

    why: str


class Crashed(Lost):
    """The process died."""


class OutOfMemory(Lost):
    """The task had not enough memory."""


class NodeLost(Lost):
    """The node died or cannot be reached, with whatever ran there."""


@dataclass(frozen=True)
class Failed:
    """The task raised an error."""

    error: BaseException


@dataclass(frozen=True)
class Said:
    """No end: the attempt lives and has done `units` of its weight in all."""

    units: int


Outcome = Done | Lost | Failed
Ref = Hashable


class Cluster(Protocol):
    """Machines that run attempts at tasks."""

    def nodes(self) -> list[Node]:
        """The nodes that live, in a fixed order."""

    def submit(self, job: Job, node: Node) -> Ref:
        """Starts `attempt(job)` on that node and no other; once, whatever becomes of it."""

    def kill(self, ref: Ref) -> None:
        """Ends an attempt, as far as its node can be reached. Does not wait for it."""

    def wait(self, refs: Iterable[Ref], seconds: float) -> list[tuple[Ref, Outcome | Said]]:
        """What was heard of these attempts; waits for something at most `seconds`."""

    def close(self) -> None:
        """Gives back what is held. The cluster can be used again."""


def attempt(job: Job, say: Callable[[int], None]) -> Outcome:
    """Runs a job on a node; for clusters. `say` carries the units done so far to the driver, at
    most once in a second.

    Refuses where webtext, its core, Python or a library that decides the result differs.
    """
    if found := differing(job.versions):
        hint = "install the same Python and the same versions on every node"
        return Failed(InputError(f"this node has {'; '.join(found)}", hint))
    done = threading.Event()
    telling = threading.Thread(target=_tell, args=(say, done), daemon=True)
    progress.attach(None)
    telling.start()
    try:
        return run_job(job)
    except MemoryError as error:
        return OutOfMemory(f"{type(error).__name__}: {error}")
    except BaseException as error:  # a panic of the core is no Exception
        return Failed(portable(error))
    finally:
        done.set()
        telling.join()
        progress.attach(None)


def _tell(say: Callable[[int], None], done: threading.Event) -> None:
    told, silent_s = 0, 0.0
    while not done.wait(_SAY_S):
        units, silent_s = progress.reported(), silent_s + _SAY_S
        if units != told or silent_s >= BEAT_S:
            say(units)
            told, silent_s = units, 0.0
