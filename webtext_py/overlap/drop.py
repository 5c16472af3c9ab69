"""Training text again, without the documents that share an n-gram with a test set."""

import bz2
import gzip
import io
import lzma
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from webtext_py import tables
from webtext_py.digests import STATE
from webtext_py.engine.commit import PART, clean, commit_folder, write_json
from webtext_py.engine.task import Job, Task
from webtext_py.errors import InputError
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.overlap.evidence import Evidence
from webtext_py.overlap.training import TrainingText
from webtext_py.reader import Source, group_batches, open_source, recognise
from webtext_py.reader.columns import takeable
from webtext_py.reader.parquet import arrow_batches
from webtext_py.tables import numbered, without, write_without
from webtext_py.workspace import Workspace

LEDGER = "ledger.json"

Rows = npt.NDArray[np.int64]


def drop_overlapping(
    text: TrainingText, evidence: Evidence, folder: Path, workspace: Workspace
) -> dict[str, Any]:
    """Writes the training files again without the documents that share an n-gram with a test set,
    each by a task of the workspace's engine.

    Same form, columns and order; JSONL and text are compressed as they were, Parquet with zstd.
    Same names, with the folders in front where two are the same. A file of plain text is one
    document: it is copied or left out. `ledger.json` beside them has the counts of each file: the
    documents that the evidence pass read against those written. `folder`, which is new or empty,
    appears when all is written. Returns the totals. Raises `InputError` for a file whose name
    would lead out of the folder or be the ledger's.
    """
    folder = folder.resolve()  # `.` has no name
    part = folder.with_name(f"{PART}{folder.name}")
    names = input_names([source.path for source in text.sources])
    targets = {name: _target(part, name) for name in names.values()}
    for name, target in targets.items():
        below = {part / LEDGER, *targets.values()}.intersection(target.parents)
        if below:
            raise InputError(
                f"the training file `{name}` would be written below the file `{below.pop()}`",
                "give one of them another name",
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)  # what a killed run left
    jobs, files = [], {}
    for number, source in enumerate(text.sources):
        gone = np.asarray(evidence.overlapping.get(source.path, []), np.int64)
        name = names[source.path.resolve()]
        files[f"drop-{number:05d}"] = name, evidence.rows[source.path], len(gone)
        if source.kind == "text" and len(gone):
            continue  # a file that is one document
        targets[name].parent.mkdir(parents=True, exist_ok=True)
        arguments, size = {"gone": gone}, source.path.stat().st_size
        made = (targets[name],)
        task = Task(f"drop-{number:05d}", drop, (source.path,), made, arguments, size)
        jobs.append(Job(task, part, None, "", workspace.data / STATE))
    observer = workspace.observer
    observer.step_started("dropping", sum(job.task.weight for job in jobs), "bytes")
    kept = {done.name: done.counts["kept"] for done in workspace.engine.run(jobs, observer)}
    clean(part)  # of attempts that were given up
    ledger = {
        name: balance("drop", rows, kept.get(task, 0), {"overlap": dropped})
        for task, (name, rows, dropped) in files.items()
    }
    total = sum(counts["in"] for counts in ledger.values())
    dropped = sum(counts["dropped"]["overlap"] for counts in ledger.values())
    counts = balance("drop", total, total - dropped, {"overlap": dropped})
    write_json(part / LEDGER, {**counts, "files": ledger})
    commit_folder(part, folder)
    return counts


def drop(inputs: list[Path], outputs: list[Path], gone: Rows) -> dict[str, Any]:
    """Task: a training file without some rows. Returns how many are kept."""
    write = {
        "parquet": _filter_parquet,
        "arrow": _filter_arrow,
        "jsonl": _filter_lines,
        "text": _filter_file,
    }
    source = recognise(inputs[0])
    return {"kept": write[source.kind](source, outputs[0], gone)}


def _target(part: Path, name: str) -> Path:
    target = (part / name).resolve()
    if part not in target.parents or target == part / LEDGER:
        raise InputError(
            f"the training file `{name}` would be written to `{target}`",
            "give the file another name",
        )
    return target


def _filter_parquet(source: Source, target: Path, gone: Rows) -> int:
    """Copies a Parquet file without some rows. Returns the rows kept."""
    with pq.ParquetFile(source.path) as file:
        batches = group_batches(file, source.path, batch_bytes=tables.BUFFER_BYTES)
        return write_without(batches, takeable(file.schema_arrow), gone, target)[1]


def _filter_arrow(source: Source, target: Path, gone: Rows) -> int:
    """Copies an Arrow file or stream without some rows, as a stream."""
    schema, batches = arrow_batches(source.path)
    kept = 0
    with pa.OSFile(str(target), "wb") as out, pa.ipc.new_stream(out, schema) as writer:
        for first, batch in numbered(batches):
            left = without(batch, first, gone)
            writer.write_batch(left)
            kept += left.num_rows
    return kept


def _filter_lines(source: Source, target: Path, gone: Rows) -> int:
    """Copies the lines of a JSONL file without some rows; blank lines are none and go too."""
    left_out = set(gone.tolist())
    row = kept = 0
    with open_source(source) as lines, _create(source, target) as out:
        for line in lines:
            if not line.strip():
                continue
            if row not in left_out:
                out.write(line if line.endswith(b"\n") else line + b"\n")
                kept += 1
            row += 1
    return kept


def _filter_file(source: Source, target: Path, gone: Rows) -> int:
    """Copies a file that is one document, which stays."""
    shutil.copyfile(source.path, target)
    return 1


@contextmanager
def _create(source: Source, path: Path) -> Iterator[IO[bytes] | Any]:
    """A file to write, compressed as the source is; the same bytes at any time."""
    with ExitStack() as stack:
        raw: IO[bytes] | Any = stack.enter_context(path.open("wb"))
        if source.compression == "gzip":
            raw = stack.enter_context(gzip.GzipFile("", "wb", 6, raw, mtime=0))
        elif source.compression == "zstd":
            raw = stack.enter_context(zstandard.ZstdCompressor().stream_writer(raw))
        elif source.compression == "bz2":
            raw = stack.enter_context(bz2.BZ2File(raw, "wb"))
        elif source.compression == "xz":
            raw = stack.enter_context(lzma.LZMAFile(raw, "wb"))
        yield stack.enter_context(io.BufferedWriter(raw)) if source.compression else raw
