"""Many pages from their own servers: a queue for each site, workers that take whose turn it is.

Memory grows with the sites that have links left, about 500 bytes each: their links stay on disk.
"""

import asyncio
import heapq
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webtext_py.fetch.live import Fetched, Live
from webtext_py.fetch.schedule import site_of
from webtext_py.url.key import fetch_url

if TYPE_CHECKING:
    from webtext_py.fetch.state import Left

_TAKEN = 16  # links of a site in memory; our choice

# How long a worker sleeps when every site waits; also bounds how late a Ctrl-C is seen.
_NAP_S = 0.25
_SHOWN = 6  # reasons that are named while fetching; the summary at the end has all


@dataclass(slots=True)
class Link:
    """One link to fetch. `created` in seconds since 1970."""

    url_key: str
    url: str
    created: float
    tries: int = 0
    begun: Fetched | None = None  # what came of it until a redirect led to a paused site


Done = Callable[[Link, Fetched], Awaitable[None]]


@dataclass(slots=True)
class Queue:
    """The links of a site: those in memory, and from number `next` on `left` more on disk."""

    next: int = 0
    left: int = 0
    links: deque[Link] = field(default_factory=deque)

    def __len__(self) -> int:
        return self.left + len(self.links)


@dataclass
class Wanted:
    """What is left to fetch, by site, and when each site may be asked again. `lined`: the sites
    that stand in the heap or are at work."""

    source: "Left"
    queues: dict[str, Queue] = field(default_factory=dict)
    heap: list[tuple[float, int, str]] = field(default_factory=list)
    left: int = 0
    busy: int = 0
    number: int = 0
    lined: set[str] = field(default_factory=set)

    def push(self, site: str, ready_s: float) -> None:
        """Lines a site up."""
        self.lined.add(site)
        self.number += 1
        heapq.heappush(self.heap, (ready_s, self.number, site))

    def pop(self, site: str) -> Link:
        """The next link of a site; one that comes again waits with the few in memory."""
        queue = self.queues[site]
        if not queue.links:
            taken = self.source.take(site, queue.next, _TAKEN)
            queue.links.extend(link for _, link in taken)
            queue.left -= len(taken)
            queue.next = taken[-1][0] + 1
        link = queue.links.popleft()
        link.url = _asked(link) or link.url
        return link

    def state(self) -> str:
        """How many sites have to wait now, and how many pages the site with most has left."""
        now = time.monotonic()
        waiting = sum(ready > now for ready, _, _ in self.heap)
        most = max(map(len, self.queues.values()), default=0)
        return f"{waiting:,} hosts wait, at most {most:,} pages left at one"


def turn_of(link: Link) -> str:
    """The site whose turn a link's is; none where its URL is none."""
    url = _asked(link)
    return "" if url is None else site_of(urlsplit(url).hostname or "")


def _asked(link: Link) -> str | None:
    url = fetch_url(link.url)
    return None if url is None else url.partition("#")[0]


async def crawl(live: Live, left: "Left", done: Done, watch: Callable[[Wanted], None]) -> None:
    """Fetches every link of `left`, which are named by `turn_of`, and hands each result to `done`;
    `watch` sees the queues now and then."""
    wanted = Wanted(left, left=len(left))
    for site, first, count in left.names():
        wanted.queues[site] = Queue(first, count)
        if site:
            wanted.push(site, 0.0)
    while wanted.queues.get(""):
        link = wanted.pop("")
        await done(link, Fetched("bad_url", link.url))
        wanted.left -= 1
    count = min(live.client.limits.connections, len(wanted.heap))
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_work(live, wanted, done))
        if count:
            group.create_task(_watch(wanted, watch))


async def _watch(wanted: Wanted, watch: Callable[[Wanted], None]) -> None:
    while wanted.left:
        watch(wanted)
        await asyncio.sleep(_NAP_S)
    watch(wanted)


async def _work(live: Live, wanted: Wanted, done: Done) -> None:
    while wanted.left:
        now = time.monotonic()
        if not wanted.heap or wanted.heap[0][0] > now:
            ready = wanted.heap[0][0] - now if wanted.heap else _NAP_S
            await asyncio.sleep(min(_NAP_S, max(0.001, ready)))
            continue
        _, _, site = heapq.heappop(wanted.heap)
        queue, link = wanted.queues[site], wanted.pop(site)
        result = await live.fetch(link.url, link.tries, link.begun)
        link.begun = None
        if result.again:
            link.tries += 1
            queue.links.append(link)
        elif result.waits_for is not None:
            link.begun, there = result, result.waits_for
            wanted.queues.setdefault(there, Queue()).links.append(link)
            if there not in wanted.lined:
                wanted.push(there, live.manners.ready_s(there))
        else:
            await done(link, result)
            wanted.left -= 1
        if queue:
            wanted.push(site, live.manners.ready_s(site))
        else:
            wanted.lined.discard(site)


def summary(outcomes: Counter[str]) -> str:
    """Reasons so far, the commonest first, with their counts."""
    shown = outcomes.most_common(_SHOWN)
    others = outcomes.total() - sum(count for _, count in shown)
    names = [f"{count:,} {reason}" for reason, count in shown]
    return ", ".join([*names, *([f"{others:,} others"] if others else [])])
