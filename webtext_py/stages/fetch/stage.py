"""The stage's declaration: links in, WARC files and a table of attempts out."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.fetch.config import FetchConfig
from webtext_py.layout import FETCHED, LEFT, LINKS, REMOVED
from webtext_py.ledger import balance
from webtext_py.pages.capture import GOOD
from webtext_py.pages.containers import Containers
from webtext_py.records import FETCHED as COLUMNS
from webtext_py.records import table
from webtext_py.removed_list import RemovedList, removed_list
from webtext_py.stage import Stage
from webtext_py.tables import iterate, write_table
from webtext_py.workspace import Steps

if TYPE_CHECKING:
    from webtext_py.fetch.archive import Attempt


@dataclass(frozen=True)
class Fetch(Stage):
    """Asks the network's sources for the links that no given container has a good page for.

    A redo asks for nothing that the journal has, and its files never hold an archive.
    """

    containers: Containers
    settings: FetchConfig

    name = "fetch"
    rules = 1
    files = (FETCHED,)

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The links, and those that the archives at hand leave."""
        return ("links", "archives") if self.containers.given else ("links",)

    def config(self) -> Mapping[str, Any]:
        """What the fetched pages depend on."""
        return self.settings.record(self.containers.network)

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The list of what was removed for good, where there is one."""
        return removed_list(data)

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Fetches, then writes the table of attempts."""
        from webtext_py.fetch.crawl import Link
        from webtext_py.fetch.run import fetch

        columns = ["url_key", "url", "created_utc"]
        left = pa.chunked_array(
            [batch["url_key"] for batch in iterate(steps.before(LEFT))], pa.string()
        )
        links, total = [], 0
        for batch in iterate(steps.before(LINKS), columns):
            total += batch.num_rows
            asked_for = (
                batch.filter(pc.is_in(batch["url_key"], left)) if self.containers.given else batch
            )
            links += [
                Link(row["url_key"], row["url"], row["created_utc"].timestamp())
                for row in asked_for.to_pylist()
            ]
        sources, asked = self.containers.network, steps.data / FETCHED.name()
        watcher = _Watcher(steps)
        removed = RemovedList.read(steps.data / REMOVED.name())
        attempts = fetch(asked.parent, links, sources, self.settings, watcher, removed)
        write_table(_table(attempts, sources), asked)
        steps.keep([asked, *self.containers.fetched(steps.data).values()])
        ends: dict[str, str] = {}
        for attempt in attempts:
            if ends.get(attempt.url_key) != GOOD:
                ends[attempt.url_key] = attempt.outcome
        outcomes = Counter(ends.values())
        good = outcomes.pop(GOOD, 0) + total - len(links)
        counts = balance("fetch", total, good, outcomes)
        by_source = Counter(a.source for a in attempts if a.outcome == GOOD)
        counts["sources"] = dict(sorted(by_source.items()))
        counts["sources"]["local"] = good - by_source.total()
        return counts


def _table(attempts: "Sequence[Attempt]", sources: Sequence[str]) -> pa.Table:
    """The attempts as `FETCHED`, by link, sources in the order they were asked."""
    rows = sorted(attempts, key=lambda a: (a.url_key, sources.index(a.source)))
    names = [name for name in COLUMNS.names if name != "fetched_at"]
    columns: dict[str, Any] = {name: [getattr(a, name) for a in rows] for name in names}
    columns["fetched_at"] = [
        None if a.fetched_at is None else dt.datetime.fromisoformat(a.fetched_at) for a in rows
    ]
    return table(COLUMNS, columns)


class _Watcher:
    """The stage's observer as a fetch needs it."""

    def __init__(self, steps: Steps) -> None:
        self._observer = steps.observer

    def step_started(self, step: str, total: int, unit: str) -> None:
        """A source begins."""
        self._observer.step_started(step, total, unit)

    def advanced(self, units: int) -> None:
        """Pages are done."""
        self._observer.advanced(units)

    def note(self, text: str) -> None:
        """To observers that take notes."""
        note = getattr(self._observer, "note", None)
        if note is not None:
            note(text)
