"""Batches of pages through the core: columns, outcomes, and how good the texts are."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from labelled_pages import LabelledPage, all_pages
from page_scores import set_scores
from page_texts import Engine, by_model, by_rules

from webtext_py import _core
from webtext_py.columns import text_column

FLOORS = Path(__file__).parents[2] / "floors" / "extraction.json"
PAGE = "<article><p>{0}</p><p>and {0} again, with words</p></article>"


def extracted(
    pages: list[bytes], types: list[str] | None = None, budget: int | None = None
) -> tuple[list[int], list[str]]:
    """Outcomes and texts."""
    kinds = None if types is None else text_column(pa.array(types, pa.large_string()))
    outcomes, offsets, texts = _core.extract_batch(
        text_column(pa.array(pages, pa.large_binary())), kinds, budget=budget
    )
    bounds = np.frombuffer(memoryview(offsets), np.int64).tolist()
    data = bytes(memoryview(texts))
    rows = [data[start:end].decode() for start, end in pairwise(bounds)]
    return list(bytes(memoryview(outcomes))), rows


def test_each_page_has_a_row_in_order() -> None:
    pages = [PAGE.format(f"page {number} " * 40).encode() for number in range(5)]
    outcomes, texts = extracted([*pages, b""])
    assert outcomes == [0] * 6
    assert [text[:6] for text in texts] == [f"page {number}" for number in range(5)] + [""]
    assert extracted([])[1] == []


def test_a_page_over_its_budget_costs_itself_alone() -> None:
    small, large = PAGE.format("a page " * 40), PAGE.format("a page " * 4000)
    outcomes, texts = extracted([small.encode(), large.encode(), small.encode()], budget=20_000)
    assert outcomes == [0, 1, 0]
    assert texts[1] == ""
    assert texts[0] == texts[2] != ""


def test_bytes_are_decoded_as_their_header_says_and_text_is_not() -> None:
    page = PAGE.format("caf\u00e9 " * 60)
    latin = page.encode("latin-1")
    assert extracted([latin], ["text/html; charset=iso-8859-1"])[1][0].startswith("caf\u00e9")
    meta = "<meta charset=iso-8859-1>" + page
    assert extracted([meta.encode()])[1][0].startswith("caf\u00e9")
    with pytest.raises(ValueError, match="content type"):
        extracted([latin], [])


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> list[LabelledPage]:
    return all_pages(shared_data / "html")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("path", "engine"), [("rules", by_rules), ("webtext, pages it has not seen", by_model)]
)
def test_texts_of_labelled_pages_are_as_good_as_ever(
    pages: list[LabelledPage], path: str, engine: Engine
) -> None:
    reached = set_scores(pages, engine(pages))
    floors = json.loads(FLOORS.read_text("utf-8"))["floors"][path]
    below = {
        name: (reached[name], floor) for name, floor in floors.items() if reached[name] < floor
    }
    assert below == {}


@pytest.mark.shared_data
def test_texts_are_the_same_in_batches_of_any_size(pages: list[LabelledPage]) -> None:
    some = pages[::40]
    assert [text for page in some for text in by_rules([page])] == by_rules(some)
