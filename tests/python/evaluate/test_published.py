"""Published figures stand only beside the same metric of the same set."""

from pathlib import Path

import pytest

from webtext_py.evaluate.items import Item, read_items, write_items
from webtext_py.evaluate.published import figures


@pytest.mark.parametrize(
    ("task", "shots", "metric", "size", "value"),
    [
        ("lambada", 0, "token_perplexity", 5_153, 35.13),
        ("WikiText-2", 0, "token_perplexity", 245_569, 29.41),
        ("wikitext103", 0, "unit_perplexity", 245_569, 37.50),
        ("ptb", 0, "unit_perplexity", 82_430, 65.85),
        ("cbt-ne", 0, "acc", 2_000, 0.834),
        ("enwik8", 0, "bits_per_byte", 7, 1.16),
    ],
)
def test_figures_of_the_smallest(
    task: str, shots: int, metric: str, size: int, value: float
) -> None:
    assert figures(task, shots, metric, size)[0]["GPT-2 117M"] == value


@pytest.mark.parametrize(
    ("task", "shots", "metric", "size", "why"),
    [
        ("lambada", 0, "token_perplexity", 8, "the report's set has 5,153 items or units, this"),
        ("tldr", 0, "rouge1", 2, "the report's set has 11,490 items or units, this one 2"),
        ("lambada", 0, "token_acc_filtered", 5_153, "list of stop-words is not published"),
        ("wikitext2", 0, "unit_perplexity", 245_569, "the report's figure is for each token"),
        ("lambada", 3, "acc", 5_153, None),
        ("mine", 0, "acc", 5, None),
    ],
)
def test_empty_cells_and_why(
    task: str, shots: int, metric: str, size: int, why: str | None
) -> None:
    found, reason = figures(task, shots, metric, size)
    assert found == {}
    assert reason is None if why is None else why in (reason or "")


def test_lone_surrogates_reach_no_tokenizer(tmp_path: Path) -> None:
    write_items(tmp_path / "items", [Item("1", (("a\ud800", " b"),), ["\udfff"])])
    [item] = read_items(tmp_path / "items")
    assert (item.asks, item.gold) == ((("a?", " b"),), ["?"])
