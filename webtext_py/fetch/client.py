"""One bounded exchange: a request, the answer's head, and its body where it is wanted.

Nothing is followed, decoded into the archive or retried here. The body is as it was sent, without
chunking but with its content codings.
"""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from webtext_py.fetch import clock
from webtext_py.fetch.address import Guard
from webtext_py.fetch.connector import CountedConnection, make_connector
from webtext_py.fetch.failure import AddressRefusedError, FetchError
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.resolver import Resolver, SystemResolver
from webtext_py.pages.content import declared
from webtext_py.pages.http import first_value
from webtext_py.pages.warc import decode_text
from webtext_py.url.key import without_credentials

Headers = list[tuple[str, str]]

# Bodies up to here are held by as many exchanges as there are connections.
_SMALL = 1 << 20
# Room for the head and the framing of a body whose size the caller bounds. Our choice.
_FRAMING = 64 << 10
_ACCEPT = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"


@dataclass
class Exchange:
    """What was asked and what came.

    `body`: as sent, chunking removed, codings kept. `truncated`: None, or why the body is not all:
    `length` (cut by us: not wanted, or past a limit).
    """

    url: str
    started: dt.datetime
    address: str
    request: Headers
    status: int
    phrase: str
    headers: Headers
    body: bytes = b""
    truncated: str | None = None
    source_url: str | None = None  # the archive's URL, where the answer came from an archive

    def header(self, name: str) -> str | None:
        """The first non-empty value of `name` (lower case)."""
        return first_value(self.headers, name)

    def found(self) -> bool:
        """Whether there is something at the URL: status 2xx."""
        return self.status // 100 == 2


@dataclass
class Client:
    """An HTTP client for one fetch. Use as an async context manager.

    Keeps no cookies, follows nothing, uses no proxy and no credentials of the environment.
    """

    user_agent: str
    guard: Guard = field(default_factory=Guard)
    resolver: Resolver = field(default_factory=SystemResolver)
    limits: Limits = field(default_factory=Limits)
    any_port: bool = False
    tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> "Client":
        limits = self.limits
        self._large = asyncio.Semaphore(limits.large_pages)
        self._open_now: set[asyncio.BaseTransport] = set()
        self._session = aiohttp.ClientSession(
            connector=make_connector(self.guard, self.resolver, limits, self.tls, self._open_now),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_s, sock_read=limits.idle_s
            ),
            read_bufsize=1 << 16,
            max_line_size=limits.header_line_bytes,
            max_field_size=limits.header_line_bytes,
            max_headers=limits.header_count,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        # TLS waits for the other side's goodbye, and the loop may end before it comes.
        for transport in list(self._open_now):
            transport.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    def check(self, url: str) -> tuple[str, int]:
        """Host and port of `url`. Raises `FetchError` for a scheme or port that is not allowed."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise FetchError("bad_url", f"{without_credentials(url)}: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise FetchError("bad_url", f"{url}: only http and https are fetched")
        if parts.username is not None or parts.password is not None:
            raise FetchError("bad_url", f"{host}: credentials in a URL are never sent")
        own = 80 if parts.scheme == "http" else 443
        if port not in (None, own) and not self.any_port:
            raise FetchError("port_refused", f"{url}: port {port}")
        return host, port or own

    async def get(
        self,
        url: str,
        *,
        wanted: Callable[[Exchange], bool] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        wire_bytes: int | None = None,
        cut: bool = False,
        address: str = "",
    ) -> Exchange:
        """The exchange for `url`, at `address` if the connection is gone before it can be asked.

        `wanted` sees the head and says whether the body is read (default: of 2xx that is HTML). A
        body of more than `wire_bytes` is `body_too_large`, or with `cut` ends there; too large is
        also an answer that with its head and framing is over the limits' `wire_bytes`. Raises
        `FetchError` for everything that goes wrong.
        """
        self.check(url)
        request = [
            ("User-Agent", self.user_agent),
            ("Accept", _ACCEPT),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            *headers,
        ]
        try:
            async with asyncio.timeout(self.limits.total_s) as deadline:
                started = clock.now()
                async with self._session.get(
                    URL(url, encoded=True), headers=request, allow_redirects=False
                ) as response:
                    exchange = _head(url, started, request, response, address)
                    if not (wanted or _is_page)(exchange):
                        exchange.truncated = "length"
                        response.close()
                        return exchange
                    limit = self.limits.wire_bytes if wire_bytes is None else wire_bytes
                    line = response.connection.protocol if response.connection else None
                    counted = line if isinstance(line, CountedConnection) else None
                    if counted is not None and wire_bytes is not None:
                        counted.wire_bytes = max(counted.wire_bytes, wire_bytes + _FRAMING)
                    try:
                        await self._read(exchange, response, limit, cut, deadline)
                    except aiohttp.ClientError:
                        if counted is None or not counted.exceeded:
                            raise
                    # An end by us can look like the body's own end.
                    if counted is not None and counted.exceeded and not exchange.truncated:
                        raise _too_large(url, counted.wire_bytes)
                    return exchange
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            reason, said = self._reason(error)
            raise FetchError(reason, f"{url}: {said[:200]}") from None
        raise AssertionError("unreachable")

    async def _read(
        self,
        exchange: Exchange,
        response: aiohttp.ClientResponse,
        limit: int,
        cut: bool,
        deadline: asyncio.Timeout,
    ) -> None:
        body = bytearray()
        large = False
        try:
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > limit:
                    response.close()
                    if not cut:
                        raise _too_large(exchange.url, limit)
                    exchange.truncated = "length"
                    del body[limit:]
                    break
                if len(body) > _SMALL and not large:
                    await self._wait_for_room(deadline)
                    large = True
        finally:
            if large:
                self._large.release()
        exchange.body = bytes(body)

    async def _wait_for_room(self, deadline: asyncio.Timeout) -> None:
        """Waits until another large body may be held; the wait does not count as the server's."""
        loop = asyncio.get_running_loop()
        left = (deadline.when() or loop.time()) - loop.time()
        deadline.reschedule(None)
        await self._large.acquire()
        deadline.reschedule(loop.time() + left)

    def _reason(self, error: Exception) -> tuple[str, str]:
        """The word for an error of aiohttp or the system, and what was seen."""
        limits = self.limits
        match error:
            case aiohttp.ConnectionTimeoutError():
                return "connect", f"no connection in {limits.connect_s} s"
            case aiohttp.ServerTimeoutError():
                return "idle_timeout", f"no byte in {limits.idle_s} s"
            case TimeoutError():
                return "timeout", f"not done in {limits.total_s} s"
            case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
                return "tls", str(error)
            case aiohttp.ClientConnectorError(os_error=AddressRefusedError() as refused):
                return "address_refused", str(refused)
            case aiohttp.ClientConnectorError():
                return "connect", str(error.os_error)
            case aiohttp.ClientResponseError(message=said):
                large = "more than" in said or "Too many" in said
                return "headers_too_large" if large else "bad_http", said
            case HttpProcessingError(message=said):
                return "bad_http", said
            case aiohttp.ClientPayloadError():
                return "incomplete_body", str(error)
            case aiohttp.InvalidURL():
                return "bad_url", str(error)
        return "connect", str(error)


def _too_large(url: str, limit: int) -> FetchError:
    return FetchError("body_too_large", f"{url}: more than {limit} bytes sent")


def _is_page(exchange: Exchange) -> bool:
    """2xx and, as far as its type says, HTML."""
    kind = declared(exchange.header("content-type"))
    return exchange.found() and kind in ("html", "unknown")


def _head(
    url: str, started: dt.datetime, request: Headers, response: aiohttp.ClientResponse, address: str
) -> Exchange:
    transport = response.connection.transport if response.connection else None
    peer = transport.get_extra_info("peername") if transport else None
    asked = (str(peer[0]) if peer else address, [*response.request_info.headers.items()] or request)
    headers = [(decode_text(n), decode_text(v)) for n, v in response.raw_headers]
    return Exchange(url, started, *asked, response.status, response.reason or "", headers)
