"""Stages that take documents out, one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from webtext_py.layout import DOCUMENTS, url_ends
from webtext_py.ledger import balance
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Steps


@dataclass(frozen=True)
class Filter(Stage):
    """A stage that takes `documents/`, less what the filters `before` it removed, and gives ledger
    rows of what it drops: a file for each bundle of documents."""

    before: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """Extraction and the filters before."""
        return ("extract", *self.before)

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """The ledger's rows."""
        return (url_ends(self.name),)

    def documents(self, steps: Steps) -> list[Path]:
        """The files of documents."""
        return steps.before(DOCUMENTS)

    def removed(self, steps: Steps) -> list[list[Path]]:
        """What each filter before removed, a file for each bundle."""
        return [steps.before(url_ends(name)) for name in self.before]

    def balanced(self, taken: int, dropped: Mapping[str, int]) -> dict[str, Any]:
        """The counts of the stage."""
        dropped = {reason: count for reason, count in dropped.items() if count}
        return balance(self.name, taken, taken - sum(dropped.values()), dropped)


def in_order(filters: Sequence[Filter]) -> list[Filter]:
    """The filters, each knowing those before it."""
    names = [stage.name for stage in filters]
    return [replace(stage, before=tuple(names[:i])) for i, stage in enumerate(filters)]
