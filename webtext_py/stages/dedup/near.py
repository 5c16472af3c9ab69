"""Near-duplicates: banded MinHash proposes, exact Jaccard of the shingle sets decides.

`sign` writes band rows by partition of the band's hash; `candidates` gathers the documents that
share one into groups; `shingles` reads their texts again and keeps their shingle sets; `verify`
compares them; `cluster` chooses survivors over verified pairs only. Files between the steps are
arrays of 64-bit numbers, little-endian; the core (`src/minhash/`) defines them.

On disk, for a while: 24 bytes a band and document (504 at the default threshold), the groups, and
8 bytes a shingle of the candidates. In memory: a partition of the band rows, 16 bytes a candidate,
and about 200 bytes a document in a verified pair.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py import _core
from webtext_py.columns import digests, text_column
from webtext_py.minhash import permutations
from webtext_py.records import DOCUMENTS, table
from webtext_py.stages.dedup.exact import COLUMNS, ORDER, REMOVED, ROW_BITS
from webtext_py.tables import iterate, read_tables, write_table

REASON = "near_duplicate"
SCHEME = "affine32"  # datasketch's default
SEED = 1  # datasketch's default

_BATCH_ROWS = 4096

# What decides about a candidate, without its text.
FACTS = pa.schema(
    [
        pa.field("number", pa.uint64(), False),
        pa.field("doc_id", pa.string(), False),
        pa.field("url_key", pa.string(), False),
        pa.field("karma", pa.int64(), False),
        DOCUMENTS.field("created_utc"),
        pa.field("protected", pa.bool_(), False),
    ]
)
# A verified pair.
EDGES = pa.schema(
    [
        pa.field("left", pa.uint64(), False),
        pa.field("right", pa.uint64(), False),
        pa.field("jaccard", pa.float64(), False),
    ]
)


def sign(
    inputs: list[Path],
    outputs: list[Path],
    part: int,
    bands: int,
    rows: int,
    shingle: int,
    num_perm: int,
) -> dict[str, Any]:
    """Task: a part of the documents (first input) to band rows by partition; the other inputs hold
    the numbers of exact copies, which are left out."""
    copies = _own(inputs[1:], part)
    a, b = permutations(num_perm, SEED, SCHEME)
    signed = 0
    files = [path.open("wb") for path in outputs]
    try:
        for first, batch in _numbered(inputs[0], ["text", "doc_id"]):
            keep = np.ones(batch.num_rows, bool)
            keep[copies[_between(copies, first, batch.num_rows)] - np.uint64(first)] = False
            batch = batch.filter(pa.array(keep))
            numbers = np.flatnonzero(keep).astype(np.uint64) + np.uint64(part << ROW_BITS | first)
            # An order that depends on the document alone: no file order shows in a result.
            heads = np.ascontiguousarray(digests(batch["doc_id"])[:, :8])
            found, bounds = _core.minhash_bands(
                *text_column(batch["text"]),
                heads.view(">u8").reshape(-1).astype(np.uint64),
                numbers,
                SCHEME,
                a,
                b,
                bands,
                rows,
                shingle,
                len(outputs),
            )
            view = memoryview(found).cast("B")
            ends = np.frombuffer(memoryview(bounds), np.uint64).tolist()
            for file, start, end in zip(files, ends[:-1], ends[1:], strict=True):
                file.write(view[24 * start : 24 * end])
            signed += batch.num_rows
    finally:
        for file in files:
            file.close()
    return {"signed": signed}


def candidates(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a partition of band rows to groups of candidates by their first member (all outputs but
    the last) and the numbers of all members (the last)."""
    parts = len(outputs) - 1
    bounds, words, numbers, count = _core.minhash_groups(inputs, parts)
    view = memoryview(words).cast("B")
    ends = np.frombuffer(memoryview(bounds), np.uint64).tolist()
    for path, start, end in zip(outputs[:-1], ends[:-1], ends[1:], strict=True):
        path.write_bytes(view[8 * start : 8 * end])
    outputs[-1].write_bytes(memoryview(numbers))
    return {"groups": count}


def shingles(
    inputs: list[Path], outputs: list[Path], part: int, shingle: int, protected: bool = False
) -> dict[str, Any]:
    """Task: the shingle sets (first output) and facts (second) of a part's candidates; the first
    input is the part, the others name the candidates."""
    wanted = np.unique(_own(inputs[1:], part))
    facts = []
    ends = np.zeros(0, np.uint64)
    with outputs[0].open("wb") as file:
        # Number of sets, numbers, ends, keys; the ends are known when all keys are written.
        file.write(np.uint64(len(wanted)).tobytes())
        file.write((wanted | np.uint64(part << ROW_BITS)).tobytes())
        file.write(bytes(8 * len(wanted)))
        collected, last = [], 0
        for first, batch in _numbered(inputs[0], COLUMNS) if len(wanted) else ():
            places = wanted[_between(wanted, first, batch.num_rows)] - np.uint64(first)
            if not len(places):
                continue
            batch = batch.take(pa.array(places))
            found, keys = _core.shingle_sets(*text_column(batch["text"]), shingle)
            own = np.frombuffer(memoryview(found), np.uint64)
            collected.append(own + np.uint64(last))
            last += int(own[-1])
            file.write(memoryview(keys))
            facts.append(
                table(
                    FACTS,
                    {
                        "number": places + np.uint64(part << ROW_BITS | first),
                        **{name: batch[name] for name in FACTS.names[1:5]},
                        "protected": pa.repeat(protected, batch.num_rows),
                    },
                )
            )
        if collected:
            ends = np.concatenate(collected)
        file.seek(8 + 8 * len(wanted))
        file.write(ends.tobytes())
    write_table(pa.concat_tables(facts) if facts else FACTS.empty_table(), outputs[1])
    return {"candidates": len(wanted), "shingles": int(ends[-1]) if len(ends) else 0}


def verify(
    inputs: list[Path], outputs: list[Path], threshold: float, groups: int
) -> dict[str, Any]:
    """Task: the verified pairs of a partition of groups: the first `groups` inputs hold groups,
    the others shingle sets."""
    pairs, values, compared, by_size, unrepresented, count = _core.minhash_verify(
        inputs[:groups], inputs[groups:], threshold
    )
    numbers = np.frombuffer(memoryview(pairs), np.uint64).reshape(-1, 2)
    edges = table(
        EDGES,
        {
            "left": np.ascontiguousarray(numbers[:, 0]),
            "right": np.ascontiguousarray(numbers[:, 1]),
            "jaccard": np.frombuffer(memoryview(values), np.float64),
        },
    )
    write_table(edges, outputs[0])
    return {
        "groups": count,
        "compared": compared,
        "by_size": by_size,
        "unrepresented": unrepresented,
        "pairs": edges.num_rows,
    }


def cluster(
    inputs: list[Path], outputs: list[Path], threshold: float, edges: int, sets: int
) -> dict[str, Any]:
    """Task: the removed documents (`REMOVED`) over all verified pairs: the first `edges` inputs
    hold pairs, then come `sets` files of shingle sets, then the facts of the candidates."""
    pairs = read_tables(inputs[:edges])
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    wanted = np.unique(np.concatenate([left, right]))
    found = [
        batch.filter(pc.is_in(batch["number"], pa.array(wanted)))
        for batch in iterate(inputs[edges + sets :])
    ]
    nodes = pa.Table.from_batches(found, FACTS).sort_by(ORDER)
    numbers = nodes["number"].to_numpy()
    by_number = np.argsort(numbers)

    def rank(ends: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
        return by_number[np.searchsorted(numbers, ends, sorter=by_number)].astype(np.uint32)

    ranks, values = _core.minhash_cluster(
        numbers,
        np.stack([rank(left), rank(right)], axis=1).reshape(-1),
        pairs["jaccard"].to_numpy(),
        inputs[edges : edges + sets],
        threshold,
    )
    fates = np.frombuffer(memoryview(ranks), np.uint32).reshape(-1, 2)
    similar = np.frombuffer(memoryview(values), np.float64).reshape(-1, 2)
    free = ~nodes["protected"].to_numpy()
    removed = np.flatnonzero((fates[:, 0] != np.arange(len(numbers))) & free)
    gone, ids = nodes.take(pa.array(removed)), nodes["doc_id"]
    rows = table(
        REMOVED,
        {
            "url_key": gone["url_key"],
            "doc_id": gone["doc_id"],
            "kept_doc_id": ids.take(pa.array(fates[removed, 0])),
            "via_doc_id": ids.take(pa.array(fates[removed, 1])),
            "kind": pa.repeat("near", len(removed)),
            "jaccard": similar[removed, 0],
            "jaccard_kept": similar[removed, 1],
            "number": gone["number"],
        },
    )
    write_table(rows.sort_by("doc_id"), outputs[0])
    survivors = np.unique(fates[removed, 0])
    chained = fates[removed, 0] != fates[removed, 1]
    return {
        "removed": len(removed),
        "clusters": len(survivors),
        "chained": int(chained.sum()),
        "least_jaccard_kept": float(similar[removed, 1].min()) if len(removed) else None,
    }


def _numbered(path: Path, columns: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of a part, each with the row number of its first row."""
    first = 0
    for batch in iterate([path], columns, _BATCH_ROWS):
        yield first, batch
        first += batch.num_rows


def _own(paths: list[Path], part: int) -> npt.NDArray[np.uint64]:
    """The rows of one part among the ascending numbers of several files, sorted."""
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    rows = [np.zeros(0, np.uint64)]
    for path in paths:
        if path.stat().st_size:
            numbers = np.memmap(path, np.uint64, "r")
            start, end = np.searchsorted(numbers, [low, high])
            rows.append(np.array(numbers[start:end]) - low)
    return np.sort(np.concatenate(rows))


def _between(rows: npt.NDArray[np.uint64], first: int, count: int) -> slice:
    start, end = np.searchsorted(rows, np.array([first, first + count], np.uint64))
    return slice(int(start), int(end))
