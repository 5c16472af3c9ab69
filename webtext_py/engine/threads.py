"""Tasks on threads of this process: for work that the core and Arrow do without the interpreter."""

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from webtext_py.engine import progress
from webtext_py.engine.commit import run_job
from webtext_py.engine.local import available_cpus
from webtext_py.engine.task import Done, Job, Listener, Results

_LOOK_S = 0.1  # how often the waiting thread looks up, for Ctrl-C and progress


class ThreadEngine:
    """Runs jobs on `workers` threads, which share imports, vocabularies and caches.

    An error or Ctrl-C stops the other tasks at their next `advance`.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or available_cpus()

    def run(self, jobs: Iterable[Job], listener: Listener) -> Results:
        """Runs every job once and yields what was done, in the order of completion."""
        stopped = False
        said: list[int] = []  # appended by the tasks' threads, summed up by this one

        def report(units: int) -> None:
            if stopped:
                raise _Stopped
            said.append(units)

        told = owed = 0
        progress.attach(report)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="webtext")
        try:
            running: dict[Future[Done], Job] = {pool.submit(run_job, job): job for job in jobs}
            whole = sum(job.task.weight for job in running.values())
            order = {future: number for number, future in enumerate(running)}
            failed: dict[int, Future[Done]] = {}
            # As with processes: the first task that fails speaks, whichever was faster.
            while running and (not failed or min(map(order.__getitem__, running)) < min(failed)):
                done, _ = wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    owed += running.pop(future).task.weight
                    if future.exception() is None:
                        yield future.result()
                    else:
                        failed[order[future]] = future
                # Never more than the step's total, and all of it at the end.
                now = max(owed, min(sum(said), whole))
                listener.advanced(now - told)
                told = now
            if failed:
                failed[min(failed)].result()
        finally:
            stopped = True
            pool.shutdown(wait=True, cancel_futures=True)
            progress.attach(None)

    def close(self) -> None:
        """Nothing to give back: the threads end with each run."""


class _Stopped(BaseException):
    """Ends a task whose result nobody waits for."""
