"""Published figures stand only beside the same metric of the same set."""

from dataclasses import asdict
from pathlib import Path

import pytest

from webtext_py.evaluate.items import Item, read_items, write_lines
from webtext_py.evaluate.published import _SIZES, _TABLE, figures
from webtext_py.evaluate.results import document, judge, score
from webtext_py.evaluate.scorer import Rolled


@pytest.mark.parametrize(
    ("task", "shots", "metric", "size", "value"),
    [
        ("lambada", 0, "token_perplexity", 5_153, 35.13),
        ("WikiText-2", 0, "token_perplexity", 245_569, 29.41),
        ("wikitext103", 0, "unit_perplexity", 245_569, 37.50),
        ("ptb", 0, "unit_perplexity", 82_430, 65.85),
        ("cbt-ne", 0, "acc", 2_000, 0.834),
        ("1bw", 0, "unit_perplexity", 159_658, 75.20),
        ("enwik8", 0, "bits_per_byte", 4_999_998, 1.16),  # from within a character on
        ("text8", 0, "bits_per_character", 5_000_000, 1.17),
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
        ("1bw", 0, "unit_perplexity", 159_657, "the report's set has 159,658 items or units"),
        ("enwik8", 0, "bits_per_byte", 4_999_996, "set has 5,000,000 bytes, this one 4,999,996"),
        ("text8", 0, "bits_per_character", 4_999_999, "set has 5,000,000 characters, this one"),
        ("enwik8", 0, "bits_per_byte", 100_000_000, "set has 5,000,000 bytes"),
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


def test_no_figure_without_a_size() -> None:
    assert {task for task, _ in _TABLE} <= set(_SIZES)


def test_what_is_counted_of_a_text() -> None:
    """Units for perplexity by word, bytes and characters for bits."""
    piece = [0, 5, 1, 6, 5]  # from character, to, units, bytes, characters
    for task, metric, count in (
        ("1bw", "unit_perplexity", 1),
        ("enwik8", "bits_per_byte", 6),
        ("text8", "bits_per_character", 5),
    ):
        item = Item("1", (("héllo", ""),), facts={"pieces": [piece]})
        judged = judge(task, task, task, 0, "text", [item], [[Rolled([0], [-1.0])]])
        found = document([judged], [score(judged)], {}, None)["published"][task][metric]
        assert found["figures"] == {}
        assert found["reason"].endswith(f"this one {count}")


def test_lone_surrogates_reach_no_tokenizer(tmp_path: Path) -> None:
    item = Item("1", (("a\ud800", " b"),), ["\udfff"])
    write_lines(tmp_path / "items", [asdict(item)])
    [item] = read_items(tmp_path / "items")
    assert (item.asks, item.gold) == ((("a?", " b"),), ["?"])
