"""`webtext dedup`: the dedup stage's steps on any text.

The output folder holds the kept rows in the order of the inputs (`part-*.parquet`: one file for
each input, several for a large Parquet file), `duplicates/` and a manifest; like a build it resumes
after a kill and refuses a stale result. A Parquet input keeps all its columns; JSONL and text give
`id` and `text`.

While it runs the folder also holds what `stages/dedup/near.py` states and, of JSONL and plain text,
one lightly compressed copy. Ids must be unique over all inputs.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.ahead import ahead
from webtext_py.config import check_near_dup
from webtext_py.engine import Engine, Task, ThreadEngine
from webtext_py.errors import InputError
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.reader import Source, list_sources
from webtext_py.records import DUPLICATES
from webtext_py.stage import Observer, Silent, StageRun, Workspace
from webtext_py.stages.dedup import Rule, final_rows, find_duplicates
from webtext_py.stages.dedup.rows import ROW_BITS, cut
from webtext_py.tables import ROW_GROUP_ROWS, write_table

__all__ = ["DedupConfig", "run_dedup"]

FILES = ("part-*.parquet", "duplicates/*.parquet")
_FLUSH_BYTES = 64 << 20  # our choice: a row group of kept rows


@dataclass(frozen=True)
class DedupConfig:
    """What the result depends on beside the text."""

    near_dup: float | None = 0.8
    shingle: int = 5
    text_field: str = "text"
    partitions: int = 16

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that make no sense."""
        check_near_dup(self.near_dup, self.shingle)


def run_dedup(
    inputs: Sequence[str | Path],
    out: Path,
    config: DedupConfig | None = None,
    *,
    against: Sequence[str | Path] = (),
    engine: Engine | None = None,
    observer: Observer | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Writes the documents of `inputs` that duplicate none of each other and none of `against`.

    Returns the counts: `in`, `kept`, `dropped` by reason, and of the search `near`. Raises
    `InputError` where two documents have one id, `StaleError` where `out` holds another result.
    """
    config = config or DedupConfig()
    sources, others = list_sources(inputs), list_sources(against) if against else []
    overlap = {s.path.resolve() for s in sources} & {s.path.resolve() for s in others}
    if overlap:
        raise InputError(f"`{sorted(overlap)[0]}` is given as input and with `--against`")
    named = input_names([source.path for source in (*sources, *others)])
    with Workspace(out, engine or ThreadEngine(), observer or Silent()) as workspace:
        entry = workspace.stage(
            "dedup",
            lambda run: _body(run, sources, others, config),
            config={
                **asdict(config),
                "order": [named[source.path.resolve()] for source in sources],
                "against": [named[source.path.resolve()] for source in others],
            },
            inputs={name: path for path, name in named.items()},
            files=FILES,
            force=force,
        )
    return dict(entry.counts)


def _body(
    run: StageRun, sources: Sequence[Source], others: Sequence[Source], config: DedupConfig
) -> dict[str, Any]:
    digest = run.workspace.digests.of
    free, protected = (
        [
            part
            for source in given
            for part in cut(source.path, config.text_field, digest(source.path))
        ]
        for given in (sources, others)
    )
    rule = Rule(config.near_dup, config.shingle)
    found = find_duplicates(run, [*free, *protected], len(protected), rule, config.partitions)
    removed = tuple(run.work / f"removed-{p:05d}.bin" for p in range(found.files))
    run.tasks(
        "duplicates",
        [
            Task(
                f"duplicates-{p:05d}",
                duplicates,
                found.removed,
                (run.data / "duplicates" / f"part-{p:05d}.parquet", removed[p]),
                {"part": p, "parts": found.files},
            )
            for p in range(found.files)
        ],
    )
    written = run.tasks(
        "write",
        [
            Task(
                f"write-{i:05d}",
                write,
                (part.path, *removed),
                (run.data / f"part-{i:05d}.parquet",),
                {"part": i, "groups": part.groups},
                part.weight,
            )
            for i, part in enumerate(found.parts[: len(free)])
        ],
        "bytes",
    )
    kept = sum(result.counts["kept"] for result in written)
    counts = balance("dedup", found.taken, kept, found.dropped)
    return {**counts, **({"near": found.counts} if found.counts else {})}


def duplicates(inputs: list[Path], outputs: list[Path], part: int, parts: int) -> dict[str, Any]:
    """Task: a partition of `duplicates/` (first output) and the numbers of its documents."""
    rows = final_rows(inputs, part, parts)
    write_table(rows.select(DUPLICATES.names).cast(DUPLICATES), outputs[0])
    np.sort(rows["number"].to_numpy()).tofile(outputs[1])
    return {"removed": rows.num_rows}


def write(
    inputs: list[Path], outputs: list[Path], part: int, groups: tuple[int, int] | None
) -> dict[str, Any]:
    """Task: the rows of a Parquet file (first input) that were not removed (the others say which).

    Without `groups` the file is a copy made here: of its columns, id and text are kept.
    """
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    numbers = np.concatenate([np.fromfile(path, np.uint64) for path in inputs[1:]])
    gone = np.sort(numbers[(numbers >= low) & (numbers < high)] - low)
    with pq.ParquetFile(inputs[0]) as file:
        schema = file.schema_arrow
        columns = None
        if groups is None:
            schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])
            columns = ["doc_id", "text"]
        chosen = range(*(groups or (0, file.num_row_groups)))
        batches = (
            batch
            for group in chosen
            for batch in file.iter_batches(4096, [group], columns=columns, use_threads=False)
        )
        return _write_kept(ahead(batches), schema, gone, outputs[0])


def _write_kept(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, gone: Any, path: Path
) -> dict[str, Any]:
    first = kept = held = 0
    waiting: list[pa.RecordBatch] = []
    with closing(_writer(path, schema)) as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting.clear()

        for batch in batches:
            start, end = np.searchsorted(gone, np.array([first, first + batch.num_rows]))
            if end > start:
                keep = np.ones(batch.num_rows, bool)
                keep[gone[start:end] - np.uint64(first)] = False
                first += batch.num_rows
                batch = batch.filter(pa.array(keep))
            else:
                first += batch.num_rows
            kept += batch.num_rows
            held += batch.nbytes
            waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
            if held >= _FLUSH_BYTES or sum(b.num_rows for b in waiting) >= ROW_GROUP_ROWS:
                flush()
                held = 0
        flush()
    return {"rows": first, "kept": kept}


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer that spends nothing on dictionaries and bounds of long texts."""
    texts = [f.name for f in schema if f.type in (pa.string(), pa.large_string())]
    others = [name for name in schema.names if name not in texts]
    return pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=others, write_statistics=others
    )
