"""Solved items before an item."""

import pytest

from webtext_py import demo
from webtext_py.errors import InputError
from webtext_py.evaluate.forms import read_form
from webtext_py.evaluate.items import Item
from webtext_py.evaluate.shots import with_shots


def _items(count: int, cluster: str = "") -> list[Item]:
    return [
        Item(str(n), ((f"Q{n}", f" A{n}"),), text=f"t{n}", shot=f"Q{n} A{n}", cluster=cluster)
        for n in range(count)
    ]


def _drawn(item: Item, between: str = "|") -> list[str]:
    *shots, own = item.asks[0][0].split(between)
    assert own == f"Q{item.id}"
    return shots


def test_never_itself_and_all_different() -> None:
    items = _items(30)
    for item in with_shots(items, items, 8, 0, "|"):
        shots = _drawn(item)
        assert len(set(shots)) == 8
        assert f"Q{item.id} A{item.id}" not in shots


def test_by_seed_and_id_alone() -> None:
    """The same shots in any order of the items, others by another seed."""
    items = _items(30)
    made = {item.id: item for item in with_shots(items, items, 3, 0, "|")}
    again = {item.id: item for item in with_shots(items[10:4:-1], items, 3, 0, "|")}
    assert all(again[name] == made[name] for name in again)
    other = with_shots(items, items, 3, 1, "|")
    assert sum(one != made[one.id] for one in other) > 20


def test_every_other_item_is_drawn_alike() -> None:
    items = _items(12)
    counts = dict.fromkeys((f"Q{n} A{n}" for n in range(1, 12)), 0)
    for seed in range(600):
        for shot in _drawn(with_shots(items[:1], items, 2, seed, "|")[0]):
            counts[shot] += 1
    assert min(counts.values()) > 60  # 109 each on average
    assert max(counts.values()) < 160


def test_nothing_of_the_same_passage_or_text() -> None:
    one, other = _items(10, "story"), _items(20)[10:]
    for item in with_shots(one, [*one, *other], 10, 0, "|"):
        assert all(int(shot.split()[0][1:]) >= 10 for shot in _drawn(item))
    with pytest.raises(InputError, match="item `0` has 0 others to be shots, expected 1"):
        with_shots(one, one, 1, 0, "|")
    twins = [Item(str(n), (("Q", " A"),), text="the same", shot="Q A") for n in range(5)]
    with pytest.raises(InputError, match="0 others"):
        with_shots(twins, twins, 1, 0, "|")


def test_lambada_is_filled_in() -> None:
    _, items = read_form(demo.tasks()["lambada"], "lambada", None, {})
    [item] = with_shots(items[:1], items, 2, 0, "\n")
    prefix, continuation = item.asks[0]
    assert prefix.count("____. ->") == 3
    assert prefix.endswith("the factor is about ____. ->")
    assert continuation == " nine"


def test_a_whole_sentence_after_shots() -> None:
    _, items = read_form(demo.tasks()["winograd"], "winograd", None, {})
    [item] = with_shots(items[:1], items, 1, 0, "\n\n")
    prefix, continuation = item.asks[2]
    assert prefix
    assert not prefix.endswith("\n")
    assert continuation.startswith("\n\nThe ladder did not fit")
