"""`verify`: is a data directory still what its manifest says, and do its numbers add up?

Every file of the manifest is hashed again. The ledger is added up again from the tables, not from
the manifest's counts: lines by file, one end for each URL, stage by stage in = kept + dropped.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.digests import Digests, hash_pieces, whole
from webtext_py.engine import Engine, ThreadEngine
from webtext_py.errors import InputError
from webtext_py.layout import (
    ALL_URL_ENDS,
    DOCUMENTS,
    DUPLICATES,
    GOOD_CAPTURES,
    LINES,
    LINKS,
    REMOVED,
    SHARDS,
    WIKIPEDIA,
    url_ends,
)
from webtext_py.ledger import KEPT
from webtext_py.manifest import Entry, Manifest
from webtext_py.observer import SILENT, Observer
from webtext_py.recount import Counted, plus, recount
from webtext_py.removed_list import COLUMNS, RemovedList
from webtext_py.tables import iterate


@dataclass
class Report:
    """What `verify` found: how much it checked, and each problem in a line."""

    files: int = 0
    checks: int = 0
    problems: list[str] = field(default_factory=list)

    def equal(self, what: str, found: object, expected: object) -> None:
        """Notes a problem unless both are equal."""
        self.checks += 1
        if found != expected:
            self.problems.append(f"{what}: {found} found, {expected} expected")


def verify(data: Path, engine: Engine | None = None, observer: Observer = SILENT) -> Report:
    """Checks a data directory, its files by tasks of the engine. Raises `InputError` where there is
    no manifest to check against."""
    manifest = Manifest(data)
    if not manifest.stages:
        raise InputError(
            f"`{data}` has no manifest to check against",
            "name a directory of a build with `--data`",
        )
    report = Report()
    entries = [entry for entry in manifest.stages.values() if entry.state == "done"]
    engine = engine or ThreadEngine()
    sound = _files(report, data, entries, engine, observer)
    for name, entry in manifest.stages.items():
        if entry.state != "done":
            report.problems.append(f"stage `{name}` was begun and not finished")
            continue
        for stage, key in entry.upstream.items():
            upstream = manifest.stages.get(stage)
            report.equal(f"`{name}` was made from `{stage}`", upstream and upstream.key, key)
    _removed(report, data, manifest)
    stages = chain(manifest)
    if sound and stages[:1] == ["links"] and stages[-1:] == ["shard"]:
        _ledger(report, data, manifest, stages, engine, observer)
    return report


def _removed(report: Report, data: Path, manifest: Manifest) -> None:
    """Nothing that was removed for good is among the documents, and the list is there."""
    entry = manifest.done("extract")
    name, path = REMOVED.name(), data / REMOVED.name()
    known = entry.inputs.get(name) if entry is not None else None
    if known is None:
        return
    if not path.is_file():
        report.problems.append(f"`{name}`, the list of what was removed, is lost")
        return
    digest = Digests(data).of_input(path, known)
    report.equal(f"`{name}` is the list of the last build", digest == known, True)
    listed = RemovedList.read(path)
    back = 0
    for batch in iterate(DOCUMENTS.there(data), ["url_key", "url"]):
        rows = pa.table([batch["url_key"], batch["url"]], names=COLUMNS)
        back += len(listed.found_in(rows))
    report.equal("documents on the list of what was removed", back, 0)


def chain(manifest: Manifest) -> list[str]:
    """The stages of a build that links end in, in order, as far as they are done."""

    def before(name: str) -> set[str]:
        entry = manifest.stages.get(name)
        direct = set(entry.upstream) if entry is not None else set()
        return direct.union(*map(before, direct))

    found = [
        name
        for name, entry in manifest.stages.items()
        if entry.state == "done" and url_ends(name).among(entry.outputs)
    ]
    return sorted(found, key=lambda name: len(before(name)))


def _files(
    report: Report, data: Path, entries: list[Entry], engine: Engine, observer: Observer
) -> bool:
    """Hashes the stages' files again; false where one is not as written."""
    outputs = {name: facts for entry in entries for name, facts in entry.outputs.items()}
    there = {}
    for name, facts in outputs.items():
        report.files += 1
        path = data / name
        if not path.is_file():
            report.problems.append(f"`{name}` is lost")
        elif path.stat().st_size < facts["bytes"]:
            found = path.stat().st_size
            report.problems.append(f"`{name}` is cut: {found} bytes of {facts['bytes']}")
        else:
            there[name] = whole(path)
    digests = hash_pieces(list(there.values()), data, engine, observer)
    for name, digest in zip(there, digests, strict=True):
        if digest != outputs[name]["sha256"]:
            report.problems.append(f"`{name}` was altered")
    return not report.problems


def _ledger(
    report: Report,
    data: Path,
    manifest: Manifest,
    order: list[str],
    engine: Engine,
    observer: Observer,
) -> None:
    stages = {name: manifest.stages[name].counts for name in order}
    lines: Counter[str] = Counter()
    for batch in iterate(LINES.there(data)):
        for row in batch.to_pylist():
            lines[row["outcome"]] += row["lines"]
    report.equal("lines in the ledger", sum(lines.values()), stages["links"]["lines"]["in"])
    report.equal("lines kept", lines[KEPT], stages["links"]["lines"]["kept"])
    ends = {name: url_ends(name).there(data) for name in order}
    tables: dict[str, tuple[list[Path], list[str]]] = {
        **{name: (files, ["url_key", "outcome", "doc_id"]) for name, files in ends.items()},
        LINKS.glob: (LINKS.there(data), ["url_key"]),
        **{kind.glob: (kind.there(data), []) for kind in (GOOD_CAPTURES, DOCUMENTS)},
        **{kind.glob: (kind.there(data), ["doc_id"]) for kind in (SHARDS, DUPLICATES, WIKIPEDIA)},
    }
    pairs = list(zip(LINKS.there(data), ends["links"], strict=False))
    found, keys, elsewhere = recount(data, tables, pairs, engine, observer)
    report.equal("distinct URLs", keys, stages["links"]["urls"]["in"])
    report.equal("URLs in another's partition", elsewhere, 0)
    before: int | None = None
    for name in order:
        counts = stages[name]["urls"] if name == "links" else stages[name]
        ended = dict(sorted(found[name].outcomes.items()))
        kept = ended.pop(KEPT, 0)
        report.equal(f"{name}: dropped in the ledger", ended, counts["dropped"])
        total = counts["kept"] + sum(counts["dropped"].values())
        report.equal(f"{name}: in", counts["in"], total)
        if before is not None:
            report.equal(f"{name}: taken from the stage before", counts["in"], before)
        if name == "shard":
            report.equal("kept URLs in the ledger", kept, counts["kept"])
        before = counts["kept"]
    _tables(report, data, found, stages)


def _tables(
    report: Report, data: Path, found: dict[str, Counted], stages: dict[str, dict[str, Any]]
) -> None:
    """Rows of the tables against the ledger."""
    taken = stages["links"]["urls"]["in"]
    rest = set(ALL_URL_ENDS.there(data)).difference(*(url_ends(n).there(data) for n in stages))
    rows = sum(found[name].rows for name in stages)
    rows += sum(pq.read_metadata(path).num_rows for path in sorted(rest))
    report.equal("URLs in the ledger", rows, taken)
    later = [found[name].sum_of("url_key") for name in stages if name != "links"]
    once = plus(*later) == found[LINKS.glob].sum_of("url_key")
    report.equal(f"each URL of `{LINKS.glob}` ends once", once, True)
    foreign = sum(found[name].foreign for name in stages)
    report.equal("rows of the ledger with another URL's doc_id", foreign, 0)
    for table, stage in (
        (LINKS, "links"),
        (GOOD_CAPTURES, "pages"),
        (DOCUMENTS, "extract"),
        (SHARDS, "shard"),
    ):
        counts = stages[stage]["urls"] if stage == "links" else stages[stage]
        report.equal(f"rows in `{table.glob}`", found[table.glob].rows, counts["kept"])
    removed = found[DUPLICATES.glob].rows
    report.equal("rows in `duplicates/`", removed, sum(stages["dedup"]["dropped"].values()))
    # Every document that is kept or removed is a row of its table, under its own name.
    for table, stage, outcomes in (
        (SHARDS, "shard", (KEPT,)),
        (DUPLICATES, "dedup", ("exact_duplicate", "near_duplicate")),
        (WIKIPEDIA, "wikipedia", ("wikipedia_content",)),
    ):
        ended = found[stage].sum_of("doc_id", *outcomes)
        same = found[table.glob].sum_of("doc_id") == ended
        report.equal(f"documents in `{table.glob}` are those of the ledger", same, True)
