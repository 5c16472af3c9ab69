"""The rules that drop a URL before anybody fetches it, each with its reason in the ledger.

Hosts and endings are data files in `lists/`, each with its source. Karma and dates are rules of
the links stage, not of this module.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

import pyarrow as pa

from webtext_py.url.key import url_key
from webtext_py.url.list_file import listed, read_hosts
from webtext_py.wikipedia.hosts import is_wikipedia_key

DropReason: TypeAlias = Literal[
    "not_http",
    "excluded_domain",
    "self_link",
    "wikipedia_host",
    "media_host",
    "shortener",
    "media_file",
    "not_html_file",
]
"""Why a URL is dropped: the words that stand in the ledger."""

REASONS: Final[tuple[DropReason, ...]] = get_args(DropReason)
"""Every drop reason, in the order in which the rules are asked: the first that holds is given."""

_KEY = re.compile(r"https?://(\[[^\]]*\]|[^/:]*)(?::[0-9]+)?(/[^?#]*)")
# Ending of the last path segment. A segment with a colon is a page about a file, as MediaWiki names
# them (`/wiki/File:Map.png`), so it has none. 7 letters: the longest ending we list is 5.
_ENDING = re.compile(r"/[^/:.][^/:]*\.([A-Za-z0-9]{1,7})$")
_CACHED_HOSTS = 1 << 17  # our choice, as in host.py


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Which URLs are dropped, and why. `UrlRules.default()` has the shipped lists.

    Hosts cover their subdomains; in `exclude_domains` an entry `*.example.com` covers only those.
    Endings are lower case, without the dot.
    """

    media_hosts: frozenset[str]
    self_hosts: frozenset[str]
    shorteners: frozenset[str]
    media_endings: frozenset[str]
    file_endings: frozenset[str]
    exclude_domains: frozenset[str] = frozenset()
    _seen: dict[str, DropReason | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def default(cls, exclude_domains: frozenset[str] = frozenset()) -> "UrlRules":
        """The rules with the shipped lists, and `exclude_domains` as `load_domain_list` gives."""
        return cls(
            media_hosts=read_hosts("media_hosts"),
            self_hosts=read_hosts("self_hosts"),
            shorteners=read_hosts("shorteners"),
            media_endings=read_hosts("media_endings"),
            file_endings=read_hosts("file_endings"),
            exclude_domains=exclude_domains,
        )

    def reason(self, key_or_url: str) -> DropReason | None:
        """Why the URL is dropped, or None to keep it. A URL and its key get the same answer."""
        key = url_key(key_or_url)
        return "not_http" if key is None else self._reason_of_key(key)

    def reasons(self, keys: pa.Array) -> pa.Array:
        """`reason` of each key of a column that `url_keys` made: a string column, null to keep.

        A null key is `not_http`.
        """
        of_key = self._reason_of_key
        return pa.array(
            ["not_http" if key is None else of_key(key) for key in keys.to_pylist()],
            type=pa.string(),
        )

    def _reason_of_key(self, key: str) -> DropReason | None:
        parts = _KEY.match(key)
        if parts is None:
            return "not_http"
        host, path = parts.groups()
        try:
            reason = self._seen[host]
        except KeyError:
            if len(self._seen) >= _CACHED_HOSTS:
                self._seen.clear()
            reason = self._seen[host] = self._reason_of_host(host)
        if reason in ("excluded_domain", "self_link"):
            return reason
        if is_wikipedia_key(key):
            return "wikipedia_host"
        if reason is not None:
            return reason
        ending = _ENDING.search(path)
        if ending is None:
            return None
        name = ending[1].lower()
        if name in self.media_endings:
            return "media_file"
        return "not_html_file" if name in self.file_endings else None

    def _reason_of_host(self, host: str) -> DropReason | None:
        if self.exclude_domains and self._excluded(host):
            return "excluded_domain"
        # `i.redd.it` is a media host below a host of Reddit: the longer entry counts.
        media, own = listed(host, self.media_hosts), listed(host, self.self_hosts)
        if own is not None and (media is None or len(own) >= len(media)):
            return "self_link"
        if media is not None:
            return "media_host"
        return "shortener" if listed(host, self.shorteners) is not None else None

    def _excluded(self, host: str) -> bool:
        if listed(host, self.exclude_domains) is not None:
            return True
        while (parent := host.partition(".")[2]) != "":
            if f"*.{parent}" in self.exclude_domains:
                return True
            host = parent
        return False
