"""Passes over the training text by tasks of an engine, each of which reads some of its files: the
n-grams of the index, and the evidence."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py.bundled import bundled
from webtext_py.columns import text_column
from webtext_py.defaults import RATE
from webtext_py.digests import STATE
from webtext_py.engine import Engine, advance
from webtext_py.engine.commit import write_bytes
from webtext_py.engine.task import Job, Task
from webtext_py.observer import Observer
from webtext_py.overlap.evidence import Evidence, Part, Stretch, find_part, joined
from webtext_py.overlap.report import Layout
from webtext_py.overlap.training import TrainingText
from webtext_py.reader import Source, recognise
from webtext_py.workspace import Steps, Work

# Our choice, of files: what one task reads. Less is read in the command's own process, whose
# threads share one set of n-grams.
TASK_BYTES = 1 << 30
_MOST_TASKS = 512  # our choice: of files of keys that are open together
_KEYS_MEMORY = 512 << 20  # our choice: what a task collects before it writes, twice


def spread_keys(
    steps: Steps, training: TrainingText, n: int, ascii: bool
) -> tuple[Path, ...] | None:
    """The text's n-grams in files for `IndexBuilder.add_saved`, by tasks; None for a short text."""
    if training.size() <= TASK_BYTES:
        return None
    bundles = list(_bundles(training))
    made = steps.each(
        "keys",
        keys,
        [Work(*(s.path for s in bundle), weight=sum(map(_bytes, bundle))) for bundle in bundles],
        ["keys-{}.bin"],
        unit="bytes",
        n=n,
        ascii=ascii,
        text_field=training.text_field,
    )
    for bundle, done in zip(bundles, made.done, strict=True):
        training.hear(bundle, done.counts.get("passed_over", {}))
    return made.files()


def keys(
    inputs: list[Path], outputs: list[Path], n: int, ascii: bool, text_field: str
) -> dict[str, Any]:
    """Task: the n-grams of some files of training text, 8 bytes each."""
    # By one thread: the order of the keys is that of the text.
    builder = _core.IndexBuilder(n, ascii, RATE, None, _KEYS_MEMORY, 1, outputs[0].parent)
    builder.spill_to(outputs[0])
    training = _of(inputs, text_field)
    for source, batches in training.files():
        for batch in batches:
            builder.add_rows(*text_column(batch.column("text")))
        advance(source.path.stat().st_size)
    builder.save()
    return {"passed_over": training.passed.document()}


def spread_evidence(
    layout: Layout, training: TrainingText, data: Path, engine: Engine, observer: Observer
) -> Evidence:
    """What `find_evidence` gives, by tasks that leave nothing behind in `data`."""
    folder = data / STATE / "work" / "overlap-evidence"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        texts = folder / "texts.parquet"
        column = [text for each in layout.sets for text in each.texts]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"text": pa.array(column, pa.large_string())}), sink)
        write_bytes(texts, sink.getvalue().to_pybytes())
        jobs, bundles = [], list(_bundles(training))
        for number, bundle in enumerate(bundles):
            paths = [source.path for source in bundle]
            made = [folder / f"found-{number:05d}.{kind}" for kind in ("npz", "jsonl")]
            arguments = {"n": layout.n, "ascii": layout.ascii, "text_field": training.text_field}
            weight = sum(map(_bytes, bundle))
            inputs = (texts, *paths)
            task = Task(f"evidence-{number:05d}", find, inputs, tuple(made), arguments, weight)
            jobs.append(Job(task, data, None, "", data / STATE))
        observer.step_started("evidence", training.size(), "bytes")
        ended = {done.name: done.counts for done in engine.run(jobs, observer)}
        for bundle, job in zip(bundles, jobs, strict=True):
            training.hear(bundle, ended[job.task.name]["passed_over"])
        return joined([_read(*job.task.outputs) for job in jobs], layout.core, training)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bundles(training: TrainingText) -> Iterator[list[Source]]:
    return bundled(training.sources, _bytes, max(TASK_BYTES, 2 * training.size() // _MOST_TASKS))


def _bytes(source: Source) -> int:
    return source.path.stat().st_size


def find(
    inputs: list[Path], outputs: list[Path], n: int, ascii: bool, text_field: str
) -> dict[str, Any]:
    """Task: what some files of training text (all inputs but the first) have of the texts of test
    sets (the first): numbers, and the stretches."""
    texts = pq.read_table(inputs[0])["text"].combine_chunks()
    core = _core.NgramTexts(*text_column(texts), n, ascii)
    training = _of(inputs[1:], text_field)
    part = find_part(core, training, 1, advance)
    lists = [len(rows) for rows in part.overlapping]
    with outputs[0].open("wb") as numbers:
        np.savez(
            numbers,
            documents=part.documents,
            lengths=part.lengths,
            best=part.best,
            totals=np.array([part.words, part.ngrams], np.uint64),
            rows=np.array(part.rows, np.uint64),
            lists=np.array(lists, np.uint64),
            overlapping=np.array([row for rows in part.overlapping for row in rows], np.uint64),
        )
    # In ASCII: names of files need not be UTF-8.
    outputs[1].write_text("".join(json.dumps(asdict(one)) + "\n" for one in part.stretches))
    return {"passed_over": training.passed.document()}


def _of(paths: list[Path], text_field: str) -> TrainingText:
    """The text of a task, whose digests nobody asks for."""
    sources = tuple(recognise(path) for path in paths)
    return TrainingText(sources, ("",) * len(sources), text_field)


def _read(numbers: Path, stretches: Path) -> Part:
    with np.load(numbers) as found, stretches.open() as lines:
        ends = np.cumsum(found["lists"]).astype(np.int64)
        words, ngrams = map(int, found["totals"])
        return Part(
            found["documents"],
            found["lengths"],
            found["best"],
            [Stretch(**json.loads(line)) for line in lines],
            words,
            ngrams,
            [rows.tolist() for rows in np.split(found["overlapping"], ends[:-1])],
            found["rows"].tolist(),
        )
