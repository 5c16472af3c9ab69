"""The title of a page by trafilatura, the twin of the core's."""

import contextlib
import unicodedata

from lxml.html import HtmlElement
from trafilatura.metadata import examine_meta, extract_meta_json, extract_title

from webtext_py.text.plain import _UNWANTED

# Longer titles are a whole text in the wrong element.
MAX_TITLE_CHARACTERS = 1000


def title(tree: HtmlElement) -> str | None:
    metadata = examine_meta(tree)
    # Malformed JSON-LD is common (and may nest deeper than Python parses); the title then comes
    # from the elements.
    with contextlib.suppress(
        AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError
    ):
        metadata = extract_meta_json(tree, metadata)
    title = _UNWANTED.sub(" ", metadata.title or extract_title(tree) or "")
    title = unicodedata.normalize("NFC", " ".join(title.split()))
    return title[:MAX_TITLE_CHARACTERS] or None
