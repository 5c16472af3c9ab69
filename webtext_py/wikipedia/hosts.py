"""Wikipedia by host: editions, mobile hosts, mirrors that name themselves, archived pages.

WebText left Wikipedia out because most test sets are made from it (GPT-2 report, section 2.1). It
says nothing of Wikimedia's other projects (Wiktionary is among WebText's top 1,000 domains), so
they stay, as do sites about Wikipedia. Mirrors that do not say what they are need their text read.
"""

import re
from functools import cache, lru_cache
from urllib.parse import unquote

from webtext_py.url.host import is_public_suffix, parsed_host
from webtext_py.url.key import url_key
from webtext_py.url.list_file import listed, read_hosts, read_list

_CACHED_HOSTS = 1 << 17  # our choice, as in url/host.py
_MAX_WRAPPED = 4  # archive of a translation of a cache: deeper than anybody posts (our choice)
_KEY = re.compile(r"https?://(\[[^\]]*\]|[^/:]*)(?::[0-9]+)?(/[^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_EMBEDDED_URL = re.compile(r"https?:/{0,2}([^/?#].*)", re.DOTALL)
_HOST_SEGMENT = re.compile(
    r"/((?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?(?:[/?].*)?)$", re.DOTALL | re.IGNORECASE
)
_CACHE_TERM = re.compile(r"cache:(?:[A-Za-z0-9_-]{12}:)?([^ +]*)")
_SCHEME = re.compile(r"(?:https?:)?/{0,3}", re.IGNORECASE)


@lru_cache(_CACHED_HOSTS)
def _is_wikipedia_host(host: str) -> bool:
    """True for Wikipedia's own hosts and for mirrors that say so in theirs."""
    if listed(host, read_hosts("wikipedia_mirrors")) is not None:
        return True
    labels = host.split(".")
    if "wikipedia" not in labels:
        return False
    if listed(host, read_hosts("not_wikipedia")) is not None:
        return False
    # `wikipedia` may be a public suffix's neighbour (wikipedia.org, wikipedia.de) or stand further
    # to the left (en.wikipedia.org.proxy.example.edu, wikipedia.example.com); never the last label.
    return labels[-1] != "wikipedia"


@cache
def _wrappers() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """`wrappers.txt` as (domain -> where the address stands), plain and for `name.*`."""
    plain: dict[str, tuple[str, ...]] = {}
    any_suffix: dict[str, tuple[str, ...]] = {}
    for domain, place in read_list("wrappers"):
        table = any_suffix if domain.endswith(".*") else plain
        name = domain.removesuffix(".*")
        table[name] = (*table.get(name, ()), place)
    return plain, any_suffix


@lru_cache(_CACHED_HOSTS)
def _wrapped_places(host: str) -> tuple[str, ...]:
    """Where a URL at `host` holds the address of the page it shows: a place of `wrappers.txt`."""
    plain, any_suffix = _wrappers()
    places: list[str] = []
    name = host
    while name:
        places += plain.get(name, ())
        name = name.partition(".")[2]
    for name, found in any_suffix.items():
        at = f".{host}".find(f".{name}.")
        if at >= 0 and is_public_suffix(host[at + len(name) + 1 :]):
            places += found
    return tuple(dict.fromkeys(places))


def _as_url(address: str) -> str | None:
    """The URL that an embedded address means; its scheme may be missing or have lost a slash."""
    address = _SCHEME.sub("", address.strip(), count=1)
    return f"http://{address}" if "." in address.partition("/")[0] else None


def _in_path(path: str, query: str | None) -> str | None:
    """The first address within a path, with a scheme or as a segment that is a host."""
    whole = unquote(path) + (f"?{query}" if query else "")
    matches = (_EMBEDDED_URL.search(whole), _HOST_SEGMENT.search(whole))
    first = min((m for m in matches if m is not None), key=lambda m: m.start(), default=None)
    return None if first is None else _as_url(first[1])


def _wrapped_urls(host: str, path: str, query: str | None) -> list[str]:
    """The addresses of other pages that a URL at a wrapping host holds, as URLs."""
    found: list[str | None] = []
    for place in _wrapped_places(host):
        if place.startswith("path:"):
            if path.startswith(place[5:]):
                found.append(_in_path(path, query))
        elif place == "query":
            found.append(_as_url(unquote(query or "")))
        else:
            for parameter in (query or "").split("&"):
                name, _, value = parameter.partition("=")
                if name != place:
                    continue
                value = unquote(value)
                term = _CACHE_TERM.search(value)
                if place != "q" or term is not None or path == "/url":
                    found.append(_as_url(term[1] if term else value))
    return [url for url in found if url is not None]


def is_wikipedia_key(key: str, _depth: int = 0) -> bool:
    """`is_wikipedia` of a URL key, without making the key again."""
    parts = _KEY.fullmatch(key)
    if parts is None:
        return False
    host, path, query, _ = parts.groups()
    if host.endswith(".translate.goog"):
        # The translator's host is the page's own, with `-` for `.` and `--` for `-`.
        name = host.removesuffix(".translate.goog").replace("--", "\0").replace("-", ".")
        host = parsed_host(name.replace("\0", "-")) or host
    if _is_wikipedia_host(host):
        return True
    if host == "secure.wikimedia.org":  # the https address of all projects until 2011
        return path.startswith("/wikipedia/")
    if _depth >= _MAX_WRAPPED or not _wrapped_places(host):
        return False
    return any(
        (inner := url_key(url)) is not None and is_wikipedia_key(inner, _depth + 1)
        for url in _wrapped_urls(host, path, query)
    )


def is_wikipedia(url_or_key: str) -> bool:
    """True if the URL is a page of Wikipedia, by its address alone.

    Every language edition, mobile and old hosts, `secure.wikimedia.org/wikipedia/`; hosts with a
    label `wikipedia` and the mirrors of `url/lists/wikipedia_mirrors.txt`; pages of these that an
    archive, a cache, a translator or a redirector shows (`url/lists/wrappers.txt`). False for
    what is no http(s) URL. A URL and its key get the same answer.
    """
    key = url_key(url_or_key)
    return key is not None and is_wikipedia_key(key)
