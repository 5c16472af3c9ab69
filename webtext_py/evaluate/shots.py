"""Solved items before an item: drawn by a seed, the same for every model, never the item itself."""

import random
from collections.abc import Sequence
from dataclasses import replace

from webtext_py.errors import InputError

from .items import Ask, Item


def with_shots(
    items: Sequence[Item], pool: Sequence[Item], count: int, seed: int, between: str
) -> list[Item]:
    """The items with `count` solved ones of `pool` before each ask, `between` between them.

    Each item's are drawn by seed and id alone. Left out are items with its text, its answer in
    words, or its passage. Raises `InputError` where too few are left.
    """
    if count == 0:
        return list(items)
    return [_with(item, _drawn(item, pool, count, seed), between) for item in items]


def _drawn(item: Item, pool: Sequence[Item], count: int, seed: int) -> list[Item]:
    chance = random.Random(f"{seed} {item.id}")
    order = chance.sample(range(len(pool)), len(pool)) if len(pool) < 4 * count else None
    chosen: list[Item] = []
    seen: set[int] = set()
    while len(chosen) < count:
        if order is not None:
            place = order.pop() if order else -1
        else:
            place = chance.randrange(len(pool)) if len(seen) < len(pool) else -1
        if place < 0:
            raise InputError(
                f"item `{item.id}` has {len(chosen)} others to be shots, expected {count}",
                "ask for fewer, or give more with `--shots-from NAME=FILE`",
            )
        if place not in seen and not _kin(item, pool[place]):
            chosen.append(pool[place])
        seen.add(place)
    return chosen


def _kin(one: Item, other: Item) -> bool:
    """Whether one would give the other away."""
    same_passage = one.cluster != "" and one.cluster == other.cluster
    return same_passage or one.text == other.text or one.shot == other.shot


def _with(item: Item, shots: Sequence[Item], between: str) -> Item:
    before = "".join(f"{shot.shot.strip()}{between}" for shot in shots)
    asks: list[Ask] = []
    for prefix, continuation in item.few or item.asks:
        # A whole sentence to score has no prefix of its own.
        joined = f"{before}{prefix.lstrip()}"
        asks.append((joined, continuation) if prefix else (before.rstrip(), between + continuation))
    return replace(item, asks=tuple(asks), few=())
