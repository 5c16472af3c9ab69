"""Documents most of whose 8-grams stand in articles of Wikipedia.

`articles` reads the files given, bzip2 dumps in parts; `index` makes one Bloom filter of
all their 8-grams (the overlap index, at the looser `RATE`); `shares` asks it for each document's;
`grams` sorts those of the suspicious documents; `matches` looks them up, exactly, article by
article; `judge` joins it all.

Filter and sorted n-grams are mapped: what does not fit into memory is paged. Memory: `--memory`
while the filter is made, then, in one task, 48 bytes for each distinct 8-gram of a suspicious
document.
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
from webtext_py.tables import Shuffle, iterate, read_partition, read_tables, write_table
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
_ROW_BITS = 32  # of a suspicious document's number: its row in `SHARES`; above them its bundle
NGRAMS = required(key=_COUNT, document=_COUNT)
MATCHES = required(document=_COUNT, found=_COUNT, title=_TEXT)


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
    distinct n-grams by row (second). Then come the filter, and what was removed before."""
    filter_ = _core.NgramIndex(inputs[documents])
    removed = Removed(inputs[documents + 1 :])
    found, grams = [SHARES.empty_table()], [NGRAMS.empty_table()]
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
        for text in rows["text"]:
            keys = np.unique(_keys(pa.array([text.as_py()], pa.large_string())))
            row = pa.repeat(len(grams) - 1, len(keys))
            grams.append(table(NGRAMS, {"key": keys, "document": row}))
    write_table(pa.concat_tables(found), outputs[0])
    write_table(pa.concat_tables(grams), outputs[1])
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


def sorted_grams(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the n-grams of all bundles (inputs), by key."""
    bundles = [pq.read_table(path) for path in inputs]
    which = np.repeat(np.arange(len(bundles)) << _ROW_BITS, [rows.num_rows for rows in bundles])
    rows = pa.concat_tables(bundles)
    numbers = pa.array(rows["document"].to_numpy() + which.astype(np.uint64))
    rows = rows.set_column(1, NGRAMS.field(1), numbers).sort_by("key")
    with pa.ipc.new_file(str(outputs[0]), NGRAMS) as file:
        file.write_table(rows.combine_chunks())
    return {}


def matches(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: for each suspicious document the article of some files (all inputs but the first) that
    holds most of its distinct n-grams (the first), the first title of equals; by bundle."""
    with pa.memory_map(str(inputs[0])) as source, pa.ipc.open_file(source) as file:
        keys, documents = (column.to_numpy() for column in file.read_all().columns)
    best: dict[int, tuple[int, str]] = {}
    for batch in iterate(inputs[1:], ["title", "text"], _BATCH_ROWS) if len(keys) else ():
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
        both = np.stack([which, np.repeat(pairs[:, 0], counts)], axis=1)
        both, sums = np.unique(both, axis=0, return_counts=True)
        titles = batch["title"].to_pylist()
        for (document, article), total in zip(both.tolist(), sums.tolist(), strict=True):
            found = -total, titles[article]
            best[document] = min(best.get(document, found), found)
    rows = [{"document": d, "found": -less, "title": title} for d, (less, title) in best.items()]
    with Shuffle(outputs[0], MATCHES) as shuffle:
        bundles = np.array([*best], np.int64) >> _ROW_BITS
        shuffle.add(pa.Table.from_pylist(rows, MATCHES), bundles)
    return {}


def judge(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: a bundle's dropped documents (first output) and their ledger rows (second).

    Inputs: the bundle's `SHARES`, the `MATCHES` of all bundles, the ledger rows by host.
    """
    rows, found = read_tables(inputs[:1]), read_partition(inputs[1:2], partition, MATCHES)
    best = found.sort_by([("found", "descending"), ("title", "ascending")])
    numbers = pa.array(np.arange(rows.num_rows, dtype=np.uint64) + (partition << _ROW_BITS))
    where = pc.index_in(numbers, best["document"].combine_chunks())  # the first of several
    columns = {
        "doc_id": rows["doc_id"],
        "share": rows["found"].to_numpy() / np.maximum(rows["ngrams"].to_numpy(), 1),
        "title": best["title"].take(where),
        "title_ngrams": pc.fill_null(best["found"].take(where), 0),
    }
    write_table(table(WIKIPEDIA, columns).sort_by("doc_id"), outputs[0])
    reasons = pa.repeat(REASON, rows.num_rows)
    gone = url_ends("wikipedia", rows["url_key"], reasons, rows["doc_id"])
    write_table(pa.concat_tables([gone, read_tables(inputs[2:])]).sort_by("url_key"), outputs[1])
    return {"dropped": rows.num_rows}
