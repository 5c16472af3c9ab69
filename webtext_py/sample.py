"""Ten of each kind by a keyed hash: as good as random, and the same for everyone."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.reader.ids import hashes

SHOWN = 10  # of each kind: our choice
PLACE = "place"  # the column that `first` goes by
_KEY = "webtext report 1 "  # before what names a row: another key, another ten


def places(names: "pa.Array | pa.ChunkedArray") -> pa.Array:
    """The hash of what names each row; the lowest are chosen."""
    return pa.array(hashes(pc.binary_join_element_wise(_KEY, names, "")))


def first(rows: pa.Table, kinds: Sequence[str]) -> pa.Table:
    """The rows of lowest `place` of each kind, in order; what the columns `kinds` say is one."""
    if not rows.num_rows:
        return rows
    named = pc.binary_join_element_wise(*(rows[name] for name in kinds), "\n")
    numbers = named.combine_chunks().dictionary_encode().indices.to_numpy()
    place = rows[PLACE].to_numpy()
    low = np.zeros(len(place), bool)  # first without a sort of all, those of equal place included
    for number in range(numbers.max() + 1):
        mine = np.flatnonzero(numbers == number)
        most = np.partition(place[mine], min(SHOWN, len(mine)) - 1)[: min(SHOWN, len(mine))].max()
        low[mine[place[mine] <= most]] = True
    rows = rows.filter(pa.array(low))
    others = [name for name in rows.column_names if name not in (*kinds, PLACE)]
    rows = rows.sort_by([(name, "ascending") for name in (*kinds, PLACE, *others)])
    named = pc.binary_join_element_wise(*(rows[name] for name in kinds), "\n").to_numpy()
    starts = np.flatnonzero(np.append(True, named[1:] != named[:-1]))
    sizes = np.diff(np.append(starts, len(named)))
    rank = np.arange(len(named)) - np.repeat(starts, sizes)
    return rows.filter(pa.array(rank < SHOWN))
