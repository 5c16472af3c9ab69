"""Things put together until there is enough for one task, one call or one batch."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def bundled(
    items: Iterable[Item], size: Callable[[Item], int], most: int, count: int | None = None
) -> Iterator[list[Item]]:
    """The items in order, in lists of at most `most` in all by `size`, and of at most `count`.

    One that is larger stands alone.
    """
    bundle: list[Item] = []
    held = 0
    for item in items:
        mine = size(item)
        if bundle and (held + mine > most or len(bundle) == count):
            yield bundle
            bundle, held = [], 0
        bundle.append(item)
        held += mine
    if bundle:
        yield bundle
