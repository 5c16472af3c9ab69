"""`webtext extract`: main text out of pages, wherever they lie.

Every input is a task and gives a file. A large archive or table is cut into pieces as a build cuts
it, for which its places are found first. Memory grows with one row group of texts, and with the
places of one piece.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.engine import Engine, LocalEngine, advance
from webtext_py.errors import InputError
from webtext_py.given import Given, is_large, list_inputs, pages_at, pages_of, scan
from webtext_py.ledger import balance, reasons
from webtext_py.manifest import input_names
from webtext_py.observer import SILENT, Observer
from webtext_py.pages.cut import cut
from webtext_py.reader import Passed
from webtext_py.records import EXTRACTED, table
from webtext_py.stage import Files, Stage
from webtext_py.text.extract import ExtractSettings
from webtext_py.text.extracted import extracted
from webtext_py.workspace import Steps, Work, Workspace

OUT = "extracted"  # in the data directory, where no other folder is named
PARTS = Files("part-{}.parquet")
_PLACES = "places-{}.parquet"
PIECE_PAGES = 1024  # our choice: a second of work, and a file of texts as large as a row group

ROW_GROUP_ROWS, ROW_GROUP_BYTES = 1024, 64 << 20  # our choice


@dataclass(frozen=True)
class ExtractPages(Stage):
    """From pages to a table of their texts."""

    sources: Sequence[Given]
    settings: ExtractSettings
    passed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of the folders given
    libraries: tuple[str, ...] = field(init=False)

    name = "extract"
    rules = 2  # large inputs in pieces
    files = (PARTS,)

    def __post_init__(self) -> None:
        """Adds the extractor's libraries."""
        object.__setattr__(self, "libraries", ("unicode", "words", *self.settings.libraries))

    @cached_property
    def _names(self) -> dict[Path, str]:
        return input_names([given.path for given in self.sources])

    def config(self) -> Mapping[str, Any]:
        """The extractor with its version, its settings, and which input is what."""
        inputs = [[self._names[given.path.resolve()], given.kind] for given in self.sources]
        settings = asdict(self.settings)
        return {"version": self.settings.named, "settings": settings, "inputs": inputs}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files and folders of pages."""
        return {name: path for path, name in self._names.items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Finds the places of pages in what is large; then a task for each piece of it, and for
        each other input."""
        work: list[Work] = []
        sources: list[Given] = []  # of each task
        large = [given for given in self.sources if is_large(given)]
        scans = steps.each("scan", scan, [Work(given.path) for given in large], [_PLACES])
        cuts = steps.each("cut", cut, [Work(path) for path in scans.files()], [], size=PIECE_PAGES)
        places = zip(scans.files(), cuts.counts("pieces"), strict=True)
        found = dict(zip(large, places, strict=True))
        for given in self.sources:
            if given in found:
                path, pieces = found[given]
                work += [Work(given.path, path, first=f, count=n) for _, f, n in pieces]
            else:
                work.append(Work(given.path, kind=given.kind))
            sources += [given] * (len(work) - len(sources))
        options = {"marks": str(steps.work / "at-work")}
        how: dict[str, Any] = {"version": self.settings.named, "settings": asdict(self.settings)}
        made = steps.each("extract", extract_input, work, [PARTS], options=options, **how)
        others = scans.by_name("dropped")
        total = made.total("in") + sum(others.values())
        damage: dict[str, list[Any]] = {}
        passed = Passed(self.passed)
        for given, done in zip([*large, *sources], [*scans.done, *made.done], strict=True):
            passed.update(done.counts["passed_over"])
            if done.counts["damage"]:
                damage[self._names[given.path.resolve()]] = done.counts["damage"]
        return {
            **balance("extract", total, made.total("kept"), made.by_name("dropped") + others),
            "passed_over": passed.document(),
            "words": made.total("words"),
            "extractor": self.settings.named,
            "damage": damage,
        }

    def check(self, counts: Mapping[str, Any]) -> None:
        """Raises `InputError` where no page gave a text."""
        if not counts["kept"]:
            raise InputError(
                f"none of {counts['in']} pages gave a text ({reasons(counts)})",
                "check `--min-words` and `--lang`",
            )


def run_extract(
    inputs: Sequence[str | Path],
    out: Path,
    settings: ExtractSettings | None = None,
    *,
    engine: Engine | None = None,
    observer: Observer = SILENT,
    force: bool = False,
) -> dict[str, Any]:
    """Writes the main text of the pages in `inputs` (`records.EXTRACTED`) to `out`.

    Returns the counts: `in`, `kept`, `dropped` by reason, `passed_over`, `words`, the `extractor`
    with its version, and `damage`: by input what gave nothing, as [offset, bytes, what].
    Raises `InputError` where nothing was kept, `StaleError` where `out` holds another result.
    """
    passed = Passed()
    given = list_inputs(inputs, passed)
    stage = ExtractPages(given, settings or ExtractSettings(), passed.document())
    with Workspace(out, engine or LocalEngine(), observer) as workspace:
        return dict(workspace.run(stage, force=force).counts)


def extract_input(
    inputs: list[Path],
    outputs: list[Path],
    version: str,
    settings: dict[str, Any],
    marks: str,
    kind: str = "",
    first: int = 0,
    count: int = 0,
) -> dict[str, Any]:
    """Task: the pages of one input of a `kind`, or those at `count` places from number `first` on
    (second input), extracted and written.

    `version` is the extractor's, `marks` the folder of tasks at work.
    """
    dropped: Counter[str] = Counter()
    damage: list[list[Any]] = []
    passed = Passed()
    kept = words = 0
    mark = Path(marks) / outputs[0].name.partition("part-")[2]
    if kind:
        pages = pages_of(inputs[0], kind, damage, passed)
    else:
        pages = pages_at(inputs[0], inputs[1], first, count)
    held: list[pa.Table] = []
    with (
        pq.ParquetWriter(outputs[0], EXTRACTED, compression="zstd") as writer,
        closing(extracted(pages, ExtractSettings(**settings), mark)) as batches,
    ):

        def write() -> None:
            writer.write_table(pa.concat_tables(held).combine_chunks(), 1 << 20)
            held.clear()

        for batch in batches:
            dropped.update(reason for _, reason in batch.ends)
            held.append(_rows(batch.keys, batch.documents))
            kept += len(batch.keys)
            words += sum(batch.documents["words"].to_pylist())
            size = sum(part.nbytes for part in held)
            if sum(map(len, held)) >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                write()
        if sum(map(len, held)):
            write()
    advance(1)
    return {
        "in": kept + sum(dropped.values()),
        "kept": kept,
        "dropped": dict(sorted(dropped.items())),
        "words": words,
        "damage": damage,
        "passed_over": passed.document(),
    }


def _rows(urls: list[str], found: pa.Table) -> pa.Table:
    columns = {name: found[name] for name in EXTRACTED.names if name != "url"}
    return table(EXTRACTED, {"url": urls, **columns})
