"""What extractors make of the labelled pages, with a cache outside the repository for slow ones.

Texts are those after charset handling and extraction, without drop rules. A cache file is
`ENGINE.jsonl.gz`: first what made it, then a line for each page; where that differs from what
would make it now it is made anew.
"""

import gzip
import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from unittest import mock

from labelled_pages import LabelledPage

from webtext_py import _core

Engine = Callable[[list[LabelledPage]], list[str]]


def by_trafilatura(pages: list[LabelledPage]) -> list[str]:
    """Texts by trafilatura with the settings and the plain text of `webtext_py`."""
    from webtext_py.text.main_text import TrafilaturaExtractor

    extractor = TrafilaturaExtractor()
    return [
        extractor.main_text(_core.decode_page(page.body, page.content_type)[0], page.url)
        for page in pages
    ]


def by_trafilatura_alone(pages: list[LabelledPage]) -> list[str]:
    """The same, where its readability never finds anything."""
    from lxml.html import HtmlElement

    def nothing(tree: object) -> HtmlElement:
        return HtmlElement()

    with mock.patch("trafilatura.external.try_readability", nothing):
        return by_trafilatura(pages)


def by_rules(pages: list[LabelledPage], *, rescue: bool = True, model: bool = False) -> list[str]:
    """Texts by the rules of the core."""
    import numpy as np
    import pyarrow as pa

    from webtext_py.columns import text_column

    bodies = pa.array([page.body for page in pages], pa.large_binary())
    types = pa.array([page.content_type or "" for page in pages], pa.large_string())
    _, offsets, texts = _core.extract_batch(
        text_column(bodies), text_column(types), rescue=rescue, model=model
    )
    bounds = np.frombuffer(memoryview(offsets), np.int64).tolist()
    data = bytes(memoryview(texts))
    return [data[start:end].decode() for start, end in pairwise(bounds)]


def by_rules_alone(pages: list[LabelledPage]) -> list[str]:
    """The same without readability."""
    return by_rules(pages, rescue=False)


def by_model(pages: list[LabelledPage]) -> list[str]:
    """Texts by rules and block model. The model has seen some of the pages: figures of quality are
    those that `tools/extract_model/train.py` finds out of fold."""
    return by_rules(pages, model=True)


ENGINES: dict[str, Engine] = {
    "trafilatura": by_trafilatura,
    "trafilatura without readability": by_trafilatura_alone,
    "rules": by_rules,
    "rules without readability": by_rules_alone,
}
# Their texts are kept.
SLOW = frozenset(["trafilatura", "trafilatura without readability"])


def texts_of(engine: str, pages: list[LabelledPage], cache: Path) -> list[str]:
    """Texts of `pages` by an engine of `ENGINES`; a slow one's out of `cache` where it has them."""
    if engine not in SLOW:
        return ENGINES[engine](pages)
    from importlib.metadata import version

    made_by = {
        "engine": engine,
        "trafilatura": version("trafilatura"),
        "lxml": version("lxml"),
        "pages": hashlib.sha256(b"".join(page.body for page in pages)).hexdigest(),
    }
    file = cache / f"{engine.replace(' ', '-')}.jsonl.gz"
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            if json.loads(next(lines)) == made_by:
                texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
                return [texts[page.id] for page in pages]
    made = ENGINES[engine](pages)
    rows = ({"id": page.id, "text": text} for page, text in zip(pages, made, strict=True))
    cache.mkdir(parents=True, exist_ok=True)
    with gzip.open(file, "wt", encoding="utf-8") as out:
        for row in (made_by, *rows):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return made
