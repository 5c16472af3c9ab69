"""`webtext dedup`: the dedup stage's steps on any text.

The output folder holds the kept rows in the order of the inputs (`part-*.parquet`: one file for
each input, several for a large Parquet file), `duplicates/` and a manifest; like a build it resumes
after a kill and refuses a stale result. Every input keeps all its columns or fields: those of JSONL
get the narrowest type that all rows fit, or are JSON text where there is none (`reader.fields`),
and those of Arrow that Parquet has no type for are text.

A row's id is its own, or the mark of its file and its number (`reader.ids`) where it has none or
shares it with another row. Of JSONL and text such ids are a column of the output: `id`, or
`webtext_id` where the rows have an `id` of their own.

While it runs the folder also holds what `stages/dedup/near.py` states and, of JSONL and plain text,
one lightly compressed copy.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from webtext_py import defaults
from webtext_py.ahead import ahead
from webtext_py.config import check_near_dup, check_partitions, partitions_for
from webtext_py.engine import Engine, ThreadEngine
from webtext_py.errors import InputError
from webtext_py.layout import DUPLICATES
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.observer import SILENT, Observer
from webtext_py.reader import (
    Passed,
    Source,
    group_batches,
    list_sources,
    open_parquet,
    recognise,
)
from webtext_py.reader.columns import storable, takeable
from webtext_py.reader.files import need_apart
from webtext_py.reader.ids import marks
from webtext_py.reader.parquet import arrow_batches
from webtext_py.records import DUPLICATES as COLUMNS
from webtext_py.stage import Files, Stage
from webtext_py.stages.bundles import bundles
from webtext_py.stages.dedup.exact import REMOVED
from webtext_py.stages.dedup.final import by_bundle
from webtext_py.stages.dedup.rows import ROW_BITS, cut
from webtext_py.stages.dedup.search import Rule, find_duplicates
from webtext_py.stages.dedup.take import rows_again, take
from webtext_py.tables import read_partition, write_table, write_without
from webtext_py.workspace import Steps, Work, Workspace

KEPT = Files("part-{}.parquet")


@dataclass(frozen=True)
class DedupConfig:
    """What the result depends on beside the text."""

    near_dup: float | None = defaults.NEAR_DUP
    shingle: int = defaults.SHINGLE
    text_field: str = defaults.TEXT_FIELD
    partitions: int | None = None  # None: `partitions_for` the input

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
    passed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of the folders given

    name = "dedup"
    rules = 4  # fields of JSON lines and Arrow stay; ids are unique; a file of removals a bundle
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
        """The ids, the search, its tables, and the kept rows."""
        settings, digest = self.settings, steps.workspace.digests.of
        assert settings.partitions is not None
        given = [*self.sources, *self.against]
        mark = marks([digest(source.path) for source in given])
        cuts = [cut(s, settings.text_field, m) for s, m in zip(given, mark, strict=True)]
        free = sum(map(len, cuts[: len(self.sources)]))
        parts = [part for found in cuts for part in found]
        taken = take(steps, parts, settings.partitions)
        rule = Rule(settings.near_dup, settings.shingle)
        protected = len(parts) - free
        found = find_duplicates(steps, taken.parts, protected, rule, settings.partitions)
        ranges = bundles(free, settings.partitions)
        work = by_bundle(steps, found.removed, ranges)
        listed = steps.each("duplicates", duplicates, work, [DUPLICATES, "removed-{}.bin"])
        gone = {i: path for r, path in zip(ranges, listed.files(1), strict=True) for i in range(*r)}
        work = [
            Work(path, gone[i], weight=part.weight, part=i, groups=part.groups)
            for i, (part, path) in enumerate(zip(parts[:free], taken.files, strict=False))
        ]
        written = steps.each("write", write, work, [KEPT], unit="bytes")
        counts = balance("dedup", found.taken, written.total("kept"), found.dropped)
        return {
            **counts,
            "ids_made": taken.made,
            "passed_over": Passed(self.passed, taken.passed).document(),
            **({"near": found.counts} if found.counts else {}),
        }


def run_dedup(
    inputs: Sequence[str | Path],
    out: Path,
    config: DedupConfig | None = None,
    *,
    against: Sequence[str | Path] = (),
    engine: Engine | None = None,
    observer: Observer = SILENT,
    force: bool = False,
) -> dict[str, Any]:
    """Writes the documents of `inputs` that duplicate none of each other and none of `against`.

    Returns the counts: `in`, `kept`, `dropped` by reason, `ids_made` for rows without one of their
    own, `passed_over`, and of the search `near`. Raises `StaleError` where `out` holds another
    result.
    """
    config = config or DedupConfig()
    need_apart(out, [*inputs, *against])
    passed = Passed()
    sources, others = (
        list_sources(given, text_field=config.text_field, passed=passed) if given else []
        for given in (inputs, against)
    )
    overlap = {s.path.resolve() for s in sources} & {s.path.resolve() for s in others}
    if overlap:
        raise InputError(f"`{sorted(overlap)[0]}` is given as input and with `--against`")
    given = dict.fromkeys(source.path for source in (*sources, *others))
    config = replace(config, partitions=config.partitions or partitions_for(given))
    stage = DedupText(sources, others, config, passed.document())
    with Workspace(out, engine or ThreadEngine(), observer) as workspace:
        # Plain ones: they are the marks of rows without an id.
        workspace.digests.prepare(given, workspace.engine, workspace.observer, plain=True)
        return dict(workspace.run(stage, force=force).counts)


def duplicates(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: what was removed from some parts (first output), and the numbers (second)."""
    rows = read_partition(inputs, partition, REMOVED).sort_by("doc_id")
    write_table(rows.select(COLUMNS.names).cast(COLUMNS), outputs[0])
    np.sort(rows["number"].to_numpy()).tofile(outputs[1])
    return {"removed": rows.num_rows}


def write(
    inputs: list[Path], outputs: list[Path], part: int, groups: tuple[int, int] | None
) -> dict[str, Any]:
    """Task: the rows of a table (first input) that were not removed (the second says which).

    Without `groups` the file is a copy made by `take`, whose lines have the columns.
    """
    low, high = np.uint64(part << ROW_BITS), np.uint64((part + 1) << ROW_BITS)
    numbers = np.fromfile(inputs[1], np.uint64)
    gone = np.sort(numbers[(numbers >= low) & (numbers < high)] - low)
    with ExitStack() as stack:
        if recognise(inputs[0]).kind == "arrow":
            schema, batches = storable(*arrow_batches(inputs[0]))
        else:
            file = stack.enter_context(open_parquet(inputs[0]))
            if groups is None:
                schema, batches = rows_again(file, inputs[0])
            else:
                schema = takeable(file.schema_arrow)
                batches = group_batches(file, inputs[0], rows=4096, groups=range(*groups))
        try:
            rows, kept = write_without(ahead(batches), schema, gone, outputs[0])
        except pa.ArrowNotImplementedError as error:
            said = f"`{inputs[0]}` has a column that no table can take: {error}"
            raise InputError(said) from error
    return {"rows": rows, "kept": kept}
