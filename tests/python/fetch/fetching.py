"""Short ways to fetch from a test server."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from webtext_py.fetch.address import Guard, networks
from webtext_py.fetch.client import Client
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.crawl import Link, turn_of
from webtext_py.fetch.journal import Attempt, journal_line, journals, whole_lines
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.live import Fetched, Live
from webtext_py.fetch.resolver import Resolver
from webtext_py.fetch.run import fetch
from webtext_py.fetch.schedule import Manners
from webtext_py.fetch.state import FetchState, Left
from webtext_py.observer import Observer

LIMITS = Limits(delay_s=0, tries=1, wire_bytes=2 << 20, decoded_bytes=4 << 20)
LOOPBACK = Guard(networks(["127.0.0.1/32"]))
NAMES = ("site.test", "other.test", "evil.test")


def read_journal(folder: Path) -> list[Attempt]:
    """All of the journals."""
    return [Attempt.of(line) for path in journals(folder) for line in whole_lines(path)]


def one_journal(folder: Path) -> list[Attempt]:
    """Puts all lines into one journal, as directories of before have it; returns what it holds."""
    ended = sorted(read_journal(folder), key=lambda a: (a.file or "", a.offset))
    for path in journals(folder):
        path.unlink()
    (folder / "fetch-journal.jsonl").write_bytes(b"".join(map(journal_line, ended)))
    return ended


def fetch_all(
    *urls: str,
    limits: Limits = LIMITS,
    guard: Guard = LOOPBACK,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    probe: bool = False,
    any_port: bool = True,
    **changes: float,
) -> list[Fetched]:
    """What comes of the URLs, one after the other, with one client."""
    if changes:
        limits = replace(limits, **changes)  # type: ignore[arg-type]

    async def run() -> list[Fetched]:
        names = resolver or HostsFile(dict.fromkeys(NAMES, "127.0.0.1"))
        async with Client("webtext-test", guard, names, limits, any_port, tls) as client:
            live = Live(client, Manners(limits, 1), probe=probe)
            return [await live.fetch(url) for url in urls]

    return asyncio.run(run())


def fetched(
    folder: Path,
    links: Sequence[Link],
    sources: Sequence[str],
    config: FetchConfig,
    watcher: Observer,
) -> list[Attempt]:
    """All attempts after a fetch into `folder`."""
    with TemporaryDirectory() as work, FetchState(Path(work)) as state:
        state.add(links)
        fetch(folder, state, sources, config, watcher)
        return [attempt for of_link in state.attempts(sources) for attempt in of_link]


@contextmanager
def left_of(links: Sequence[Link], name: Callable[[Link], str] = turn_of) -> Iterator[Left]:
    """Links that nobody was asked for yet."""
    with TemporaryDirectory() as work, FetchState(Path(work)) as state:
        state.add(links)
        yield state.left("live", ["live"], (), name)


def fetch_one(url: str, **options: object) -> Fetched:
    """What comes of one URL."""
    return fetch_all(url, **options)[0]  # type: ignore[arg-type]
