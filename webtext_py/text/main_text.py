"""Main text by trafilatura: the anchor that the core's engines are measured against.

Importing this module imports trafilatura (about half a second); only the sandbox's child and
tests do.
"""

import logging
from copy import copy
from functools import cached_property
from importlib.metadata import version
from typing import Any

import trafilatura
from trafilatura.settings import Extractor as Options
from trafilatura.utils import load_html

from webtext_py.text import plain

# It logs what it finds wrong with pages; that is data here, not news.
for _name in ("trafilatura", "htmldate", "justext", "charset_normalizer", "courlan"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class TrafilaturaExtractor:
    """trafilatura in its balanced mode with fallbacks; see `page.Extractor`.

    Comments are left out, tables kept, no markup in the text. Its duplicate filter stays off: it
    compares with pages seen before, so its answers would depend on their order.
    """

    @cached_property
    def name(self) -> str:
        """`trafilatura` and its version."""
        return f"trafilatura {version('trafilatura')}"

    @cached_property
    def _options(self) -> Any:
        # Given so that nothing asks for today's date; its metadata is not used.
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

    def main_text(self, html: str, url: str | None) -> str:
        """Main text of a page; empty where it finds none."""
        tree = load_html(html)
        if tree is None:
            return ""
        options = copy(self._options)
        options.url = options.source = url
        found = trafilatura.bare_extraction(tree, options=options)
        body = getattr(found, "body", None)
        return plain.plain_text(body) if body is not None else ""
