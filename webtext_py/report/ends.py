"""How URLs ended, and ten of each end, chosen by a keyed hash: the same for everyone."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.reader.ids import hashes
from webtext_py.records import LEDGER_URLS
from webtext_py.tables import iterate, read_tables, write_table

SHOWN = 10  # of each end
_KEY = "webtext report 1 "  # before the URL's key: another key, another ten

SAMPLE = pa.schema([*LEDGER_URLS, pa.field("place", pa.uint64(), False)])


def ends(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: some of the ledger's URLs to counts by stage and outcome, and the first of each."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    first = SAMPLE.empty_table()
    for batch in iterate(inputs):
        keyed = pc.binary_join_element_wise(_KEY, batch["url_key"], "")
        rows = pa.table([*batch.columns, pa.array(hashes(keyed))], schema=SAMPLE)
        found = rows.group_by(["stage", "outcome"], use_threads=False).aggregate(
            [([], "count_all")]
        )
        for row in found.to_pylist():
            counts[row["stage"]][row["outcome"]] += row["count_all"]
        first = _first(pa.concat_tables([first, _first(rows)]))
    write_table(first, outputs[0])
    return {"ends": {stage: dict(sorted(found.items())) for stage, found in counts.items()}}


def choose(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: the first of each end over all."""
    write_table(_first(read_tables(list(inputs))), outputs[0])


def _first(rows: pa.Table) -> pa.Table:
    """The rows of least place of each end, in order."""
    order = [("stage", "ascending"), ("outcome", "ascending"), ("place", "ascending")]
    rows = rows.sort_by([*order, ("url_key", "ascending")])
    if not rows.num_rows:
        return rows
    ends = pc.binary_join_element_wise(rows["stage"], rows["outcome"], "\n").to_numpy()
    starts = np.flatnonzero(np.append(True, ends[1:] != ends[:-1]))
    sizes = np.diff(np.append(starts, len(ends)))
    rank = np.arange(len(ends)) - np.repeat(starts, sizes)
    return rows.filter(pa.array(rank < SHOWN))
