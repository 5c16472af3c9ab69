"""The capture nearest in time, for many seekers at once.

Of rows equally near the first in the given order wins; rows without a time come last.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_Ints = npt.NDArray[np.int64]


class Nearest:
    """Rows by group and time.

    `groups[i]` >= 0 and `times[i]` (int64, may be null) are row `i`'s; rows of one group lie in
    order of time, those without one last. `which` limits the search to some rows. Memory: 40 bytes
    a row.
    """

    def __init__(
        self,
        groups: _Ints,
        times: "pa.Array | pa.ChunkedArray",
        which: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        dated = np.asarray(pc.is_valid(times))
        numbers = np.arange(len(groups)) if which is None else np.flatnonzero(which)
        numbers = numbers[np.argsort(groups[numbers], kind="stable")]
        known = dated[numbers]
        values = np.asarray(pc.fill_null(times, 0)).astype(np.int64)
        self._dated, self._undated = numbers[known], numbers[~known]
        self._dated_groups, self._undated_groups = groups[self._dated], groups[self._undated]
        self._times = values[self._dated]

    def find(self, groups: _Ints, moments: _Ints) -> _Ints:
        """For each pair of a group and a moment the nearest row, or -1 where the group has none."""
        ranks, combined, wanted = self._combined(groups, moments)
        begin = np.searchsorted(combined, groups * ranks)
        end = np.searchsorted(combined, (groups + 1) * ranks)
        later = np.searchsorted(combined, wanted)
        found = np.full(len(groups), -1, np.int64)
        if len(combined):
            last = len(combined) - 1
            # The first of those that share the time of the last one before the moment.
            earlier = np.searchsorted(combined, combined[np.maximum(later - 1, 0)])
            has_earlier, has_later = later > begin, later < end
            before = moments - self._times[earlier]
            after = self._times[np.minimum(later, last)] - moments
            takes_earlier = has_earlier & (~has_later | (before <= after))
            place = np.where(takes_earlier, earlier, np.minimum(later, last))
            found = np.where(has_earlier | has_later, self._dated[place], -1)
        if len(self._undated):
            place = np.searchsorted(self._undated_groups, groups)
            place = np.minimum(place, len(self._undated) - 1)
            fits = (found < 0) & (self._undated_groups[place] == groups)
            found = np.where(fits, self._undated[place], found)
        return found

    def _combined(self, groups: _Ints, moments: _Ints) -> tuple[int, _Ints, _Ints]:
        """Group and rank of time in one sortable number, of the rows and of the pairs."""
        distinct = np.unique(np.concatenate([self._times, moments]))
        ranks = len(distinct) + 1
        rows = self._dated_groups * ranks + np.searchsorted(distinct, self._times)
        return ranks, rows, groups * ranks + np.searchsorted(distinct, moments)

    def outward(self, group: int, moment: int) -> Iterator[int]:
        """The rows of a group, nearest first."""
        low, high = np.searchsorted(self._dated_groups, (group, group + 1))
        numbers, times = self._dated[low:high], self._times[low:high]
        right = int(np.searchsorted(times, moment))
        left = right - 1
        while left >= 0 or right < len(times):
            earlier = left >= 0 and (
                right >= len(times) or moment - times[left] <= times[right] - moment
            )
            if earlier:
                # Equal times in their own order, not from behind.
                first = int(np.searchsorted(times, times[left]))
                yield from numbers[first : left + 1].tolist()
                left = first - 1
            else:
                yield int(numbers[right])
                right += 1
        low, high = np.searchsorted(self._undated_groups, (group, group + 1))
        yield from self._undated[low:high].tolist()
