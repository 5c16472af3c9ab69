"""The measures by which extractors are judged: by hand, and against their slow twins."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from labelled_pages import (
    ARTICLES,
    LabelledPage,
    all_pages,
    more_pages,
    shingle_f1,
    snippet_f1,
)
from page_scores import PageSet, difference_interval, f1, page_sets, page_values

GOLDS = ["a b c d e", "e f g h", "one two three four five six"]
TEXTS = ["a b c d x", "", "one two three four five nine"]
SNIPPETS = [
    LabelledPage("", b"", wanted=("one", "two"), unwanted=("menu",), id="s:1", collection="s"),
    LabelledPage("", b"", wanted=("three",), unwanted=("foot",), id="s:2", collection="s"),
]


def test_f1_from_values_is_the_metrics_own() -> None:
    whole = PageSet("", (0, 1, 2), False)
    pages = [LabelledPage("", b"", article=gold, collection=ARTICLES) for gold in GOLDS]
    expected = shingle_f1(list(zip(GOLDS, TEXTS, strict=True)))
    assert f1(page_values(pages, TEXTS), whole) == pytest.approx(expected)
    # precision 1/2, none, 2/3; recall 1/2, 0, 2/3
    assert expected == pytest.approx(2 * 7 / 12 * 7 / 18 / (7 / 12 + 7 / 18))
    # In the other sets the page without a text has precision 0.
    pages = [LabelledPage("", b"", article=gold, collection="x") for gold in GOLDS]
    assert f1(page_values(pages, TEXTS), whole) == pytest.approx(7 / 18)
    found = ["one menu", "three"]
    values = page_values(SNIPPETS, found)
    expected = snippet_f1(list(zip(SNIPPETS, found, strict=True)))
    assert f1(values, PageSet("s", (0, 1), True)) == pytest.approx(expected)
    assert expected == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))


def test_interval_of_a_difference() -> None:
    """The bootstrap's percentiles are those of drawing pages one by one."""
    random = np.random.default_rng(5)
    one, other = np.zeros((2, 60, 3))
    one[:, :2] = random.uniform(0.4, 1.0, (60, 2))
    other[:, :2] = one[:, :2] - random.normal(0.02, 0.05, (60, 2))
    one[7, 0] = np.nan
    part = PageSet("", tuple(range(60)), False)
    low, high = difference_interval(one, other, part)
    slow = []
    for _ in range(2000):
        drawn = PageSet("", tuple(random.integers(0, 60, 60)), False)
        slow.append(f1(one, drawn) - f1(other, drawn))
    assert (low, high) == pytest.approx(np.percentile(slow, [2.5, 97.5]), abs=0.003)
    assert low < f1(one, part) - f1(other, part) < high
    assert difference_interval(one, one, part) == (0.0, 0.0)


def test_sets_and_their_held_out_halves() -> None:
    whole = [
        LabelledPage("", b"", article="a", collection="x", kind="news"),
        LabelledPage("", b"", article="a", collection="x", kind="news"),
        LabelledPage("", b"", article="a", collection="y", language="el"),
        LabelledPage("", b"", article="a", collection=ARTICLES),
    ]
    sets = {part.name: part for part in page_sets([*whole, *SNIPPETS])}
    assert sets["A"].at == (3,)
    assert sets["more"].at == (0, 1, 2)
    assert sets["x"].at == sets["kind news"].at == (0, 1)
    assert sets["y"].at == sets["language el"].at == (2,)
    assert sets["s"].by_snippets
    assert not sets["more"].by_snippets
    pages = [LabelledPage("", b"", article="a", id=f"z:{n}", collection="z") for n in range(400)]
    halves = [page.held_out for page in pages]
    assert 170 < sum(halves) < 230
    held_out = next(part for part in page_sets(pages) if part.name == "z, held out")
    assert held_out.at == tuple(at for at, held in enumerate(halves) if held)
    # The halves never move: what was tuned on one stays judged by the other.
    assert halves[:8] == [True, True, True, True, True, False, True, True]


def test_pages_given_as_text_are_not_decoded_again(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    rows = [
        {"id": "x:1", "html": "<meta charset=gb2312><p>é</p>", "gold": "é", "url": None},
        {"id": "x:2", "html_b64": "PHA+6TwvcD4=", "charset": "iso-8859-1", "gold": "é"},
    ]
    with gzip.open(tmp_path / "more" / "x.jsonl.gz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    text, encoded = more_pages(tmp_path)
    assert text.body == "<meta charset=gb2312><p>é</p>".encode()
    assert text.content_type == "text/html; charset=utf-8"
    assert encoded.body == b"<p>\xe9</p>"
    assert encoded.content_type == "text/html; charset=iso-8859-1"


@pytest.mark.shared_data
def test_all_pages_are_there(shared_data: Path) -> None:
    pages = all_pages(shared_data / "html")
    assert len({page.id for page in pages}) == len(pages) == 181 + 305 + 3008
    sets = {part.name: len(part.at) for part in page_sets(pages)}
    assert (sets["A"], sets["B"], sets["more"], sets["snacktory"]) == (181, 305, 2977, 31)
