"""The page function that runs in the sandbox's child: extract, then judge."""

import importlib
import json

from webtext_py.text import rules
from webtext_py.text.page import (
    CONTROL_PAGE,
    Document,
    Dropped,
    Extractor,
    Page,
    decode_page,
    encode_outcome,
)
from webtext_py.text.zygote import PageFunction

__all__ = ["extract_page", "make"]


def make(settings: bytes) -> PageFunction:
    """The page function for `settings` (JSON: target, min_words, lang), with all of it loaded."""
    wanted = json.loads(settings)
    module, _, name = wanted["target"].partition(":")
    extractor: Extractor = getattr(importlib.import_module(module), name)()

    def run(payload: bytes) -> bytes:
        page = decode_page(payload)
        return encode_outcome(extract_page(page, extractor, wanted["min_words"], wanted["lang"]))

    extract_page(Page("https://example.org/", CONTROL_PAGE), extractor, 0, None)
    return run


def extract_page(
    page: Page, extractor: Extractor, min_words: int, lang: str | None
) -> Document | Dropped:
    """Document of `page` by `extractor` where the rules keep it, or why not."""
    document = extractor.extract(page)
    if isinstance(document, Dropped):
        return document
    dropped = rules.judge(page, document, min_words, lang)
    return document if dropped is None else dropped
