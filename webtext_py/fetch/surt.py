"""Sort-friendly keys of URLs as web archives' indexes have them: `com,example)/path?query`.

Follows the canonical form of the Internet Archive's tools (webarchive-commons, `surt`): lower case,
`www.` and session ids gone, parameters in order. A key finds rows; whether a row is the link's page
is decided by `url_key`.
"""

import re
from urllib.parse import unquote_to_bytes, urlsplit

_WWW = re.compile(r"www\d*\.")
_SESSIONS = [
    re.compile(p, re.IGNORECASE)
    for p in (
        r"(?:^|&)jsessionid=[0-9a-z]{10,32}(?=&|$)",
        r"(?:^|&)phpsessid=[0-9a-z]{32}(?=&|$)",
        r"(?:^|&)sid=[0-9a-z]{32}(?=&|$)",
        r"(?:^|&)aspsessionid[a-z]{8}=[a-z]{24}(?=&|$)",
        r"(?:^|&)cfid=[^&]+&cftoken=[^&]+(?=&|$)",
    )
]
_PATH_SESSION = re.compile(r";jsessionid=[0-9a-z]{32}", re.IGNORECASE)
_KEPT = frozenset(range(0x21, 0x7F)) - frozenset(b"%#")


def surt_key(url: str) -> str | None:
    """The key of an http(s) URL as the WHATWG parser serialises it; None where it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    host = _WWW.sub("", host.rstrip("."), count=1) if _WWW.match(host) else host.rstrip(".")
    name = host if ":" in host else ",".join(reversed(host.split(".")))
    if port is not None and port != (80 if parts.scheme == "http" else 443):
        name += f":{port}"
    path = _PATH_SESSION.sub("", _unescaped(parts.path)).lower()
    path = re.sub(r"/{2,}", "/", path)
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    query = _unescaped(parts.query)
    for pattern in _SESSIONS:
        query, found = pattern.subn("", query)
        query = query.removeprefix("&") if found else query
    key = f"{name}){path or '/'}"
    if not query:
        return key
    pairs = sorted(tuple(pair.split("=", 1)) for pair in query.lower().split("&"))
    return f"{key}?{'&'.join('='.join(pair) for pair in pairs)}"


def _unescaped(text: str) -> str:
    """Escapes undone until none is left, then those put back that a URL needs."""
    data = text.encode()
    for _ in range(10):
        undone = unquote_to_bytes(data)
        if undone == data:
            break
        data = undone
    return "".join(chr(octet) if octet in _KEPT else f"%{octet:02x}" for octet in data)
