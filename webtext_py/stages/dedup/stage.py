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
from webtext_py.ledger import balance, url_ends
from webtext_py.minhash import PERMUTATIONS, bands_for
from webtext_py.records import DUPLICATES
from webtext_py.stage import StageRun
from webtext_py.stages.dedup import exact, near
from webtext_py.tables import read_tables, write_table

FILES = ("duplicates/*.parquet", "ledger/urls-dedup-*.parquet")


@dataclass(frozen=True)
class Rule:
    """What counts as a near-duplicate."""

    threshold: float | None  # Jaccard similarity; None for exact copies only
    shingle: int  # words


def run_dedup(run: StageRun, config: BuildConfig) -> dict[str, Any]:
    """Runs the stage on the documents; returns its counts."""
    documents = run.outputs_of("extract", "documents")
    rule = Rule(config.near_dup, config.shingle)
    found = find_duplicates(run, documents, 0, rule, config.partitions)
    run.tasks(
        "duplicates",
        [
            Task(
                f"duplicates-{p:05d}",
                duplicates,
                (path, found.near),
                (
                    run.data / "duplicates" / f"part-{p:05d}.parquet",
                    run.data / "ledger" / f"urls-dedup-{p:05d}.parquet",
                ),
                {"part": p, "parts": len(found.exact)},
            )
            for p, path in enumerate(found.exact)
        ],
    )
    dropped = {reason: count for reason, count in found.dropped.items() if count}
    counts = balance("dedup", found.taken, found.taken - sum(dropped.values()), dropped)
    return {**counts, **({"near": found.counts} if found.counts else {})}


@dataclass(frozen=True)
class Found:
    """Where the removed documents are listed, and how many there are."""

    exact: tuple[Path, ...]  # `REMOVED` rows by partition of the text
    near: Path  # `REMOVED` rows
    copies: tuple[Path, ...]  # numbers of exact copies, protected ones too
    taken: int
    dropped: dict[str, int]
    counts: dict[str, Any]


def find_duplicates(
    run: StageRun, documents: Sequence[Path], protected: int, rule: Rule, partitions: int
) -> Found:
    """Finds exact copies and near-duplicates of the documents in files with `exact.COLUMNS`.

    The last `protected` files hold documents that stay whatever they resemble.
    """
    parts = range(partitions)
    free = len(documents) - protected
    digested = run.tasks(
        "digest",
        [
            Task(
                f"digest-{i:05d}",
                exact.digest,
                (path,),
                (run.work / f"digest-{i:05d}.arrow",),
                {"partitions": partitions, "part": i, "protected": i >= free},
                path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    copies = tuple(run.work / f"copies-{p:05d}.bin" for p in parts)
    removed = tuple(run.work / f"exact-{p:05d}.parquet" for p in parts)
    grouped = run.tasks(
        "group",
        [
            Task(
                f"group-{p:05d}",
                exact.group,
                tuple(run.work / f"digest-{i:05d}.arrow" for i in range(len(documents))),
                (removed[p], copies[p]),
                {"partition": p},
            )
            for p in parts
        ],
    )
    pairs, counts = run.work / "near.parquet", {}
    if rule.threshold is None:
        run.tasks("near", [Task("near", no_near, (), (pairs,))])
    else:
        counts = _near(run, documents, free, copies, rule, partitions, pairs)
    dropped = {exact.REASON: sum(done.counts["removed"] for done in grouped)}
    if counts:
        dropped[near.REASON] = counts.pop("removed")
    taken = sum(done.counts["rows"] for done in digested[:free])
    return Found(removed, pairs, copies, taken, dropped, counts)


def _near(
    run: StageRun,
    documents: Sequence[Path],
    free: int,
    copies: tuple[Path, ...],
    rule: Rule,
    partitions: int,
    out: Path,
) -> dict[str, Any]:
    parts = range(partitions)
    assert rule.threshold is not None
    bands, rows = bands_for(rule.threshold)
    run.tasks(
        "sign",
        [
            Task(
                f"sign-{i:05d}",
                near.sign,
                (path, *copies),
                tuple(run.work / f"bands-{i:05d}-{p:05d}.bin" for p in parts),
                {
                    "part": i,
                    "bands": bands,
                    "rows": rows,
                    "shingle": rule.shingle,
                    "num_perm": PERMUTATIONS,
                },
                path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    named = tuple(run.work / f"candidates-{p:05d}.bin" for p in parts)
    run.tasks(
        "candidates",
        [
            Task(
                f"candidates-{p:05d}",
                near.candidates,
                tuple(run.work / f"bands-{i:05d}-{p:05d}.bin" for i in range(len(documents))),
                (*(run.work / f"groups-{p:05d}-{q:05d}.bin" for q in parts), named[p]),
            )
            for p in parts
        ],
    )
    sets = tuple(run.work / f"sets-{i:05d}.bin" for i in range(len(documents)))
    facts = tuple(run.work / f"facts-{i:05d}.parquet" for i in range(len(documents)))
    shingled = run.tasks(
        "shingles",
        [
            Task(
                f"shingles-{i:05d}",
                near.shingles,
                (path, *named),
                (sets[i], facts[i]),
                {"part": i, "shingle": rule.shingle, "protected": i >= free},
                path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    edges = tuple(run.work / f"edges-{q:05d}.parquet" for q in parts)
    verified = run.tasks(
        "verify",
        [
            Task(
                f"verify-{q:05d}",
                near.verify,
                (*(run.work / f"groups-{p:05d}-{q:05d}.bin" for p in parts), *sets),
                (edges[q],),
                {"threshold": rule.threshold, "groups": partitions},
            )
            for q in parts
        ],
    )
    (done,) = run.tasks(
        "cluster",
        [
            Task(
                "cluster",
                near.cluster,
                (*edges, *sets, *facts),
                (out,),
                {"threshold": rule.threshold, "edges": len(edges), "sets": len(sets)},
            )
        ],
    )
    return {
        "bands": bands,
        "rows": rows,
        "candidates": _sum(shingled, "candidates"),
        **{
            name: _sum(verified, name)
            for name in ("groups", "compared", "by_size", "unrepresented", "pairs")
        },
        **done.counts,
    }


def _sum(done: Sequence[Done], name: str) -> int:
    return sum(int(result.counts[name]) for result in done)


def no_near(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: no near-duplicates, where none are looked for."""
    write_table(exact.REMOVED.empty_table(), outputs[0])
    return {}


def final_rows(exact_file: Path, near_file: Path, part: int, parts: int) -> tuple[pa.Table, int]:
    """A partition's removed documents, exact copies first (the second value says how many).

    A copy's survivor may itself be a near-duplicate: the copy then points at that one's survivor.
    """
    copies = pq.read_table(exact_file)
    pairs = read_tables([near_file])
    where = pc.index_in(copies["kept_doc_id"], pairs["doc_id"].combine_chunks())
    moved = where.is_valid()
    for name in ("kept_doc_id", "jaccard_kept"):
        place = copies.schema.get_field_index(name)
        new = pc.if_else(moved, pairs[name].take(where), copies[name])
        copies = copies.set_column(place, copies.schema.field(place), new)
    own = pairs.filter(pa.array(partition_of(pairs["doc_id"], parts) == part))
    return pa.concat_tables([copies, own]), copies.num_rows


def duplicates(inputs: list[Path], outputs: list[Path], part: int, parts: int) -> dict[str, Any]:
    """Task: a partition of `duplicates/` (first output) and its ledger rows (second)."""
    rows, copies = final_rows(inputs[0], inputs[1], part, parts)
    reasons = np.where(np.arange(rows.num_rows) < copies, exact.REASON, near.REASON)
    write_table(rows.select(DUPLICATES.names).cast(DUPLICATES).sort_by("doc_id"), outputs[0])
    ends = url_ends("dedup", rows["url_key"], pa.array(reasons, pa.string()), rows["doc_id"])
    write_table(ends, outputs[1])
    return {"removed": rows.num_rows}
