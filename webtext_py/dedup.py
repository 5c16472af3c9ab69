"""`webtext dedup`: the dedup stage's steps on any text.

The output folder holds the kept rows in the order of the inputs (`part-*.parquet`: one file for
each input, several for a large Parquet file), `duplicates/` and a manifest; like a build it resumes
after a kill and refuses a stale result. A Parquet input keeps all its columns; JSONL and text give
`id` and `text`.

While it runs the folder also holds what `stages/dedup/near.py` states and, of JSONL and plain text,
one lightly compressed copy. Ids must be unique over all inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import defaults
from webtext_py.ahead import ahead
from webtext_py.config import check_near_dup, check_partitions
from webtext_py.engine import Engine, ThreadEngine
from webtext_py.errors import InputError
from webtext_py.layout import DUPLICATES
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.reader import Source, list_sources
from webtext_py.records import DUPLICATES as COLUMNS
from webtext_py.stage import Files, Stage
from webtext_py.stages.bundles import bundles
from webtext_py.stages.dedup.final import final_rows
from webtext_py.stages.dedup.rows import ROW_BITS, cut
from webtext_py.stages.dedup.search import Rule, find_duplicates
from webtext_py.tables import group_batches, write_table, write_without
from webtext_py.workspace import Observer, Silent, Steps, Work, Workspace

__all__ = ["DedupConfig", "run_dedup"]

KEPT = Files("part-{}.parquet")


@dataclass(frozen=True)
class DedupConfig:
    """What the result depends on beside the text."""

    near_dup: float | None = defaults.NEAR_DUP
    shingle: int = defaults.SHINGLE
    text_field: str = defaults.TEXT_FIELD
    partitions: int = defaults.PARTITIONS

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that make no sense."""
        check_near_dup(self.near_dup, self.shingle)
        check_partitions(self.partitions)


@dataclass(frozen=True)
class DedupText(Stage):
    """From files of text to the documents that duplicate none of each other and none of
    `against`."""

    sources: Sequence[Source]
    against: Sequence[Source]
    settings: DedupConfig

    name = "dedup"
    rules = 2  # a file of removals for each run of inputs
    files = (KEPT, DUPLICATES)
    libraries = ("words",)

    @cached_property
    def _names(self) -> dict[Path, str]:
        return input_names([source.path for source in (*self.sources, *self.against)])

    def config(self) -> Mapping[str, Any]:
        """The settings, and which file is what."""
        return {
            **asdict(self.settings),
            "order": [self._names[source.path.resolve()] for source in self.sources],
            "against": [self._names[source.path.resolve()] for source in self.against],
        }

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files of text."""
        return {name: path for path, name in self._names.items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """The search, its tables, and the kept rows."""
        settings, digest = self.settings, steps.workspace.digests.of
        free, protected = (
            [
                part
                for source in given
                for part in cut(source.path, settings.text_field, digest(source.path))
            ]
            for given in (self.sources, self.against)
        )
        rule = Rule(settings.near_dup, settings.shingle)
        documents = [*free, *protected]
        found = find_duplicates(steps, documents, len(protected), rule, settings.partitions)
        ranges = bundles(len(free), settings.partitions)
        listed = steps.each(
            "duplicates",
            duplicates,
            [Work(*found.removed, parts=parts) for parts in ranges],
            [DUPLICATES, "removed-{}.bin"],
        )
        gone = [
            path
            for (first, end), path in zip(ranges, listed.files(1), strict=True)
            for _ in range(first, end)
        ]
        written = steps.each(
            "write",
            write,
            [
                Work(part.path, gone[i], weight=part.weight, part=i, groups=part.groups)
                for i, part in enumerate(found.parts[: len(free)])
            ],
            [KEPT],
            unit="bytes",
        )
        counts = balance("dedup", found.taken, written.total("kept"), found.dropped)
        return {**counts, **({"near": found.counts} if found.counts else {})}


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
    sources, others = list_sources(inputs), list_sources(against) if against else []
    overlap = {s.path.resolve() for s in sources} & {s.path.resolve() for s in others}
    if overlap:
        raise InputError(f"`{sorted(overlap)[0]}` is given as input and with `--against`")
    stage = DedupText(sources, others, config or DedupConfig())
    with Workspace(out, engine or ThreadEngine(), observer or Silent()) as workspace:
        return dict(workspace.run(stage, force=force).counts)


def duplicates(inputs: list[Path], outputs: list[Path], parts: tuple[int, int]) -> dict[str, Any]:
    """Task: what was removed from some parts (first output), and the numbers (second)."""
    rows = final_rows(inputs, parts)
    write_table(rows.select(COLUMNS.names).cast(COLUMNS), outputs[0])
    np.sort(rows["number"].to_numpy()).tofile(outputs[1])
    return {"removed": rows.num_rows}


def write(
    inputs: list[Path], outputs: list[Path], part: int, groups: tuple[int, int] | None
) -> dict[str, Any]:
    """Task: the rows of a Parquet file (first input) that were not removed (the second says which).

    Without `groups` the file is a copy made here: of its columns, id and text are kept.
    """
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    numbers = np.fromfile(inputs[1], np.uint64)
    gone = np.sort(numbers[(numbers >= low) & (numbers < high)] - low)
    with pq.ParquetFile(inputs[0]) as file:
        schema, batches = file.schema_arrow, group_batches(file, 4096, groups)
        if groups is None:
            schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])
            batches = (
                pa.RecordBatch.from_arrays([b["doc_id"], b["text"]], schema=schema) for b in batches
            )
        rows, kept = write_without(ahead(batches), schema, gone, outputs[0])
    return {"rows": rows, "kept": kept}
