"""`webtext extract`: main text out of pages, wherever they lie.

Archives, tables and indexed folders are read as a build reads them, each capture for itself: no
redirect is followed and nothing is left out as a repeat. JSONL with `html` and HTML files come in
beside. Every input is a task and gives one file; memory grows with one row group of texts.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.ahead import Ahead
from webtext_py.engine import Engine, LocalEngine, advance
from webtext_py.errors import InputError
from webtext_py.ledger import balance, reasons
from webtext_py.manifest import input_names
from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.pages.capture import (
    GOOD,
    MAX_BODY_BYTES,
    MAX_PAYLOAD_BYTES,
    Capture,
    Location,
    Payload,
)
from webtext_py.pages.coding import decode_body
from webtext_py.pages.folder import index_file
from webtext_py.pages.http import first_value
from webtext_py.pages.table import row_capture
from webtext_py.reader import Passed, open_any, recognise
from webtext_py.reader.files import ending_of, named_files
from webtext_py.records import EXTRACTED, table
from webtext_py.stage import Files, Stage
from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.page import Page
from webtext_py.url.key import without_credentials
from webtext_py.workspace import Observer, Silent, Steps, Work, Workspace

__all__ = ["OUT", "run_extract"]

OUT = "extracted"  # in the data directory, where no other folder is named
PARTS = Files("part-{}.parquet")

ROW_GROUP_ROWS, ROW_GROUP_BYTES = 1024, 64 << 20  # our choice
BATCH_PAGES, BATCH_BYTES = 128, 16 << 20  # our choice: what one call of the core takes

_HTML = (".html", ".htm", ".xhtml")
_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Given:
    """An input: `kind` is `archive` (all that a build takes), `lines` (JSONL) or `files` (an HTML
    file, or the HTML files below a folder)."""

    path: Path
    kind: str


def list_inputs(paths: Sequence[str | Path], passed: Passed) -> list[Given]:
    """The inputs at `paths`: files, folders and globs, each once, in order.

    A folder gives its archives and tables, its JSONL, and the HTML files below it as one input;
    what else it holds is counted in `passed`. Raises `InputError` for what is missing or holds no
    pages.
    """
    found: dict[Path, Given] = {}
    for given in paths:
        for path in named_files(given):
            inputs = _of_folder(path, passed) if path.is_dir() else [_of_file(path)]
            found |= {one.path.resolve(): one for one in inputs}
    return list(found.values())


def _of_folder(folder: Path, passed: Passed) -> list[Given]:
    if index_file(folder, [path.name for path in folder.iterdir()]) is not None:
        return [Given(folder, "archive")]
    lines = sorted(p for p in folder.rglob("*") if p.is_file() and _ends(p, _LINES))
    found = [Given(path, "lines") for path in lines]
    if _html_files(folder):
        found.append(Given(folder, "files"))
    try:
        found += [Given(Path(c.file), "archive") for c in list_containers([str(folder)])]
    except InputError:
        if not found:
            raise InputError(
                f"`{folder}` holds no pages (HTML, WARC, ARC, Parquet, JSONL)"
            ) from None
    taken = {one.path for one in found if one.kind != "files"}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not _ends(p, _HTML)):
        if taken.isdisjoint({path, *path.parents}):
            passed.add("files", ending_of(path))
    return found


def _of_file(path: Path) -> Given:
    if _ends(path, _HTML):
        return Given(path, "files")
    try:
        list_containers([str(path)])
    except InputError:
        with open_any(path) as stream:
            begins_html = stream.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        if begins_html:
            return Given(path, "files")
        if recognise(path).kind == "jsonl":
            return Given(path, "lines")
        raise
    return Given(path, "archive")


def _ends(path: Path, endings: tuple[str, ...]) -> bool:
    name = path.name.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return name.endswith(endings)


def _html_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if _ends(p, _HTML) and p.is_file())


@dataclass(frozen=True)
class ExtractPages(Stage):
    """From pages to a table of their texts."""

    sources: Sequence[Given]
    settings: ExtractSettings
    passed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of the folders given
    libraries: tuple[str, ...] = field(init=False)

    name = "extract"
    rules = 1
    files = (PARTS,)

    def __post_init__(self) -> None:
        """Adds the extractor's libraries."""
        object.__setattr__(self, "libraries", ("unicode", "words", *self.settings.libraries))

    def config(self) -> Mapping[str, Any]:
        """The extractor with its version, its settings, and which input is what."""
        names = input_names([given.path for given in self.sources])
        return {
            "version": self.settings.named,
            "settings": asdict(self.settings),
            "inputs": [[names[given.path.resolve()], given.kind] for given in self.sources],
        }

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files and folders of pages."""
        names = input_names([given.path for given in self.sources])
        return {name: path for path, name in names.items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """A task for each input."""
        names = input_names([given.path for given in self.sources])
        made = steps.each(
            "extract",
            extract_input,
            [Work(given.path, kind=given.kind) for given in self.sources],
            [PARTS],
            unit="inputs",
            options={"marks": str(steps.work / "at-work")},
            version=self.settings.named,
            settings=asdict(self.settings),
        )
        dropped = made.by_name("dropped")
        counts = balance("extract", made.total("in"), made.total("kept"), dropped)
        damage = {
            names[given.path.resolve()]: places
            for given, places in zip(self.sources, made.counts("damage"), strict=True)
            if places
        }
        passed = Passed(self.passed)
        for found in made.counts("passed_over"):
            passed.update(found)
        return {
            **counts,
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
    observer: Observer | None = None,
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
    with Workspace(out, engine or LocalEngine(), observer or Silent()) as workspace:
        return dict(workspace.run(stage, force=force).counts)


def extract_input(
    inputs: list[Path],
    outputs: list[Path],
    kind: str,
    version: str,
    settings: dict[str, Any],
    marks: str,
) -> dict[str, Any]:
    """Task: the pages of one input, extracted and written.

    `version` is the extractor's, `marks` the folder of tasks at work.
    """
    dropped: Counter[str] = Counter()
    damage: list[list[Any]] = []
    passed = Passed()
    kept = words = 0
    mark = Path(marks) / outputs[0].name.partition("part-")[2]
    with (
        pq.ParquetWriter(outputs[0], EXTRACTED, compression="zstd") as writer,
        PageExtractor(ExtractSettings(**settings), mark) as extractor,
        closing(Ahead(_batches(_pages(inputs[0], kind, damage, passed)))) as batches,
    ):
        held: list[pa.Table] = []
        for batch in batches:
            dropped.update(end for end in batch if isinstance(end, str))
            pages = [page for page in batch if not isinstance(page, str)]
            outcomes = extractor.outcomes([page for _, page in pages])
            ends = list(zip(pages, outcomes.reasons, strict=True))
            dropped.update(reason for _, reason in ends if reason is not None)
            urls = [url for (url, _), reason in ends if reason is None]
            held.append(_rows(urls, outcomes.kept))
            kept += len(urls)
            words += sum(outcomes.kept["words"].to_pylist())
            if sum(map(len, held)) >= ROW_GROUP_ROWS or _bytes(held) >= ROW_GROUP_BYTES:
                writer.write_table(pa.concat_tables(held).combine_chunks(), 1 << 20)
                held = []
        if sum(map(len, held)):
            writer.write_table(pa.concat_tables(held).combine_chunks(), 1 << 20)
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


def _bytes(held: list[pa.Table]) -> int:
    return sum(part.nbytes for part in held)


# A page with the name it goes by, or why there is none.
Item = tuple[str, Page] | str


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    held = 0
    for item in items:
        batch.append(item)
        held += 0 if isinstance(item, str) else len(item[1].body)
        if len(batch) >= BATCH_PAGES or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _pages(path: Path, kind: str, damage: list[list[Any]], passed: Passed) -> Iterator[Item]:
    """The pages of one input, and why others are none; what is damaged goes to `damage`, what is
    not used to `passed`."""
    if kind == "files":
        yield from (_file(file, path) for file in _html_files(path))
    elif kind == "lines":
        yield from _lines(path, passed)
    else:
        scan = scan_container(list_containers([str(path)])[0])
        for capture in scan:
            good = capture.outcome == GOOD
            yield _item(capture, scan.payload()) if good else capture.outcome
        damage += [[place.offset, place.bytes_lost, place.what] for place in scan.damage]
        passed.update(scan.passed.document())


def _item(capture: Capture, payload: Payload) -> Item:
    if payload.problem is not None:
        return payload.problem
    micros = capture.fetched_at
    page = Page(
        capture.url,
        payload.body,
        first_value(payload.headers, "content-type") or capture.content_type,
        tuple(payload.headers),
        None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC),
    )
    return without_credentials(capture.url), page


def _file(file: Path, given: Path) -> Item:
    name = file.relative_to(given).as_posix() if file != given else file.name
    with file.open("rb") as stream:
        body = stream.read(MAX_PAYLOAD_BYTES + 1)
    decoded = decode_body(body, [], MAX_BODY_BYTES)
    if len(body) > MAX_PAYLOAD_BYTES or decoded.too_large:
        return "too_large"
    return name, Page("", decoded.body)


def _lines(path: Path, passed: Passed) -> Iterator[Item]:
    """Pages of JSONL: objects with `html`, and what else a table of pages has."""
    with open_any(path) as stream:
        number = -1
        while line := stream.readline(2 * MAX_PAYLOAD_BYTES):
            number += 1
            while not line.endswith(b"\n") and len(line) >= 2 * MAX_PAYLOAD_BYTES:
                line = stream.readline(2 * MAX_PAYLOAD_BYTES) + b"too long"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                yield "bad_line"
                continue
            capture, payload = row_capture(Location("", number, 1), row, MAX_PAYLOAD_BYTES, passed)
            # A line without an address is a page all the same.
            usable = capture.outcome == GOOD or (not capture.url and capture.payload_digest)
            yield _item(capture, payload()) if usable else capture.outcome
