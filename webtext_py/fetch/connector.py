"""The one place where sockets open: the address is judged as the socket for it is made.

Redirects, rebinding names, literal and odd forms of an address and names that resolve inside all
come through here, because the check is on the address that is about to be connected to and on
nothing that was looked up before.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from webtext_py.errors import InputError
from webtext_py.fetch.address import Guard
from webtext_py.fetch.failure import AddressRefusedError, FetchError
from webtext_py.fetch.limits import Limits

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

    from webtext_py.fetch.resolver import Resolver


class HostsFile:
    """Fixed addresses by name, for tests and closed networks; other names have none."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = dict(table)

    async def addresses(self, host: str) -> list[str]:
        """The address of `host` in the table."""
        try:
            return [self._table[host]]
        except KeyError:
            raise FetchError("dns", f"{host} is not in the hosts file") from None


def read_hosts(path: Path) -> HostsFile:
    """The table in a file like `/etc/hosts`: an address and its names on each line."""
    table = {}
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise InputError(f"cannot read `{path}`: {error.strerror}") from None
    for line in lines:
        words = line.partition("#")[0].split()
        table.update(dict.fromkeys(words[1:], words[0] if words else ""))
    return HostsFile(table)


class _Pinned(AbstractResolver):
    """Gives aiohttp the addresses of our resolver."""

    def __init__(self, resolver: "Resolver") -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = (await self._resolver.addresses(host))[:4]
        kinds = [socket.AF_INET6 if ":" in at else socket.AF_INET for at in addresses]
        flags = socket.AI_NUMERICHOST
        return [
            ResolveResult(hostname=host, host=at, port=port, family=kind, proto=0, flags=flags)
            for at, kind in zip(addresses, kinds, strict=True)
        ]

    async def close(self) -> None:
        """Nothing is held."""


class CountedConnection(ResponseHandler):
    """A connection that ends itself where more comes than allowed.

    What counts is all of HTTP: status line, headers, chunk framing and body (inside TLS where there
    is TLS). The body's own bytes alone would let framing through without a bound.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wire_bytes: int,
        open_now: set[asyncio.BaseTransport],
    ) -> None:
        super().__init__(loop)
        self.received = 0
        self.wire_bytes = wire_bytes
        self.exceeded = False
        self._open_now = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is open from now on."""
        self._open_now.add(transport)
        self._own = transport
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Is open no more."""
        self._open_now.discard(self._own)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts, and parses what is within the bound."""
        self.received += len(data)
        if self.received <= self.wire_bytes:
            super().data_received(data)
        elif not self.exceeded:
            self.exceeded = True
            if self.transport is not None:
                self.transport.abort()


def make_connector(
    guard: Guard,
    resolver: "Resolver",
    limits: Limits,
    tls: ssl.SSLContext | None,
    open_now: set[asyncio.BaseTransport],
) -> TCPConnector:
    """A connector whose every socket is for an address that `guard` lets through; those that are
    open are in `open_now`.

    A connection serves one request: nothing idle is left on anybody's server, the address of
    a request is the address that was judged for it, and its bytes (at most the limits'
    `wire_bytes`) are that request's. Call it inside a running loop.
    """

    def open_socket(entry: "AddrInfoType") -> socket.socket:
        family, kind, protocol, _, address = entry
        refusal = guard.refusal(str(address[0]))
        if refusal is not None:
            raise AddressRefusedError(refusal)
        return socket.socket(family, kind, protocol)

    arguments: dict[str, Any] = {
        "socket_factory": open_socket,
        "resolver": _Pinned(resolver),
        "use_dns_cache": False,
        "force_close": True,
        "limit": limits.connections,
        "ssl": tls if tls is not None else ssl.create_default_context(),
        # One address after the other: two attempts side by side would be two connections.
        "happy_eyeballs_delay": None,
    }
    connector = TCPConnector(**arguments)
    # aiohttp has no option for it. A test of framing without end fails should the name change.
    loop = asyncio.get_running_loop()
    connector._factory = functools.partial(CountedConnection, loop, limits.wire_bytes, open_now)  # type: ignore[assignment]
    return connector
