"""The one judge of what an answer holds: by its content type, and by its first bytes.

A content type that says HTML is believed as to its kind, one that says another kind too; one that
says nothing (none, `application/octet-stream`) or XML, which XHTML is, leaves it to the bytes.
Every look at foreign bytes takes linear time.
"""

import re
from typing import Literal

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
# What servers say when they do not know, and what may hold XHTML.
_UNKNOWN_TYPES = frozenset(
    [
        *("application/octet-stream", "binary/octet-stream", "application/unknown"),
        *("application/x-unknown-content-type", "unknown/unknown", "content/unknown"),
        *("text/xml", "application/xml", "*/*"),
    ]
)
SNIFF_BYTES = 16384  # our choice: browsers look at 1,445 (WHATWG MIME Sniffing, 5.2)
OTHER_FORMATS = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xd0\xcf\x11\xe0", "Office"),
    (b"{\\rtf", "RTF"),
    (b"%!PS", "PostScript"),
)
_MEDIA = re.compile(r"[a-z0-9*][a-z0-9.+*-]{0,126}/[a-z0-9*][a-z0-9.+*-]{0,126}")
_TAG = re.compile(
    rb"<(?:!doctype\s+html|html|head|title|body|meta|script|link|style|table|div|p|br|h[1-6]|span"
    rb"|a|b|article|font|iframe|form|center)[\s/>]",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_FEED = re.compile(rb"<(?:rss|feed|rdf:rdf|opml|urlset|sitemapindex|svg)[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"<html[\s>]", re.IGNORECASE)
_SPACE = b" \t\r\n\x0c"


def declared(content_type: str | None) -> Literal["html", "unknown"] | str:
    """What a content type says: `html`, `unknown`, or the type of another kind, lower case.

    Of several types the first counts, whatever stands between and behind them.
    """
    text = (content_type or "").lower()[:1024]
    named = _MEDIA.search(text)
    if named is None:
        return "unknown"
    kind = named[0]
    if kind in _HTML_TYPES:
        return "html"
    return "unknown" if kind in _UNKNOWN_TYPES else kind


def other_than_html(body: bytes, *, said: bool) -> str | None:
    """Why `body` is no HTML; None where it is. `said`: its content type says HTML, so that any
    element will do; else it is to begin like a page."""
    head = body[:SNIFF_BYTES]
    for magic, name in OTHER_FORMATS:
        if head.lstrip()[:8].startswith(magic):
            return f"{name} data"
    head = _without_nul(head)
    feed = _FEED.search(head[:1024])
    if feed and not _HTML.search(head[: feed.start() + 1024]):
        return "XML of another kind"
    if said:
        found = _TAG.search(head) or _TAG.search(_without_nul(body[: 16 * SNIFF_BYTES]))
        return None if found else "no HTML element"
    return None if begins_like_page(head) else "does not begin like a page"


def begins_like_page(head: bytes) -> bool:
    """Whether text begins with an element of HTML, behind comments and XML's preamble, or holds a
    page's outer elements further on and is no JSON."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        for begin, end in ((b"<!--", b"-->"), (b"<?", b">")):
            if text.startswith(begin, at):
                at = text.find(end, at) + len(end)
                if at < len(end):  # it does not end here
                    return False
                break
        else:
            break
    if _TAG.match(text, at):
        return True
    return text[at : at + 1] not in (b"{", b"[", b'"') and _DOCUMENT.search(text, at) is not None


def _without_nul(head: bytes) -> bytes:
    """UTF-16 near enough to see a tag."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00<\x00" in head[:200]
    return head.lstrip(b"\xff\xfe").replace(b"\x00", b"") if wide else head
