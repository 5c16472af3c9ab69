"""`webtext dedup`: the dedup stage's steps on any text.

The output folder holds the kept rows (`part-*.parquet`, one file for each input file, in its
order), `duplicates/` and a manifest; like a build it resumes after a kill and refuses a stale
result. A Parquet input keeps all its columns; JSONL and text give `id` and `text`.

While it runs the folder also holds one lightly compressed copy of the texts beside what
`stages/dedup/near.py` states. Ids must be unique over all inputs; that check takes 8 bytes a
document of memory.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import digests
from webtext_py.config import check_near_dup
from webtext_py.engine import Engine, LocalEngine, Task
from webtext_py.errors import InputError
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.reader import Source, list_sources, read_batches, recognise
from webtext_py.records import DUPLICATES
from webtext_py.stage import Observer, Silent, StageRun, Workspace
from webtext_py.stages.dedup import Rule, final_rows, find_duplicates
from webtext_py.stages.dedup.exact import ROW_BITS
from webtext_py.tables import ROW_GROUP_ROWS, iterate, write_table

__all__ = ["DedupConfig", "run_dedup"]

FILES = ("part-*.parquet", "duplicates/*.parquet")
_EXTRA = ("karma", "created_utc")
_INGESTED = pa.schema(
    [
        pa.field("doc_id", pa.string(), False),
        pa.field("text", pa.large_string(), False),
        pa.field("karma", pa.int64(), False),
        pa.field("created_utc", pa.timestamp("ms", tz="UTC"), False),
        pa.field("url_key", pa.string(), False),
    ]
)


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
    with Workspace(out, engine or LocalEngine(), observer or Silent()) as workspace:
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
    everything = [*sources, *others]
    texts = tuple(run.work / f"texts-{i:05d}.parquet" for i in range(len(everything)))
    ids = tuple(run.work / f"ids-{i:05d}.bin" for i in range(len(everything)))
    run.tasks(
        "ingest",
        [
            Task(
                f"ingest-{i:05d}",
                ingest,
                (source.path,),
                (texts[i], ids[i]),
                {"text_field": config.text_field},
                source.path.stat().st_size,
            )
            for i, source in enumerate(everything)
        ],
        "bytes",
    )
    (done,) = run.tasks("ids", [Task("ids", unique_ids, ids, (run.work / "unique.bin",))])
    if done.counts["twice"]:
        raise InputError(
            f"{done.counts['twice']} ids of documents are not unique",
            "give each document an `id` of its own, or none at all",
        )
    rule = Rule(config.near_dup, config.shingle)
    found = find_duplicates(run, texts, len(others), rule, config.partitions)
    removed = tuple(run.work / f"removed-{p:05d}.bin" for p in range(len(found.exact)))
    run.tasks(
        "duplicates",
        [
            Task(
                f"duplicates-{p:05d}",
                duplicates,
                (path, found.near),
                (run.data / "duplicates" / f"part-{p:05d}.parquet", removed[p]),
                {"part": p, "parts": len(found.exact)},
            )
            for p, path in enumerate(found.exact)
        ],
    )
    written = run.tasks(
        "write",
        [
            Task(
                f"write-{i:05d}",
                write,
                (source.path, *removed),
                (run.data / f"part-{i:05d}.parquet",),
                {"part": i, "text_field": config.text_field},
                source.path.stat().st_size,
            )
            for i, source in enumerate(sources)
        ],
        "bytes",
    )
    kept = sum(result.counts["kept"] for result in written)
    dropped = {reason: count for reason, count in found.dropped.items() if count}
    counts = balance("dedup", found.taken, kept, dropped)
    return {**counts, **({"near": found.counts} if found.counts else {})}


def ingest(inputs: list[Path], outputs: list[Path], text_field: str) -> dict[str, Any]:
    """Task: a file of texts to the columns that the search needs (first output) and the heads of
    the ids' digests, sorted (second)."""
    heads = [np.zeros(0, np.uint64)]
    # Read three times and thrown away: the fastest codec, and no dictionary of whole texts.
    with closing(_writer(outputs[0], _INGESTED, "lz4")) as writer:
        source = recognise(inputs[0])
        for batch in read_batches(source, text_field=text_field, extra=_EXTRA):
            table = pa.table(
                {
                    "doc_id": batch["id"],
                    "text": batch["text"],
                    "karma": _integers(batch["karma"], inputs[0]),
                    "created_utc": _times(batch["created_utc"], inputs[0]),
                    "url_key": batch["id"],
                }
            ).cast(_INGESTED)
            writer.write_table(table)
            keys = np.ascontiguousarray(digests(batch["id"])[:, :8])
            heads.append(keys.view("<u8").reshape(-1))
    np.sort(np.concatenate(heads)).tofile(outputs[1])
    return {}


def _writer(path: Path, schema: pa.Schema, compression: str) -> pq.ParquetWriter:
    """A Parquet writer that spends nothing on dictionaries and bounds of long texts."""
    texts = [f.name for f in schema if f.type in (pa.string(), pa.large_string())]
    others = [name for name in schema.names if name not in texts]
    return pq.ParquetWriter(
        path, schema, compression=compression, use_dictionary=others, write_statistics=others
    )


def _integers(values: pa.Array, path: Path) -> pa.Array:
    try:
        return values.cast(pa.float64()).cast(pa.int64(), safe=False).fill_null(0)
    except pa.ArrowInvalid as error:
        raise InputError(f"`karma` of `{path}` is not a number: {error}") from None


def _times(values: pa.Array, path: Path) -> pa.Array:
    """Times from ISO text or Unix seconds; a null is as late as can be."""
    kind = pa.timestamp("ms", tz="UTC")
    try:
        try:
            seconds = values.cast(pa.float64())
            found = pc.multiply(seconds, 1000.0).cast(pa.int64(), safe=False).cast(kind)
        except pa.ArrowInvalid:
            text = pc.replace_substring_regex(values, r"Z$|[+]00:?00$", "")
            found = text.cast(pa.timestamp("ms")).cast(pa.int64()).cast(kind)
    except pa.ArrowInvalid as error:
        raise InputError(f"`created_utc` of `{path}` is not a time in UTC: {error}") from None
    return found.fill_null(pa.scalar((1 << 62), pa.int64()).cast(kind))


def unique_ids(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: counts documents whose id another one has."""
    heads = np.sort(np.concatenate([np.fromfile(path, np.uint64) for path in inputs]))
    outputs[0].write_bytes(b"")
    return {"twice": int((heads[1:] == heads[:-1]).sum())}


def duplicates(inputs: list[Path], outputs: list[Path], part: int, parts: int) -> dict[str, Any]:
    """Task: a partition of `duplicates/` (first output) and the numbers of its documents."""
    rows, _ = final_rows(inputs[0], inputs[1], part, parts)
    write_table(rows.select(DUPLICATES.names).cast(DUPLICATES).sort_by("doc_id"), outputs[0])
    np.sort(rows["number"].to_numpy()).tofile(outputs[1])
    return {"removed": rows.num_rows}


def write(inputs: list[Path], outputs: list[Path], part: int, text_field: str) -> dict[str, Any]:
    """Task: the rows of a file (first input) that were not removed (the others say which)."""
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    numbers = np.concatenate([np.fromfile(path, np.uint64) for path in inputs[1:]])
    gone = np.sort(numbers[(numbers >= low) & (numbers < high)] - low)
    source = recognise(inputs[0])
    if source.kind == "parquet":
        with pq.ParquetFile(inputs[0]) as file:
            schema = file.schema_arrow
        return _write_kept(iterate(inputs[:1], rows=4096), schema, gone, outputs[0])
    schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])
    return _write_kept(read_batches(source, text_field=text_field), schema, gone, outputs[0])


def _write_kept(batches: Any, schema: pa.Schema, gone: Any, path: Path) -> dict[str, Any]:
    first = kept = held = 0
    waiting: list[pa.RecordBatch] = []
    with closing(_writer(path, schema, "zstd")) as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting.clear()

        for batch in batches:
            start, end = np.searchsorted(gone, np.array([first, first + batch.num_rows]))
            keep = np.ones(batch.num_rows, bool)
            keep[gone[start:end] - np.uint64(first)] = False
            first += batch.num_rows
            batch = batch.filter(pa.array(keep))
            kept += batch.num_rows
            held += batch.nbytes
            waiting.append(batch)
            if held >= 64 << 20 or sum(b.num_rows for b in waiting) >= ROW_GROUP_ROWS:
                flush()
                held = 0
        flush()
    return {"rows": first, "kept": kept}
