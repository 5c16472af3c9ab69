"""What goes into extraction and what comes out: `Page` in, `Document` or `Dropped` out.

The three cross the sandbox as MessagePack (`encode_page` ...), typed and checked on both sides.
"""

from datetime import date, datetime
from typing import Protocol

import msgspec

__all__ = [
    "CONTROL_PAGE",
    "Document",
    "Dropped",
    "Extractor",
    "Page",
    "decode_outcome",
    "decode_page",
    "encode_outcome",
    "encode_page",
]


# A page that every extractor takes: tried before all others, and where too many of those fail.
CONTROL_PAGE = b"""<!doctype html><title>Warm up</title><article><p>Loads what is loaded on first
use: language model, stop words, date patterns. It is here so that each child begins with all of it
in memory that it shares, and no page pays for it.</p><p>Published on 3 May 2011.</p></article>"""


class Page(msgspec.Struct, frozen=True, array_like=True):
    """One capture: the bytes of an answer, content and transfer codings undone.

    `url` is the one the bytes came from, after redirects; `content_type` the HTTP header as it
    stands; `headers` all of them in order; `fetched_at` the time of the capture (None where
    nobody knows: then no published date is given, as nothing bounds it).
    """

    url: str
    body: bytes
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    fetched_at: datetime | None = None


class Document(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Main text of a page: plain text, NFC, paragraphs separated by an empty line, the items of a
    list and the rows of a table by a newline, cells by a tab.

    `language` is ISO 639-1, or `und` where unsure; `published` is never after `fetched_at`;
    `extractor` names what made the text and its version; `charset` is how the bytes were read
    (see `charset.decode`).
    """

    title: str | None
    text: str
    language: str
    published: date | None
    extractor: str
    charset: str


class Dropped(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Why a page gives no document: one of `rules.REASONS` or of the sandbox's, and a detail."""

    reason: str
    detail: str = ""


class Extractor(Protocol):
    """Turns a page into its main text, without judging whether that is worth keeping.

    The text may be empty. Only what is no HTML at all is `Dropped`. Deterministic: the answer
    depends on the page only, not on pages before it, on the clock or on the machine.
    """

    @property
    def name(self) -> str:
        """Name and version, as written into `Document.extractor`."""

    def extract(self, page: Page) -> Document | Dropped:
        """Main text of `page`, or why there can be none."""


_ENCODER = msgspec.msgpack.Encoder()
_PAGE = msgspec.msgpack.Decoder(Page)
_OUTCOME: msgspec.msgpack.Decoder[Document | Dropped] = msgspec.msgpack.Decoder(Document | Dropped)


def encode_page(page: Page) -> bytes:
    """`page` as MessagePack."""
    return _ENCODER.encode(page)


def decode_page(data: bytes) -> Page:
    """The page in `data`. Raises msgspec.ValidationError for anything else."""
    return _PAGE.decode(data)


def encode_outcome(outcome: Document | Dropped) -> bytes:
    """`outcome` as MessagePack."""
    return _ENCODER.encode(outcome)


def decode_outcome(data: bytes) -> Document | Dropped:
    """The outcome in `data`. Raises msgspec.ValidationError for anything else."""
    return _OUTCOME.decode(data)
