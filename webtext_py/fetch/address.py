"""Which addresses may be connected to: public ones, by the IANA registries, and nothing else.

`ipaddress.is_global` is not enough (on Python 3.11 it holds for 224.0.0.1, ff02::1 and
64:ff9b::a9fe:a9fe), so the ranges stand here. An address that embeds an IPv4 address is judged by
it. Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890 and its successors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from webtext_py.errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_V4 = [
    (IPv4Network(net), what)
    for net, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared (carrier-grade NAT)"),
        ("127.0.0.0/8", "loopback"),
        # Azure's host answers its guests here, on an address that looks public.
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
]
# Within 2000::/3, the only space that is handed out; everything outside it is refused.
_GLOBAL_V6 = IPv6Network("2000::/3")
_V6 = [
    (IPv6Network(net), what)
    for net, what in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
]
# Prefixes whose last 32 bits are an IPv4 address: compatible, mapped, translated, NAT64.
_LAST_32 = [IPv6Network(n) for n in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")]
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of `--allow-network` values. Raises `ConfigError` for what is none."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as error:
            raise ConfigError(f"`{text}` is no network such as 127.0.0.0/8: {error}") from None
    return tuple(found)


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that `address` leads to, by its form."""
    value = int(address)
    low = value & 0xFFFFFFFF
    isatap = (value >> 32) & 0xFFFFFFFF in _ISATAP and address in _GLOBAL_V6
    if address in _6TO4:
        yield IPv4Address((value >> 80) & 0xFFFFFFFF)
    elif address in _TEREDO:
        yield IPv4Address((value >> 64) & 0xFFFFFFFF)  # the server
        yield IPv4Address(low ^ 0xFFFFFFFF)  # the client, its bits turned
    elif isatap or (value > 1 and any(address in network for network in _LAST_32)):
        yield IPv4Address(low)


@dataclass(frozen=True)
class Guard:
    """Judges addresses. `allowed`: networks that are let through besides, for tests."""

    allowed: tuple[Network, ...] = ()

    def refusal(self, text: str) -> str | None:
        """Why `text`, an address as the system resolver or a URL gives it, must not be connected
        to; None where it may."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return f"`{text}` is no IP address"
        why = self._why(address)
        return None if why is None else f"{address} is {why}"

    def _why(self, address: Address) -> str | None:
        if any(address.version == net.version and address in net for net in self.allowed):
            return None
        if isinstance(address, IPv4Address):
            return next((what for network, what in _V4 if address in network), None)
        inner = list(_embedded(address))
        for v4 in inner:
            why = self._why(v4)
            if why is not None:
                return f"{why} (holds {v4})"
        isatap = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
        if inner and not isatap:
            return None
        outside = None if address in _GLOBAL_V6 else "outside the public address space"
        return next((what for network, what in _V6 if address in network), outside)
