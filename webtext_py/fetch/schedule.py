"""Whose turn it is: one connection at a time per site and per address, with a delay between two.

A site is a registrable domain. The delay counts from the end of a request to the beginning of the
next one, so that a server never sees two of them closer than the delay.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.limits import Limits
from webtext_py.url.host import registrable_domain

_PATIENCE_S = 1.0  # our choice


def site_of(host: str) -> str:
    """The name under which requests to `host` are counted together."""
    return host if host.startswith("[") else registrable_domain(host)


@dataclass
class _Turn:
    """One site's or address's place in time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_s: float = 0.0  # by the monotonic clock
    delay_s: float = 0.0


class Manners:
    """The turns of all sites and addresses of a fetch.

    Memory grows with the sites and addresses that were spoken to, about 300 bytes each.
    """

    def __init__(self, limits: Limits, seed: int | None = None) -> None:
        self.limits = limits
        self._turns: dict[str, _Turn] = {}
        self._failures: Counter[str] = Counter()  # in a row
        self._ended: dict[str, str] = {}
        self._random = random.Random(seed)  # jitter only: no result depends on it

    @asynccontextmanager
    async def turn(self, site: str, address: str | None) -> AsyncIterator[None]:
        """Waits for, and holds, the turn of `site` and of `address` (None: of the site alone)."""
        names = [f"site {site}"] + ([f"address {address}"] if address else [])
        async with AsyncExitStack() as stack:
            # Always the site first: two waiters can never hold what the other waits for.
            for name in names:
                turn = self._turns.setdefault(name, _Turn())
                await stack.enter_async_context(turn.lock)
            turns = [self._turns[name] for name in names]
            while (wait := max(t.next_s for t in turns) - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            try:
                yield
            finally:
                now = time.monotonic()
                delay = max([self.limits.delay_s, *(t.delay_s for t in turns[:1])])
                for turn in turns:
                    turn.next_s = max(turn.next_s, now + delay)

    def ready_s(self, site: str) -> float:
        """When the site's next request may begin, by the monotonic clock."""
        turn = self._turns.get(f"site {site}")
        return 0.0 if turn is None else turn.next_s

    def waits(self, site: str) -> bool:
        """Whether the site's turn is further away than a delay or two."""
        return self.ready_s(site) - time.monotonic() > 2 * self.limits.delay_s + _PATIENCE_S

    def slow_down(self, site: str, delay_s: float) -> None:
        """Keeps a Crawl-delay from now on. Raises `FetchError` where it is past the limit."""
        if delay_s > self.limits.max_delay_s:
            raise FetchError("crawl_delay", f"{site}: Crawl-delay {delay_s:g} s")
        turn = self._turns.setdefault(f"site {site}", _Turn())
        if delay_s > turn.delay_s:
            turn.delay_s = delay_s
            # The request for robots.txt itself came before the delay was known.
            turn.next_s = max(turn.next_s, time.monotonic() + delay_s)

    def pause(self, site: str, tries: int, retry_after_s: float | None) -> None:
        """Keeps away from the site: as long as it says, else longer with every try, with jitter."""
        if retry_after_s is None:
            base = max(self.limits.delay_s, 0.1) * 2**tries
            wait = min(base, self.limits.max_delay_s) * self._random.uniform(0.75, 1.25)
        else:
            wait = retry_after_s
        turn = self._turns.setdefault(f"site {site}", _Turn())
        turn.next_s = max(turn.next_s, time.monotonic() + wait)

    def failed(self, site: str) -> bool:
        """Counts a failure of the site; true when it is given up."""
        self._failures[site] += 1
        return self.broken(site)

    def answered(self, site: str) -> None:
        """The site gave an answer: its failures in a row begin anew."""
        self._failures.pop(site, None)

    def end(self, site: str, why: str) -> None:
        """Leaves the site alone for the rest of the fetch, as it asks for more than we wait."""
        self._ended.setdefault(site, why)

    def check(self, site: str) -> None:
        """Raises `FetchError` where the site is not to be asked any more."""
        if site in self._ended:
            raise FetchError("rate_limited", f"{site}: {self._ended[site]}")
        if self.broken(site):
            raise FetchError("host_down", f"{site} failed too often in a row")

    def broken(self, site: str) -> bool:
        """Whether the site failed too often in a row."""
        return self._failures[site] >= self.limits.failures_in_a_row
