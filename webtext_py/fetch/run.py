"""A fetch from start to end: sources in order of preference, results into the archive."""

import asyncio
import functools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from webtext_py import _core
from webtext_py.fetch.address import Guard, networks
from webtext_py.fetch.archive import Archive, Attempt
from webtext_py.fetch.client import Client, Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.connector import read_hosts
from webtext_py.fetch.crawl import Link, Wanted, crawl, summary
from webtext_py.fetch.live import Fetched, Live
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.resolver import SystemResolver
from webtext_py.fetch.schedule import Manners
from webtext_py.pages.capture import GOOD
from webtext_py.removed_list import OUTCOME as REMOVED
from webtext_py.removed_list import RemovedList
from webtext_py.url.key import without_credentials

__all__ = ["Watcher", "fetch"]

_SAY_S = 1.0  # how often the state of the queues is said


class Watcher(Protocol):
    """Hears how a fetch goes."""

    def step_started(self, step: str, total: int, unit: str) -> None:
        """A source begins with `total` pages left."""

    def advanced(self, units: int) -> None:
        """`units` more are done."""

    def note(self, text: str) -> None:
        """Something worth a line: what is waited for, reasons so far."""


class _Fetch:
    """One run of one or more sources over the links that none of them has had."""

    def __init__(
        self, archive: Archive, config: FetchConfig, watcher: Watcher, removed: RemovedList
    ) -> None:
        self.archive, self.config, self.watcher = archive, config, watcher
        self.removed = removed
        # One thread packs and writes: zlib lets the interpreter go meanwhile.
        self.writer = ThreadPoolExecutor(1, "archive")
        self.outcomes: Counter[str] = Counter()
        self.said = 0.0
        self._by_source: Mapping[str, Callable[[Client, Sequence[Link]], Awaitable[None]]] = {
            "live": self._live,
            "wayback": self._wayback,
            "commoncrawl": self._commoncrawl,
        }

    def wanted(self, links: Sequence[Link], sources: Sequence[str]) -> list[Link]:
        """The links that are not on the list; the others end as `removed`, unless they ended
        before."""
        left = []
        for link in links:
            if not self.removed.has(link.url_key):
                left.append(link)
            elif not any((link.url_key, source) in self.archive.attempts for source in sources):
                self.archive.add(Attempt(link.url_key, link.url, sources[0], REMOVED), [])
        return left

    async def source(self, name: str, links: Sequence[Link]) -> None:
        """Asks one source for all of `links`."""
        self.outcomes.clear()
        self.watcher.step_started(name, len(links), "pages")
        config = self.config
        resolver = SystemResolver() if config.hosts is None else read_hosts(config.hosts)
        client = Client(
            config.user_agent(_core.__version__),
            Guard(networks(config.allow_network)),
            resolver,
            config.limits,
            config.any_port,
        )
        async with client:
            await self._by_source[name](client, links)

    async def _live(self, client: Client, links: Sequence[Link]) -> None:
        robots: list[asyncio.Future[None]] = []

        def keep(exchange: Exchange) -> None:
            robots.append(self._write(_robots_attempt(exchange), [exchange]))
            robots[:] = [future for future in robots if not future.done()]

        live = Live(client, Manners(client.limits), probe=self.config.probe, on_robots=keep)
        await crawl(live, links, functools.partial(self._done, "live"), self._watch)
        await asyncio.gather(*robots)

    async def _wayback(self, client: Client, links: Sequence[Link]) -> None:
        from webtext_py.fetch.wayback import Wayback

        config = self.config
        pace = Pace(client, config.archive_per_minute, self.watcher.note)
        archive = Wayback(
            pace, config.cdx, config.memento, config.capture_window_days, client.limits
        )
        await archive.run(links, functools.partial(self._done, "wayback"))

    async def _commoncrawl(self, client: Client, links: Sequence[Link]) -> None:
        from webtext_py.fetch.commoncrawl import CommonCrawl

        config = self.config
        # A static file server: ten requests a second, one at a time. Our choice.
        pace = Pace(client, 600.0, self.watcher.note)
        crawls = CommonCrawl(
            pace, config.cc_index, config.cc_data, config.capture_window_days, client.limits
        )
        await crawls.run(links, functools.partial(self._done, "commoncrawl"))

    async def _done(
        self, source: str, link: Link, result: Fetched, members: list[bytes] | None = None
    ) -> None:
        """Keeps a result; when it returns, the page is done for good."""
        if result.final_url is not None and self.removed.names(result.final_url):
            result.outcome, result.exchanges, members = REMOVED, [], None
        last = result.exchanges[-1] if result.exchanges else None
        when = last.started.isoformat() if last is not None else None
        attempt = Attempt(
            link.url_key,
            link.url,
            source,
            result.outcome,
            result.detail[:300],
            result.final_url,
            result.redirects,
            result.status,
            result.fetched_at or when,
        )
        if members is None:
            await self._write(attempt, result.exchanges)
        else:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.writer, self.archive.add_members, attempt, members)
        self.outcomes[result.outcome] += 1
        self.watcher.advanced(1)
        if source != "live":
            self._say(lambda: summary(self.outcomes))

    def _write(self, attempt: Attempt, exchanges: list[Exchange]) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self.writer, self.archive.add, attempt, exchanges)

    def _watch(self, wanted: Wanted) -> None:
        self._say(lambda: "; ".join(filter(None, (wanted.state(), summary(self.outcomes)))))

    def _say(self, text: Callable[[], str]) -> None:
        if time.monotonic() - self.said >= _SAY_S:
            self.said = time.monotonic()
            self.watcher.note(text())


def _robots_attempt(exchange: Exchange) -> Attempt:
    """The journal's line for a robots.txt: no link's, so its key is empty."""
    return Attempt(
        "", exchange.url, "live", "robots.txt", status=exchange.status, final_url=exchange.url
    )


def fetch(
    folder: Path,
    links: Sequence[Link],
    sources: Sequence[str],
    config: FetchConfig,
    watcher: Watcher,
    removed: RemovedList | None = None,
) -> list[Attempt]:
    """Fetches what is missing of `links` into `folder`; returns all attempts, by source and link.

    A link goes to the next source when one has nothing good. What an earlier run ended stays,
    except for the reasons in `config.retry`. What is on the list `removed` is never asked for, and
    not kept where a redirect leads to it.
    Ctrl-C (KeyboardInterrupt) leaves everything finished in place.
    """
    config.check(tuple(sources))
    configuration = config.record(tuple(sources))
    with Archive(folder, configuration, rotate_bytes=config.rotate_bytes) as archive:
        run = _Fetch(archive, config, watcher, removed or RemovedList())
        wanted = run.wanted(links, sources)
        try:
            for source in sources:
                left = [
                    Link(link.url_key, without_credentials(link.url), link.created)
                    for link in wanted
                    if _missing(archive, link, sources, source, config)
                ]
                if left:
                    asyncio.run(run.source(source, left))
        except BaseExceptionGroup as group:
            # One worker's failure is what went wrong; the others were cancelled.
            raise _first(group) from group
        finally:
            run.writer.shutdown(wait=True)
        keys = {link.url_key for link in links}
        return [a for (key, s), a in archive.attempts.items() if key in keys and s in sources]


def _missing(
    archive: Archive, link: Link, sources: Sequence[str], source: str, config: FetchConfig
) -> bool:
    """Whether `source` has still to be asked for a link."""
    known = [archive.attempts.get((link.url_key, name)) for name in sources]
    if any(attempt is not None and attempt.outcome == GOOD for attempt in known):
        return False
    own = archive.attempts.get((link.url_key, source))
    return own is None or own.outcome in config.retry or "all" in config.retry


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
