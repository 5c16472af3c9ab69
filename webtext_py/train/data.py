"""Batches straight from token shards: a pure function of files, seed and step.

No conversion and no loader state. The Parquet footers give exact token counts; a keyed permutation
of the row groups makes one stream of tokens an epoch, cut into windows of one context; a pool of
row groups at a time, its windows are permuted again. `Windows.batch(step, rank, world)` is then
plain arithmetic, so resuming needs nothing but the step, and any number of processes sees the same
global batch. An epoch covers every window once; fewer than one context of tokens is left over.

Needs no torch.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from webtext_py.errors import InputError
from webtext_py.tokens import Tokens, TokenSet

from .config import DataConfig, ModelConfig


def permutation(n: int, *key: int) -> npt.NDArray[np.int64]:
    """A permutation of `range(n)` fixed by `key`, the same on every machine and in every version.

    The order of SplitMix64's outputs (Steele et al. 2014); NumPy's own generators may change.
    """
    state = 0
    for part in key:
        state = int(_mix(np.array([(state + part + 1) % 2**64], np.uint64))[0])
    return np.argsort(_mix(np.arange(n, dtype=np.uint64) + np.uint64(state)), kind="stable")


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = x * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Windows:
    """Windows of `context + 1` tokens of a `TokenSet`: the last is only a target.

    Window `w` of an epoch starts at token `w * context` of that epoch's stream; its id over all
    epochs is `epoch * count + w`. Memory: three pools
    while one is made, each `pool_row_groups` row groups of tokens.
    """

    def __init__(self, tokens: TokenSet, model: ModelConfig, data: DataConfig) -> None:
        self.set, self.context, self.vocab_size = tokens, model.context, model.vocab_size
        self.seed, self.per_pool = data.data_seed, data.pool_row_groups
        self.count = max(0, (tokens.tokens - 1) // self.context)  # windows an epoch
        if self.count == 0:
            raise InputError(
                f"{tokens.tokens} training tokens do not fill one context of {self.context} tokens",
                hint="give it more text or a smaller `context`",
            )
        self._epochs: dict[int, _Epoch] = {}
        self._pools: dict[tuple[int, int], Tokens] = {}
        self._tail: dict[tuple[int, int], Tokens] = {}

    def ids(self, first: int, n: int) -> npt.NDArray[np.int64]:
        """Ids of the `n` windows from place `first` of the endless order over all epochs."""
        return np.concatenate([e * self.count + w for e, _, w in self._places(first, n)])

    def batch(self, step: int, size: int, rank: int = 0, world: int = 1) -> npt.NDArray[np.int32]:
        """This process's part `(size / world, context + 1)` of step `step`'s `size` windows."""
        mine = size // world
        first = step * size + rank * mine
        parts = [self._gather(e, p, w) for e, p, w in self._places(first, mine)]
        return np.concatenate(parts)

    def _places(self, first: int, n: int) -> list[tuple[int, int, npt.NDArray[np.int64]]]:
        """`(epoch, pool, windows)`: places `[first, first + n)` cut where pools end."""
        places = []
        while n:
            number, place = divmod(first, self.count)
            epoch = self._epoch(number)
            pool = int(np.searchsorted(epoch.pool_ends, place, "right"))
            low = int(epoch.pool_ends[pool - 1]) if pool else 0
            high = int(epoch.pool_ends[pool])
            take = min(n, high - place)
            order = epoch.order(pool, low, high)
            places.append((number, pool, low + order[place - low : place - low + take]))
            first, n = first + take, n - take
        return places

    def _epoch(self, number: int) -> "_Epoch":
        if number not in self._epochs:
            self._epochs = {k: v for k, v in self._epochs.items() if k == number - 1}
            self._epochs[number] = _Epoch(self, number)
        return self._epochs[number]

    def _gather(self, number: int, pool: int, windows: npt.NDArray[np.int64]) -> Any:
        epoch = self._epoch(number)
        low = int(epoch.pool_ends[pool - 1]) if pool else 0
        tokens = self._pool(epoch, pool, low * self.context)
        views = np.lib.stride_tricks.sliding_window_view(tokens, self.context + 1)
        return views[:: self.context][windows - low].astype(np.int32)

    def _pool(self, epoch: "_Epoch", pool: int, first: int) -> Tokens:
        """Tokens of one pool, from its first window's first token to its last window's target."""
        key = (epoch.number, pool)
        if key not in self._pools:
            stop = int(epoch.pool_ends[pool]) * self.context + 1
            start_at = int(np.searchsorted(epoch.starts, first, "right")) - 1
            stop_at = int(np.searchsorted(epoch.starts, stop, "left"))
            parts = {(epoch.number, i): self._span(epoch, i) for i in range(start_at, stop_at)}
            base = int(epoch.starts[start_at])
            whole = np.concatenate(list(parts.values()))[first - base : stop - base]
            # Row groups that the next pool begins with are not decoded twice.
            self._tail = {k: v for k, v in parts.items() if k[1] >= (pool + 1) * self.per_pool}
            self._pools = {k: self._pools[k] for k in list(self._pools)[-1:]}
            self._pools[key] = whole
        return self._pools[key]

    def _span(self, epoch: "_Epoch", i: int) -> Tokens:
        known = self._tail.get((epoch.number, i))
        return known if known is not None else self.set.read(int(epoch.spans[i]), self.vocab_size)


class _Epoch:
    """One epoch's stream: the permuted spans, where each starts, and where each pool ends."""

    def __init__(self, windows: Windows, number: int) -> None:
        self.number, self.seed = number, windows.seed
        n = len(windows.set.spans)
        self.spans = permutation(n, windows.seed, number)
        self.starts = np.concatenate([[0], np.cumsum(windows.set.lengths[self.spans])])
        per_pool = windows.per_pool
        ends = self.starts[np.minimum(np.arange(per_pool, n + per_pool, per_pool), n)]
        # A window belongs to the pool in which it starts; an empty pool ends where it begins.
        self.pool_ends = np.minimum(-(-ends // windows.context), windows.count)
        self._order: tuple[int, npt.NDArray[np.int64]] | None = None

    def order(self, pool: int, low: int, high: int) -> npt.NDArray[np.int64]:
        """The permutation of one pool's windows, kept until another pool's is asked for."""
        if self._order is None or self._order[0] != pool:
            self._order = (pool, permutation(high - low, self.seed, self.number, pool))
        return self._order[1]
