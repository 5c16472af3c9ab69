"""The list of what was removed for good: who is on it, and the layout that the shards keep.

`webtext remove` writes it. It is an input of the stages that it concerns: fetch asks for nothing
on it, extract reads no page on it, shard keeps the number of shards and the validation cut. So no
later build brings a document back, and none writes its text below the data directory again.

A document goes by the key of its link, by the URL that its page came from, or by its `doc_id`.
Memory: about 200 bytes an entry.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py import layout
from webtext_py.columns import hex_digests
from webtext_py.records import REMOVED, doc_id, table
from webtext_py.tables import write_table
from webtext_py.url.key import url_key
from webtext_py.url.list_file import listed

OUTCOME = "removed"  # in the ledger
# What `RemovedList.found_in` asks of a good capture.
COLUMNS = ["url_key", "final_url"]
_LAYOUT = b"webtext.layout"
_HOST = re.compile(r"https?://(\[[^\]]*\]|[^/:]*)")


def removed_list(data: Path) -> dict[str, Path]:
    """The list of a data directory as a stage's input; nothing where there is none."""
    path = data / layout.REMOVED.name()
    return {layout.REMOVED.name(): path} if path.exists() else {}


@dataclass(frozen=True)
class ShardLayout:
    """How shards were laid out before a removal: the hash below which documents are validation,
    and how many shards each split has. `made_from` stands for the links and the stage's settings:
    with others the shards are counted anew."""

    made_from: str
    cut: int
    train: int
    validation: int


def made_from(links: Any, settings: Mapping[str, Any]) -> str:
    """What a layout holds for: the configuration and inputs of `links` (its entry) and the shard
    stage's settings."""
    parts = {"links": links.config, "inputs": links.inputs, "shard": dict(settings)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class RemovedList:
    """Rows of `records.REMOVED`, each kind and value once, and the layout."""

    rows: pa.Table = field(default_factory=REMOVED.empty_table)
    layout: ShardLayout | None = None

    @classmethod
    def read(cls, path: Path) -> "RemovedList":
        """The list in a file; an empty one where there is no file."""
        if not path.exists():
            return cls()
        rows = pq.read_table(path)
        kept = (rows.schema.metadata or {}).get(_LAYOUT)
        found = ShardLayout(**json.loads(kept)) if kept is not None else None
        return cls(rows.cast(REMOVED), found)

    def write(self, path: Path) -> None:
        """Writes the file; the same list gives the same bytes."""
        metadata = {} if self.layout is None else {_LAYOUT: json.dumps(asdict(self.layout))}
        write_table(self.rows.replace_schema_metadata(metadata), path)

    def with_rows(self, new: Iterable[Mapping[str, Any]]) -> "RemovedList":
        """The list with further rows; a kind and value that it has stays as it is."""
        rows = {(row["kind"], row["value"]): row for row in self.rows.to_pylist()}
        for row in new:
            rows.setdefault((row["kind"], row["value"]), dict(row))
        ordered = [rows[key] for key in sorted(rows)]
        columns = {name: [row[name] for row in ordered] for name in REMOVED.names}
        return RemovedList(table(REMOVED, columns), self.layout)

    def __len__(self) -> int:
        count: int = self.rows.num_rows
        return count

    def values(self, *kinds: str) -> frozenset[str]:
        """The values of these kinds."""
        mine = pc.is_in(self.rows["kind"], pa.array(kinds, pa.string()))
        return frozenset(self.rows["value"].filter(mine).to_pylist())

    @cached_property
    def _keys(self) -> frozenset[str]:
        return self.values("url")

    @cached_property
    def _domains(self) -> frozenset[str]:
        return self.values("domain")

    @cached_property
    def _ids(self) -> frozenset[str]:
        return self.values("doc_id", "duplicate")

    def names(self, *urls: str) -> bool:
        """Whether one of these URLs is on the list, by its key or its domain."""
        for key in map(url_key, urls):
            if key in self._keys:
                return True
            host = _HOST.match(key) if key is not None and self._domains else None
            if host is not None and listed(host[1], self._domains) is not None:
                return True
        return False

    def has(self, key: str) -> bool:
        """Whether a link is on the list, by its key, its domain or its `doc_id`."""
        return len(self) > 0 and (self.names(key) or doc_id(key) in self._ids)

    def found_in(self, rows: pa.Table) -> npt.NDArray[np.int64]:
        """The numbers of the good captures on the list, from their `COLUMNS`: by the link, by the
        URL that the page came from, or by the `doc_id`."""
        found = np.zeros(rows.num_rows, bool)
        if self._keys or self._domains:
            urls = zip(*(rows[name].to_pylist() for name in COLUMNS), strict=True)
            found |= np.array([self.names(*both) for both in urls], bool)
        if self._ids:
            own = hex_digests(rows["url_key"])
            found |= np.array([each in self._ids for each in own], bool)
        return np.flatnonzero(found)
