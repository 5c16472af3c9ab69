"""The gate: extraction quality on labelled pages must not fall below the committed floors.

The floors are in tests/floors/extraction.json; `python tests/floors/extraction.py` moves them.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from labelled_pages import LabelledPage, scores, shingle_f1, snippet_f1

from webtext_py.text.extract import Document, Dropped, Page, PageExtractor
from webtext_py.text.page import decode_outcome, encode_page
from webtext_py.text.sandbox import Sandbox

FLOORS = Path(__file__).parents[2] / "floors" / "extraction.json"

# What the project promises; a floor under it needs a reason in the file.
PROMISED = {
    "extractor": {"article-extraction-benchmark": 0.955, "trafilatura-eval": 0.915},
    "whole path": {"article-extraction-benchmark": 0.945, "trafilatura-eval": 0.91},
}
FETCHED = datetime(2024, 1, 1, tzinfo=UTC)


def extractor_texts(pages: list[LabelledPage]) -> list[str]:
    """Texts after charset handling and extraction, without drop rules."""
    with Sandbox("planted:extract_only") as sandbox:
        answers = [sandbox.run(encode_page(_page(page))) for page in pages]
    outcomes = [decode_outcome(a) if isinstance(a, bytes) else Dropped("failed") for a in answers]
    return [_text(outcome) for outcome in outcomes]


def whole_path_texts(pages: list[LabelledPage]) -> list[str]:
    """Texts of the whole page path with its defaults; a dropped page is an empty text."""
    with PageExtractor() as extractor:
        return [_text(extractor.extract(_page(page))) for page in pages]


def _page(page: LabelledPage) -> Page:
    return Page(page.url, page.body, None, (), FETCHED)


def _text(outcome: Document | Dropped) -> str:
    return outcome.text if isinstance(outcome, Document) else ""


@pytest.fixture(scope="module")
def measured(shared_data: Path) -> dict[str, dict[str, float]]:
    with ThreadPoolExecutor(2) as pool:
        tasks = {
            "extractor": pool.submit(scores, shared_data / "html", extractor_texts),
            "whole path": pool.submit(scores, shared_data / "html", whole_path_texts),
        }
        return {name: task.result() for name, task in tasks.items()}


@pytest.mark.shared_data
@pytest.mark.parametrize("corpus", PROMISED["extractor"])
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
