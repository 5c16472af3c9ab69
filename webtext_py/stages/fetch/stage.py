"""The stage's declaration: links in, WARC files and a table of attempts out."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.fetch.config import FetchConfig
from webtext_py.layout import FETCHED, LEFT, LINKS, REMOVED
from webtext_py.ledger import balance
from webtext_py.pages.capture import GOOD
from webtext_py.pages.containers import Containers
from webtext_py.records import FETCHED as COLUMNS
from webtext_py.records import table
from webtext_py.removed_list import RemovedList, removed_list
from webtext_py.stage import Stage
from webtext_py.tables import ROW_GROUP_ROWS, iterate
from webtext_py.workspace import Steps

if TYPE_CHECKING:
    from webtext_py.fetch.crawl import Link
    from webtext_py.fetch.journal import Attempt


@dataclass(frozen=True)
class Fetch(Stage):
    """Asks the network's sources for the links that no given container has a good page for.

    A redo asks for nothing that the journals have, and its files never hold an archive.
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
        from webtext_py.fetch.run import fetch
        from webtext_py.fetch.state import FetchState

        sources, asked = self.containers.network, steps.data / FETCHED.name()
        removed = RemovedList.read(steps.data / REMOVED.name())
        steps.work.mkdir(parents=True, exist_ok=True)
        with FetchState(steps.work, removed) as state:
            total = wanted = state.add(_links(steps))
            if self.containers.given:
                left = iterate(steps.before(LEFT), ["url_key"])
                wanted = state.only(key for batch in left for key in batch["url_key"].to_pylist())
            fetch(asked.parent, state, sources, self.settings, steps.observer)
            outcomes, by_source = _write(state.attempts(sources), asked)
        steps.keep([asked, *self.containers.fetched(steps.data).values()])
        good = outcomes.pop(GOOD, 0) + total - wanted
        counts = balance("fetch", total, good, outcomes)
        counts["sources"] = dict(sorted(by_source.items()))
        counts["sources"]["local"] = good - by_source.total()
        return counts


def _links(steps: Steps) -> "Iterator[Link]":
    from webtext_py.fetch.crawl import Link

    for batch in iterate(steps.before(LINKS), ["url_key", "url", "created_utc"]):
        for row in batch.to_pylist():
            yield Link(row["url_key"], row["url"], row["created_utc"].timestamp())


def _write(
    attempts: "Iterable[Sequence[Attempt]]", path: Path
) -> tuple[Counter[str], Counter[str]]:
    """Writes the attempts, given by link, as `FETCHED`. Returns how the links ended, and good ones
    by source."""
    outcomes: Counter[str] = Counter()
    by_source: Counter[str] = Counter()

    def rows() -> "Iterator[Attempt]":
        for of_link in attempts:
            found = [attempt.source for attempt in of_link if attempt.outcome == GOOD]
            outcomes[GOOD if found else of_link[-1].outcome] += 1
            by_source.update(found)
            yield from of_link

    left = rows()
    with pq.ParquetWriter(path, COLUMNS, compression="zstd") as writer:
        while some := list(islice(left, ROW_GROUP_ROWS)):
            writer.write_table(_table(some))
    return outcomes, by_source


def _table(rows: "Sequence[Attempt]") -> pa.Table:
    """Attempts as `FETCHED`."""
    names = [name for name in COLUMNS.names if name != "fetched_at"]
    columns: dict[str, Any] = {name: [getattr(a, name) for a in rows] for name in names}
    columns["fetched_at"] = [
        None if a.fetched_at is None else dt.datetime.fromisoformat(a.fetched_at) for a in rows
    ]
    return table(COLUMNS, columns)
