"""Batches straight from token shards: a pure function of files, seed and step.

No conversion and no loader state. The Parquet footers give exact token counts; a keyed permutation
of the row groups makes one stream of tokens an epoch, cut into windows of one context; a pool of
row groups at a time, its windows are permuted again. `Windows.batch(first, size, rank, world)` is
then plain arithmetic, so resuming needs nothing but a place, and any number of processes sees the
same global batch. An epoch covers every window once; fewer than one context is left over.

Needs no torch.
"""

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from webtext_py.errors import InputError
from webtext_py.splitmix import permutation
from webtext_py.tokens import Tokens, TokenSet

from .config import DataConfig, ModelConfig


class Windows:
    """Windows of `context + 1` tokens of a `TokenSet`: the last is only a target.

    Window `w` of an epoch starts at token `w * context` of that epoch's stream; its id over all
    epochs is `epoch * count + w`. Memory: two pools of `pool_row_groups` row groups, four while
    one is made.
    """

    def __init__(self, tokens: TokenSet, model: ModelConfig, data: DataConfig) -> None:
        self.set, self.context, self.vocab_size = tokens, model.context, model.vocab_size
        self.seed, self.per_pool = data.data_seed, data.pool_row_groups
        self.count = max(0, (tokens.tokens - 1) // self.context)  # windows an epoch
        if self.count == 0:
            context = f"one context of {self.context} tokens"
            said = f"{tokens.tokens} training tokens do not fill {context}"
            raise InputError(said, "give it more text or a smaller `context`")
        self._epoch = lru_cache(2)(partial(_Epoch, self))
        self._pool = lru_cache(2)(self._read)

    def ids(self, first: int, n: int) -> npt.NDArray[np.int64]:
        """Ids of the `n` windows from place `first` of the endless order over all epochs."""
        return np.concatenate([e * self.count + w for e, _, w in self._places(first, n)])

    def batch(self, first: int, size: int, rank: int = 0, world: int = 1) -> npt.NDArray[np.int32]:
        """This process's part `(size / world, context + 1)` of `size` windows from place `first`
        of the endless order over all epochs."""
        mine = size // world
        parts = []
        for number, pool, windows in self._places(first + rank * mine, mine):
            views = sliding_window_view(self._pool(number, pool), self.context + 1)
            first = self._epoch(number).bounds[pool]
            parts.append(views[:: self.context][windows - first].astype(np.int32))
        return np.concatenate(parts)

    def _places(self, first: int, n: int) -> list[tuple[int, int, npt.NDArray[np.int64]]]:
        """`(epoch, pool, windows)`: places `[first, first + n)` cut where pools end."""
        places = []
        while n:
            number, place = divmod(first, self.count)
            epoch = self._epoch(number)
            pool = int(np.searchsorted(epoch.bounds, place, "right")) - 1
            at = place - int(epoch.bounds[pool])
            windows = epoch.order(pool)[at : at + n]
            places.append((number, pool, windows))
            first, n = first + len(windows), n - len(windows)
        return places

    def _read(self, number: int, pool: int) -> Tokens:
        """Tokens of one pool, from its first window's first token to its last window's target."""
        epoch = self._epoch(number)
        first, last = (int(w) * self.context for w in epoch.bounds[pool : pool + 2])
        begin = int(np.searchsorted(epoch.starts, first, "right")) - 1
        end = int(np.searchsorted(epoch.starts, last + 1, "left"))
        spans = [self.set.read(int(i), self.vocab_size) for i in epoch.spans[begin:end]]
        base = int(epoch.starts[begin])
        return np.concatenate(spans)[first - base : last + 1 - base]


class _Epoch:
    """One epoch's stream: the permuted spans, where each starts, and the pools of windows."""

    def __init__(self, windows: Windows, number: int) -> None:
        self.key = (windows.seed, number)
        n, per_pool = len(windows.set.spans), windows.per_pool
        self.spans = permutation(n, *self.key)
        self.starts = np.concatenate([[0], np.cumsum(windows.set.lengths[self.spans])])
        ends = self.starts[np.minimum(np.arange(0, n + per_pool, per_pool), n)]
        # A window belongs to the pool in which it starts; an empty pool ends where it begins.
        self.bounds = np.minimum(-(-ends // windows.context), windows.count)
        self.order = lru_cache(1)(self._order)

    def _order(self, pool: int) -> npt.NDArray[np.int64]:
        low, high = self.bounds[pool : pool + 2]
        return int(low) + permutation(int(high - low), *self.key, pool)
