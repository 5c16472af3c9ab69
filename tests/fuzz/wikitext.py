"""Throws made and damaged wikitext at the cleaner, alone and in damaged dumps read in parts.

Promises: no panic; time in proportion to the page; a text that is UTF-8 and no longer than its page
by more than references write; a batch gives what its pages give alone; any cut of a dump gives what
the whole gives.

Usage: wikitext.py [--seconds 60] [--seed 1] [--all]
"""

import bz2
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
from fuzzing import damaged, run

from webtext_py.errors import InputError
from webtext_py.wikipedia.articles import parts, plain_text, read_articles

MARKS = ["{{", "}}", "[[", "]]", "{|", "|}", "|", "\n", "==", "'''", "''", "<ref>", "</ref>"]
MARKS += ["<ref name=a/>", "<!--", "-->", "<nowiki>", "</nowiki>", "<math>", "</math>", "<table>"]
MARKS += [
    "</table>",
    "<br/>",
    "<b ",
    "</",
    "&nbsp;",
    "&#9",
    "&",
    "__TOC__",
    "__",
    "[http://a ",
    "]",
]
MARKS += [
    "File:",
    "Category:",
    "fr:",
    ":",
    "*",
    ";",
    "#",
    "=",
    " ",
    "word",
    "Ärger",
    "漢字",
    "\u0301",
]
SECONDS_PER_MB = 0.5  # fifty times what real pages take


def made_page(generator: random.Random) -> str:
    """Marks and words, some of them many times."""
    size = generator.choice([3, 30, 300, 3000])
    parts_ = generator.choices(MARKS, k=size)
    for _ in range(generator.choice([0, 0, 1])):
        parts_.insert(generator.randrange(size), generator.choice(MARKS) * 20_000)
    return "".join(parts_)


def plain(pages: list[bytes]) -> list[bytes]:
    """The plain texts of pages."""
    texts = plain_text(pa.array(pages, pa.large_binary()))
    texts.validate(full=True)  # UTF-8
    return [text.encode() for text in texts.to_pylist()]


def read(path: Path, part: tuple[int, int] | None) -> tuple[list[Any], Counter[str]]:
    """Rows of a dump, and what was left out."""
    lost: dict[str, int] = {}
    rows: list[Any] = []
    try:
        for batch in read_articles(path, lost, part):
            rows += batch.to_pylist()
    except InputError as error:  # cut before the first page
        if "holds no page" not in str(error):
            raise
    return rows, Counter(lost)


def one(generator: random.Random, folder: Path) -> str:
    """A few pages, then a dump of them; returns what became of it."""
    pages = [made_page(generator).encode() for _ in range(generator.choice([1, 5, 20]))]
    pages = [damaged(generator, p) if generator.random() < 0.3 else p for p in pages]
    before = time.process_time()
    texts = plain(pages)
    size = sum(map(len, pages))
    assert time.process_time() - before < 0.3 + SECONDS_PER_MB * size / 1e6, "too slow"
    for page, text in zip(pages, texts, strict=True):
        assert len(text) <= 3 * len(page)
        assert plain([page]) == [text], "not what it gives alone"
    streams = [b"<mediawiki>"]
    for page in pages:
        text = escape(page.decode("utf-8", "replace"))
        streams.append(
            f"<page><title>T</title><revision><text>{text}</text></revision></page>".encode()
        )
    whole = b"".join(streams)
    if generator.random() < 0.5:  # streams end anywhere
        cuts = sorted(generator.choices(range(len(whole) + 1), k=len(pages)))
        streams = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    data = b"".join(map(bz2.compress, streams))
    if generator.random() < 0.7:
        data = b"BZh" + damaged(generator, data[3:])
    path = folder / "x.xml.bz2"
    path.write_bytes(data)
    rows, lost = read(path, None)
    cut = [read(path, part) for part in parts(path, generator.choice([60, 500, 5000]))]
    assert [row for found, _ in cut for row in found] == rows
    assert sum((counts for _, counts in cut), Counter[str]()) == +lost
    return "damaged" if lost["damages"] or lost["damaged_pages"] else "whole"


if __name__ == "__main__":
    run(__doc__, one)
