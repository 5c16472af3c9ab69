"""What a removal says: who went, who took the place, who was made with them."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from webtext_py.bpe.encode_stage import TOKENS
from webtext_py.bpe.train_stage import TrainVocabulary
from webtext_py.digests import STATE
from webtext_py.engine.commit import PART
from webtext_py.layout import DUPLICATES, REMOVED, SHARDS, TRAIN_SHARDS, WIKIPEDIA, url_ends
from webtext_py.manifest import MANIFEST, Entry
from webtext_py.removal.files import Rewriting
from webtext_py.removal.find import Found
from webtext_py.removal.promote import Promoted
from webtext_py.tokens import TokenSet


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
    runs: list[dict[str, Any]] = field(default_factory=list)
    archives: dict[str, int] = field(default_factory=dict)  # pages in the user's own
    others: list[str] = field(default_factory=list)  # in the directory, and no stage's


def about(found: Found, dropped: Mapping[str, str], instead: Promoted) -> Report:
    """Who goes, and what else held their text; `dropped` are the duplicates that go as well."""
    report = Report()
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
    mine = found.rows.filter(pc.equal(found.rows["source"], "archive"))
    files = Counter(place["file"] for place in mine["location"].to_pylist())
    report.archives = dict(sorted(files.items()))
    return report


def made_with(report: Report, rewriting: Rewriting) -> None:
    """Notes the vocabulary and the runs that were made with what went, and what lies in the
    directory that no stage knows, or a filter that is not webtext's."""
    data, stages = rewriting.steps.data, rewriting.stages
    if TRAIN_SHARDS.among(rewriting.files) and TrainVocabulary.name in stages:
        report.vocabularies = [TrainVocabulary.name]
    if SHARDS.among(rewriting.files):
        tokens = _fingerprints(data, stages)
        for path in sorted((data / "runs").glob("*/run.json")):
            name = path.parent.name
            if not name.startswith(PART):
                report.runs.append({"run": name, "on_these_tokens": bool(tokens & _learnt(path))})
    known = {name.partition("/")[0] for entry in stages.values() for name in entry.outputs}
    known |= {MANIFEST, STATE, REMOVED.name().partition("/")[0], "runs"}
    there = (path for path in data.iterdir() if not path.is_dir() or any(path.iterdir()))
    report.others = sorted(path.name for path in there if path.name not in known)
    for stage in rewriting.filters:
        kinds = (url_ends(stage), DUPLICATES, WIKIPEDIA)
        mine = {name for kind in kinds for name in kind.among(stages[stage].outputs)}
        report.others += sorted(set(stages[stage].outputs) - mine)


def _learnt(path: Path) -> set[str]:
    """What a run says of the tokens that it learnt from; nothing where it cannot be read."""
    try:
        facts = json.loads(path.read_bytes())["data"]
        return {str(facts.get(name)) for name in ("training", "validation")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _fingerprints(data: Path, stages: Mapping[str, Entry]) -> set[str]:
    """What a run that learnt from `tokens/` says of them, of either split."""
    entry = stages.get(TOKENS)
    names = [] if entry is None or entry.config["format"] != "parquet" else sorted(entry.outputs)
    splits = TokenSet.splits([data / name for name in names])
    return {split.fingerprint for split in splits if split.tokens}
