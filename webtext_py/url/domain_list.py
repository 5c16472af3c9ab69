"""Lists of domains that people bring (`--exclude-domains FILE`)."""

import re
from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.url.host import is_public_suffix, parsed_host

_HINT = "one domain a line, such as `example.com` or `*.example.com`; `#` begins a comment"
_WHITE_SPACE = re.compile(r"\s")


def load_domain_list(path: str | Path) -> frozenset[str]:
    """The domains of a text file, normalised as hosts of URL keys are.

    One entry a line: `example.com` means that host and all below it, `*.example.com` only those
    below it; a public suffix (`gov`, `co.uk`) means everything registered under it. Blank lines and
    what follows `#` are passed over; case, a root dot and scripts (`bücher.example`) do not matter,
    nor do other names of a site (`www.example.com` is `example.com`).

    Raises `InputError` with the line number for anything else (a URL, a hosts-file line, a port),
    `FileNotFoundError` where there is no such file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"`{path}` is not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start}",
            _HINT,
        ) from None
    except IsADirectoryError:
        raise InputError(f"`{path}` is a folder, expected a text file of domains", _HINT) from None
    domains = set()
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.split("#", 1)[0].strip()
        if entry:
            domains.add(parse_domain(entry, f"line {number} of `{path}`"))
    return frozenset(domains)


def parse_domain(entry: str, place: str) -> str:
    """One entry in canonical form, `*.` kept. Raises `InputError`, which names its `place`."""
    if "/" in entry or "://" in entry:
        raise InputError(f"{place}: found the URL `{entry}`, expected a domain", _HINT)
    if _WHITE_SPACE.search(entry):
        raise InputError(f"{place}: found `{entry}`, expected one domain", _HINT)
    wildcard = "*." if entry.startswith("*.") else ""
    name = entry.removeprefix("*.")
    host = None if re.search(r"[*:@?\\,;%\[\]]", name) else parsed_host(name.removeprefix("."))
    if host is None or name.startswith(".") or not ("." in host or is_public_suffix(host)):
        raise InputError(f"{place}: found `{entry}`, which is no domain", _HINT)
    return wildcard + host
