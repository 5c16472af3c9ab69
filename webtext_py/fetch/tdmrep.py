"""TDM reservations that a server states for its paths, in `/.well-known/tdmrep.json`.

The third form of the TDM Reservation Protocol (W3C Community Group), beside the header and the meta
tag of `optout`: a list of `{"location": PATTERN, "tdm-reservation": 0 or 1}`. Patterns are as in
robots.txt: a path's beginning, `*` for anything, `$` for the end; percent-escapes are compared by
what they stand for. Where several match, one that reserves is enough: to leave out a page too many
does no harm. So a file that the server has but that cannot be had whole reserves everything.
"""

import asyncio
import json
import re
import string
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from webtext_py.fetch.failure import RETRIED, FetchError

PATH = "/.well-known/tdmrep.json"
_HELD = 4096  # hosts' files in memory; our choice
_ROWS = 1000  # of one file; our choice
_ANYTHING = "*"
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~/?&=#-]")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")

Patterns = tuple[str, ...]


def parse(body: bytes) -> Patterns:
    """The locations that are reserved; everything where there are more rows than are read.

    Never raises: what is no JSON list (a server's page for missing things) reserves nothing.
    """
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    found = []
    if not isinstance(rows, list):
        return ()
    for row in rows[:_ROWS]:
        if isinstance(row, dict) and row.get("tdm-reservation") in (1, "1"):
            location = row.get("location")
            if isinstance(location, str) and location.startswith(("/", "*")):
                found.append(location)
    return (*found, _ANYTHING) if len(rows) > _ROWS else tuple(found)


def reserves(patterns: Patterns, path: str) -> str | None:
    """The first pattern that holds for `path` (with its query); null where none does."""
    path = _canonical(path)
    return next((pattern for pattern in patterns if _holds(pattern, path)), None)


def _canonical(text: str, literal: str = "") -> str:
    """`text` with escapes in one form; an escaped delimiter is not the delimiter. `literal`:
    characters that keep a meaning of their own."""

    def one(match: re.Match[str]) -> str:
        found = match[0]
        byte = int(found[1:], 16) if len(found) == 3 else ord(found)
        return (
            found if found in literal else chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}"
        )

    return _ESCAPE.sub(one, quote(text, safe=string.printable, errors="replace"))


def _holds(pattern: str, path: str) -> bool:
    """Whether `path` (canonical) begins as `pattern` says, in time that grows with their lengths
    alone: each piece between stars is looked for once, at its first place."""
    whole = pattern.endswith("$")
    first, *pieces = re.split(r"\*+", _canonical(pattern.removesuffix("$"), "*"))
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
    """The files of all origins asked for, each once.

    `ask` gives the body of one; null: none. It raises `FetchError` for one that cannot be had,
    which reserves everything; for what another try may mend the error goes on, and nothing is held.
    """

    def __init__(self, ask: Callable[[str], Awaitable[bytes | None]]) -> None:
        self._ask = ask
        self._held: OrderedDict[str, asyncio.Future[Patterns | str]] = OrderedDict()

    async def of(self, url: str) -> str | None:
        """What reserves `url`, in words; null where nothing does. Raises `FetchError`."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._held:
            self._held[origin] = asyncio.ensure_future(self._fetch(origin))
            if len(self._held) > _HELD:
                self._held.popitem(last=False)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        found = await self._held[origin]
        if isinstance(found, str):
            return found
        pattern = reserves(found, path)
        return None if pattern is None else f"tdmrep.json reserves {pattern[:100]}"

    async def _fetch(self, origin: str) -> Patterns | str:
        try:
            body = await self._ask(origin + PATH)
        except FetchError as error:
            if error.reason in RETRIED or error.reason == "host_down":
                self._held.pop(origin, None)
                raise
            return f"tdmrep.json cannot be had: {error.detail[:200]}"
        return () if body is None else parse(body)
