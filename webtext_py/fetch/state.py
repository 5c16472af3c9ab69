"""What a fetch is asked for and how it went so far, on disk, so that memory holds neither.

An SQLite database made by every run from the links and the journals: nothing of it outlives the
run. Its tables are ordered by their keys as rows come, so that no sort needs room elsewhere.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from webtext_py.fetch.crawl import Link
from webtext_py.fetch.journal import Attempt, journals, whole_lines
from webtext_py.pages.capture import GOOD
from webtext_py.removed_list import RemovedList
from webtext_py.url.key import without_credentials

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE links (key TEXT PRIMARY KEY, number INTEGER, url TEXT, created REAL) WITHOUT ROWID;
CREATE TABLE attempts (key TEXT, source TEXT, outcome TEXT, line BLOB, PRIMARY KEY (key, source))
  WITHOUT ROWID;
CREATE TABLE turns (name TEXT, number INTEGER, key TEXT, url TEXT, created REAL,
  PRIMARY KEY (name, number)) WITHOUT ROWID;
"""
_FETCHED_ROWS = 4096  # of a query that is read to its end


class FetchState:
    """Links and attempts. A context manager; `folder` has to be there, and `close` empties it.

    What is on the list `removed` is left to nobody.
    """

    def __init__(self, folder: Path, removed: RemovedList | None = None) -> None:
        self.removed = RemovedList() if removed is None else removed
        self._path = folder / "fetch.sqlite"
        self._read: Counter[Path] = Counter()  # bytes of each journal that are in `attempts`

    def __enter__(self) -> "FetchState":
        self._path.unlink(missing_ok=True)
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.executescript(_TABLES)
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()
        self._path.unlink(missing_ok=True)

    def add(self, links: Iterable[Link]) -> int:
        """Adds links, whose order is the order of fetching; returns how many."""
        count = self._count("links")
        rows = ((k.url_key, n, k.url, k.created) for n, k in enumerate(links, count))
        self._many("INSERT INTO links VALUES (?, ?, ?, ?)", rows)
        return self._count("links") - count

    def only(self, keys: Iterable[str]) -> int:
        """Leaves out the links with other keys; returns how many stay."""
        self._base.execute("CREATE TABLE wanted (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._many("INSERT INTO wanted VALUES (?)", ((key,) for key in keys))
        self._base.execute("DELETE FROM links WHERE key NOT IN wanted")
        return self._count("links")

    def read(self, folder: Path) -> None:
        """Takes up what the journals have since they were last read."""

        def rows() -> Iterator[tuple[Any, ...]]:
            for journal in journals(folder):
                for line in whole_lines(journal, self._read[journal]):
                    self._read[journal] += len(line)
                    attempt = Attempt.of(line)
                    yield attempt.url_key, attempt.source, attempt.outcome, line

        self._many("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", rows())

    def left(
        self, source: str, sources: Sequence[str], retry: Sequence[str], name: Callable[[Link], str]
    ) -> "Left":
        """The links that `source` has still to be asked for, by the name that `name` gives them:
        those for which none of `sources` had a good page, nor this one an end that stays."""
        self._base.execute("DELETE FROM turns")
        many = ", ".join("?" * len(sources))
        query = f"""SELECT key, number, url, created FROM links WHERE NOT EXISTS (
            SELECT 1 FROM attempts WHERE key = links.key AND outcome = ? AND source IN ({many}))"""
        given: list[Any] = [GOOD, *sources]
        if "all" not in retry:
            again = ", ".join("?" * len(retry))
            query += f""" AND NOT EXISTS (SELECT 1 FROM attempts
                WHERE key = links.key AND source = ? AND outcome NOT IN ({again}))"""
            given += [source, *retry]

        def rows() -> Iterator[tuple[Any, ...]]:
            for key, number, url, created in _rows(self._base, query, given):
                if self.removed.has(key):
                    continue
                link = Link(key, without_credentials(url), created)
                yield name(link), number, key, link.url, created

        self._many("INSERT INTO turns VALUES (?, ?, ?, ?, ?)", rows())
        return Left(self._base, self._count("turns"))

    def never_asked(self, sources: Sequence[str]) -> Iterator[Link]:
        """The links on the list of what was removed that none of `sources` was asked for."""
        many = ", ".join("?" * len(sources))
        query = f"""SELECT key, url, created FROM links WHERE NOT EXISTS (
            SELECT 1 FROM attempts WHERE key = links.key AND source IN ({many}))"""
        for key, url, created in _rows(self._base, query, sources) if len(self.removed) else ():
            if self.removed.has(key):
                yield Link(key, without_credentials(url), created)

    def attempts(self, sources: Sequence[str]) -> Iterator[list[Attempt]]:
        """The last attempts for each link that there are, in the order of `sources`; links in the
        order of their keys."""
        # In this order: both tables are walked through by their key.
        query = "SELECT line FROM attempts CROSS JOIN links USING (key) ORDER BY attempts.key"
        found = (Attempt.of(line) for (line,) in _rows(self._base, query))
        for _, group in groupby(found, lambda attempt: attempt.url_key):
            asked = [attempt for attempt in group if attempt.source in sources]
            if asked:
                yield sorted(asked, key=lambda attempt: sources.index(attempt.source))

    def _many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._base.execute("BEGIN")
        self._base.executemany(statement, rows)
        self._base.execute("COMMIT")

    def _count(self, table: str) -> int:
        count: int = self._base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


def _rows(
    base: sqlite3.Connection, query: str, given: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    cursor = base.execute(query, given)
    cursor.arraysize = _FETCHED_ROWS
    while rows := cursor.fetchmany():
        yield from rows


class Left:
    """What is left to fetch, by name (of a site, a host); in the order of names where it is read
    through."""

    def __init__(self, base: sqlite3.Connection, count: int) -> None:
        self._base, self._total = base, count

    def __len__(self) -> int:
        return self._total

    def names(self) -> list[tuple[str, int, int]]:
        """Each name, the number of its first link, and how many it has; by that number."""
        query = "SELECT name, min(number), count(*) FROM turns GROUP BY name"
        return sorted(self._base.execute(query), key=lambda found: found[1])

    def take(self, name: str, start: int, most: int) -> list[tuple[int, Link]]:
        """At most `most` links of a name with their numbers, from number `start` on."""
        query = """SELECT number, key, url, created FROM turns WHERE name = ? AND number >= ?
            ORDER BY number LIMIT ?"""
        found = self._base.execute(query, (name, start, most))
        return [(number, Link(*link)) for number, *link in found]

    def __iter__(self) -> Iterator[tuple[str, Link]]:
        for name, _, *link in _rows(self._base, "SELECT * FROM turns ORDER BY name, number"):
            yield name, Link(*link)
