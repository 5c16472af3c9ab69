"""Documents most of whose 8-grams stand in articles of Wikipedia.

`articles` reads the files given, bzip2 dumps in parts; `index` makes one Bloom filter of
all their 8-grams (the overlap index, at the looser `RATE`); `shares` asks it for each document's;
`matches` then looks up the n-grams of the suspicious documents, exactly, article by article;
`judge` joins it all.

The filter is mapped: what of it does not fit into memory is paged. Memory: `--memory` while it is
made, then the distinct 8-grams of the suspicious documents, 24 bytes each.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.ledger import url_ends
from webtext_py.records import WIKIPEDIA, required, table
from webtext_py.stages.removed import Removed
from webtext_py.tables import iterate, read_tables, write_table
from webtext_py.wikipedia.articles import ARTICLES, read_articles
from webtext_py.words import word_counts

REASON = "wikipedia_content"
N = 8  # words, as in overlap reports (GPT-2 report, section 4)
# Our choice: a share is off by at most about this much, and the filter takes a third of the space
# of an overlap report's 1e-8.
RATE = 1e-3
_BATCH_ROWS = 256
# What pages of Wikipedia show and its text has not, after references and headings: between two
# words it would cost seven 8-grams.
_MARKS = r"\[(?:[0-9]{1,3}|edit)\]"

_TEXT, _COUNT = pa.string(), pa.uint64()
SHARES = required(doc_id=_TEXT, url_key=_TEXT, ngrams=_COUNT, found=_COUNT)
# The distinct n-grams of suspicious documents, by document.
NGRAMS = required(doc_id=_TEXT, key=_COUNT)
MATCHES = required(doc_id=_TEXT, title=_TEXT, found=pa.int64())


def articles(
    inputs: list[Path], outputs: list[Path], part: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Task: a file of articles, or one of its parts, to titles and plain texts."""
    damage: dict[str, int] = {}
    count = 0
    with pq.ParquetWriter(outputs[0], ARTICLES, compression="zstd") as writer:
        for batch in read_articles(inputs[0], damage, part):
            texts = without_marks(batch["text"])
            writer.write_batch(pa.record_batch([batch["title"], texts], schema=ARTICLES))
            count += batch.num_rows
    return {"articles": count, **damage}


def index(inputs: list[Path], outputs: list[Path], memory: int) -> dict[str, Any]:
    """Task: the filter of all articles' n-grams. `memory`, in bytes, changes no byte of it."""
    builder = _core.IndexBuilder(N, False, RATE, None, memory, 1, outputs[0].parent)
    for batch in iterate(inputs, ["text"], _BATCH_ROWS):
        builder.add_rows(*text_column(batch["text"]))
    facts = builder.finish(outputs[0], "")
    return {"ngrams": facts["ngrams"], "bytes": facts["file_bytes"]}


def shares(inputs: list[Path], outputs: list[Path], documents: int, share: float) -> dict[str, Any]:
    """Task: the suspicious documents of a bundle (so many inputs), with counts (first output) and
    distinct n-grams (second). Then come the filter, and what was removed before."""
    filter_ = _core.NgramIndex(inputs[documents])
    removed = Removed(inputs[documents + 1 :])
    found, grams = [], []
    for batch in iterate(inputs[:documents], ["doc_id", "url_key", "text"], _BATCH_ROWS):
        rows = removed.keep(pa.Table.from_batches([batch]))
        texts = without_marks(rows["text"])
        rows = rows.set_column(rows.schema.get_field_index("text"), "text", texts)
        counts = _counts(filter_, rows["text"])
        keep = pa.array((counts[:, 1] > 0) & (counts[:, 0] >= share * counts[:, 1]))
        for place, name in ((1, "ngrams"), (0, "found")):
            rows = rows.append_column(name, pa.array(counts[:, place].copy()))
        rows = rows.filter(keep)
        found.append(rows.select(SHARES.names).cast(SHARES))
        for doc_id, text in zip(rows["doc_id"].to_pylist(), rows["text"], strict=True):
            keys = np.unique(_keys(pa.array([text.as_py()], pa.large_string())))
            ids = pa.repeat(doc_id, len(keys))
            grams.append(table(NGRAMS, {"doc_id": ids, "key": pa.array(keys)}))
    write_table(pa.concat_tables(found) if found else SHARES.empty_table(), outputs[0])
    write_table(pa.concat_tables(grams) if grams else NGRAMS.empty_table(), outputs[1])
    return {}


def without_marks(texts: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """Texts without numbers of references and `[edit]`."""
    return pc.replace_substring_regex(texts, _MARKS, " ")


def shares_of(index: _core.NgramIndex, texts: pa.Array) -> npt.NDArray[np.float64]:
    """The share of each text's 8-grams that stand in articles."""
    counts = _counts(index, without_marks(texts))
    return counts[:, 0] / np.maximum(counts[:, 1], 1)


def _counts(index: _core.NgramIndex, texts: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.uint64]:
    """8-grams of each text, found in the index and all: shape (rows, 2)."""
    counts = np.frombuffer(memoryview(index.count_rows(*text_column(texts))), np.uint64)
    return counts.reshape(-1, 2)


def _keys(texts: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.uint64]:
    return np.frombuffer(memoryview(_core.ngram_keys(*text_column(texts), N, False)), np.uint64)


def matches(inputs: list[Path], outputs: list[Path], files: int) -> dict[str, Any]:
    """Task: for each suspicious document the article of some files (the first so many inputs) that
    holds most of its distinct n-grams (the other inputs), the first title of equals."""
    rows = read_tables(inputs[files:])
    ids = pc.dictionary_encode(rows["doc_id"].combine_chunks())
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    documents = ids.indices.to_numpy()
    keys = rows["key"].to_numpy()
    order = np.argsort(keys, kind="stable")
    keys, documents = keys[order], documents[order]
    best: dict[int, tuple[int, str]] = {}
    for batch in iterate(inputs[:files], ["title", "text"], _BATCH_ROWS) if len(keys) else ():
        lengths = np.maximum(word_counts(batch["text"]).astype(np.int64) - (N - 1), 0)
        here = np.repeat(np.arange(batch.num_rows), lengths)
        grams = _keys(batch["text"])
        nearest = np.minimum(np.searchsorted(keys, grams), len(keys) - 1)
        hits = np.flatnonzero(keys[nearest] == grams)
        if not len(hits):
            continue
        # Each distinct n-gram of an article once, then each document that has it.
        pairs = np.unique(np.stack([here[hits].astype(np.uint64), grams[hits]], axis=1), axis=0)
        low = np.searchsorted(keys, pairs[:, 1], "left")
        counts = np.searchsorted(keys, pairs[:, 1], "right") - low
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        which = documents[np.repeat(low, counts) + within]
        both = np.stack([which, np.repeat(pairs[:, 0].astype(np.int64), counts)], axis=1)
        both, sums = np.unique(both, axis=0, return_counts=True)
        titles = batch["title"].to_pylist()
        for (document, article), total in zip(both.tolist(), sums.tolist(), strict=True):
            old = best.get(document)
            if old is None or (-total, titles[article]) < (-old[0], old[1]):
                best[document] = (total, titles[article])
    names = ids.dictionary.to_pylist()
    found = sorted((names[document], title, total) for document, (total, title) in best.items())
    columns = zip(MATCHES.names, zip(*found, strict=True) if found else ((), (), ()), strict=True)
    write_table(table(MATCHES, {name: list(values) for name, values in columns}), outputs[0])
    return {}


def judge(inputs: list[Path], outputs: list[Path], files: int) -> dict[str, Any]:
    """Task: a bundle's dropped documents (first output) and their ledger rows (second).

    Inputs: the bundle's `SHARES`, then `files` of `MATCHES`, then the ledger rows by host.
    """
    rows = read_tables(inputs[:1])
    best: dict[str, tuple[int, str]] = {}
    for row in read_tables(inputs[1 : 1 + files]).to_pylist():
        old = best.get(row["doc_id"])
        if old is None or (-row["found"], row["title"]) < (-old[0], old[1]):
            best[row["doc_id"]] = (row["found"], row["title"])
    ids = rows["doc_id"].to_pylist()
    ngrams = rows["ngrams"].to_numpy()
    held = [best.get(doc_id, (0, None)) for doc_id in ids]
    columns = {
        "doc_id": rows["doc_id"],
        "share": rows["found"].to_numpy() / np.maximum(ngrams, 1),
        "title": [title for _, title in held],
        "title_ngrams": [count for count, _ in held],
    }
    write_table(table(WIKIPEDIA, columns).sort_by("doc_id"), outputs[0])
    gone = url_ends("wikipedia", rows["url_key"], pa.repeat(REASON, len(ids)), rows["doc_id"])
    ends = pa.concat_tables([gone, read_tables(inputs[1 + files :])]).sort_by("url_key")
    write_table(ends, outputs[1])
    return {"dropped": len(ids)}
