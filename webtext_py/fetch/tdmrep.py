"""TDM reservations that a server states for its paths, in `/.well-known/tdmrep.json`.

The third form of the TDM Reservation Protocol (W3C Community Group), beside the header and the meta
tag of `optout`: a list of `{"location": PATTERN, "tdm-reservation": 0 or 1}`. Patterns are as in
robots.txt: a path's beginning, `*` for anything, `$` for the end. Where several match, one that
reserves is enough: to leave out a page too many does no harm.
"""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

__all__ = ["PATH", "Reservations", "parse"]

PATH = "/.well-known/tdmrep.json"
_HELD = 4096  # hosts' files in memory; our choice
_PATTERNS = 1000  # and of one file; our choice

Patterns = tuple[str, ...]


def parse(body: bytes) -> Patterns:
    """The locations that are reserved. Never raises: what cannot be read reserves nothing."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    found = []
    for row in rows[:_PATTERNS] if isinstance(rows, list) else ():
        if isinstance(row, dict) and str(row.get("tdm-reservation")) == "1":
            location = row.get("location")
            if isinstance(location, str) and location.startswith("/"):
                found.append(location)
    return tuple(found)


def reserves(patterns: Patterns, path: str) -> str | None:
    """The first pattern that holds for `path` (with its query); null where none does."""
    return next((pattern for pattern in patterns if _holds(pattern, path)), None)


def _holds(pattern: str, path: str) -> bool:
    """Whether `path` begins as `pattern` says, in time that grows with their lengths alone: each
    piece between stars is looked for once, at its first place."""
    whole = pattern.endswith("$")
    first, *pieces = re.split(r"\*+", pattern.removesuffix("$"))
    if not path.startswith(first):
        return False
    place = len(first)
    last = pieces.pop() if whole and pieces else None
    for piece in pieces:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    if last is not None:
        return len(path) - len(last) >= place and path.endswith(last)
    return not whole or place == len(path)


class Reservations:
    """The files of all origins asked for, each once. `ask` gives the body of one; null: none."""

    def __init__(self, ask: Callable[[str], Awaitable[bytes | None]]) -> None:
        self._ask = ask
        self._held: OrderedDict[str, asyncio.Future[Patterns]] = OrderedDict()

    async def of(self, url: str) -> str | None:
        """The location that reserves `url`; null where none does."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._held:
            self._held[origin] = asyncio.ensure_future(self._fetch(origin))
            if len(self._held) > _HELD:
                self._held.popitem(last=False)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return reserves(await self._held[origin], path)

    async def _fetch(self, origin: str) -> Patterns:
        body = await self._ask(origin + PATH)
        return () if body is None else parse(body)
