"""Hosts: which are one site under several names, and where a registrable domain begins.

Public suffixes come from the snapshot bundled with tldextract: no network, no cache on disk.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import ada_url

from webtext_py.url.list_file import listed, read_hosts, read_list

if TYPE_CHECKING:
    import tldextract

_MAX_HOST = 253  # characters of a host name; RFC 1035, section 2.3.4, less the root's two bytes
# Labels of at most 63 characters (RFC 1035, section 2.3.4): letters, digits, hyphens and, as seen
# in the wild, underscores. A WHATWG parser lets more through (`http://{/`); no name server does.
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_CACHED_HOSTS = 1 << 17  # our choice: full, all caches of hosts hold 40 MB together


@cache
def _extract() -> "tldextract.TLDExtract":
    import tldextract  # an HTTP client comes with it: only for those who ask

    return tldextract.TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
    )


@lru_cache(_CACHED_HOSTS)
def is_public_suffix(host: str) -> bool:
    """True if anybody may register below `host`: `com`, `co.uk`, `github.io`."""
    result = _extract().extract_str(host)
    return not result.domain and bool(result.suffix)


@lru_cache(_CACHED_HOSTS)
def registrable_domain(host: str) -> str:
    """The registrable domain of `host` (`bbc.co.uk` of `news.bbc.co.uk`), or `host` if it has none.

    Private suffixes count: of `a.b.github.io` it is `b.github.io`.
    """
    result = _extract().extract_str(host)
    return f"{result.domain}.{result.suffix}" if result.domain and result.suffix else host


@lru_cache(_CACHED_HOSTS)
def bought_domain(host: str) -> str:
    """As `registrable_domain`, but private suffixes do not count: of `a.b.github.io` it is
    `github.io`, of `a.blogspot.com` `blogspot.com`."""
    result = _extract().extract_str(host, include_psl_private_domains=False)
    if result.domain and result.suffix:
        return f"{result.domain}.{result.suffix}"
    labels = host.split(".")
    if result.suffix or len(labels) < 3 or not labels[-1].strip("0123456789") or "[" in host:
        return host  # a suffix, a name without dots or an address
    return ".".join(labels[-2:])  # below an unlisted suffix, as the list's rule `*` says


@cache
def _aliases() -> tuple[dict[str, str], dict[str, str]]:
    """`same_site.txt` as (host -> host, suffix after `*.` -> suffix after `*.`)."""
    exact: dict[str, str] = {}
    below: dict[str, str] = {}
    for alias, target in read_list("same_site"):
        if alias.startswith("*."):
            below[alias[2:]] = target.removeprefix("*.")
        else:
            exact[alias] = target
    return exact, below


def _other_name(host: str) -> str | None:
    """The name of the site that `host` is another name of, one step nearer; None if it is it."""
    rest = host[4:]
    if (
        host.startswith("www.")
        and "." in rest
        and host not in read_hosts("www_differs")
        and not is_public_suffix(rest)
    ):
        return rest
    exact, below = _aliases()
    if host in exact:
        return exact[host]
    suffix = listed(host.partition(".")[2], below)
    return None if suffix is None else host[: -len(suffix)] + below[suffix]


@lru_cache(_CACHED_HOSTS)
def site_host(host: str) -> str | None:
    """The name under which all pages of `host`'s site are keyed, or None if no such host can be.

    `host` is as a WHATWG parser serialises it (lower case, punycode, canonical IP address). The
    root dot goes; `www.` goes unless a public suffix would remain (`www.gov.uk` is a site,
    `gov.uk` is a registry) or `lists/www_differs.txt` names the host; the hosts of
    `lists/same_site.txt` become their site. Any other `m.`, `mobile.` or `amp.` stays: many sites
    have other paths there.
    """
    if host.startswith("["):
        return host
    host = host.removesuffix(".")
    if len(host) > _MAX_HOST or _NAME.fullmatch(host) is None:
        return None
    while (other := _other_name(host)) is not None:
        host = other
    return host


@lru_cache(_CACHED_HOSTS)
def parsed_host(text: str) -> str | None:
    """`site_host` of a host as written (no port, no user name), or None where it is none."""
    try:
        href = ada_url.normalize_url(f"http://{text}/")
    except ValueError:
        return None
    return site_host(href[7:-1])
