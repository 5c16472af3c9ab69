"""Progress from inside a task: `advance(n)` reaches the step's listener wherever the task runs."""

from collections.abc import Callable

_report: Callable[[int], None] | None = None
_reported = 0


def advance(units: int) -> None:
    """Says that `units` more of the running task's weight are done.

    Optional: what a task has not said when it ends is added then.
    """
    global _reported
    _reported += units
    if _report is not None:
        _report(units)


def attach(report: Callable[[int], None] | None) -> None:
    """Sends later `advance` calls to `report`; for engines."""
    global _report, _reported
    _report, _reported = report, 0


def reported() -> int:
    """Units said since `attach`."""
    return _reported
