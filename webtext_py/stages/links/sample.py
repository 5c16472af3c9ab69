"""Ten of each that ends in this stage, with what is known of them: what a report shows.

A submission is named by its file and id, a URL by its key; a line has its place from its number.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.records import LEDGER_SAMPLE, table
from webtext_py.sample import PLACE, first

_MOST = 2000  # characters of each text: our choice


class Sample:
    """The first ten of each outcome over batches of rows. Memory: these, and a batch."""

    def __init__(self) -> None:
        self.rows = LEDGER_SAMPLE.empty_table()

    def add(self, outcomes: Any, place: Any, **columns: Any) -> None:
        """Rows that ended so, with their places; `columns` are those of the table."""
        missing = {f.name: pa.nulls(len(place), f.type) for f in LEDGER_SAMPLE}
        given = {**missing, **columns, "outcome": outcomes, PLACE: place}
        chosen = first(pa.concat_tables([self.rows, table(LEDGER_SAMPLE, given)]), ["outcome"])
        for number, field in enumerate(LEDGER_SAMPLE):
            if field.type == pa.string() and field.name != "url_key":
                cut = pc.utf8_slice_codeunits(chosen.column(number), 0, _MOST)
                held = pc.if_else(pc.equal(cut, ""), pa.scalar(None, pa.string()), cut)
                chosen = chosen.set_column(number, field, held)
        self.rows = chosen
