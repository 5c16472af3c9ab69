"""Ten of each kind by a keyed hash: as good as random, and the same for everyone."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.reader.ids import hashes
from webtext_py.splitmix import mixed

SHOWN = 10  # of each kind: our choice
PLACE = "place"  # the column that `first` goes by
_KEY = "webtext report 1 "  # before what names a row: another key, another ten


def places(names: "pa.Array | pa.ChunkedArray") -> pa.Array:
    """The hash of what names each row; the lowest are chosen."""
    return pa.array(hashes(pc.binary_join_element_wise(_KEY, names, "")))


def line_places(file: str, lines: "npt.NDArray[np.uint64]") -> pa.Array:
    """The same of lines of a file by their numbers: a dump has too many to hash texts."""
    key = np.frombuffer(hashlib.sha256(f"{_KEY}{file}".encode()).digest()[:8], ">u8")[0]
    return pa.array(mixed(lines + key.astype(np.uint64)))


def lowest(kinds: pa.Array, place: "npt.NDArray[np.uint64]") -> pa.Array:
    """The numbers of the rows of lowest `place` of each kind, without a sort of all: those of equal
    place are all there."""
    numbers = kinds.dictionary_encode().indices.to_numpy()
    low = [np.zeros(0, np.int64)]
    for number in range(numbers.max(initial=-1) + 1):
        mine = np.flatnonzero(numbers == number)
        shown = min(SHOWN, len(mine))
        most = np.partition(place[mine], shown - 1)[shown - 1]
        low.append(mine[place[mine] <= most])
    return pa.array(np.sort(np.concatenate(low)))


def first(rows: pa.Table, kinds: Sequence[str]) -> pa.Table:
    """The rows of lowest `place` of each kind, in order; what the columns `kinds` say is one."""
    if not rows.num_rows:
        return rows
    named = pc.binary_join_element_wise(*(rows[name] for name in kinds), "\n")
    rows = rows.take(lowest(named.combine_chunks(), rows[PLACE].to_numpy()))
    others = [name for name in rows.column_names if name not in (*kinds, PLACE)]
    rows = rows.sort_by([(name, "ascending") for name in (*kinds, PLACE, *others)])
    named = pc.binary_join_element_wise(*(rows[name] for name in kinds), "\n").to_numpy()
    starts = np.flatnonzero(np.append(True, named[1:] != named[:-1]))
    sizes = np.diff(np.append(starts, len(named)))
    rank = np.arange(len(named)) - np.repeat(starts, sizes)
    return rows.filter(pa.array(rank < SHOWN))
