"""The query of a URL key: tracking parameters out, the others in one order."""

import re
from functools import cache, lru_cache

from webtext_py.url.list_file import read_list

_CACHED_HOSTS = 1 << 17  # our choice, as in host.py
_ESCAPED_AMPERSANDS = re.compile(r"^(?:amp;)+")


@cache
def _everywhere() -> tuple[frozenset[str], tuple[str, ...]]:
    """Names that track on every site, and beginnings of such names; lower case."""
    names = [row[0].lower() for row in read_list("tracking_params") if len(row) == 1]
    return (
        frozenset(name for name in names if not name.endswith("*")),
        tuple(name[:-1] for name in names if name.endswith("*")),
    )


@cache
def _by_site() -> dict[str, frozenset[str]]:
    """Names that track on one site and its subdomains, by site; lower case."""
    sites: dict[str, set[str]] = {}
    for row in read_list("tracking_params"):
        for site in row[1:]:
            sites.setdefault(site, set()).add(row[0].lower())
    return {site: frozenset(names) for site, names in sites.items()}


@lru_cache(_CACHED_HOSTS)
def _tracking_names(host: str) -> frozenset[str]:
    """The names that track on `host`, beyond those beginnings that do everywhere."""
    sites = []
    while host:
        if host in _by_site():
            sites.append(host)
        host = host.partition(".")[2]
    return _names_of(tuple(sites))


@cache
def _names_of(sites: tuple[str, ...]) -> frozenset[str]:
    """One set for all hosts with the same `sites`, so that the cache above holds no copies."""
    return _everywhere()[0].union(*(_by_site()[site] for site in sites))


def clean_query(query: str, host: str) -> str:
    """The parameters of `query` that may select content, in canonical order; may be empty.

    `query` stands without its `?`, its escapes already in canonical form. Empty parameters go, and
    those of `lists/tracking_params.txt` (names compare without case; one with `amp;` left before it
    counts as well). Where every parameter left has the form `name=value` they are sorted by name;
    values of a repeated name keep their order, for there the last or the list counts. Otherwise the
    order stays: a query such as `?page/two&x=1` is no list of parameters, and its order may matter.
    """
    names, beginnings = _tracking_names(host), _everywhere()[1]
    kept: list[tuple[str, str]] = []
    sortable = True
    for parameter in query.split("&"):
        if not parameter:
            continue
        name, equals, _ = parameter.partition("=")
        plain = name.lower()
        if plain.startswith("amp;"):
            plain = _ESCAPED_AMPERSANDS.sub("", plain)
        if plain in names or plain.startswith(beginnings):
            continue
        kept.append((name, parameter))
        if not equals or not name or "/" in name or "?" in name:
            sortable = False
    if sortable and len(kept) > 1:
        kept.sort(key=_name_of)
    return "&".join([parameter for _, parameter in kept])


def _name_of(pair: tuple[str, str]) -> str:
    return pair[0]
