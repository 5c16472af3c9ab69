"""What a removal says: who went, who took the place, who was made with them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py.bpe.train_stage import TrainVocabulary
from webtext_py.engine.commit import PART
from webtext_py.manifest import MANIFEST, STATE, Entry
from webtext_py.removal.asked import Asked
from webtext_py.removal.find import Found
from webtext_py.removal.promote import Promoted
from webtext_py.removed_list import RemovedList


@dataclass
class Report:
    """The object of `webtext remove --json`."""

    listed: int = 0  # new entries of the list
    unknown: list[str] = field(default_factory=list)  # as asked for; on the list all the same
    no_urls: list[str] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    same_text: list[dict[str, Any]] = field(default_factory=list)  # stays
    documents: int = 0  # texts that went
    splits: dict[str, int] = field(default_factory=dict)  # rows of the shards that went
    written: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)  # stages to be run again
    vocabularies: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    archives: dict[str, int] = field(default_factory=dict)  # pages in the user's own
    others: list[str] = field(default_factory=list)  # in the directory, and no stage's


def about(
    asked: Asked,
    listed: RemovedList,
    found: Found,
    dropped: Mapping[str, str],
    instead: Promoted,
) -> Report:
    """Who goes, and what else held their text; `dropped` are the duplicates that go as well."""
    report = Report(listed=len(asked.rows), no_urls=list(asked.no_urls))
    report.unknown = [asked.rows[each] for each in found.unknown(asked.rows, listed)]
    names = ["doc_id", "url_key", "final_url"]
    report.removed = sorted(found.rows.select(names).to_pylist(), key=lambda row: row["url_key"])
    pairs = found.clusters.select(["doc_id", "kept_doc_id"]).to_pylist()
    survivors = {row["doc_id"]: row["kept_doc_id"] for row in pairs}
    for doc_id in sorted({*dropped, *instead.again}):
        outcome = "removed" if doc_id in dropped else "stays_out"
        outcome = "promoted" if doc_id in instead.ids else outcome
        kept = dropped.get(doc_id, survivors[doc_id])
        report.duplicates.append({"doc_id": doc_id, "kept_doc_id": kept, "outcome": outcome})
    report.same_text = [
        {"doc_id": doc_id, "kept_doc_id": kept}
        for doc_id, kept in sorted(survivors.items())
        if doc_id in found.ids and kept not in found.ids
    ]
    mine = found.rows.filter([source == "archive" for source in found.rows["source"].to_pylist()])
    files = Counter(place["file"] for place in mine["location"].to_pylist())
    report.archives = dict(sorted(files.items()))
    return report


def made_with(report: Report, data: Path, stages: Mapping[str, Entry]) -> None:
    """Notes the vocabularies and runs that were made with what went, and what lies in the directory
    that no stage knows."""
    if TrainVocabulary.name in stages:
        report.vocabularies = ["tokenizer"]
    found = sorted(path.parent.name for path in (data / "runs").glob("*/run.json"))
    report.runs = [name for name in found if not name.startswith(PART)]
    known = {name.partition("/")[0] for entry in stages.values() for name in entry.outputs}
    known |= {MANIFEST, STATE, "removed", "runs"}
    report.others = sorted(path.name for path in data.iterdir() if path.name not in known)
