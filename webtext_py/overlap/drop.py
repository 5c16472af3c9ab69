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

from webtext_py.engine.commit import flush, write_json
from webtext_py.ledger import balance
from webtext_py.manifest import input_names
from webtext_py.overlap.evidence import Evidence
from webtext_py.overlap.training import TrainingText
from webtext_py.reader import Source, open_source
from webtext_py.stage import Observer, Silent


def drop_overlapping(
    text: TrainingText, evidence: Evidence, folder: Path, *, observer: Observer | None = None
) -> dict[str, Any]:
    """Writes the training files again without the documents that share an n-gram with a test set.

    Same form, columns, order and compression; same names, with the folders in front where two are
    the same. A file of plain text is one document: it is copied or left out. `ledger.json` beside
    them has the counts of each file. `folder`, which is new or empty, appears when all is written.
    Returns the totals.
    """
    observer = observer or Silent()
    names = input_names([source.path for source in text.sources])
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)  # what a killed run left
    observer.step_started("dropping", text.size(), "bytes")
    write = {"parquet": _filter_parquet, "jsonl": _filter_lines, "text": _filter_file}
    files = {}
    for source in text.sources:
        name = names[source.path.resolve()]
        gone = np.asarray(evidence.overlapping.get(source.path, []), np.int64)
        target = part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = write[source.kind](source, target, gone)
        if target.exists():
            flush(target)
        files[name] = balance("drop", kept + len(gone), kept, {"overlap": len(gone)})
        observer.advanced(source.path.stat().st_size)
    total = sum(counts["in"] for counts in files.values())
    dropped = sum(counts["dropped"]["overlap"] for counts in files.values())
    counts = balance("drop", total, total - dropped, {"overlap": dropped})
    write_json(part / "ledger.json", {**counts, "files": files})
    part.replace(folder)
    flush(folder.parent)
    return counts


Rows = npt.NDArray[np.int64]


def _filter_parquet(source: Source, target: Path, gone: Rows) -> int:
    """Copies a Parquet file without some rows, row group by row group; returns the rows kept."""
    row = kept = 0
    with ExitStack() as stack:
        file = stack.enter_context(pq.ParquetFile(source.path))
        writer = stack.enter_context(
            pq.ParquetWriter(target, file.schema_arrow, compression="zstd")
        )
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False)
            keep = np.ones(table.num_rows, bool)
            keep[gone[(gone >= row) & (gone < row + table.num_rows)] - row] = False
            row += table.num_rows
            table = table.filter(pa.array(keep))
            kept += table.num_rows
            writer.write_table(table)
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
    """Copies a file that is one document, unless it goes."""
    if len(gone):
        return 0
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
