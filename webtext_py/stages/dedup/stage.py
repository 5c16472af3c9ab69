"""The stage's tasks and their order; `webtext dedup` runs the same tasks on other data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import partition_of
from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Task
from webtext_py.errors import InputError
from webtext_py.ledger import balance, url_ends
from webtext_py.minhash import bands_for
from webtext_py.records import DUPLICATES
from webtext_py.stage import StageRun
from webtext_py.stages.dedup import exact, near
from webtext_py.stages.dedup.rows import Part
from webtext_py.tables import write_table

FILES = ("duplicates/*.parquet", "ledger/urls-dedup-*.parquet")

PART_BYTES = 8 << 20  # our choice: of the inputs' files, for each partition of the search
PART_ROWS = 200_000  # our choice: removed documents in a file of `duplicates/`


@dataclass(frozen=True)
class Rule:
    """What counts as a near-duplicate."""

    threshold: float | None  # Jaccard similarity; None for exact copies only
    shingle: int  # words


@dataclass(frozen=True)
class Found:
    """Where the removed documents are listed (`REMOVED` rows), and how many there are."""

    removed: tuple[Path, ...]
    files: int  # that `duplicates/` is to have
    # What to read again in place of the parts: a copy where reading the file itself is slow.
    parts: tuple[Part, ...]
    taken: int
    dropped: dict[str, int]
    counts: dict[str, Any]


def run_dedup(run: StageRun, config: BuildConfig) -> dict[str, Any]:
    """Runs the stage on the documents; returns its counts."""
    documents = [
        Part(path, weight=path.stat().st_size) for path in run.outputs_of("extract", "documents")
    ]
    rule = Rule(config.near_dup, config.shingle)
    found = find_duplicates(run, documents, 0, rule, config.partitions)
    run.tasks(
        "duplicates",
        [
            Task(
                f"duplicates-{p:05d}",
                duplicates,
                found.removed,
                (
                    run.data / "duplicates" / f"part-{p:05d}.parquet",
                    run.data / "ledger" / f"urls-dedup-{p:05d}.parquet",
                ),
                {"part": p, "parts": found.files},
            )
            for p in range(found.files)
        ],
    )
    counts = balance("dedup", found.taken, found.taken - sum(found.dropped.values()), found.dropped)
    return {**counts, **({"near": found.counts} if found.counts else {})}


def find_duplicates(
    run: StageRun, documents: Sequence[Part], protected: int, rule: Rule, partitions: int
) -> Found:
    """Finds exact copies and near-duplicates of the documents, in at most `partitions` partitions.

    The last `protected` parts hold documents that stay whatever they resemble. Raises `InputError`
    where two documents have one id.
    """
    size = sum(part.weight for part in documents)
    parts = max(1, min(partitions, -(-size // PART_BYTES)))
    free = len(documents) - protected
    # Parts of a Parquet file name their row groups.
    slow = [part.text_field is not None and part.groups is None for part in documents]
    names = [f"{i:05d}" for i in range(len(documents))]
    work = run.work
    banding = bands_for(rule.threshold) if rule.threshold is not None else None
    signed = run.tasks(
        "sign",
        [
            Task(
                f"sign-{i}",
                near.sign,
                (document.path,),
                (
                    work / f"ids-{i}.bin",
                    work / f"bands-{i}.bin",
                    work / f"digests-{i}.arrow",
                    *([work / f"texts-{i}.parquet"] if slow[part] else []),
                ),
                {
                    "part": part,
                    "parts": parts,
                    "protected": part >= free,
                    "source": document.arguments(),
                    "banding": banding,
                    "shingle": rule.shingle,
                },
                document.weight,
            )
            for part, (i, document) in enumerate(zip(names, documents, strict=True))
        ],
        "bytes",
    )
    copies = tuple(work / f"copies-{p:05d}.bin" for p in range(parts))
    removed = tuple(work / f"exact-{p:05d}.parquet" for p in range(parts))
    grouped = run.tasks(
        "group",
        [
            Task(
                f"group-{p:05d}",
                exact.group,
                (
                    *(work / f"digests-{i}.arrow" for i in names),
                    *(work / f"ids-{i}.bin" for i in names),
                ),
                (removed[p], copies[p]),
                {"files": len(names), "part": p, "parts": parts},
            )
            for p in range(parts)
        ],
    )
    if twice := _sum(grouped, "twice"):
        raise InputError(
            f"{twice} ids of documents are not unique",
            "give each document an `id` of its own, or none at all",
        )
    again = tuple(
        Part(work / f"texts-{i}.parquet", weight=document.weight) if is_slow else document
        for i, document, is_slow in zip(names, documents, slow, strict=True)
    )
    dropped = {exact.REASON: _sum(grouped, "removed")}
    counts: dict[str, Any] = {}
    if banding is not None:
        more, counts = _near(run, again, free, copies, rule, parts)
        counts = {"bands": banding[0], "rows": banding[1], **counts}
        removed = (*removed, *more)
        dropped[near.REASON] = counts.pop("removed")
    dropped = {reason: count for reason, count in dropped.items() if count}
    files = max(1, min(partitions, -(-sum(dropped.values()) // PART_ROWS)))
    return Found(removed, files, again, _sum(signed[:free], "rows"), dropped, counts)


def _near(
    run: StageRun,
    documents: Sequence[Part],
    free: int,
    copies: tuple[Path, ...],
    rule: Rule,
    parts: int,
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """The files of removed documents, and counts."""
    assert rule.threshold is not None
    work, names = run.work, [f"{i:05d}" for i in range(len(documents))]
    groups = tuple(work / f"groups-{p:05d}.bin" for p in range(parts))
    named = tuple(work / f"candidates-{p:05d}.bin" for p in range(parts))
    run.tasks(
        "candidates",
        [
            Task(
                f"candidates-{p:05d}",
                near.candidates,
                (*(work / f"bands-{i}.bin" for i in names), *copies),
                (groups[p], named[p]),
                {"files": len(names), "part": p, "parts": parts},
            )
            for p in range(parts)
        ],
    )
    sets = tuple(work / f"sets-{i}.bin" for i in names)
    facts = tuple(work / f"facts-{i}.parquet" for i in names)
    shingled = run.tasks(
        "shingles",
        [
            Task(
                f"shingles-{names[part]}",
                near.shingles,
                (document.path, *named),
                (sets[part], facts[part]),
                {
                    "part": part,
                    "shingle": rule.shingle,
                    "protected": part >= free,
                    "source": document.arguments(),
                },
                document.weight,
            )
            for part, document in enumerate(documents)
        ],
        "bytes",
    )
    edges = tuple(work / f"edges-{p:05d}.bin" for p in range(parts))
    verified = run.tasks(
        "verify",
        [
            Task(
                f"verify-{p:05d}",
                near.verify,
                (*groups, *sets),
                (edges[p],),
                {"threshold": rule.threshold, "part": p, "parts": parts},
            )
            for p in range(parts)
        ],
    )
    linked = work / "linked.bin"
    (joined,) = run.tasks(
        "components", [Task("components", near.components, edges, (linked,), {"parts": parts})]
    )
    removed = tuple(work / f"near-{p:05d}.parquet" for p in range(parts))
    clustered = run.tasks(
        "cluster",
        [
            Task(
                f"cluster-{p:05d}",
                near.cluster,
                (linked, *sets, *facts),
                (removed[p],),
                {"threshold": rule.threshold, "part": p, "parts": parts, "sets": len(sets)},
            )
            for p in range(parts)
        ],
    )
    least = [done.counts["least_jaccard_kept"] for done in clustered if done.counts["removed"]]
    return removed, {
        **{name: _sum(shingled, name) for name in ("candidates", "shingles")},
        **{
            name: _sum(verified, name)
            for name in ("groups", "compared", "by_size", "unrepresented", "pairs")
        },
        "clusters": joined.counts["clusters"],
        "removed": _sum(clustered, "removed"),
        "below_threshold": _sum(clustered, "below_threshold"),
        "longest_chain": max(done.counts["longest_chain"] for done in clustered),
        "least_jaccard_kept": min(least, default=None),
    }


def _sum(done: Sequence[Done], name: str) -> int:
    return sum(int(result.counts[name]) for result in done)


def final_rows(files: list[Path], part: int, parts: int) -> pa.Table:
    """A partition of all removed documents in files of `REMOVED` rows, by id.

    A copy's survivor may itself be a near-duplicate: the copy then points at that one's survivor.
    """
    rows = pa.concat_tables(
        [
            found.filter(pa.array(partition_of(found["doc_id"], parts) == part))
            for found in map(pq.read_table, files)
        ]
    ).sort_by("doc_id")
    copies = pc.equal(rows["kind"], "exact")
    named = pc.unique(rows["kept_doc_id"].filter(copies))
    gone = pa.concat_tables(
        [
            found.filter(
                pc.and_(pc.is_in(found["doc_id"], named), pc.equal(found["kind"], "near"))
            ).select(["doc_id", "kept_doc_id", "jaccard_kept"])
            for found in map(pq.read_table, files)
        ]
    )
    where = pc.index_in(rows["kept_doc_id"], gone["doc_id"].combine_chunks())
    moved = pc.and_(copies, pc.is_valid(where))
    for name in ("kept_doc_id", "jaccard_kept"):
        place = rows.schema.get_field_index(name)
        new = pc.if_else(moved, gone[name].take(where), rows[name])
        rows = rows.set_column(place, rows.schema.field(place), new)
    return rows


def duplicates(inputs: list[Path], outputs: list[Path], part: int, parts: int) -> dict[str, Any]:
    """Task: a partition of `duplicates/` (first output) and its ledger rows (second)."""
    rows = final_rows(inputs, part, parts)
    copies = pc.equal(rows["kind"], "exact").to_numpy()
    reasons = np.where(copies, exact.REASON, near.REASON)
    write_table(rows.select(DUPLICATES.names).cast(DUPLICATES), outputs[0])
    ends = url_ends("dedup", rows["url_key"], pa.array(reasons, pa.string()), rows["doc_id"])
    write_table(ends, outputs[1])
    return {"removed": rows.num_rows}
