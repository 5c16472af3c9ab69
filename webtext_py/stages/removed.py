"""Which documents earlier stages took out: the ledger's own rows are the list.

Memory grows with the number of removed documents, 16 bytes each.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import digests
from webtext_py.tables import iterate


class Removed:
    """The documents named by ledger files of the stages between extraction and here."""

    def __init__(self, ledger_files: Sequence[Path]) -> None:
        parts = [
            digests(batch["doc_id"].drop_null())
            for batch in iterate(ledger_files, columns=["doc_id"])
        ]
        keys = np.concatenate(parts) if parts else np.zeros((0, 16), np.uint8)
        self._keys = np.unique(_as_keys(keys))

    def keep(self, documents: pa.Table) -> pa.Table:
        """The rows whose `doc_id` was not removed."""
        if not len(self._keys) or not documents.num_rows:
            return documents
        keys = _as_keys(digests(documents["doc_id"]))
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return documents.filter(pc.invert(pa.array(self._keys[found] == keys)))


def _as_keys(rows: np.ndarray) -> np.ndarray:
    """16 bytes a row as one comparable value."""
    return np.ascontiguousarray(rows).view("S16").reshape(-1)
