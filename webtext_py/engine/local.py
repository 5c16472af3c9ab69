"""The local engine: in this process, or in worker processes that it watches itself.

A pool of its own, because it must know which task a dead worker had: that task is run once more,
and a second death names it. Workers die with their parent.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from webtext_py.engine import progress
from webtext_py.engine.commit import run_job
from webtext_py.engine.task import Done, Job, Listener, Results
from webtext_py.errors import InputError, WebTextError

_ATTEMPTS = 2  # a worker may be killed from outside once; twice for one task is the task's fault
# A step whose first task reads no more than this is begun in this process. Our choice: less than a
# second of the slowest step.
TRY_BYTES = 16 << 20
_START_S = 0.4  # CPU seconds of a worker's start, with the imports of a stage; measured
_PR_SET_PDEATHSIG = 1


class LocalEngine:
    """Runs jobs with `workers` processes; with 1, in this process.

    Worker processes are started where what is left of a step is worth it: small steps are done
    before they could begin. They stay for the next step; `close` ends them.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_cpus()
        self._pool: list[_Worker] = []

    def run(self, jobs: Iterable[Job], listener: Listener) -> Results:
        """Runs every job once and yields what was done, in the order of completion."""
        pending = deque(jobs)
        took: list[float] = []
        while pending and not self._worth_workers(pending, took):
            started = time.process_time()  # waits for a busy disk would be no shorter with workers
            done = _run_here(pending.popleft(), listener)
            took.append(time.process_time() - started)
            yield done
        if not pending:
            return
        try:
            yield from _run_pool(pending, min(self.workers, len(pending)), listener, self._pool)
        except BaseException:
            self.close()  # an error, Ctrl-C or a caller that went away: stop what still runs
            raise

    def _worth_workers(self, pending: deque[Job], took_s: list[float]) -> bool:
        """Whether workers would end a step sooner, by the CPU seconds of its tasks until now."""
        if self.workers == 1 or len(pending) == 1:
            return False
        if self._pool or sum(p.stat().st_size for p in pending[0].task.inputs) > TRY_BYTES:
            return True
        if len(took_s) < 2:
            return False
        # Without the slowest, which may be the one that imported.
        mean_s = (sum(took_s) - max(took_s)) / (len(took_s) - 1)
        return mean_s * len(pending) * (1 - 1 / min(self.workers, len(pending))) > _START_S

    def close(self) -> None:
        """Kills the worker processes. The engine can be used again."""
        for worker in self._pool:
            worker.process.kill()
        for worker in self._pool:
            worker.process.join()
            worker.pipe.close()
        self._pool.clear()


def available_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_here(job: Job, listener: Listener) -> Done:
    progress.attach(listener.advanced)
    try:
        done = run_job(job)
        listener.advanced(job.task.weight - progress.reported())
    finally:
        progress.attach(None)
    return done


class _Worker:
    """A process with its pipe and the job it has."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, os.getpid()), name="webtext-worker", daemon=True
        )
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.said = 0

    def give(self, job: Job) -> None:
        self.job, self.said = job, 0
        self.pipe.send(job)


def _run_pool(
    pending: deque[Job], workers: int, listener: Listener, pool: list[_Worker]
) -> Iterator[Done]:
    context = multiprocessing.get_context("spawn")  # forking a process with threads is unsafe
    attempts: dict[str, int] = {}
    order = {job.task.name: number for number, job in enumerate(pending)}
    failed: dict[int, Exception] = {}
    # The error of the first task that fails is raised, whichever was faster: what one worker says.
    while pending or _number(pool, order) < min(failed, default=len(order)):
        while pending and len(pool) < workers:
            pool.append(_Worker(context))
        for worker in pool:
            if worker.job is None and pending:
                job = pending.popleft()
                attempts[job.task.name] = attempts.get(job.task.name, 0) + 1
                # One that died idle is found and replaced below.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    worker.give(job)
        for worker in _ready(pool):
            try:
                yield from _hear(worker, pool, pending, attempts, listener)
            except Exception as error:
                failed[order[worker.job.task.name] if worker.job else 0] = error
                worker.job = None
                pending.clear()
    if failed:
        raise failed[min(failed)]


def _number(pool: list[_Worker], order: dict[str, int]) -> int:
    """The number of the first task at work; that of no task where none is."""
    return min((order[w.job.task.name] for w in pool if w.job is not None), default=len(order))


def _ready(pool: list[_Worker]) -> list[_Worker]:
    by_pipe = {worker.pipe: worker for worker in pool}
    return [by_pipe[pipe] for pipe in wait(list(by_pipe)) if isinstance(pipe, Connection)]


def _hear(
    worker: _Worker,
    pool: list[_Worker],
    pending: deque[Job],
    attempts: dict[str, int],
    listener: Listener,
) -> Iterator[Done]:
    try:
        kind, value = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        pool.remove(worker)
        worker.process.join()
        worker.pipe.close()
        if worker.job is not None:
            name = worker.job.task.name
            if attempts[name] >= _ATTEMPTS:
                raise WebTextError(
                    f"task `{name}` killed its worker process {_ATTEMPTS} times "
                    f"(exit code {worker.process.exitcode}); "
                    "out of memory is the usual cause: use fewer workers"
                ) from None
            listener.advanced(-worker.said)
            pending.appendleft(worker.job)
        return
    if kind == "advanced":
        worker.said += value
        listener.advanced(value)
    elif kind == "failed":
        raise value
    else:
        assert worker.job is not None
        listener.advanced(worker.job.task.weight - worker.said)
        worker.job = None
        yield value


def _serve(pipe: Connection, parent: int) -> None:
    """A worker's life: jobs from the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it kills us
    _die_with(parent)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        progress.attach(lambda units: pipe.send(("advanced", units)))
        try:
            message: tuple[str, Any] = ("done", run_job(job))
        except BaseException as error:  # a panic of the core is no Exception
            message = ("failed", portable(error))
        progress.attach(None)
        try:
            pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def portable(error: BaseException) -> BaseException:
    """The error as another process can read it, a bug's with the worker's traceback as a note."""
    import traceback

    sent = _sent(error)
    if not isinstance(error, WebTextError | OSError):
        sent.add_note("".join(traceback.format_exception(error)))
    return sent


def _sent(error: BaseException) -> BaseException:
    """The error itself where it is Python's own or ours, else one that says the same."""
    import pickle

    if type(error).__module__ in ("builtins", WebTextError.__module__, InputError.__module__):
        with contextlib.suppress(Exception):  # it holds what cannot be sent
            pickle.dumps(error)
            return error
    if isinstance(error, WebTextError):
        return InputError(str(error), getattr(error, "hint", None))
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror or str(error), error.filename)
    return RuntimeError(f"{type(error).__name__}: {error}")
