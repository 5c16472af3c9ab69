"""Which pages are no documents, and why.

A rule looks at a page, or at what was extracted from a batch of them, and gives a reason or None.
Rules about walls and error pages judge short texts only: a long article may well quote "access
denied".
Their phrases are data (`data/*.tsv`, each with its source); what cannot be said by a phrase does
not belong here.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import unescape
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from webtext_py import _core
from webtext_py.pages.content import SNIFF_BYTES, declared, other_than_html
from webtext_py.pages.http import first_value
from webtext_py.text.page import Page

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

NOT_HTML = "not_html"
EMPTY = "empty"
TOO_SHORT = "too_short"
BOT_WALL = "bot_wall"
SOFT_ERROR = "soft_error"
LANGUAGE = "language"
TOO_LARGE = "too_large"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        NOT_HTML: "the answer is no HTML, by its content type or its first bytes",
        TOO_LARGE: "the body is larger than `max_html_bytes`",
        EMPTY: "no main text was found",
        TOO_SHORT: "fewer words than `--min-words`",
        BOT_WALL: "a wall against robots, a challenge, or a demand for JavaScript",
        SOFT_ERROR: "an error page, a parked domain or a login wall, answered with status 200",
        LANGUAGE: "not in the language of `--lang`",
        "too_costly": "extraction needs more counted work or memory than a page may cost",
        "cpu_limit": "extraction used more than its CPU seconds, twice",
        "memory_limit": "extraction used more than its memory, twice",
        "output_limit": "extraction gave more text than allowed, twice",
        "wall_limit": "extraction gave no answer for many minutes, twice",
        "crash": "the extractor failed on it: our bug, or that of foreign Python",
    }
)

# Texts of more words than this are never judged by phrases: walls and error pages are shorter,
# menus left out, and an article that quotes them is longer (our choice). Phrases that a short
# note may well hold ("error 404") count in texts of under `SHORT_WORDS` only.
MAX_WALL_WORDS = 100
SHORT_WORDS = 50
# A title that is nothing but a wall's or an error page's tells more than a phrase: such pages, with
# their advice and apologies, run longer (our choice).
MAX_TITLED_WORDS = 300
# How much of a page's visible text is looked at for phrases where extraction found little.
VISIBLE_CHARACTERS = 4000

_HIDDEN = re.compile(r"<(script|style|template|svg)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_MARKUP = re.compile(r"<!--.*?(?:-->|\Z)|<[^>]*>?", re.S)
_SPACE = re.compile(r"\s+")
_TITLE = re.compile(r"<title[^<>]*+>([^<]{0,1000}+)</title", re.I)


def no_page(page: Page, max_html_bytes: int) -> str | None:
    """The reason to drop a page before it is extracted: too large, empty, or no HTML by its
    content type, or by its first bytes where the type says nothing or says HTML."""
    if len(page.body) > max_html_bytes:
        return TOO_LARGE
    if declared(page.content_type) not in ("html", "unknown"):
        return NOT_HTML
    if not page.body[:SNIFF_BYTES].strip():
        return EMPTY
    # Where the type says nothing, the capture was chosen by its beginning.
    return NOT_HTML if other_than_html(page.body, said=True) is not None else None


def count_words(text: str) -> int:
    """Words of `text` by the overlap normaliser (`webtext_py.words`): in scripts written without
    spaces each character is one."""
    # A span is two 64-bit numbers.
    return len(_core.word_spans(text.encode("utf-8", "replace"), False)) // 16


def judge(
    pages: Sequence[Page], found: "pa.RecordBatch", min_words: int, lang: str | None
) -> "tuple[npt.NDArray[np.uint32], list[str | None]]":
    """Words of each extracted text, and why its page is no document, the most telling reason first;
    None where it is one.

    `found` has the columns of `found.FOUND`, a row for each of `pages`, which are looked at only
    where the text is short.
    """
    from webtext_py.words import word_counts

    words = word_counts(found["text"])
    reasons = found["problem"].to_pylist()
    for row in (words <= max(MAX_TITLED_WORDS, min_words)).nonzero()[0].tolist():
        count = int(words[row])
        if reasons[row] is None:
            text, title = found["text"][row].as_py(), found["title"][row].as_py()
            dropped = wall(pages[row], title, text, count)
            reasons[row] = (dropped and dropped[0]) or (None if text else EMPTY)
        if reasons[row] is None and count < min_words:
            reasons[row] = TOO_SHORT
    if lang is not None:
        reasons = [
            LANGUAGE if reason is None and code != lang else reason
            for reason, code in zip(reasons, found["language"].to_pylist(), strict=True)
        ]
    return words, reasons


def visible_text(html: str) -> str:
    """The first characters of what a page shows, markup and hidden parts removed, lower case."""
    text = _MARKUP.sub(" ", _HIDDEN.sub(" ", html[: 40 * VISIBLE_CHARACTERS]))
    return _SPACE.sub(" ", text).strip()[:VISIBLE_CHARACTERS].lower()


_Patterns = dict[str, list[re.Pattern[str]]]  # by where they are looked for


@cache
def _phrases() -> dict[str, _Patterns]:
    return {reason: _load(reason) for reason in (BOT_WALL, SOFT_ERROR)}


def _load(reason: str) -> _Patterns:
    found: _Patterns = {"title": [], "text": [], "short": [], "html": []}
    lines = (files("webtext_py.text") / "data" / f"{reason}.tsv").read_text("utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            where, pattern, _why = line.split("\t")
            # Markup is long: in small letters a pattern's literal beginning is found fast.
            found[where].append(re.compile(pattern, 0 if where == "html" else re.IGNORECASE))
    return found


def wall(page: Page, title: str | None, text: str, words: int) -> tuple[str, str] | None:
    """Whether a page with a short text is a wall or an error page: the reason, and what says so.

    `title` and `text`, of `words` words, are what was extracted.
    """
    if words > MAX_TITLED_WORDS:
        return None
    if (first_value(page.headers, "cf-mitigated") or "").lower() == "challenge":
        return BOT_WALL, "header cf-mitigated: challenge"
    html, _ = _core.decode_page(page.body, page.content_type)
    # The extractor's title may lack the site's name, which tells.
    own = _TITLE.search(html)
    titles = {title or "", " ".join(unescape(own[1]).split()) if own else ""}
    texts = [text.lower()] if words <= MAX_WALL_WORDS else []
    markup = [html.lower()] if words <= MAX_WALL_WORDS else []
    if words < SHORT_WORDS:
        # Extraction leaves out what a wall says (noscript, dialogs): look for it.
        visible = visible_text(html)
        if count_words(visible) <= MAX_WALL_WORDS:
            texts.append(visible)
    for reason, phrases in _phrases().items():
        patterns = phrases["text"] + (phrases["short"] if words < SHORT_WORDS else [])
        for where, subjects, wanted in (
            ("title", sorted(titles), phrases["title"]),
            ("markup", markup, phrases["html"]),
            ("text", texts, patterns),
        ):
            for pattern in wanted:
                for subject in subjects:
                    match = pattern.search(subject)
                    if match is not None:
                        return reason, f"{where}: {match[0][:80]}"
    return None
