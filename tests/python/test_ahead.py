"""Items made ahead of their use: the same, in order, no more than asked for, and errors too."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from webtext_py.ahead import Ahead, ahead


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "webtext-ahead"]


def test_the_same_items_in_order() -> None:
    items = [None, 0, "a", [], None]
    assert list(ahead(iter(items))) == items
    assert list(ahead(iter(()))) == []
    assert _threads() == []


def test_an_error_comes_where_it_was() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("broken")

    made = ahead(items())
    assert next(made) == 1
    with pytest.raises(OSError, match="broken"):
        next(made)
    assert _threads() == []


def test_no_more_than_length_are_made() -> None:
    made = []
    fourth = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                fourth.set()
            yield number

    with closing(Ahead(items(), 3)) as taken:
        assert fourth.wait(60)  # three wait, and one is in hand
        assert made == [0, 1, 2, 3]
        assert next(iter(taken)) == 0
    assert len(made) < 10  # given up in the middle
    assert _threads() == []
