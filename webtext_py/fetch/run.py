"""A fetch from start to end: sources in order of preference, results into the archive."""

import asyncio
import functools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from webtext_py import _core
from webtext_py.fetch.address import Guard, networks
from webtext_py.fetch.archive import Archive
from webtext_py.fetch.client import Client, Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.connector import read_hosts
from webtext_py.fetch.crawl import Link, Wanted, crawl, summary, turn_of
from webtext_py.fetch.journal import Attempt
from webtext_py.fetch.live import Fetched, Live
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.resolver import SystemResolver
from webtext_py.fetch.schedule import Manners
from webtext_py.fetch.state import FetchState, Left
from webtext_py.fetch.surt import surt_key
from webtext_py.observer import Observer
from webtext_py.removed_list import OUTCOME as REMOVED
from webtext_py.removed_list import RemovedList

# What a source takes links by: a site's turn, a host's captures, a place in the index.
NAMES: Mapping[str, Callable[[Link], str]] = {
    "live": turn_of,
    "wayback": lambda link: urlsplit(link.url_key).netloc,
    "commoncrawl": lambda link: surt_key(link.url) or "",
}
_SAY_S = 1.0  # how often the state of the queues is said


class _Fetch:
    """One or more sources at work on the links that none of them has had."""

    def __init__(
        self, archive: Archive, config: FetchConfig, observer: Observer, removed: RemovedList
    ) -> None:
        self.archive, self.config, self.observer = archive, config, observer
        self.removed = removed
        # One thread packs and writes: zlib lets the interpreter go meanwhile.
        self.writer = ThreadPoolExecutor(1, "archive")
        self.outcomes: Counter[str] = Counter()
        self.said = 0.0
        self._by_source: Mapping[str, Callable[[Client, Left], Awaitable[None]]] = {
            "live": self._live,
            "wayback": self._wayback,
            "commoncrawl": self._commoncrawl,
        }

    async def source(self, name: str, links: Left) -> None:
        """Asks one source for all of `links`."""
        self.outcomes.clear()
        self.observer.step_started(name, len(links), "pages")
        config = self.config
        resolver = SystemResolver() if config.hosts is None else read_hosts(config.hosts)
        agent, guard = config.user_agent(_core.__version__), Guard(networks(config.allow_network))
        async with Client(agent, guard, resolver, config.limits, config.any_port) as client:
            await self._by_source[name](client, links)

    async def _live(self, client: Client, links: Left) -> None:
        robots: list[asyncio.Future[None]] = []

        def keep(exchange: Exchange) -> None:
            robots.append(self._write(_robots_attempt(exchange), [exchange]))
            robots[:] = [future for future in robots if not future.done()]

        live = Live(client, Manners(client.limits), probe=self.config.probe, on_robots=keep)
        await crawl(live, links, functools.partial(self._done, "live"), self._watch)
        await asyncio.gather(*robots)

    async def _wayback(self, client: Client, links: Left) -> None:
        from webtext_py.fetch.wayback import Wayback

        pace = Pace(client, self.config.archive_per_minute, self.observer.note)
        await Wayback(pace, self.config).run(links, functools.partial(self._done, "wayback"))

    async def _commoncrawl(self, client: Client, links: Left) -> None:
        from webtext_py.fetch.commoncrawl import CommonCrawl

        # A static file server: ten requests a second, one at a time. Our choice.
        pace = Pace(client, 600.0, self.observer.note)
        crawls = CommonCrawl(pace, self.config)
        await crawls.run(links, functools.partial(self._done, "commoncrawl"))

    async def _done(self, source: str, link: Link, result: Fetched) -> None:
        """Keeps a result; when it returns, the page is done for good."""
        if result.final_url is not None and self.removed.names(result.final_url):
            result.outcome, result.exchanges, result.members = REMOVED, [], None
        when = result.fetched_at
        if when is None and result.exchanges:
            when = result.exchanges[-1].started.isoformat()
        ended = (result.outcome, result.detail[:300], result.final_url, result.redirects)
        attempt = Attempt(link.url_key, link.url, source, *ended, result.status, when)
        await self._write(attempt, result.exchanges, result.members)
        self.outcomes[result.outcome] += 1
        self.observer.advanced(1)
        if source != "live":
            self._say(lambda: summary(self.outcomes))

    def _write(
        self, attempt: Attempt, exchanges: list[Exchange], members: list[bytes] | None = None
    ) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        if members is not None:
            return loop.run_in_executor(self.writer, self.archive.add_members, attempt, members)
        return loop.run_in_executor(self.writer, self.archive.add, attempt, exchanges)

    def _watch(self, wanted: Wanted) -> None:
        self._say(lambda: "; ".join(filter(None, (wanted.state(), summary(self.outcomes)))))

    def _say(self, text: Callable[[], str]) -> None:
        if time.monotonic() - self.said >= _SAY_S:
            self.said = time.monotonic()
            self.observer.note(text())


def _robots_attempt(exchange: Exchange) -> Attempt:
    """The journal's line for a robots.txt: no link's, so its key is empty."""
    url = exchange.url
    return Attempt("", url, "live", "robots.txt", status=exchange.status, final_url=url)


def fetch(
    folder: Path,
    state: FetchState,
    sources: Sequence[str],
    config: FetchConfig,
    observer: Observer,
) -> None:
    """Fetches what is missing of the links of `state` into `folder`; `state` has the attempts then.

    A link goes to the next source when one has nothing good. What an earlier run ended stays,
    except for the reasons in `config.retry`. What is on the state's list of what was removed
    is never asked for, and not kept where a redirect leads to it.
    Ctrl-C (KeyboardInterrupt) leaves everything finished in place.
    """
    config.check(tuple(sources))
    configuration = config.record(tuple(sources))
    with Archive(folder, configuration, rotate_bytes=config.rotate_bytes) as archive:
        run = _Fetch(archive, config, observer, state.removed)
        try:
            state.read(folder)
            for link in state.never_asked(sources):
                archive.add(Attempt(link.url_key, link.url, sources[0], REMOVED), [])
            for source in sources:
                state.read(folder)
                left = state.left(source, sources, config.retry, NAMES[source])
                if left:
                    asyncio.run(run.source(source, left))
            state.read(folder)
        except BaseExceptionGroup as group:
            # One worker's failure is what went wrong; the others were cancelled.
            raise _first(group) from group
        finally:
            run.writer.shutdown(wait=True)


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
