"""Copies of the articles of a real dump as pages show them: shares of 8-grams; the cleaner's speed.

Beside `wikipedia.py`, which calls it with `--dump`. Copies are made of the wikitext without the
core: mwparserfromhell gives their words. A page as rendered has what MediaWiki shows and the text
of a dump has not: a number in brackets for each reference, `[edit]` behind each heading, the words
of templates in lines (their unnamed arguments stand for these), and the frame of the site.
"""

import hashlib
import html
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import mwparserfromhell
import numpy as np
import pyarrow as pa

from webtext_py import _core, extract
from webtext_py.stages.wikipedia import content
from webtext_py.wikipedia.articles import plain_text
from webtext_py.wikipedia.dump import read_pages
from webtext_py.words import normalize

GONE = ("ref", "table", "gallery", "math", "references", "timeline", "syntaxhighlight")
HIDDEN = re.compile(r"\s*(?:file|image|category|media)\s*:", re.IGNORECASE)
REFERENCE = re.compile(r"<ref\b[^>]*/>|<ref\b[^>]*>.*?</ref>", re.DOTALL)
TEMPLATE = re.compile(r"(?<=[^\n]){{([^{}|\n]+)((?:\|[^{}|]*)*)}}")
HEADING = re.compile(r"^(==+)(.*?)\1[ \t]*$", re.MULTILINE)
FRAME = """<html><head><title>{title} - A wiki</title></head><body><div id="content">
<h1>{title}</h1><div id="siteSub">From a wiki</div><div id="bodyContent">
<div class="mw-parser-output">{body}</div>
<div id="catlinks">Categories: <a href="/c">All pages</a></div></div></div>
<div id="mw-panel"><ul><li><a href="/">Main page</a></li><li><a href="/r">Random page</a></li></ul>
</div></body></html>"""


def twin(wikitext: str) -> str:
    """Plain text by mwparserfromhell."""
    code = mwparserfromhell.parse(wikitext, skip_style_tags=True)
    for tag in code.filter_tags(matches=lambda node: str(node.tag).lower() in GONE):
        if code.contains(tag):
            code.remove(tag)
    for link in code.filter_wikilinks(matches=lambda node: bool(HIDDEN.match(str(node.title)))):
        if code.contains(link):
            code.remove(link)
    return re.sub("'{2,}", "", str(code.strip_code(normalize=True, collapse=True)))


def shown(wikitext: str) -> str:
    """The wikitext with what a page shows instead of references, templates in lines, headings."""
    numbers = iter(range(1, 1 << 20))
    text = REFERENCE.sub(lambda _: f"&#91;{next(numbers)}&#93;", wikitext)

    def words(found: "re.Match[str]") -> str:
        return " ".join(a for a in found[2].split("|") if "=" not in a).strip()

    return HEADING.sub(r"\1\2[edit]\1", TEMPLATE.sub(words, text))


def rendered(title: str, wikitext: str) -> str:
    """What our extractor finds in a page that shows the article."""
    blocks = [block.strip() for block in twin(shown(wikitext)).split("\n\n")]
    body = "\n".join(f"<p>{html.escape(block)}</p>" for block in blocks if block)
    body = re.sub(r"\[(\d+)\]", r'<sup class="reference"><a href="#cite-\1">[\1]</a></sup>', body)
    return extract(FRAME.format(title=html.escape(title), body=body)).text


def revised(draw: random.Random, text: str) -> str:
    """A later revision, made: a tenth of the sentences gone, a tenth changed, a tenth longer."""
    made = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        chance = draw.random()
        if chance < 0.1:
            continue
        words = sentence.split()
        if chance < 0.2:
            words = [f"new{i}" if draw.random() < 0.2 else word for i, word in enumerate(words)]
        elif chance < 0.3:
            words += [f"more{draw.randrange(10**6)}" for _ in words]
        made.append(" ".join(words))
    return " ".join(made)


def copies(title: str, wikitext: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each copy."""
    draw = random.Random(title)
    plain, page = twin(wikitext), rendered(title, wikitext)
    words = page.split()
    third = len(words) // 3
    yield "plain text", plain
    yield "rendered page, extracted", page
    yield "excerpt of the page", " ".join(words[third : 2 * third])
    yield "another revision, plain", revised(draw, plain)
    yield "another revision, rendered", revised(draw, page)


def later_revisions(dump: Path, titles: set[str]) -> Iterator[tuple[str, str]]:
    """Kind and text of what a later dump has of the same articles."""
    for title, wikitext in read_pages(dump, Counter(), (0, dump.stat().st_size)):
        if title in titles:
            yield "revision of 20 months later, plain", twin(wikitext)
            yield "revision of 20 months later, rendered", rendered(title, wikitext)


def measure(dump: Path, later: Path, work: Path) -> dict[str, Any]:
    """Shares by kind of copy, the cleaner's speed, and its words beside the twin's."""
    part = (0, dump.stat().st_size)
    pages = [(t, w) for t, w in read_pages(dump, Counter(), part) if len(w) > 4000]
    size = sum(len(w.encode()) for _, w in pages)
    column = pa.array([w for _, w in pages], pa.large_string())
    before = time.process_time()
    for _ in range(10):
        plain = plain_text(column)
    cleaning = (time.process_time() - before) / 10
    before = time.process_time()
    content.articles([dump], [work / "real.parquet"])
    reading = time.process_time() - before
    before = time.process_time()
    twins = [twin(w) for _, w in pages]
    parsing = time.process_time() - before
    content.index([work / "real.parquet"], [work / "real.bloom"], memory=256 << 20)
    made = [(kind, text) for title, w in pages for kind, text in copies(title, w)]
    made += later_revisions(later, {title for title, _ in pages})
    shares = content.shares_of(
        _core.NgramIndex(work / "real.bloom"), pa.array([t for _, t in made], pa.large_string())
    )
    kinds = np.array([kind for kind, _ in made])
    return {
        "dump": dump.name,
        "sha256": hashlib.sha256(dump.read_bytes()).hexdigest(),
        "articles": len(pages),
        "wikitext_bytes": size,
        "cleaner_mb_per_cpu_second": round(size / 1e6 / cleaning, 1),
        "mwparserfromhell_mb_per_cpu_second": round(size / 1e6 / parsing, 2),
        "whole_reading_mb_of_wikitext_per_cpu_second": round(size / 1e6 / reading, 1),
        **differing(plain.to_pylist(), twins),
        # Of all copies, made or real, those that stay.
        "stay": {f"{share}": int((shares < share).sum()) for share in (0.4, 0.45, 0.5, 0.55, 0.6)},
        "shares": {
            kind: {
                "copies": int((kinds == kind).sum()),
                **{
                    name: round(float(np.quantile(shares[kinds == kind], q)), 3)
                    for name, q in (("least", 0), ("5%", 0.05), ("median", 0.5), ("most", 1))
                },
            }
            for kind in dict.fromkeys(kinds.tolist())
        },
    }


def differing(texts: list[str], twins: list[str]) -> dict[str, int]:
    """Words of the twin, and how many of them are not ours or the other way round."""
    total = other = 0
    for text, reference in zip(texts, twins, strict=True):
        ours, theirs = normalize(text).split(), normalize(reference).split()
        total += len(theirs)
        for kind, a, b, c, d in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
            other += max(b - a, d - c) if kind != "equal" else 0
    return {"words_of_mwparserfromhell": total, "words_differing": other}
