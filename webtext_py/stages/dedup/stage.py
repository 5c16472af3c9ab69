"""The stage's declaration; `webtext dedup` runs the same search on other data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.layout import DUPLICATES
from webtext_py.ledger import url_ends as ended
from webtext_py.records import DUPLICATES as COLUMNS
from webtext_py.stage import Files
from webtext_py.stages.bundles import bundles
from webtext_py.stages.dedup import exact, near
from webtext_py.stages.dedup.final import by_bundle
from webtext_py.stages.dedup.rows import Part
from webtext_py.stages.dedup.search import Rule, find_duplicates
from webtext_py.stages.filter import Filter
from webtext_py.tables import read_partition, write_table
from webtext_py.workspace import Steps


@dataclass(frozen=True)
class Dedup(Filter):
    """Drops documents that duplicate another by `rule`, searched in at most `partitions`."""

    rule: Rule
    partitions: int

    name = "dedup"
    rules = 2  # a file of removals for each bundle of documents
    libraries = ("words",)

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """The removed documents beside the ledger."""
        return (DUPLICATES, *super().files)

    def config(self) -> Mapping[str, Any]:
        """The rule and the number of partitions."""
        return {
            "near_dup": self.rule.threshold,
            "shingle": self.rule.shingle,
            "partitions": self.partitions,
        }

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """The search, then its tables."""
        documents = [Part(path, weight=path.stat().st_size) for path in self.documents(steps)]
        found = find_duplicates(steps, documents, 0, self.rule, self.partitions)
        work = by_bundle(steps, found.removed, bundles(len(documents), self.partitions))
        steps.each("duplicates", duplicates, work, self.files)
        near_ = {"near": found.counts} if found.counts else {}
        return {**self.balanced(found.taken, found.dropped), **near_}


def duplicates(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: what was removed from a bundle (first output), and its ledger rows (second)."""
    rows = read_partition(inputs, partition, exact.REMOVED).sort_by("doc_id")
    copies = pc.equal(rows["kind"], "exact").to_numpy()
    reasons = np.where(copies, exact.REASON, near.REASON)
    write_table(rows.select(COLUMNS.names).cast(COLUMNS), outputs[0])
    ends = ended("dedup", rows["url_key"], pa.array(reasons, pa.string()), rows["doc_id"])
    write_table(ends, outputs[1])
    return {"removed": rows.num_rows}
