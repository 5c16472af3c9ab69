"""robots.txt by RFC 9309: what may be fetched, and how slowly.

4xx allows everything; 5xx and an unreachable server forbid everything; redirects are followed five
times; the first 500 KiB count; an answer holds for at most 24 hours.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from webtext_py.fetch.client import Exchange
from webtext_py.fetch.failure import RETRIED, FetchError
from webtext_py.fetch.limits import Limits
from webtext_py.pages.coding import decode_body
from webtext_py.pages.http import REDIRECTS, join_location

# The product token that robots.txt files name us by.
PRODUCT = "webtext"
_BOM = b"\xef\xbb\xbf"
_HELD = 4096  # files in memory; our choice

Ask = Callable[[str], Awaitable[Exchange]]


@dataclass(frozen=True)
class Rules:
    """What one origin's robots.txt says. `parsed` None: all is `allowed`, or all is not."""

    parsed: Protego | None
    allowed: bool
    detail: str = ""
    error: FetchError | None = None  # why the file cannot be had

    def permits(self, url: str) -> bool:
        """Whether `url` may be fetched."""
        return self.allowed if self.parsed is None else self.parsed.can_fetch(url, PRODUCT)

    @property
    def delay_s(self) -> float | None:
        """Crawl-delay in seconds; None where none is asked for."""
        if self.parsed is None:
            return None
        delay = self.parsed.crawl_delay(PRODUCT)
        return None if delay is None or delay < 0 else float(delay)


def parse(body: bytes, limit: int = 500 << 10) -> Rules:
    """The rules in a robots.txt. Never raises: what cannot be read is no rule."""
    text = body[:limit].removeprefix(_BOM).decode("utf-8", "replace")
    return Rules(Protego.parse(text), True)


class Robots:
    """The rules of every origin asked for, each fetched once a day."""

    def __init__(self, ask: Ask, limits: Limits) -> None:
        self._ask = ask  # one polite exchange
        self._limits = limits
        self._held: OrderedDict[str, tuple[float, Rules]] = OrderedDict()
        self._busy: dict[str, asyncio.Task[Rules]] = {}

    async def rules(self, url: str) -> Rules:
        """The rules that hold for `url`'s origin."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        held = self._held.get(origin)
        if held is not None and time.monotonic() - held[0] < self._limits.robots_age_s:
            return held[1]
        if origin not in self._busy:
            self._busy[origin] = asyncio.ensure_future(self._answer(origin))
        return await asyncio.shield(self._busy[origin])

    async def _answer(self, origin: str) -> Rules:
        """The rules of an origin, asked for once however many wait."""
        try:
            rules = await self._fetch(origin + "/robots.txt")
        finally:
            del self._busy[origin]
        if rules.error is None or rules.error.reason not in RETRIED:
            self._held[origin] = (time.monotonic(), rules)
        if len(self._held) > _HELD:
            self._held.popitem(last=False)
        return rules

    async def _fetch(self, url: str) -> Rules:
        for _ in range(self._limits.robots_redirects + 1):
            try:
                answer = await self._ask(url)
            except FetchError as error:
                return Rules(None, False, error.detail, error)
            if answer.status in REDIRECTS:
                target = join_location(url, answer.header("location") or "")
                if target is None:
                    return Rules(None, True, "redirect without target")
                url = target
                continue
            if answer.found():
                limit = self._limits.robots_bytes
                return parse(decode_body(answer.body, answer.headers, limit).body, limit)
            if answer.status == 429 or answer.status // 100 == 5:
                # 429 is "unavailable" by RFC 9309, but a server that asks for fewer requests has
                # not said yes.
                return Rules(None, False, f"robots.txt answered {answer.status}")
            return Rules(None, True, f"robots.txt answered {answer.status}")
        return Rules(None, True, "robots.txt: too many redirects")
