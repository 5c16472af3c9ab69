"""Which documents go, and what else held their text.

Good captures are asked, not documents: a link whose page gave no document is on the list too. In
memory: the rows found, and those of the clusters of duplicates that they belong to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import hex_digests
from webtext_py.layout import DUPLICATES, GOOD_CAPTURES
from webtext_py.manifest import Entry
from webtext_py.records import DUPLICATES as DUPLICATE_ROWS
from webtext_py.records import GOOD_CAPTURES as GOOD_ROWS
from webtext_py.removed_list import RemovedList
from webtext_py.tables import iterate, read_tables, write_table
from webtext_py.url.key import url_keys
from webtext_py.workspace import Steps, Work

FOUND = pa.schema(
    [
        pa.field("doc_id", pa.string(), False),
        pa.field("url_key", pa.string(), False),
        pa.field("final_url", pa.string(), False),
        pa.field("final_key", pa.string()),
        pa.field("source", pa.string(), False),
        GOOD_ROWS.field("location"),
    ]
)


def match(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: those of a file of good captures (first input) that a list (second) names."""
    asked = RemovedList.read(inputs[1])
    parts = [FOUND.empty_table()]
    for batch in iterate(inputs[:1], ["url_key", "final_url", "source", "location"]):
        rows = pa.Table.from_batches([batch])
        rows = rows.take(pa.array(asked.found_in(rows)))
        ids = pa.array(hex_digests(rows["url_key"]), pa.string())
        rows = rows.append_column("doc_id", ids)
        rows = rows.append_column("final_key", url_keys(rows["final_url"].combine_chunks()))
        parts.append(rows.select(FOUND.names).cast(FOUND))
    write_table(pa.concat_tables(parts), outputs[0])
    return {}


def clusters(inputs: list[Path], outputs: list[Path], found: int) -> dict[str, Any]:
    """Task: the duplicates in the clusters of what was found (the first `found` inputs)."""
    ids = pc.unique(read_tables(inputs[:found], ["doc_id"])["doc_id"])
    names = ["doc_id", "kept_doc_id"]
    survivors = [
        batch["kept_doc_id"].filter(pc.is_in(batch["doc_id"], ids))
        for batch in iterate(inputs[found:], names)
    ]
    concerned = pc.unique(pa.chunked_array([ids, *survivors]))
    parts = [
        batch.filter(pc.is_in(batch["kept_doc_id"], concerned)) for batch in iterate(inputs[found:])
    ]
    rows = pa.Table.from_batches(parts, pq.read_schema(inputs[found]))
    write_table(rows.cast(DUPLICATE_ROWS), outputs[0])
    return {}


@dataclass(frozen=True)
class Found:
    """What a removal is about."""

    rows: pa.Table  # `FOUND`
    clusters: pa.Table  # `records.DUPLICATES` of the clusters concerned

    def without(self, listed: RemovedList) -> "Found":
        """Less what went before."""
        known = listed.found_in(self.rows)
        rest = np.setdiff1d(np.arange(self.rows.num_rows), known)
        return replace(self, rows=self.rows.take(pa.array(rest)))

    @property
    def ids(self) -> frozenset[str]:
        """The documents named, where the links gave one."""
        return frozenset(self.rows["doc_id"].to_pylist())

    def dropped_for(self) -> dict[str, str]:
        """The duplicates that are here for what was found, directly or over others: each with the
        document found. What resembles the survivor without it is not among them."""
        via = dict(
            zip(*(self.clusters[n].to_pylist() for n in ("doc_id", "via_doc_id")), strict=True)
        )
        ids = self.ids
        found: dict[str, str] = {}
        for start in via:
            way = [start]
            while way[-1] in via and way[-1] not in ids and way[-1] not in found:
                way.append(via[way[-1]])
            end = found.get(way[-1], way[-1])
            if end in ids:
                found |= {doc_id: end for doc_id in way if doc_id not in ids}
        return found

    def survivors(self) -> dict[str, str]:
        """The documents found that had been dropped themselves: each with its survivor."""
        pairs = zip(*(self.clusters[n].to_pylist() for n in ("doc_id", "kept_doc_id")), strict=True)
        return {doc_id: kept for doc_id, kept in pairs if doc_id in self.ids}

    def unknown(self, asked: Iterable[tuple[str, str]], listed: RemovedList) -> list[Any]:
        """Which of the kinds and values asked for name nothing here; `listed` is what they are."""
        keys = {*self.rows["url_key"].to_pylist(), *self.rows["final_key"].to_pylist()}
        known: Mapping[str, Any] = {"url": keys, "doc_id": self.ids}
        named = {*self.rows["url_key"].to_pylist(), *self.rows["final_url"].to_pylist()}
        return [
            (kind, value)
            for kind, value in asked
            if not (listed.names(*named) if kind == "domain" else value in known[kind])
        ]


def find(steps: Steps, asked: Path, pages: Entry, dedup: Entry) -> Found:
    """What the list `asked` names of the good captures, and the clusters that it concerns."""
    good = [steps.data / name for name in GOOD_CAPTURES.among(pages.outputs)]
    made = steps.each(
        "match", match, [Work(path, asked) for path in good], ["found-{}.parquet"], unit="files"
    )
    listed = [steps.data / name for name in DUPLICATES.among(dedup.outputs)]
    files = made.files()
    inputs = [*files, *listed]
    held = steps.one("clusters", clusters, inputs, ["clusters-{}.parquet"], found=len(files))
    return Found(read_tables(files), pq.read_table(held.files()[0]))
