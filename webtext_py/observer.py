"""Who hears how far work is; the command draws its bars from it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webtext_py.manifest import Entry


class Observer:
    """Hears what is done, and does nothing; whoever wants to know more overrides a method."""

    def stage_started(self, stage: str) -> None:
        """A stage begins or is taken up again."""

    def step_started(self, step: str, total: int, unit: str) -> None:
        """A step of the stage at work begins: `total` units of work are left."""

    def advanced(self, units: int) -> None:
        """`units` more are done."""

    def note(self, text: str) -> None:
        """Something worth a line: what is waited for, how a fetch goes."""

    def stage_ended(self, stage: str, entry: "Entry", fresh: bool) -> None:
        """A stage is done; `fresh` is false where it had been before."""


SILENT = Observer()
