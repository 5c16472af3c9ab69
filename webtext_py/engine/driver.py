"""The engine on top of a cluster: where an attempt at a task goes, and what follows from its end.

A node gets as many attempts as it has CPUs and one more, so that it never waits for the driver. A
crash or a lack of memory costs a task one of three attempts, the next with twice the memory and
alone on its node; a lost node costs it one of eight. An error of the task stops the step. When no
task waits any more, one that takes three times the median gets a second attempt elsewhere; the
first that commits wins, and an attempt that was given up can commit nothing.
"""

import statistics
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from webtext_py.engine.attempts import Attempts
from webtext_py.engine.cluster import (
    Cluster,
    Crashed,
    Failed,
    Node,
    NodeLost,
    Outcome,
    OutOfMemory,
    Ref,
    Said,
)
from webtext_py.engine.lease import revoked
from webtext_py.engine.task import Done, Job, Listener, Results
from webtext_py.errors import InputError, WebTextError
from webtext_py.versions import here

_CRASHES = 3  # attempts that may crash or lack memory
_LOSSES = 8  # nodes that a task may lose
_SLOW = 3  # times the median makes a straggler
_FIRST_MEMORY = 1 << 30  # doubled for a task of which nothing is known: our choice
_FIRST_S = 120.0
_LOOK_S = 0.5  # how often the driver looks up
_NODES_S = 2.0  # how often it asks which nodes live


@dataclass
class _Waiting:
    """A task on its way."""

    job: Job
    memory: int
    alone: bool
    crashes: int = 0
    losses: int = 0
    begun: int = 0  # attempts
    said: int = 0  # units that the listener knows of
    live: set[Ref] = field(default_factory=set)

    @classmethod
    def of(cls, job: Job, journal: Attempts) -> "_Waiting":
        """A task that has not begun; an earlier driver's attempts at it count."""
        crashes = journal.crashes(job.task.name, job.fingerprint)
        return cls(job, job.task.memory, job.task.alone, crashes)


@dataclass
class _Attempt:
    """One attempt at a task."""

    waiting: _Waiting
    node: Node
    job: Job
    number: int
    started: float
    memory: int
    alone: bool
    said: int = 0


class ClusterEngine:
    """Runs jobs on the nodes of a cluster.

    `straggler_s` is the age below which no attempt is a straggler; a node that runs attempts and
    says nothing for `silent_s` is banned, as one that is lost. One that never said anything has
    `_FIRST_S`, since its processes have to start.
    """

    def __init__(
        self, cluster: Cluster, *, straggler_s: float = 30.0, silent_s: float = 60.0
    ) -> None:
        self.cluster = cluster
        self.straggler_s, self.silent_s = straggler_s, silent_s
        self.banned: set[str] = set()
        self.known: set[str] = set()  # nodes of which something was heard

    def run(self, jobs: Iterable[Job], listener: Listener) -> Results:
        """Runs every job until one attempt at it is done; yields in the order of completion."""
        waiting = list(jobs)
        if not waiting:
            return
        with Attempts(waiting[0].state) as journal:
            run = _Run(self, waiting, journal, listener)
            try:
                yield from run.results()
            finally:
                run.give_up_all()

    def close(self) -> None:
        """Gives the cluster back. The engine can be used again."""
        self.cluster.close()


class _Run:
    """The jobs of one step."""

    def __init__(
        self, engine: ClusterEngine, jobs: list[Job], journal: Attempts, listener: Listener
    ) -> None:
        self.engine, self.cluster = engine, engine.cluster
        self.journal, self.listener = journal, listener
        self.queue = deque(_Waiting.of(job, journal) for job in jobs)
        self.versions = here(jobs[0].versions)
        self.attempts: dict[Ref, _Attempt] = {}
        self.seconds: list[float] = []  # of the tasks that are done
        # By node: when something was heard of it, CPUs and memory given away, tasks alone on it.
        self.heard: dict[str, float] = {}
        self.load: Counter[str] = Counter()
        self.memory: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.nodes: list[Node] = []
        self.asked = -_NODES_S
        self.looked = time.monotonic()

    def results(self) -> Iterator[Done]:
        """Until nothing waits and nothing runs."""
        while self.queue or self.attempts:
            self._look_at_nodes()
            self._place()
            for ref, outcome in self.cluster.wait(list(self.attempts), _LOOK_S):
                attempt = self.attempts.get(ref)
                if attempt is None:
                    continue  # given up in this very round
                self.heard[attempt.node.id] = time.monotonic()
                self.engine.known.add(attempt.node.id)
                if isinstance(outcome, Said):
                    attempt.said = outcome.units
                    self._advanced(attempt.waiting)
                elif isinstance(outcome, Done):
                    yield self._done(ref, attempt, outcome)
                else:
                    self._ended(ref, attempt, outcome)
            self._look_for_silence()
            if not self.queue:
                self._second_attempts()

    def give_up_all(self) -> None:
        """Ends what still runs; none of it can commit."""
        for ref in list(self.attempts):
            self._give_up(ref, "given up")

    # Where attempts go.

    def _look_at_nodes(self) -> None:
        if time.monotonic() - self.asked < _NODES_S:
            return
        self.asked = time.monotonic()
        found = self.cluster.nodes()
        self.nodes = [node for node in found if node.id not in self.engine.banned and node.cpus]
        if not self.nodes:
            banned = len(self.engine.banned)
            raise InputError(
                f"no node is left to run tasks on ({len(found)} live, {banned} banned)",
                "start nodes with CPUs and run the command again: what is done stays done",
            )
        living = {node.id for node in found}
        for ref, attempt in list(self.attempts.items()):
            if attempt.node.id not in living:
                self._ended(ref, attempt, NodeLost("it is gone"))

    def _place(self) -> None:
        """As many attempts as the nodes take, in the order of the tasks."""
        while self.queue and (node := self._node_for(self.queue[0])) is not None:
            self._begin(self.queue.popleft(), node)

    def _node_for(self, waiting: _Waiting, without: frozenset[str] = frozenset()) -> Node | None:
        """The node with the most room, None where none has enough now."""
        best: tuple[int, Node] | None = None
        for node in self.nodes:
            if node.id in without or self.taken[node.id]:
                continue
            empty = not self.load[node.id]
            room = node.cpus + 1 - self.load[node.id]
            # What is larger than any node goes to an empty one and may fail there.
            memory = self.memory[node.id] + waiting.memory
            fits = waiting.job.task.cpus <= room and memory <= node.memory
            if (empty or (fits and not waiting.alone)) and (best is None or room > best[0]):
                best = room, node
        return None if best is None else best[1]

    def _begin(self, waiting: _Waiting, node: Node) -> None:
        job = waiting.job
        if not waiting.begun:
            # What a killed run left without a marker; nobody writes it now.
            for path in job.task.outputs:
                path.unlink(missing_ok=True)
        waiting.begun += 1
        name = uuid.uuid4().hex[:12]
        fences = (*job.fences, revoked(job.state, name))
        job = absolute(replace(job, attempt=name, fences=fences, versions=self.versions))
        ref = self.cluster.submit(job, node)
        now = time.monotonic()
        if not self.load[node.id]:
            self.heard[node.id] = now  # until now there was nothing to say
        attempt = _Attempt(waiting, node, job, waiting.begun, now, waiting.memory, waiting.alone)
        waiting.live.add(ref)
        self.attempts[ref] = attempt
        self._count(attempt, 1)
        self._write("begun", attempt, memory=waiting.memory, alone=waiting.alone)

    # What becomes of them.

    def _done(self, ref: Ref, attempt: _Attempt, done: Done) -> Done:
        self._forget(ref, attempt)
        self._write("done", attempt, seconds=done.seconds)
        for other in list(attempt.waiting.live):
            self._give_up(other, "beaten")
        self.seconds.append(done.seconds)
        waiting = attempt.waiting
        self.listener.advanced(waiting.job.task.weight - waiting.said)
        return done

    def _ended(self, ref: Ref, attempt: _Attempt, outcome: Outcome) -> None:
        """Takes up a task again whose attempt ended without a result, or raises why not."""
        waiting = attempt.waiting
        name = waiting.job.task.name
        if isinstance(outcome, Failed):
            self._forget(ref, attempt)
            self._write("failed", attempt, why=str(outcome.error))
            outcome.error.add_note(
                f"task `{name}`, attempt {attempt.number}, on node {attempt.node.name}"
            )
            raise outcome.error
        if isinstance(outcome, NodeLost):
            self._lost(attempt.node, outcome.why)
            return
        assert isinstance(outcome, Crashed | OutOfMemory)
        self._forget(ref, attempt)
        short = isinstance(outcome, OutOfMemory)
        self._write("out of memory" if short else "crashed", attempt, why=outcome.why)
        waiting.crashes += 1
        if waiting.crashes >= _CRASHES:
            self._write("named", attempt)
            did = "ran out of memory or died" if short else "died"
            raise WebTextError(
                f"task `{name}` {did} {waiting.crashes} times, the last time on node "
                f"{attempt.node.name}: {outcome.why}"
            )
        waiting.memory = 2 * (waiting.memory or _FIRST_MEMORY)
        waiting.alone = True
        self._again(waiting)

    def _lost(self, node: Node, why: str) -> None:
        """A node is gone or silent: nothing more goes there, and what was there goes elsewhere."""
        self.engine.banned.add(node.id)
        self.nodes = [other for other in self.nodes if other.id != node.id]
        self.asked = -_NODES_S
        for ref, attempt in list(self.attempts.items()):
            if attempt.node.id != node.id:
                continue
            self._give_up(ref, "lost")
            waiting = attempt.waiting
            waiting.losses += 1
            if waiting.losses >= _LOSSES:
                raise WebTextError(
                    f"task `{waiting.job.task.name}` lost {waiting.losses} nodes, the last one "
                    f"{node.name}: {why}"
                )
            self._again(waiting)

    def _again(self, waiting: _Waiting) -> None:
        if not waiting.live:
            self.queue.appendleft(waiting)

    def _forget(self, ref: Ref, attempt: _Attempt) -> None:
        del self.attempts[ref]
        self._count(attempt, -1)
        attempt.waiting.live.discard(ref)
        self._advanced(attempt.waiting)

    def _count(self, attempt: _Attempt, times: int) -> None:
        self.load[attempt.node.id] += times * attempt.job.task.cpus
        self.memory[attempt.node.id] += times * attempt.memory
        self.taken[attempt.node.id] += times * attempt.alone

    def _give_up(self, ref: Ref, what: str) -> None:
        """Ends an attempt; one that cannot be reached finds its fence when it would commit."""
        attempt = self.attempts[ref]
        fence = revoked(attempt.job.state, attempt.job.attempt)
        fence.parent.mkdir(parents=True, exist_ok=True)
        fence.touch()
        self.cluster.kill(ref)
        self._write(what, attempt)
        self._forget(ref, attempt)

    def _advanced(self, waiting: _Waiting) -> None:
        """Tells the listener of the attempt that is furthest."""
        said = max((self.attempts[ref].said for ref in waiting.live), default=0)
        if said != waiting.said:
            self.listener.advanced(said - waiting.said)
            waiting.said = said

    # Who is slow, and who is silent.

    def _look_for_silence(self) -> None:
        now = time.monotonic()
        # While this process itself stood still, nothing could be heard of anybody.
        pause = max(0.0, now - self.looked - 2 * _LOOK_S)
        self.looked = now
        self.heard = {node: when + pause for node, when in self.heard.items()}
        for node in list(self.nodes):
            limit = self.engine.silent_s
            if node.id not in self.engine.known:
                limit = max(limit, _FIRST_S)
            if self.load[node.id] and now - self.heard[node.id] > limit:
                self._lost(node, f"silent for {limit:.0f} s")

    def _second_attempts(self) -> None:
        now = time.monotonic()
        old = [a for a in self.attempts.values() if now - a.started > self.engine.straggler_s]
        if not (old and self.seconds):
            return
        limit = _SLOW * statistics.median(self.seconds)
        for attempt in old:
            waiting = attempt.waiting
            if len(waiting.live) == 1 and not waiting.alone and now - attempt.started > limit:
                node = self._node_for(waiting, frozenset({attempt.node.id}))
                if node is not None:
                    self._begin(waiting, node)

    def _write(self, what: str, attempt: _Attempt, **facts: Any) -> None:
        job = attempt.job
        facts = {"attempt": job.attempt, "number": attempt.number, "node": attempt.node.id, **facts}
        self.journal.write(what, job.task.name, job.fingerprint, **facts)


def absolute(job: Job) -> Job:
    """The job with absolute paths: a node's working directory is another."""

    def made(paths: Iterable[Path]) -> tuple[Path, ...]:
        return tuple(path.absolute() for path in paths)

    task = replace(job.task, inputs=made(job.task.inputs), outputs=made(job.task.outputs))
    root, state = made((job.root, job.state))
    marker = job.marker and job.marker.absolute()
    return replace(job, task=task, root=root, marker=marker, state=state, fences=made(job.fences))
