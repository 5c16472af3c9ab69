"""The stage: links in, WARC files and a table of attempts out."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.fetch.archive import Attempt
from webtext_py.fetch.config import NETWORK, FetchConfig
from webtext_py.ledger import balance
from webtext_py.records import FETCHED, table
from webtext_py.stage import StageRun
from webtext_py.tables import write_table

FILES = ("pages/fetched.parquet",)
_NOT_TRIED = "local"


def fetched_files(data: Path, sources: Sequence[str]) -> dict[str, Path]:
    """WARC files that `sources` left in a data directory, by their names."""
    files = {
        path.name: path
        for source in sources
        for path in sorted((data / "pages").glob(f"{source}-*.warc.gz"))
    }
    return dict(sorted(files.items()))


def source_of(name: str) -> str:
    """The source that left the container `name`: by its name, else `archive`."""
    prefix = name.rpartition("/")[2].partition("-")[0]
    return prefix if prefix in NETWORK else "archive"


def run_fetch(
    run: StageRun, config: FetchConfig, sources: Sequence[str], local: Mapping[str, Path]
) -> dict[str, Any]:
    """Fetches what `links/` names and no container of `local` has; returns the stage's counts."""
    from webtext_py.fetch.crawl import Link
    from webtext_py.fetch.local import covered_by
    from webtext_py.fetch.run import GOOD, fetch

    columns = ["url_key", "url", "created_utc"]
    links = [
        Link(row["url_key"], row["url"], row["created_utc"].timestamp())
        for path in run.outputs_of("links", "links")
        for row in pq.read_table(path, columns=columns).to_pylist()
    ]
    covered = covered_by(local.values())
    folder = run.data / "pages"
    attempts = fetch(folder, links, sources, config, _Watcher(run), covered)
    rows = _table(attempts, sources)
    write_table(rows, folder / "fetched.parquet")
    run.keep([folder / "fetched.parquet", *fetched_files(run.data, sources).values()])
    ends: dict[str, str] = {}
    for attempt in attempts:
        if ends.get(attempt.url_key) != GOOD:
            ends[attempt.url_key] = attempt.outcome
    outcomes = Counter(ends.values())
    outcomes[_NOT_TRIED] = sum(link.url_key not in ends for link in links)
    good = outcomes.pop(GOOD, 0) + outcomes.pop(_NOT_TRIED)
    counts = balance("fetch", len(links), good, outcomes)
    counts["sources"] = dict(
        sorted(Counter(a.source for a in attempts if a.outcome == GOOD).items())
    )
    counts["sources"]["local"] = good - sum(counts["sources"].values())
    return counts


def _table(attempts: Sequence[Attempt], sources: Sequence[str]) -> pa.Table:
    """The attempts as `FETCHED`, by link, sources in the order they were asked."""
    rows = sorted(attempts, key=lambda a: (a.url_key, sources.index(a.source)))
    names = [name for name in FETCHED.names if name != "fetched_at"]
    columns: dict[str, Any] = {name: [getattr(a, name) for a in rows] for name in names}
    columns["fetched_at"] = [
        None if a.fetched_at is None else dt.datetime.fromisoformat(a.fetched_at) for a in rows
    ]
    return table(FETCHED, columns)


class _Watcher:
    """A run's observer as a fetch needs it."""

    def __init__(self, run: StageRun) -> None:
        self._observer = run.workspace.observer

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
