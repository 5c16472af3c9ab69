"""Results that quote what goes though they were not made from it, such as a model's samples.

What stands in a text file as `N` words in a row that a removed document has is a quote: fewer than
that are anybody's. Memory: 8 bytes a word of the documents that go, and one such file.
"""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.manifest import Entry
from webtext_py.removal.files import Rewriting
from webtext_py.tables import iterate
from webtext_py.workspace import Work

N = 16  # our choice: twice the n-grams of an overlap report
_TEXTS = (".json", ".jsonl", ".html", ".md", ".txt", ".csv")


def quoting(rewriting: Rewriting, stages: Mapping[str, Entry]) -> list[str]:
    """Those of `stages` that have a text file which quotes a document that goes."""
    steps = rewriting.steps
    files = {
        name: stage
        for stage, entry in stages.items()
        for name in entry.outputs
        if name.endswith(_TEXTS)
    }
    if not files or not rewriting.parts:
        return []
    parts = [steps.data / name for name in rewriting.parts]
    grams = steps.one("grams", collect, [rewriting.out, *parts], ["{}.grams"]).files()[0]
    work = [Work(steps.data / name, grams, name=name.replace("/", "-")) for name in files]
    looked = steps.each("quotes", compare, work, [], unit="files")
    found = zip(files.values(), looked.counts("quotes"), strict=True)
    return sorted({stage for stage, quotes in found if quotes})


def collect(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the n-grams of the documents that go (the first input names them) in files of documents
    (the others), sorted."""
    out = pq.read_table(inputs[0])["doc_id"].combine_chunks()
    found = [np.zeros(0, np.uint64)]
    for batch in iterate(inputs[1:], ["doc_id", "text"], 256):
        found.append(_grams(batch["text"].filter(pc.is_in(batch["doc_id"], out))))
    np.unique(np.concatenate(found)).tofile(outputs[0])
    return {}


def compare(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: how many n-grams of a text file (first input) are among those of the second."""
    text = html.unescape(inputs[0].read_bytes().decode("utf-8", "replace"))
    grams = np.unique(_grams(pa.array([text], pa.large_string())))
    return {"quotes": int(np.isin(grams, np.fromfile(inputs[1], np.uint64)).sum())}


def _grams(texts: pa.Array) -> npt.NDArray[np.uint64]:
    return np.frombuffer(memoryview(_core.ngram_keys(*text_column(texts), N, False)), np.uint64)
