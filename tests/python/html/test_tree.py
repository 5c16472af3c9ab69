"""Our tree of a page against lxml's, over all labelled pages."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from webtext_py import _core
from webtext_py.text import charset

# One element: name, depth, text, tail.
Row = tuple[str, int, str, str]

# What trafilatura and our core alike take out before they parse.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
PARSER = HTMLParser(
    collect_ids=False,
    default_doctype=False,
    encoding="utf-8",
    remove_comments=True,
    remove_pis=True,
    huge_tree=True,
)


def ours(html: str) -> list[Row]:
    names, depths, offsets, texts = _core.html_elements(html)
    bounds = np.frombuffer(memoryview(offsets), np.int64).tolist()
    data = bytes(memoryview(texts))
    pieces = [data[a:b].decode() for a, b in pairwise(bounds)]
    levels = np.frombuffer(memoryview(depths), np.uint32).tolist()
    return list(zip(names.split("\n")[:-1], levels, pieces[::2], pieces[1::2], strict=True))


def lxmls(html: str) -> list[Row]:
    root = document_fromstring(CONTROLS.sub("", html).encode(), parser=PARSER)
    rows: list[Row] = []
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            rows.append((element.tag, depth, element.text or "", element.tail or ""))
        depth += 1 if event == "start" else -1
    return rows


def labelled(html: Path) -> Iterator[tuple[str, str]]:
    """Names and texts of all labelled pages."""
    folders = (("article-extraction-benchmark", "html"), ("trafilatura-eval", "pages"))
    for name, inner in folders:
        for path in sorted((html / name / inner).iterdir()):
            text, _ = charset.decode(gzip.decompress(path.read_bytes()), None)
            yield path.name, text
    for path in sorted((html / "more").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                page = json.loads(line)
                text = page.get("html")
                if text is None:
                    body = base64.b64decode(page["html_b64"])
                    text, _ = charset.decode(body, f"text/html; charset={page['charset']}")
                yield page["id"], text


@pytest.mark.shared_data
def test_same_elements_depths_and_texts_as_lxml_on_at_least_99_of_100_pages(
    shared_data: Path,
) -> None:
    pages = equal = 0
    different: list[str] = []
    for name, html in labelled(shared_data / "html"):
        pages += 1
        if ours(html) == lxmls(html):
            equal += 1
        else:
            different.append(name)
    print(f"{equal} of {pages} pages equal; different: {' '.join(different)}")
    assert pages > 3000
    assert equal >= 0.99 * pages, different


@pytest.mark.parametrize(
    "html",
    [
        "<p>a<div>b</p>c</div>d",
        "<table><tr><td>a<tr><td>b<table><tr><td>c</table>d</table>e",
        " <html> \n <head> \n <title>a&amp;b</title> \n </head> \n <body> x </body> y </html> z",
        "<html><html><body><body>x</body>y</body>z</html>w</html>v",
        "a<!-- x -->b<!---->c<!-->d<!--->e<!-- --!>f<!-x>g<?php ?>h<![CDATA[i]]>j</>k</ x>l<",
        "<script><!-- <script>a</script> b</script>c--></script>d",
        "a\r\nb\rc&#13;&nbsp;&notit;&copyx",
        "<a href=x/>b</a>c<br/>d<x/>e",
    ],
)
def test_same_tree_as_lxml_on_small_pages(html: str) -> None:
    assert ours(html) == lxmls(html)


NAMES = """a abbr address area article aside b base big blockquote body br button caption center
cite code col colgroup dd del details dir div dl dt em fieldset figure font footer form frame
frameset
h1 h6 head header hr html i iframe img input li link listing main map menu meta nav noframes
noscript object ol optgroup option p param pre q s samp script section select small source span
strike strong style sub summary table tbody td template textarea tfoot th thead title tr tt u ul
wbr xmp x-own"""


@pytest.mark.parametrize(
    "page", ["<{0}>a<{1}>b", "<div><{0}>a<{1}>b</{0}>c</div>d", "<head><{0}>a<{1}>b</{1}>c"]
)
def test_same_tree_as_lxml_for_any_two_elements(page: str) -> None:
    pages = [page.format(first, second) for first in NAMES.split() for second in NAMES.split()]
    assert [html for html in pages if ours(html) != lxmls(html)] == []
