"""What the removal of Wikipedia took by content."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.tables import iterate

MOST_ARTICLES = 20  # our choice


def articles(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: `wikipedia/` to counts by share and by article. Memory grows with the articles."""
    shares = np.zeros(11, np.int64)
    titles = pa.table({"title": pa.array([], pa.string()), "n": pa.array([], pa.int64())})
    for batch in iterate(inputs, ["share", "title"]):
        places = np.floor(batch["share"].to_numpy() * 10 + 1e-9).astype(np.int64)
        np.add.at(shares, places, 1)
        ones = pa.repeat(pa.scalar(1), batch.num_rows)
        rows = pa.concat_tables([titles, pa.table([batch["title"], ones], names=["title", "n"])])
        made = rows.group_by("title", use_threads=False).aggregate([("n", "sum")])
        titles = made.select(["title", "n_sum"]).rename_columns(["title", "n"])
    known = titles.filter(pc.is_valid(titles["title"]))
    known = known.sort_by([("n", "descending"), ("title", "ascending")])
    return {
        "removed": int(shares.sum()),
        "shares": [[place / 10, count] for place, count in enumerate(shares.tolist()) if count],
        "articles": [[row["title"], row["n"]] for row in known[:MOST_ARTICLES].to_pylist()],
    }
