"""HTTP response heads as archives keep them, and what they make of a capture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from webtext_py.pages.coding import decode_body
from webtext_py.pages.content import SNIFF_BYTES, declared, other_than_html
from webtext_py.pages.warc import decode_text
from webtext_py.url.key import without_credentials

# More than this is no response head: our choice; servers and browsers stop at 256 KiB.
HEAD_MAX = 1 << 20

# Fetch standard, "redirect status". With another one, a `Location` leads nowhere by itself.
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_STATUS = re.compile(r"HTTP/[0-9]+(?:\.[0-9]+)?[ \t]+([0-9]{3})(?![0-9])")
_BLANK = re.compile(rb"\n[ \t]*\r?\n")
_NAME = re.compile(r"[!-9;-~]+")
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_UNCLEAN = re.compile(r"[\s\x00-\x20\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class HttpHead:
    """Status, headers in order, and where in the block the body begins."""

    status: int
    headers: list[tuple[str, str]]
    body: int


def parse_head(block: bytes) -> HttpHead | None:
    """The response head that `block` begins with; None where it begins with none.

    Interim answers (1xx) are passed over, lines that are no headers left out, folded ones joined.
    Without a blank line the whole block is the head.
    """
    place = 0
    while True:
        if not block.startswith(b"HTTP/", place):
            return None
        match = _BLANK.search(block, place, place + HEAD_MAX)
        if match is None and len(block) - place > HEAD_MAX:
            return None
        end = match.end() if match else len(block)
        lines = decode_text(block[place:end]).split("\n")
        status = _STATUS.match(lines[0])
        if status is None:
            return None
        code = int(status[1])
        if code // 100 == 1 and block.startswith(b"HTTP/", end):
            place = end
            continue
        return HttpHead(code, _headers(lines[1:]), end)


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, list[str]]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:
            headers[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if colon and _NAME.fullmatch(name):
            headers.append((name, [value.strip()]))
    return [(name, " ".join(filter(None, parts))) for name, parts in headers]


def first_value(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first non-empty value of the header `name` (lower case); None where there is none."""
    for key, value in headers:
        if value and key.lower() == name:
            return value
    return None


def is_web_url(url: str) -> bool:
    """Whether `url` is http or https with a host."""
    return _WEB.match(url) is not None


def is_clean_url(url: str) -> bool:
    """Whether `url` is http or https with a host and could stand in a header: no blanks, controls
    or line ends."""
    return is_web_url(url) and _UNCLEAN.search(url) is None


def is_html(
    content_type: str | None, headers: list[tuple[str, str]], body: bytes | memoryview
) -> bool:
    """Whether a response is HTML: by its type, and by its first bytes where that says nothing."""
    kind = declared(content_type)
    if kind != "unknown":
        return kind == "html"
    start = decode_body(bytes(body[: 1 << 16]), headers, SNIFF_BYTES).body
    return other_than_html(start, said=False) is None


def join_location(url: str, location: str) -> str | None:
    """The absolute URL that `location` names at `url`, without credentials; None where it names no
    web page."""
    import ada_url

    try:
        target: str = ada_url.join_url(url, location)
    except ValueError:
        return None
    return without_credentials(target) if is_web_url(target) else None
