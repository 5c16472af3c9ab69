"""The lists shipped as data files in `lists/`: one entry a line, `#` begins a comment."""

from functools import cache
from importlib.resources import files


@cache
def read_list(name: str) -> tuple[tuple[str, ...], ...]:
    """The entries of `lists/NAME.txt`, each line split at white space, in the file's order."""
    text = (files("webtext_py.url") / "lists" / f"{name}.txt").read_text(encoding="utf-8")
    rows = (line.split("#", 1)[0].split() for line in text.splitlines())
    return tuple(tuple(row) for row in rows if row)


def read_hosts(name: str) -> frozenset[str]:
    """The hosts of a list with one host a line. An entry covers its subdomains too."""
    return frozenset(row[0] for row in read_list(name))


def listed(host: str, hosts: "frozenset[str] | dict[str, str]") -> str | None:
    """The entry of `hosts` that is `host` or the nearest domain above it, or None."""
    while host not in hosts:
        _, dot, host = host.partition(".")
        if not dot:
            return None
    return host
