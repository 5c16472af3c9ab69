"""What goes into extraction and what comes out: `Page` in, `Found` out, a `Document` for people.

`Page` and `Found` cross the sandbox as MessagePack, typed and checked on both sides.
"""

from datetime import date, datetime
from typing import Protocol

import msgspec

# The content type of a page that came as text: encoded by us, never to be decoded otherwise.
AS_TEXT = "text/html; charset=utf-8"

# A page that every extractor takes: tried before all others, and where too many of those fail.
CONTROL_PAGE = b"""<!doctype html><title>Warm up</title><article><p>Loads what is loaded on first
use: stop words, patterns. It is here so that each child begins with all of it in memory that it
shares, and no page pays for it.</p><p>Published on 3 May 2011.</p></article>"""


class Page(msgspec.Struct, frozen=True, array_like=True):
    """One capture: the bytes of an answer, content and transfer codings undone.

    `url` is the one the bytes came from, after redirects, empty where nobody knows; `content_type`
    the HTTP header as it stands; `headers` all of them in order; `fetched_at` the time of the
    capture, without which nothing bounds a published date.
    """

    url: str
    body: bytes
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    fetched_at: datetime | None = None


class Document(msgspec.Struct, frozen=True):
    """Main text of a page: plain text, NFC, paragraphs separated by an empty line, the items of a
    list and the rows of a table by a newline, cells by a tab; empty where the page has none.

    `language` is ISO 639-1, or `und` where unsure; `published` the day that the page names;
    `extractor` what made the text, and its version; `charset` how the bytes were read, as
    `utf-8:http`.
    """

    title: str | None
    text: str
    language: str
    published: date | None
    extractor: str
    charset: str


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A document as an extractor found it, or why it found none: one of `rules.REASONS`."""

    problem: str | None
    text: str = ""
    title: str | None = None
    language: str = "und"
    published: date | None = None
    extractor: str = ""
    charset: str = ""


class Extractor(Protocol):
    """Finds the main text of a page; all else, and whether it is worth keeping, is judged here.

    Deterministic: the answer depends on the page only, not on pages before it, on the clock or on
    the machine.
    """

    @property
    def name(self) -> str:
        """Name and version, as written into `Document.extractor`."""

    def main_text(self, html: str, url: str | None) -> str:
        """Main text of a page, plain, maybe empty."""
