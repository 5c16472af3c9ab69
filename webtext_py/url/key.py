"""The canonical key of a URL: one for all addresses of a page, never one for two pages.

A key is itself a URL, `http://host/path?query`, so that any URL parser reads it, and the key of a
key is itself.

Merged, for both address one page:

- `https` and `http`, each on its own port; user name, password, the port where it is the default
- host: case, punycode, forms of an IP address, the root dot, `www.`, and the other names of a site
  in `lists/same_site.txt`
- path: dot segments, `\\` for `/`, `;jsessionid=`, the root's missing slash
- query: tracking parameters, empty ones, an empty query, the order of `name=value` parameters
- escapes: their case; those of letters, digits and `-._~!*()` (in a path `'` too), which RFC 2396
  calls needless; missing ones, where RFC 3986 wants them
- any fragment that does not begin with `!`

Kept apart, for each may be another page somewhere: schemes on a port written out; any other port;
any other `m.`, `mobile.` or `amp.`; case of path and query; a trailing or double slash,
`index.html`; escapes of `,;:@$&+=/?`; `+` and `%20`; other path parameters; every other query
parameter, `?a` and `?a=`; the order of values of one name; fragments such as `#!article`.

What is not merged here and is one page all the same meets later: redirects lead to one final URL,
and equal texts are duplicates. A wrong merge would lose a page for good, so doubt means two keys.
"""

import re

import ada_url
import pyarrow as pa

from webtext_py.url.host import parsed_host, site_host
from webtext_py.url.query import clean_query

# A URL whose serialisation differs from itself in the host alone: no escapes, no port, no user, no
# session, nothing that a parser would encode. (A dot segment is looked for separately.)
_SIMPLE = re.compile(
    r"https?://([A-Za-z0-9._-]+)(/[A-Za-z0-9._~!*'()$&+,=:@/-]*)?"
    r"(?:\?([A-Za-z0-9._~!*()$&+,;=:@/?-]*))?(?:#(?!!)[!-~]*)?"
)
# A URL as the WHATWG parser serialises it: scheme, host, port, path, query, fragment.
_HREF = re.compile(
    r"(https?)://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]+))?(/[^?#]*)(?:\?([^#]*))?(?:#(.*))?"
)
_SESSION = re.compile(r"jsessionid=[0-9a-z.!_-]+", re.IGNORECASE)
# Up to the last `@` before the path, as a WHATWG parser has it.
_CREDENTIALS = re.compile(r"\A\s*+(https?:[/\\]*+)[^/?#\\]*@", re.IGNORECASE)
_SURROGATES = re.compile("[\ud800-\udfff]")


def _tidier(plain: str) -> "tuple[re.Pattern[str], dict[str, str]]":
    """Pattern and table that bring the escapes of a component into canonical form.

    `plain` are the characters that stand for themselves; escapes of those in RFC 2396's unreserved
    set are undone where they are plain, all others get capital digits, and an octet that RFC 3986
    does not allow is escaped (a `%` without two digits after it is an octet like any other).
    """
    unreserved = frozenset(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!*'()"
    )
    table = {chr(octet): f"%{octet:02X}" for octet in range(128)}
    for high in "0123456789ABCDEFabcdef":
        for low in "0123456789ABCDEFabcdef":
            escape = f"%{high}{low}"
            character = chr(int(escape[1:], 16))
            undone = character in unreserved and character in plain
            table[escape] = character if undone else escape.upper()
    return re.compile(f"%[0-9A-Fa-f]{{2}}|[^{re.escape(plain)}]"), table


_PCHAR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!*()$&+,;=:@"
_PATH = _tidier(_PCHAR + "/'")
_QUERY = _tidier(_PCHAR + "/?")  # the WHATWG parser escapes `'` here, so it stays escaped
_FRAGMENT = _tidier(_PCHAR + "/?'")


def _tidy(text: str, tidier: "tuple[re.Pattern[str], dict[str, str]]") -> str:
    pattern, table = tidier
    return pattern.sub(lambda match: table[match[0]], text)


def _without_sessions(path: str) -> str:
    """`path` without `;jsessionid=...`, but after segments that are empty, `.` or `..`."""
    segments = path.split("/")
    for place, segment in enumerate(segments):
        name, *parameters = segment.split(";")
        if parameters and name not in ("", ".", ".."):
            kept = [x for x in parameters if _SESSION.fullmatch(x) is None]
            segments[place] = ";".join([name, *kept])
    return "/".join(segments)


def _serialised(url: str) -> "tuple[str, re.Match[str]] | None":
    """The WHATWG serialisation of an http(s) URL and its parts, or None for anything else."""
    try:
        href = ada_url.normalize_url(_SURROGATES.sub("\ufffd", url))
    except ValueError:
        return None
    parts = _HREF.fullmatch(href)
    return None if parts is None else (href, parts)


def fetch_url(url: str) -> str | None:
    """The URL as one fetches it: the WHATWG serialisation of `url` as posted, without user name
    and password, which are nobody else's.

    None where it is no http(s) URL with a host that could be. Fragment, tracking parameters and
    `www.` stay. Source: URL Standard (WHATWG).
    """
    found = _serialised(url)
    if found is None or site_host(found[1][2]) is None:
        return None
    return without_credentials(found[0])


def without_credentials(url: str) -> str:
    """`url`, an absolute http(s) URL, without user name and password."""
    return _CREDENTIALS.sub(r"\1", url, count=1) if "@" in url else url


def url_key(url: str) -> str | None:
    """The canonical key of `url`, `http://host/path?query`, or None where `fetch_url` is None.

    `url` is as posted, HTML escapes undone (`webtext_py.url.html_unescape`). Idempotent:
    `url_key(key) == key`. The module's table tells what is merged.
    """
    simple = _SIMPLE.fullmatch(url)
    if simple is None:
        return _key_of_any(url)
    host, path, query = simple.groups()
    if path is None:
        path = "/"
    elif "/." in path:
        return _key_of_any(url)
    site = parsed_host(host)
    if site is None:
        return None
    if query:
        query = clean_query(query, site)
        if query:
            return f"http://{site}{path}?{query}"
    return f"http://{site}{path}"


def _key_of_any(url: str) -> str | None:
    """`url_key` by the parser alone: the reference for the short way above."""
    found = _serialised(url)
    if found is None:
        return None
    scheme, host, port, path, query, fragment = found[1].groups()
    site = site_host(host)
    if site is None:
        return None
    # A parser drops the scheme's own port. One still there is no default, and the scheme counts:
    # `https://host:80/` is not `http://host:80/`, which is `http://host/`.
    origin = f"http://{site}" if port is None else f"{scheme}://{site}:{port}"
    path = _tidy(path, _PATH)
    if ";" in path:
        path = _without_sessions(path)
    key = origin + path
    if query and (query := clean_query(_tidy(query, _QUERY), site)):
        key += f"?{query}"
    if fragment and fragment[0] == "!" and len(fragment) > 1:
        key += "#" + _tidy(fragment, _FRAGMENT)
    return key


def url_keys(values: pa.Array) -> pa.Array:
    """`url_key` of each value of a string or large_string column, of the same type.

    Null where the value is null or has no key.
    """
    keys = [None if url is None else url_key(url) for url in values.to_pylist()]
    return pa.array(keys, type=values.type)
