"""Pages that answer 200 and are not the page: parked domains, error pages, walls, soft 404s.

The phrases are those of the cleaning rules (`webtext_py.text.rules`), applied to a page's visible
text, so that another source can be asked while fetching; extraction judges again, with more care.
"""

import re

from webtext_py.fetch.optout import header_opt_out, meta_opt_out
from webtext_py.pages.coding import decode_body
from webtext_py.pages.http import first_value, is_html
from webtext_py.text import rules
from webtext_py.text.page import Page

# Parked pages and walls are small; an article's markup is not looked at. Our choice.
_SMALL_PAGE = 64 << 10
# A page with fewer word 5-shingles of its own than this, beside the host's page for a missing path,
# has no text that would be kept (`--min-words` is 50). Our choice.
_OWN_SHINGLES = 40
_COMPARED = 1 << 18
_TAG = re.compile(r"<[^<>]{0,4096}>")
# Up to its end tag, else to the end of the page: it matches wherever it begins, in linear time.
_SCRIPT = re.compile(r"<(script|style)\b.*?(?=</\1|\Z)", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"\w+")


def dead_page(url: str, headers: list[tuple[str, str]], body: bytes) -> str | None:
    """Why a small page is no document, by its phrases; None where nothing says so."""
    if len(body) > _SMALL_PAGE:
        return None
    page = Page(url, body, first_value(headers, "content-type"), tuple(headers))
    text = rules.visible_text(body.decode("utf-8", "replace"))
    dropped = rules.wall(page, None, text, rules.count_words(text))
    return f"{dropped[0]}, {dropped[1]}" if dropped else None


def no_page(url: str, headers: list[tuple[str, str]], body: bytes, limit: int) -> str | None:
    """Why an archived answer, with a body as it was sent, is no page to keep; None where it is one.
    `limit`: bytes of the decoded body."""
    decoded = decode_body(body, headers, limit)
    if decoded.too_large:
        return "decoded_too_large"
    kind = first_value(headers, "content-type")
    if not is_html(kind, headers, body):
        return f"not_html: {kind}"
    return (
        header_opt_out(headers)
        or meta_opt_out(decoded.body)
        or dead_page(url, headers, decoded.body)
    )


def same_page(missing: bytes, page: bytes) -> bool:
    """Whether `page` says next to nothing that the host's page for a missing path does not."""
    known, own = _shingles(missing), _shingles(page)
    return bool(own) and len(own - known) < min(_OWN_SHINGLES, len(own))


def _shingles(body: bytes) -> set[tuple[str, ...]]:
    text = body[:_COMPARED].decode("utf-8", "replace")
    words = _WORD.findall(_TAG.sub(" ", _SCRIPT.sub("", text)).lower())
    if len(words) < 5:
        return {tuple(words)} if words else set()
    return set(zip(words, words[1:], words[2:], words[3:], words[4:], strict=False))
