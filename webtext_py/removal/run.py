"""A removal from start to end: found, made anew beside the old files, committed together."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from webtext_py.bpe.encode_stage import TOKENS
from webtext_py.bpe.train_stage import TrainVocabulary
from webtext_py.engine import Engine, LocalEngine
from webtext_py.engine.commit import clean, sha256_file, write_json
from webtext_py.engine.journal import JOURNAL, NEW, commit_together
from webtext_py.errors import InputError
from webtext_py.layout import REMOVED, SHARDS
from webtext_py.manifest import MANIFEST, Manifest
from webtext_py.observer import SILENT, Observer
from webtext_py.removal.asked import Asked, list_rows
from webtext_py.removal.entries import Change, beside, derived, updated
from webtext_py.removal.fetched import take_out
from webtext_py.removal.files import Rewriting
from webtext_py.removal.find import find
from webtext_py.removal.promote import Promoted, promote
from webtext_py.removal.quotes import quoting
from webtext_py.removal.report import Report, about, made_with
from webtext_py.removal.tokens import encode_again
from webtext_py.removed_list import RemovedList, ShardLayout, made_from
from webtext_py.stage import Stage
from webtext_py.stages.shard.order import SPLIT_KEY, keyed_hashes, threshold
from webtext_py.tables import iterate
from webtext_py.workspace import Steps, Workspace

_PAGE = "report"
_CHAIN = ("links", "pages", "extract", "dedup", "wikipedia", "shard")


def remove(
    data: Path,
    asked: Asked,
    *,
    reason: str | None = None,
    promote: bool = False,
    dry_run: bool = False,
    engine: Engine | None = None,
    observer: Observer = SILENT,
) -> dict[str, Any]:
    """Takes what is `asked` for out of the finished build in `data`, for good; returns the report.

    With `promote` near-duplicates that were dropped for what goes take its place; without it they
    go too. `dry_run` changes nothing. After a kill the directory is as it was or as it is to be:
    the next command that opens it does the rest. Raises `InputError` where there is no finished
    build.
    """
    engine = engine or LocalEngine()
    if not data.exists():  # and is not to be made
        _check(Manifest(data))
    with ExitStack() as stack:
        workspace = stack.enter_context(Workspace(data, engine, observer))
        _check(workspace.manifest)
        stage = Removal(asked, reason, promote, stack)
        observer.stage_started(stage.name)
        clean(data)
        steps = Steps(workspace, stage)
        try:
            report = stage.body(steps)
            if report["listed"] and not dry_run:
                workspace.lease.check()
                commit_together(data, steps.work, report["deleted"])
        finally:
            if not (steps.work / JOURNAL).exists():  # else whoever comes next finishes it
                workspace.tidy(stage.name)
    return dict(report)


@dataclass(frozen=True)
class Removal(Stage):
    """From a finished build and what is asked for to the files of after, in the work folder."""

    asked: Asked
    reason: str | None
    promote: bool
    stack: ExitStack

    name = "remove"
    rules = 1

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Everything but the commit; returns the report."""
        stages, work = steps.manifest.stages, steps.work
        listed = RemovedList.read(steps.data / REMOVED.name())
        known = {(row["kind"], row["value"]) for row in listed.rows.to_pylist()}
        rows = list_rows(self.asked, self.reason, self.promote)
        new = [row for row in rows if (row["kind"], row["value"]) not in known]
        if not new:
            return vars(Report(no_urls=list(self.asked.no_urls)))
        work.mkdir(parents=True, exist_ok=True)
        wanted = RemovedList().with_rows(new)
        wanted.write(work / "asked.parquet")
        found = find(steps, work / "asked.parquet", stages["pages"], stages["dedup"])
        unknown = found.unknown(self.asked.rows, wanted)
        found = found.without(listed)
        dropped = {} if self.promote else found.dropped_for()
        instead = promote(steps, found, self.stack) if self.promote else Promoted()
        layout = _layout(steps, listed)
        whole = listed.with_rows([*new, *map(_duplicate, sorted(dropped.items()))])
        path = work / NEW / REMOVED.name()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(whole, layout=layout).write(path)
        rewriting = Rewriting(steps, found, frozenset(dropped), instead, layout)
        rewriting.run()
        take_out(rewriting, path)
        report = about(found, dropped, instead)
        report.listed, report.no_urls = len(new), list(self.asked.no_urls)
        report.unknown = [self.asked.rows[each] for each in unknown]
        _finish(rewriting, report, sha256_file(path))
        return vars(report)


def _duplicate(pair: tuple[str, str]) -> dict[str, Any]:
    kind = {"kind": "duplicate", "value": pair[0], "kept_doc_id": pair[1]}
    return {**kind, "promote": False, "reason": None}


def _check(manifest: Manifest) -> None:
    """Raises `InputError` unless all that is to change is finished, and of one build."""
    for name in _CHAIN:
        manifest.need(name, "webtext build")
    for name, entry in manifest.stages.items():
        if entry.state != "done":
            raise InputError(
                f"`{name}` was begun and not finished", "run the command that makes it again first"
            )
    data = manifest.path.parent
    for name in manifest.stages["shard"].upstream:
        for up, key in manifest.stages[name].upstream.items():
            if manifest.stages[up].key != key:
                raise InputError(
                    f"`{name}` was made before `{up}`, which was redone since",
                    "run `webtext build` first",
                )
    applied = manifest.stages["extract"].inputs.get(REMOVED.name())
    path = data / REMOVED.name()
    if (sha256_file(path) if path.exists() else None) != applied:
        raise InputError(
            f"`{path}` is not the list that the build was made with",
            "run `webtext build` with it first, or put the one of before back",
        )


def _layout(steps: Steps, listed: RemovedList) -> ShardLayout:
    """How the shards that stand there are laid out."""
    links, entry = steps.manifest.stages["links"], steps.manifest.stages["shard"]
    key = made_from(links, entry.config)
    if listed.layout is not None and listed.layout.made_from == key:
        return listed.layout
    held = [p for p in SHARDS.among(entry.outputs) if p.startswith("shards/validation-")]
    highest = [
        int(keyed_hashes(batch["doc_id"], SPLIT_KEY).max(initial=np.uint64(0)))
        for batch in iterate([steps.data / name for name in held], ["doc_id"])
    ]
    # By share; or where that gave too few, so that the last one is just below the cut.
    cut = max(int(threshold(entry.config["validation"])), max(highest) + 1) if held else 0
    splits = entry.counts["splits"]
    return ShardLayout(key, cut, splits["train"]["shards"], splits["validation"]["shards"])


def _finish(rewriting: Rewriting, report: Report, listed: str) -> None:
    """What follows from the new files: token shards, what goes with them, the manifest."""
    steps, stages = rewriting.steps, rewriting.stages
    shards = SHARDS.among(rewriting.files)
    kept = set(stages["shard"].upstream) | {"shard", "fetch", "archives"}
    if not shards or encode_again(rewriting):
        kept.add(TOKENS)
    gone = derived(stages, rewriting.changed, frozenset(kept)) if rewriting.changed else []
    kept |= {*gone, TrainVocabulary.name}
    gone += quoting(rewriting, {n: entry for n, entry in stages.items() if n not in kept})
    if _PAGE in stages and _PAGE not in gone:  # it may show a URL that no document is of
        gone.append(_PAGE)
    change = Change(rewriting.counts, rewriting.files, listed)
    manifest = Manifest(steps.data)
    manifest.stages = updated(stages, change, rewriting.changed, gone)
    write_json(steps.work / NEW / MANIFEST, manifest.document())
    report.written = sorted(rewriting.files)
    report.stale = gone
    deleted = {name for each in gone for name in stages[each].outputs}
    for other, names in beside(steps.data, rewriting.changed):
        write_json(steps.work / NEW / other.path.relative_to(steps.data), other.document())
        report.stale.append(other.path.parent.name)
        deleted.update(names)
    report.deleted = sorted(deleted)
    report.documents = stages["extract"].counts["kept"] - rewriting.counts["extract"]["kept"]
    before, after = stages["shard"].counts["splits"], rewriting.counts["shard"]["splits"]
    report.splits = {split: after[split]["rows"] - before[split]["rows"] for split in after}
    made_with(report, rewriting)
