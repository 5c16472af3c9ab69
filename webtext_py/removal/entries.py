"""The manifest after a removal: the entries that a build with the list would have.

A stage whose files are made anew keeps its place, with a key that stands for the list as well. What
was derived from files that changed and is not made anew goes, with its files: an index, a report.
A vocabulary stays: the documents that went are not to be read in it, and what it encoded stays
valid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webtext_py.bpe.train_stage import TrainVocabulary
from webtext_py.layout import REMOVED
from webtext_py.manifest import MANIFEST, Entry, Manifest

LISTED = ("fetch", "extract", "shard")  # the stages that the list is an input of


@dataclass(frozen=True)
class Change:
    """What a removal makes of the files: by stage the counts, by name the new facts."""

    counts: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, dict[str, Any]]
    listed: str  # SHA-256 of the list


def derived(
    stages: Mapping[str, Entry], changed: Mapping[str, str], kept: frozenset[str]
) -> list[str]:
    """The stages whose results go: those made from changed files (old digest to new), or from what
    goes, but those in `kept` and vocabularies."""
    gone: list[str] = []
    before = -1
    while len(gone) > before:
        before = len(gone)
        for name, entry in stages.items():
            if name in gone or name in kept or name == TrainVocabulary.name:
                continue
            sources = [stages[up] for up in entry.upstream if up in stages]
            # Of an index elsewhere nobody knows what it was made from.
            unknown = name.startswith("overlap/") and not entry.upstream
            made = (facts for source in sources for facts in source.outputs.values())
            touched = unknown or any(facts["sha256"] in changed for facts in made)
            read = any(digest in changed for digest in entry.inputs.values())
            if touched or read or any(up in gone for up in entry.upstream):
                gone.append(name)
    return gone


def beside(data: Path, changed: Mapping[str, str]) -> Iterator[tuple[Manifest, list[str]]]:
    """The manifests of folders in a data directory, such as those of `webtext dedup`, less the
    stages made from changed files, and the names of the files that go with those."""
    for path in sorted(data.glob(f"*/{MANIFEST}")):
        manifest = Manifest(path.parent)
        gone = derived(manifest.stages, changed, frozenset())
        outputs = [name for each in gone for name in manifest.stages.pop(each).outputs]
        if gone:
            yield manifest, [f"{path.parent.name}/{name}" for name in outputs]


def updated(
    stages: Mapping[str, Entry], change: Change, changed: Mapping[str, str], gone: list[str]
) -> dict[str, Entry]:
    """All entries but those `gone`, with the keys, inputs, outputs and counts of after."""
    new: dict[str, Entry] = {}

    def update(name: str) -> Entry:
        if name in new:
            return new[name]
        old = stages[name]
        inputs = {n: changed.get(digest, digest) for n, digest in old.inputs.items()}
        if name in LISTED:
            inputs[REMOVED.name()] = change.listed
        upstream = {up: update(up).key if up in stages else key for up, key in old.upstream.items()}
        begun = Entry.begun(old.config, inputs, upstream, old.rules or 0, old.libraries)
        outputs = {n: change.files.get(n, facts) for n, facts in old.outputs.items()}
        new[name] = replace(
            old,
            inputs=begun.inputs,
            upstream=begun.upstream,
            key=begun.key,
            outputs=outputs,
            counts=dict(change.counts.get(name, old.counts)),
        )
        return new[name]

    return {name: update(name) for name in stages if name not in gone}
