"""Near-duplicates: banded MinHash proposes, exact Jaccard of the shingle sets decides.

`sign` writes each document's band rows and the digest of its words; `candidates` gathers the
documents that share a band into groups; `shingles` reads their texts again and keeps their shingle
sets; `verify` compares them; `components` puts the verified pairs of a cluster together; `cluster`
chooses survivors over verified pairs only. Files between the steps are arrays of 64-bit numbers,
little-endian; the core (`src/minhash/`) defines them.

On disk, for a while: 24 bytes a band and document (504 at the default threshold), the groups, and
8 bytes a shingle of the candidates. In memory: a partition of the band rows or of the clusters
(about 200 bytes a document in one; a cluster is held whole), 16 bytes a candidate, and once 28
bytes a document that has a verified pair.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py import _core
from webtext_py.ahead import ahead
from webtext_py.columns import text_column
from webtext_py.engine import advance
from webtext_py.minhash import PERMUTATIONS, permutations
from webtext_py.reader import Passed
from webtext_py.reader.ids import hashes
from webtext_py.records import TIMESTAMP, required, table
from webtext_py.stages.dedup import exact
from webtext_py.stages.dedup.exact import ORDER
from webtext_py.stages.dedup.rows import ROW_BITS, Part, between, own_rows, read
from webtext_py.tables import Shuffle, iterate, numbered, write_table

# A part to read: its number, whether it is protected, how `Part` reads it.
ReadPart = tuple[int, bool, dict[str, Any]]

REASON = "near_duplicate"
SCHEME = "affine32"  # datasketch's default
SEED = 1  # datasketch's default

# What decides about a candidate, without its text.
FACTS = required(
    number=pa.uint64(),
    doc_id=pa.string(),
    url_key=pa.string(),
    karma=pa.int64(),
    created_utc=TIMESTAMP,
    protected=pa.bool_(),
)


def sign(
    inputs: list[Path],
    outputs: list[Path],
    parts: Sequence[ReadPart],
    partitions: int,
    banding: tuple[int, int] | None,
    shingle: int,
) -> dict[str, Any]:
    """Task: parts of the documents to the hashes of their ids (first output) and band rows (second;
    none without `banding`) and `exact.CANDIDATES` (third) by partition."""
    of = (SCHEME, *permutations(PERMUTATIONS, SEED, SCHEME))
    rows = free = 0
    with ExitStack() as stack:
        orders_file = stack.enter_context(outputs[0].open("wb"))
        bands_file = stack.enter_context(outputs[1].open("wb"))
        shuffle = stack.enter_context(Shuffle(outputs[2], exact.CANDIDATES))
        for part, protected, first, batch in _batches(inputs, parts):
            numbers = np.arange(first, first + batch.num_rows, dtype=np.uint64)
            numbers |= np.uint64(part << ROW_BITS)
            # An order that depends on the document alone: no file order shows in a result.
            orders = hashes(batch["doc_id"])
            _write(orders_file, *_core.arrange_numbers(orders, partitions))
            column = text_column(batch["text"])
            if banding is None:
                found = _core.word_digests(column)
            else:
                found, *bands = _core.minhash_bands(
                    column, orders, numbers, of, banding, shingle, partitions
                )
                _write(bands_file, *bands)
            keys = np.frombuffer(memoryview(found), np.uint8).reshape(-1, 16)
            exact.add(shuffle, batch, keys, numbers, protected, partitions)
            rows += batch.num_rows
            free += 0 if protected else batch.num_rows
    return {"rows": rows, "free": free}


def _batches(
    paths: list[Path], parts: Sequence[ReadPart]
) -> Iterator[tuple[int, bool, int, pa.RecordBatch]]:
    """The batches of some parts: the part's number, whether it is protected, the first row."""
    for path, (part, protected, source) in zip(paths, parts, strict=False):
        for first, batch in numbered(ahead(read(Part(path, **source), Passed()))):
            advance(0)  # where a run that was given up ends
            yield part, protected, first, batch


def _write(file: Any, *buffers: "_core.Buffer") -> None:
    for buffer in buffers:
        file.write(memoryview(buffer))


def candidates(
    inputs: list[Path], outputs: list[Path], files: int, partition: int, partitions: int
) -> dict[str, Any]:
    """Task: a partition of band rows (the first `files` inputs) to groups of candidates by their
    first member (first output) and the numbers of all members (second). The other inputs hold the
    numbers of exact copies, which are left out."""
    copies = np.sort(np.concatenate([np.fromfile(path, np.uint64) for path in inputs[files:]]))
    groups = _core.minhash_groups(inputs[:files], partition, partitions, copies)
    bounds, words, numbers, count = groups
    with outputs[0].open("wb") as file:
        _write(file, bounds, words)
    outputs[1].write_bytes(memoryview(numbers))
    return {"groups": count}


def shingles(
    inputs: list[Path], outputs: list[Path], parts: Sequence[ReadPart], shingle: int
) -> dict[str, Any]:
    """Task: shingle sets (first output) and facts (second) of the candidates of some parts; the
    first inputs are the parts, the others name the candidates."""
    by_part = own_rows(inputs[len(parts) :], [part for part, _, _ in parts])
    chosen = [each for each in parts if len(by_part[each[0]])]
    paths = [path for path, each in zip(inputs, parts, strict=False) if len(by_part[each[0]])]
    numbers = [rows | np.uint64(part << ROW_BITS) for part, rows in by_part.items()]
    wanted = np.concatenate(numbers)
    facts = []
    ends = np.zeros(0, np.uint64)
    with outputs[0].open("wb") as file:
        # Number of sets, numbers, ends, keys; the ends are known when all keys are written.
        file.write(np.uint64(len(wanted)).tobytes())
        file.write(wanted.tobytes())
        file.write(bytes(8 * len(wanted)))
        collected, last = [], 0
        for part, protected, first, batch in _batches(paths, chosen):
            places = between(by_part[part], first, batch.num_rows)
            if not len(places):
                continue
            batch = batch.take(pa.array(places))
            found, keys = _core.shingle_sets(*text_column(batch["text"]), shingle)
            own = np.frombuffer(memoryview(found), np.uint64)
            collected.append(own + np.uint64(last))
            last += int(own[-1])
            file.write(memoryview(keys))
            columns = {name: batch[name] for name in FACTS.names[1:5]}
            columns["number"] = places + np.uint64(part << ROW_BITS | first)
            columns["protected"] = pa.repeat(protected, batch.num_rows)
            facts.append(table(FACTS, columns))
        if collected:
            ends = np.concatenate(collected)
        file.seek(8 + 8 * len(wanted))
        file.write(ends.tobytes())
    write_table(pa.concat_tables(facts) if facts else FACTS.empty_table(), outputs[1])
    return {"candidates": len(wanted), "shingles": int(ends[-1]) if len(ends) else 0}


def verify(
    inputs: list[Path], outputs: list[Path], threshold: float, partition: int, partitions: int
) -> dict[str, Any]:
    """Task: the verified pairs of a partition of groups: the first `partitions` inputs hold groups,
    the others shingle sets."""
    pairs, compared, by_size, unrepresented, groups = _core.minhash_verify(
        inputs[:partitions], partition, partitions, inputs[partitions:], threshold
    )
    count = len(pairs) // 24
    with outputs[0].open("wb") as file:
        file.write(np.array([0, count], np.uint64).tobytes())
        _write(file, pairs)
    return {
        "groups": groups,
        "compared": compared,
        "by_size": by_size,
        "unrepresented": unrepresented,
        "pairs": count,
    }


def components(inputs: list[Path], outputs: list[Path], partitions: int) -> dict[str, Any]:
    """Task: all verified pairs, those of a cluster in one partition of the output."""
    clusters, documents = _core.minhash_components(inputs, partitions, outputs[0])
    return {"clusters": clusters, "documents": documents}


def cluster(
    inputs: list[Path],
    outputs: list[Path],
    threshold: float,
    partition: int,
    partitions: int,
    sets: int,
) -> dict[str, Any]:
    """Task: the removed documents (`REMOVED`) of a partition of clusters: the first input holds
    the pairs, then come `sets` files of shingle sets, then the facts of the candidates."""
    pairs, values = _core.minhash_pairs(inputs[0], partition, partitions)
    ends = np.frombuffer(memoryview(pairs), np.uint64)
    wanted = pa.array(np.unique(ends))
    facts = iterate(inputs[1 + sets :])
    found = [batch.filter(pc.is_in(batch["number"], wanted)) for batch in facts]
    nodes = pa.Table.from_batches(found, FACTS).sort_by(ORDER)
    numbers = nodes["number"].to_numpy()
    by_number = np.argsort(numbers)

    def rank(ends: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
        return by_number[np.searchsorted(numbers, ends, sorter=by_number)].astype(np.uint32)

    jaccard = np.frombuffer(memoryview(values), np.float64)
    ranks, similarities = _core.minhash_cluster(
        numbers, rank(ends), jaccard, inputs[1 : 1 + sets], threshold
    )
    kept, via, steps = np.frombuffer(memoryview(ranks), np.uint32).reshape(-1, 3).T
    similar = np.frombuffer(memoryview(similarities), np.float64).reshape(-1, 2)
    removed = np.flatnonzero((steps > 0) & ~nodes["protected"].to_numpy())
    gone, ids = nodes.take(pa.array(removed)), nodes["doc_id"]
    others = ids.take(pa.array(kept[removed])), ids.take(pa.array(via[removed]))
    both = similar[removed, 0], similar[removed, 1]
    exact.write_removed("near", gone, others, both, outputs[0])
    return {
        "removed": len(removed),
        "below_threshold": int((similar[removed, 1] < threshold).sum()),
        "longest_chain": int(steps[removed].max()) if len(removed) else 0,
        "least_jaccard_kept": float(similar[removed, 1].min()) if len(removed) else None,
    }
