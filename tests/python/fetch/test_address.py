"""The table of addresses: what is refused, and why, and what is let through."""

import pytest

from webtext_py.errors import ConfigError
from webtext_py.fetch.address import Guard, networks

REFUSED = [
    ("0.0.0.0", "this network"),
    ("0.1.2.3", "this network"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "shared"),
    ("100.100.100.200", "shared"),
    ("100.127.255.255", "shared"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "cloud metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.1", "protocol"),
    ("192.0.0.192", "protocol"),
    ("192.0.2.1", "documentation"),
    ("192.31.196.1", "AS112"),
    ("192.52.193.1", "AMT"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("192.175.48.1", "AS112"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.9", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "loopback"),
    ("::10.0.0.1", "private"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::ffff:a00:1", "private"),
    ("::ffff:224.0.0.1", "multicast"),
    ("::ffff:0:127.0.0.1", "loopback"),
    ("64:ff9b::a9fe:a9fe", "link-local"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::c0a8:101", "private"),
    ("64:ff9b:1::1", "local NAT64"),
    ("64:ff9b:1::808:808", "local NAT64"),
    ("100::1", "discard"),
    ("2001::1", "this network"),
    ("2001:0:808:808::80ff:fffe", "loopback"),  # Teredo: client 127.0.0.1
    ("2001:0:7f00:1::f7f7:f7f7", "loopback"),  # Teredo: server 127.0.0.1
    ("2001:2::1", "protocol"),
    ("2001:10::1", "protocol"),
    ("2001:20::1", "protocol"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "loopback"),
    ("2002:a9fe:a9fe::1", "link-local"),
    ("2002:c0a8:1::1", "private"),
    ("2002:e000:1::", "multicast"),
    ("2620:4f:8000::1", "AS112"),
    ("2a00:1450::5efe:7f00:1", "loopback"),  # ISATAP
    ("2a00:1450::200:5efe:a00:1", "private"),
    ("3fff::1", "documentation"),
    ("4000::1", "outside"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "unique local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("2130706433", "no IP address"),
    ("0x7f.1", "no IP address"),
    ("", "no IP address"),
]
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.17",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_refused(address: str, why: str) -> None:
    refusal = Guard().refusal(address)
    assert refusal is not None
    assert why in refusal


@pytest.mark.parametrize("address", ALLOWED)
def test_allowed(address: str) -> None:
    assert Guard().refusal(address) is None


def test_the_table_is_large_enough_and_beats_is_global() -> None:
    import ipaddress

    assert len(REFUSED) + len(ALLOWED) >= 60
    fooled = [a for a, _ in REFUSED if ":" in a or (a.count(".") == 3 and a[0].isdigit())]
    fooled = [
        a
        for a in fooled
        if not a.startswith("0x") and ipaddress.ip_address(a.partition("%")[0]).is_global
    ]
    assert "224.0.0.1" in fooled  # why `is_global` alone will not do


def test_allowed_networks_let_through_only_themselves() -> None:
    guard = Guard(networks(["127.0.0.0/8", "fd00::/8"]))
    assert guard.refusal("127.0.0.1") is None
    assert guard.refusal("::ffff:127.0.0.1") is None
    assert guard.refusal("fd00::1") is None
    assert guard.refusal("10.0.0.1") is not None
    assert guard.refusal("::1") is not None


def test_a_bad_network_is_named() -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1/8"):
        networks(["127.0.0.1/8"])
