"""Documents whose final URL is Wikipedia's."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.ledger import url_ends
from webtext_py.stages.removed import Removed
from webtext_py.tables import read_tables, write_table
from webtext_py.wikipedia.hosts import is_wikipedia

REASON = "wikipedia_host"


def hosts(inputs: list[Path], outputs: list[Path], documents: int) -> dict[str, Any]:
    """Task: a bundle of documents (so many inputs) judged by final URL; the other inputs
    are the ledger's rows of what was removed from it before."""
    rows = read_tables(inputs[:documents], ["url_key", "url", "doc_id"])
    rows = Removed(inputs[documents:]).keep(rows)
    found = pa.array([is_wikipedia(url) for url in rows["url"].to_pylist()], pa.bool_())
    gone = rows.filter(found)
    reasons = pa.repeat(REASON, gone.num_rows)
    write_table(url_ends("wikipedia", gone["url_key"], reasons, gone["doc_id"]), outputs[0])
    return {"in": rows.num_rows, "dropped": gone.num_rows}
