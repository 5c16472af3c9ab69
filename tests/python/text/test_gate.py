"""The gate: extraction quality on labelled pages must not fall below the committed floors.

The floors are in tests/floors/extraction.json; `python tests/floors/extraction.py` moves them.
"""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from labelled_pages import LabelledPage, scores, shingle_f1, snippet_f1
from page_texts import by_trafilatura

from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.page import Page

FLOORS = Path(__file__).parents[2] / "floors" / "extraction.json"

# What the project promises; a floor under it needs a reason in the file.
PROMISED = {
    "whole path": {"article-extraction-benchmark": 0.957, "trafilatura-eval": 0.919},
    "trafilatura": {"article-extraction-benchmark": 0.955, "trafilatura-eval": 0.915},
    "trafilatura, whole path": {"article-extraction-benchmark": 0.945, "trafilatura-eval": 0.91},
}
FETCHED = datetime(2024, 1, 1, tzinfo=UTC)


def whole_path_texts(extractor: str, pages: list[LabelledPage]) -> list[str]:
    """Texts of the whole page path with its other defaults; a dropped page is an empty text."""
    sent = [Page(page.url, page.body, None, (), FETCHED) for page in pages]
    with PageExtractor(ExtractSettings(extractor)) as running:
        outcomes = running.outcomes(sent)
    texts = iter(outcomes.kept["text"].to_pylist())
    return [next(texts) if reason is None else "" for reason in outcomes.reasons]


# By path, as the floors have them: texts by the extractor alone, and of the whole path.
PATHS = {
    "whole path": partial(whole_path_texts, "rules"),
    "trafilatura": by_trafilatura,
    "trafilatura, whole path": partial(whole_path_texts, "trafilatura"),
}


@pytest.fixture(scope="module")
def measured(shared_data: Path) -> dict[str, dict[str, float]]:
    return {name: scores(shared_data / "html", texts) for name, texts in PATHS.items()}


@pytest.mark.shared_data
@pytest.mark.parametrize("corpus", PROMISED["whole path"])
@pytest.mark.parametrize("path", PROMISED)
def test_quality_is_at_or_above_its_floor(
    measured: dict[str, dict[str, float]], path: str, corpus: str
) -> None:
    floor = json.loads(FLOORS.read_text("utf-8"))["floors"][path][corpus]
    assert measured[path][corpus] >= floor


def test_a_floor_below_what_is_promised_has_a_reason() -> None:
    recorded = json.loads(FLOORS.read_text("utf-8"))
    for path, floors in PROMISED.items():
        for corpus, promised in floors.items():
            reasons = [
                entry["reason"]
                for entry in recorded["lowered"]
                if (entry["path"], entry["corpus"]) == (path, corpus) and entry["reason"].strip()
            ]
            assert recorded["floors"][path][corpus] >= promised or reasons


def test_shingle_metric_by_hand() -> None:
    # gold a b c d e: shingles abcd, bcde; extracted a b c d x: abcd, bcdx: 1 hit of each 2.
    assert shingle_f1([("a b c d e", "a b c d x")]) == pytest.approx(0.5)
    assert shingle_f1([("a b c d e", "a b c d e")]) == 1.0
    # The second page is missed: precision is a mean over the one page that has an answer, recall
    # over both: 1 and 0.5.
    assert shingle_f1([("a b c d", "a b c d"), ("e f g h", "")]) == pytest.approx(2 / 3)


def test_snippet_metric_by_hand() -> None:
    page = LabelledPage("", b"", wanted=("one  two", "three"), unwanted=("menu",))
    assert snippet_f1([(page, "one\ntwo and three")]) == 1.0
    # hits 1, surplus 1, missing 1
    assert snippet_f1([(page, "one two menu")]) == pytest.approx(0.5)
