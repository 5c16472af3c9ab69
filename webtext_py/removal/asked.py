"""What is to be removed, as it was asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.errors import ConfigError, InputError
from webtext_py.url.domain_list import parse_domain
from webtext_py.url.key import url_key

_DOC_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Asked:
    """Rows for the list of removed documents, each with the words in which it was asked for, and
    the lines that are no URL."""

    rows: Mapping[tuple[str, str], str]  # kind and value -> as given
    no_urls: tuple[str, ...] = ()


def asked_for(
    urls: Path | None = None, domain: str | None = None, doc_ids: Sequence[str] = ()
) -> Asked:
    """What a file of URLs (one a line; `#` begins a comment line), a domain with its subdomains,
    or some `doc_id`s ask for.

    Raises `ConfigError` unless it is exactly one of them, and for a domain or id that is none.
    """
    given = (urls is not None) + (domain is not None) + bool(doc_ids)
    if given != 1:
        raise ConfigError(f"one of `--urls`, `--domain` and `--doc-id` was expected, found {given}")
    if urls is not None:
        return _urls(urls)
    if domain is not None:
        try:
            name = parse_domain(domain.strip(), "`--domain`")
        except InputError as error:
            raise ConfigError(str(error), "such as `example.com`; its subdomains go too") from None
        if name.startswith("*."):
            raise ConfigError(f"`--domain {domain}`: leave out `*.`, subdomains go with the domain")
        return Asked({("domain", name): domain})
    for each in doc_ids:
        if _DOC_ID.fullmatch(each.lower()) is None:
            raise ConfigError(f"`{each}` is no `doc_id`; 32 hexadecimal digits were expected")
    return Asked({("doc_id", each.lower()): each for each in doc_ids})


def _urls(path: Path) -> Asked:
    rows: dict[tuple[str, str], str] = {}
    no_urls = []
    # One bad line costs that line.
    for line in path.read_text(encoding="utf-8-sig", errors="replace").split("\n"):
        given = line.strip()
        if not given or given.startswith("#"):
            continue
        key = url_key(given)
        if key is None:
            no_urls.append(given)
        else:
            rows.setdefault(("url", key), given)
    if not rows:
        raise InputError(f"`{path}` has no http(s) URL; one a line was expected")
    return Asked(rows, tuple(dict.fromkeys(no_urls)))


def list_rows(asked: Asked, reason: str | None, promote: bool) -> list[dict[str, Any]]:
    """The rows of `records.REMOVED` that say so."""
    return [
        {"kind": kind, "value": value, "kept_doc_id": None, "promote": promote, "reason": reason}
        for kind, value in asked.rows
    ]
