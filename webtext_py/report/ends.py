"""How URLs ended, and ten of each end."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.records import LEDGER_URLS
from webtext_py.sample import PLACE, first, places
from webtext_py.tables import iterate, read_tables, write_table

_END = ["stage", "outcome"]
CHOSEN = pa.schema([*LEDGER_URLS, pa.field(PLACE, pa.uint64(), False)])


def ends(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: some of the ledger's URLs to counts by stage and outcome, and the first of each."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    chosen = CHOSEN.empty_table()
    for batch in iterate(inputs):
        rows = pa.table([*batch.columns, places(batch["url_key"])], schema=CHOSEN)
        found = rows.group_by(_END, use_threads=False).aggregate([([], "count_all")])
        for row in found.to_pylist():
            counts[row["stage"]][row["outcome"]] += row["count_all"]
        chosen = first(pa.concat_tables([chosen, rows]), _END)
    write_table(chosen, outputs[0])
    return {"ends": {stage: dict(sorted(found.items())) for stage, found in counts.items()}}


def choose(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: the first of each end over all."""
    write_table(first(read_tables(list(inputs)), _END), outputs[0])
