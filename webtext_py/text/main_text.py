"""The default extractor: trafilatura, with one parse of the page for text, title and date.

Importing this module imports trafilatura (about half a second); only the sandbox's child and
tests do.
"""

import contextlib
import logging
from copy import copy
from functools import cached_property
from importlib.metadata import version
from typing import Any

import trafilatura
from lxml.html import HtmlElement
from trafilatura.metadata import examine_meta, extract_meta_json, extract_title
from trafilatura.settings import Extractor as Options
from trafilatura.utils import load_html

from webtext_py.text import charset, dates, language, plain, rules
from webtext_py.text.page import Document, Dropped, Page

__all__ = ["TrafilaturaExtractor"]

# Longer titles are a whole text in the wrong element (our choice).
MAX_TITLE_CHARACTERS = 1000

# It logs what it finds wrong with pages; that is data here, not news.
for _name in ("trafilatura", "htmldate", "justext", "charset_normalizer", "courlan"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class TrafilaturaExtractor:
    """Main text by trafilatura in its balanced mode with fallbacks; see `page.Extractor`.

    Comments are left out, tables kept, no markup in the text. Its duplicate filter stays off: it
    compares with pages seen before, so its answers would depend on their order.
    """

    @cached_property
    def name(self) -> str:
        """`trafilatura` and its version."""
        return f"trafilatura {version('trafilatura')}"

    @cached_property
    def _options(self) -> Any:
        # Given so that nothing asks for today's date; the dates come from `dates`.
        unused: dict[str, Any] = {"max_date": "2000-01-01"}
        return Options(
            # Not "python", which would make a text of its own that `plain` replaces.
            output_format="txt",
            comments=False,
            tables=True,
            formatting=False,
            dedup=False,
            date_params=unused,
        )

    def extract(self, page: Page) -> Document | Dropped:
        """Main text of `page` with title, language and date; `Dropped` where it is no HTML."""
        dropped = rules.not_html(page)
        if dropped is not None:
            return dropped
        html, how = charset.decode(page.body, page.content_type)
        tree = load_html(html)
        if tree is None:
            return Dropped(rules.EMPTY, "the parser found no elements")
        options = copy(self._options)
        options.url = options.source = page.url
        # It copies the tree.
        found = trafilatura.bare_extraction(tree, options=options)
        body = getattr(found, "body", None)
        text = plain.plain_text(body) if body is not None else ""
        return Document(
            title=_title(tree),
            text=text,
            language=language.detect(text),
            # Last, as it changes the tree.
            published=dates.published(tree, page.url, page.fetched_at),
            extractor=self.name,
            charset=how,
        )


def _title(tree: HtmlElement) -> str | None:
    metadata = examine_meta(tree)
    # Malformed JSON-LD is common (and may nest deeper than Python parses); the title then comes
    # from the elements.
    with contextlib.suppress(
        AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError
    ):
        metadata = extract_meta_json(tree, metadata)
    title = plain.clean_line(metadata.title or extract_title(tree) or "")
    return title[:MAX_TITLE_CHARACTERS] or None
