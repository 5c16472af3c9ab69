"""Names to addresses by the system's resolver, in threads of its own.

The system's calls cannot be ended and take half a minute for a name whose servers are dead. So they
have threads that nobody waits for at the end, a time after which their answer is not waited for,
and answers are remembered for a while, bad ones too.
"""

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from webtext_py.fetch.failure import FetchError

# All our choice. Threads hold 8 MiB of address space and next to no memory.
_THREADS = 128
_TIMEOUT_S = 10.0
_KEPT_S = 60.0  # of an address
_BAD_S = 30.0  # of a failure: a page is tried again after less than a minute
_HELD = 1 << 16  # names

Look = Callable[[str], list[str]]


class Resolver(Protocol):
    """Names to addresses."""

    async def addresses(self, host: str) -> list[str]:
        """The addresses of `host`, at least one. Raises `FetchError` (`dns`)."""


def _system(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class SystemResolver:
    """The system's resolver. Belongs to one event loop."""

    def __init__(
        self, look: Look = _system, threads: int = _THREADS, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._look, self._most, self._timeout_s = look, threads, timeout_s
        self._asked: queue.SimpleQueue[tuple[str, asyncio.Event, asyncio.Future[list[str]]]] = (
            queue.SimpleQueue()
        )
        self._threads = self._working = 0
        self._known: OrderedDict[str, tuple[float, list[str] | str]] = OrderedDict()
        self._busy: dict[str, asyncio.Task[list[str] | str]] = {}

    async def addresses(self, host: str) -> list[str]:
        """The addresses of `host` in the system's order. Raises `FetchError` (`dns`)."""
        until, found = self._known.get(host, (0.0, ""))
        if until <= time.monotonic():
            if host not in self._busy:
                self._busy[host] = asyncio.ensure_future(self._answer(host))
            found = await asyncio.shield(self._busy[host])
        if isinstance(found, str):
            raise FetchError("dns", f"{host}: {found}")
        return found

    async def _answer(self, host: str) -> list[str] | str:
        """The addresses, or why there are none; remembered."""
        begun, future = asyncio.Event(), asyncio.get_running_loop().create_future()
        self._asked.put((host, begun, future))
        self._working += 1  # until its thread has done with it, which may be long after we gave up
        if self._working > self._threads and self._threads < self._most:
            self._threads += 1
            threading.Thread(
                target=self._serve, args=(asyncio.get_running_loop(),), daemon=True
            ).start()
        found: list[str] | str
        try:
            await begun.wait()  # for a thread: no property of the name
            found = await asyncio.wait_for(future, self._timeout_s)
        except TimeoutError:
            found = f"no answer in {self._timeout_s:g} s"
        except (OSError, UnicodeError) as error:
            found = str(error)
        finally:
            del self._busy[host]
        kept = _BAD_S if isinstance(found, str) else _KEPT_S
        self._known[host] = time.monotonic() + kept, found
        self._known.move_to_end(host)
        if len(self._known) > _HELD:
            self._known.popitem(last=False)
        return found

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """A thread's life."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody asks any more
            while True:
                host, begun, future = self._asked.get()
                loop.call_soon_threadsafe(begun.set)
                error: BaseException | None = None
                found: list[str] = []
                try:
                    found = self._look(host)
                except Exception as caught:
                    error = caught
                loop.call_soon_threadsafe(self._settle, future, found, error)

    def _settle(
        self, future: "asyncio.Future[list[str]]", found: list[str], error: BaseException | None
    ) -> None:
        self._working -= 1
        if future.done():
            return  # given up
        if error is None:
            future.set_result(found)
        else:
            future.set_exception(error)
