"""Pages that ask not to be kept: `X-Robots-Tag`, meta `robots`, TDM reservation.

Sources: the robots meta tag as search engines document it; `noai` as DeviantArt introduced it; TDM
Reservation Protocol (W3C Community Group), whose header and meta tag are `tdm-reservation: 1`; its
file is read by `tdmrep`.
"""

import re

from webtext_py.fetch.robots import PRODUCT

_REFUSING = frozenset({"noindex", "none", "noai"})
# Meta tags stand in the head; so much of a page is looked at.
_HEAD_BYTES = 1 << 17
# One that is not closed goes on to the end: it matches wherever it begins, in linear time.
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta\b([^>]{0,2000})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    # A name begins once, and a value that is not closed goes on to the end: linear.
    rb"""(?<![a-z:_-])([a-z:_-]++)\s{0,8}+=\s{0,8}+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"'>]++))""",
    re.IGNORECASE,
)


def header_opt_out(headers: list[tuple[str, str]]) -> str | None:
    """The header that asks not to keep the page; None where none does."""
    for name, value in headers:
        lowered = name.lower()
        if lowered == "tdm-reservation" and value.strip() == "1":
            return "tdm-reservation: 1"
        if lowered == "x-robots-tag" and _refuses(value):
            return f"x-robots-tag: {value[:100]}"
    return None


def meta_opt_out(body: bytes) -> str | None:
    """The meta tag of a decoded page that asks not to keep it; None where none does."""
    for tag in _META.finditer(_COMMENT.sub(b"", body[:_HEAD_BYTES])):
        fields = {
            match[1].lower(): next((g for g in match.groups()[1:] if g is not None), b"")
            for match in _ATTRIBUTE.finditer(tag[1])
        }
        name = fields.get(b"name", b"").strip().lower().decode("latin-1")
        content = fields.get(b"content", b"").decode("latin-1")
        if name in ("robots", PRODUCT) and _words(content) & _REFUSING:
            return f"meta {name}: {content[:100]}"
        if name == "tdm-reservation" and content.strip() == "1":
            return "meta tdm-reservation: 1"
    return None


def _refuses(value: str) -> bool:
    """Whether an `X-Robots-Tag` refuses us: `noindex`, or `webtext: noindex`.

    A value for another robot (`googlebot: noindex`) is not for us.
    """
    agent, colon, rest = value.partition(":")
    if colon and not re.search(r"[\s,]", agent.strip()) and agent.strip().lower() not in _DATED:
        return agent.strip().lower() in (PRODUCT, "*") and bool(_words(rest) & _REFUSING)
    return bool(_words(value) & _REFUSING)


_DATED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[\s,]+", text.lower()) if word}
