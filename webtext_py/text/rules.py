"""Which pages are no documents, and why.

A rule looks at a page or at what was extracted from it and gives `Dropped` or None. Rules about
walls and error pages judge short texts only: a long article may well quote "access denied".
Their phrases are data (`data/*.tsv`, each with its source); what cannot be said by a phrase does
not belong here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from importlib.resources import files
from types import MappingProxyType

from webtext_py import _core
from webtext_py.pages.content import SNIFF_BYTES, declared, other_than_html
from webtext_py.text import charset
from webtext_py.text.page import Document, Dropped, Page

__all__ = ["REASONS", "count_words", "judge", "not_html", "visible_text"]

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
        "cpu_limit": "extraction used more than its CPU seconds, twice",
        "memory_limit": "extraction used more than its memory, twice",
        "output_limit": "extraction gave more text than allowed, twice",
        "wall_limit": "extraction gave no answer for many minutes, twice",
        "crash": "extraction crashed, twice",
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


def not_html(page: Page) -> Dropped | None:
    """Drops a page that is no HTML by its content type, or by its first bytes where the type
    says nothing or says HTML."""
    kind = declared(page.content_type)
    if kind not in ("html", "unknown"):
        return Dropped(NOT_HTML, kind[:100])
    if not page.body[:SNIFF_BYTES].strip():
        return Dropped(EMPTY, "no bytes")
    # Where the type says nothing, the capture was chosen by its beginning.
    found = other_than_html(page.body, said=True)
    return None if found is None else Dropped(NOT_HTML, found)


def count_words(text: str) -> int:
    """Words of `text` by the overlap normaliser (`webtext_py.words`): in scripts written without
    spaces each character is one."""
    # Straight to the core: `webtext_py.words` brings pyarrow, whose threads a process that forks
    # its children must not have. A span is two 64-bit numbers.
    return len(_core.word_spans(text.encode("utf-8", "replace"), False)) // 16


def judge(page: Page, document: Document, min_words: int, lang: str | None) -> Dropped | None:
    """Drops an extracted document by the rules above, the most telling reason first.

    `page` is looked at only where the extracted text is short.
    """
    words = count_words(document.text)
    if words <= MAX_TITLED_WORDS:
        html, _ = charset.decode(page.body, page.content_type)
        dropped = _wall(page, document, html, words)
        if dropped is not None:
            return dropped
    if not document.text:
        return Dropped(EMPTY)
    if words < min_words:
        return Dropped(TOO_SHORT, f"{words} words")
    if lang is not None and document.language != lang:
        return Dropped(LANGUAGE, document.language)
    return None


def visible_text(html: str) -> str:
    """The first characters of what a page shows, markup and hidden parts removed, lower case."""
    text = _MARKUP.sub(" ", _HIDDEN.sub(" ", html[: 40 * VISIBLE_CHARACTERS]))
    return _SPACE.sub(" ", text).strip()[:VISIBLE_CHARACTERS].lower()


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Patterns of one reason, by where they are looked for."""

    reason: str
    title: tuple[re.Pattern[str], ...]
    text: tuple[re.Pattern[str], ...]
    short: tuple[re.Pattern[str], ...]
    html: tuple[re.Pattern[str], ...]


@cache
def _phrases() -> tuple[_Phrases, ...]:
    return tuple(_load(reason) for reason in (BOT_WALL, SOFT_ERROR))


def _load(reason: str) -> _Phrases:
    found: dict[str, list[re.Pattern[str]]] = {"title": [], "text": [], "short": [], "html": []}
    lines = (files("webtext_py.text") / "data" / f"{reason}.tsv").read_text("utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            where, pattern, _why = line.split("\t")
            found[where].append(re.compile(pattern, re.IGNORECASE))
    return _Phrases(reason, *(tuple(patterns) for patterns in found.values()))


def _wall(page: Page, document: Document, html: str, words: int) -> Dropped | None:
    header = {name.lower(): value for name, value in page.headers}
    if header.get("cf-mitigated", "").lower() == "challenge":
        return Dropped(BOT_WALL, "header cf-mitigated: challenge")
    # The extractor's title may lack the site's name, which tells.
    title = _TITLE.search(html)
    titles = {document.title or "", " ".join(unescape(title[1]).split()) if title else ""}
    texts = [document.text.lower()] if words <= MAX_WALL_WORDS else []
    markup = [html] if words <= MAX_WALL_WORDS else []
    if words < SHORT_WORDS:
        # Extraction leaves out what a wall says (noscript, dialogs): look for it.
        visible = visible_text(html)
        if count_words(visible) <= MAX_WALL_WORDS:
            texts.append(visible)
    for phrases in _phrases():
        patterns = phrases.text + (phrases.short if words < SHORT_WORDS else ())
        for where, subjects, wanted in (
            ("title", sorted(titles), phrases.title),
            ("markup", markup, phrases.html),
            ("text", texts, patterns),
        ):
            for pattern in wanted:
                for subject in subjects:
                    match = pattern.search(subject)
                    if match is not None:
                        return Dropped(phrases.reason, f"{where}: {match[0][:80]}")
    return None
