"""The one place where sockets open: the address is judged as the socket for it is made.

Redirects, rebinding names, literal and odd forms of an address and names that resolve inside all
come through here, because the check is on the address that is about to be connected to and on
nothing that was looked up before.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from webtext_py.errors import InputError
from webtext_py.fetch.address import Guard
from webtext_py.fetch.failure import AddressRefusedError, FetchError

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

__all__ = ["HostsFile", "Resolver", "SystemResolver", "make_connector", "read_hosts"]


class Resolver(Protocol):
    """Names to addresses."""

    async def addresses(self, host: str) -> list[str]:
        """The addresses of `host`, at least one. Raises `FetchError` (`dns`)."""
        ...


class SystemResolver:
    """The system's resolver, asked in threads."""

    async def addresses(self, host: str) -> list[str]:
        """The addresses of `host` in the system's order."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise FetchError("dns", f"{host}: {error}") from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


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

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        results: list[ResolveResult] = []
        for address in (await self._resolver.addresses(host))[:4]:
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=kind,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""


def make_connector(
    guard: Guard,
    resolver: Resolver,
    *,
    connections: int = 64,
    tls: ssl.SSLContext | None = None,
) -> TCPConnector:
    """A connector whose every socket is for an address that `guard` lets through.

    A connection serves one request: nothing idle is left on anybody's server, and the address of
    a request is the address that was judged for it.
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
        "limit": connections,
        "ssl": tls if tls is not None else ssl.create_default_context(),
        # One address after the other: two attempts side by side would be two connections.
        "happy_eyeballs_delay": None,
    }
    return TCPConnector(**arguments)
