"""The search's steps and their order, over documents of any kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError
from webtext_py.minhash import bands_for
from webtext_py.stages.dedup import exact, near
from webtext_py.stages.dedup.rows import Part
from webtext_py.workspace import MOST_FILES, Steps, Work, ranges, split

# Our choice: of the inputs' files, for each partition of the search. Its tasks read files of all
# partitions, so that there are never more of these than of files that a merge reads.
PART_BYTES = 8 << 20


@dataclass(frozen=True)
class Rule:
    """What counts as a near-duplicate."""

    threshold: float | None  # Jaccard similarity; None for exact copies only
    shingle: int  # words


@dataclass(frozen=True)
class Found:
    """Where the removed documents are listed (`REMOVED` rows), and how many there are."""

    removed: tuple[Path, ...]
    taken: int
    dropped: dict[str, int]
    counts: dict[str, Any]


def find_duplicates(
    steps: Steps, documents: Sequence[Part], protected: int, rule: Rule, partitions: int
) -> Found:
    """Finds exact copies and near-duplicates of the documents, in at most `partitions` partitions.

    The last `protected` parts hold documents that stay whatever they resemble. Raises `InputError`
    where two documents have one id.
    """
    size = sum(part.weight for part in documents)
    parts = max(1, min(partitions, MOST_FILES, -(-size // PART_BYTES)))
    free = len(documents) - protected
    banding = bands_for(rule.threshold) if rule.threshold is not None else None
    how: dict[str, Any] = {"partitions": parts, "banding": banding, "shingle": rule.shingle}
    outputs = ["ids-{}.bin", "bands-{}.bin", "digests-{}.arrow"]
    signed = steps.each("sign", near.sign, _read(documents, free), outputs, unit="bytes", **how)
    work = split(parts, *signed.files(2), *signed.files(0))
    outputs, files = ["exact-{}.parquet", "copies-{}.bin"], len(signed.done)
    grouped = steps.each("group", exact.group, work, outputs, files=files, partitions=parts)
    if twice := grouped.total("twice"):
        raise InputError(
            f"{twice} ids of documents are not unique",
            "give each document an `id` of its own, or none at all",
        )
    removed = grouped.files()
    dropped = {exact.REASON: grouped.total("removed")}
    counts: dict[str, Any] = {}
    if banding is not None:
        bands, copies = signed.files(1), grouped.files(1)
        more, counts = _near(steps, documents, free, (bands, copies), rule.threshold, rule.shingle)
        counts = {"bands": banding[0], "rows": banding[1], **counts}
        removed = (*removed, *more)
        dropped[near.REASON] = counts.pop("removed")
    dropped = {reason: count for reason, count in dropped.items() if count}
    return Found(removed, signed.total("free"), dropped, counts)


def _read(documents: Sequence[Part], free: int, *beside: Path) -> list[Work]:
    """The work of reading all parts, at most `MOST_FILES` tasks; those from number `free` on are
    protected."""
    return [
        Work(
            *(document.path for document in documents[first:end]),
            *beside,
            weight=sum(document.weight for document in documents[first:end]),
            parts=[
                [first + place, first + place >= free, document.arguments()]
                for place, document in enumerate(documents[first:end])
            ],
        )
        for first, end in ranges(len(documents), MOST_FILES)
    ]


def _near(
    steps: Steps,
    documents: Sequence[Part],
    free: int,
    found: tuple[tuple[Path, ...], tuple[Path, ...]],
    threshold: float | None,
    shingle: int,
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """The files of removed documents, and counts; `found` are the band rows and the copies."""
    assert threshold is not None
    bands, copies = found
    parts = len(copies)
    how: dict[str, Any] = {"files": len(bands), "partitions": parts}
    work, outputs = split(parts, *bands, *copies), ["groups-{}.bin", "candidates-{}.bin"]
    grouped = steps.each("candidates", near.candidates, work, outputs, **how)
    work = _read(documents, free, *grouped.files(1))
    outputs = ["sets-{}.bin", "facts-{}.parquet"]
    shingled = steps.each("shingles", near.shingles, work, outputs, unit="bytes", shingle=shingle)
    sets = shingled.files()
    how = {"threshold": threshold, "partitions": parts}
    work = split(parts, *grouped.files(), *sets)
    verified = steps.each("verify", near.verify, work, ["edges-{}.bin"], **how)
    edges, outputs = verified.files(), ["linked-{}.bin"]
    linked = steps.one("components", near.components, edges, outputs, partitions=parts)
    work = split(parts, *linked.files(), *sets, *shingled.files(1))
    outputs = ["near-{}.parquet"]
    clustered = steps.each("cluster", near.cluster, work, outputs, sets=len(sets), **how)
    least = [c for c in clustered.counts("least_jaccard_kept") if c is not None]
    sums = ("groups", "compared", "by_size", "unrepresented", "pairs")
    return clustered.files(), {
        **{name: shingled.total(name) for name in ("candidates", "shingles")},
        **{name: verified.total(name) for name in sums},
        "clusters": linked.total("clusters"),
        **{name: clustered.total(name) for name in ("removed", "below_threshold")},
        "longest_chain": max(clustered.counts("longest_chain")),
        "least_jaccard_kept": min(least, default=None),
    }
