"""Requests to an archive: one at a time, so many a minute, and as told after 429."""

import asyncio
import time
from collections.abc import Callable

from webtext_py.fetch.client import Client, Exchange
from webtext_py.fetch.failure import RETRIED, FetchError
from webtext_py.fetch.live import retry_after_s

# Without `Retry-After`, after 429: our choice; the Internet Archive blocks for an hour those who go
# on within a minute.
_HOLD_S = 60.0
_TRIES = 5
_LONGEST_S = 24 * 3600  # of one wait; our choice


class Pace:
    """Speaks to one archive, never faster than `per_minute`.

    `say` hears why it waits. 429 and 503 stop everything at once, for as long as told.
    """

    def __init__(
        self, client: Client, per_minute: float, say: Callable[[str], None], hold_s: float = _HOLD_S
    ) -> None:
        self._client = client
        self._gap_s = 60.0 / per_minute
        self._say = say
        self._hold_s = hold_s
        self._next_s = 0.0
        self._ended = False
        self._turn = asyncio.Lock()

    async def get(
        self, url: str, *, wire_bytes: int, headers: tuple[tuple[str, str], ...] = ()
    ) -> Exchange:
        """The answer to `url`, body and all where it is 2xx. Raises `FetchError`."""
        async with self._turn:
            for tries in range(0 if self._ended else _TRIES):
                await asyncio.sleep(max(0.0, self._next_s - time.monotonic()))
                try:
                    answer = await self._client.get(
                        url, wanted=Exchange.found, wire_bytes=wire_bytes, headers=headers
                    )
                except FetchError as error:
                    self._next_s = time.monotonic() + max(self._gap_s, self._gap_s * 2**tries)
                    if error.reason not in RETRIED or tries == _TRIES - 1:
                        raise
                    continue
                finally:
                    self._next_s = max(self._next_s, time.monotonic() + self._gap_s)
                if answer.status not in (429, 503):
                    return answer
                told = retry_after_s(answer)
                wait = self._hold_s * 2**tries if told is None else told
                if wait > _LONGEST_S:
                    break
                self._say(f"{url.split('/')[2]} answered {answer.status}: waiting {wait:.0f} s")
                self._next_s = time.monotonic() + max(wait, self._gap_s)
            self._ended = True  # whoever is told again and again to wait asks no more
            raise FetchError("rate_limited", f"{url}: the archive wants no more requests")
