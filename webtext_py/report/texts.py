"""Chosen rows found again: links by their key, texts by their id."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.records import DOCUMENTS, LINKS
from webtext_py.tables import iterate, write_table

EXCERPT = 2000  # characters of a text that are shown
COMPARED = 100_000  # characters of a text that is laid beside another

_LINK = ["url_key", "url", "karma", "subreddit", "created_utc"]
_TEXT = ["doc_id", "url", "title", "language", "karma", "subreddit", "words"]
FOUND_LINKS = pa.schema(
    [*(LINKS.field(name) for name in _LINK[:-1]), pa.field(_LINK[-1], pa.int64(), False)]
)
FOUND_TEXTS = pa.schema([*(DOCUMENTS.field(name) for name in _TEXT), DOCUMENTS.field("text")])


def find_links(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: the rows of some of `links/` that the first input names."""
    wanted = pq.read_table(inputs[0], columns=["url_key"])["url_key"].combine_chunks()
    parts = [FOUND_LINKS.empty_table()]
    for batch in iterate(inputs[1:], _LINK):
        rows = pa.Table.from_batches([batch.filter(pc.is_in(batch["url_key"], wanted))])
        seconds = rows["created_utc"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
        parts.append(rows.set_column(len(_LINK) - 1, "created_utc", seconds).cast(FOUND_LINKS))
    write_table(pa.concat_tables(parts), outputs[0])


def find_texts(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: the rows of some of `documents/` that the first inputs name, a sample of ends and the
    chosen of the clusters, with as much of their texts as is needed."""
    shown = pq.read_table(inputs[0], columns=["doc_id"])["doc_id"].drop_null()
    pairs = pq.read_table(inputs[1], columns=["doc_id", "kept_doc_id"])
    beside = pa.chunked_array([*pairs["doc_id"].chunks, *pairs["kept_doc_id"].chunks], pa.string())
    wanted = pa.chunked_array([*shown.chunks, *beside.chunks], pa.string()).combine_chunks()
    found = [_of(path, wanted, beside.combine_chunks()) for path in inputs[2:]]
    write_table(pa.concat_tables([FOUND_TEXTS.empty_table(), *found]), outputs[0])


def _of(path: Path, wanted: pa.Array, beside: pa.Array) -> pa.Table:
    """The wanted rows of a file, of which row groups without any are not read."""
    found = [FOUND_TEXTS.empty_table()]
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, ["doc_id"], use_threads=False)["doc_id"]
            if not pc.any(pc.is_in(ids, wanted)).as_py():
                continue
            for batch in file.iter_batches(256, [group], FOUND_TEXTS.names, use_threads=False):
                rows = batch.filter(pc.is_in(batch["doc_id"], wanted))
                long = pc.is_in(rows["doc_id"], beside)
                cut = pc.if_else(
                    long,
                    pc.utf8_slice_codeunits(rows["text"], 0, COMPARED),
                    pc.utf8_slice_codeunits(
                        rows["text"], 0, EXCERPT + 1
                    ),  # one more tells that it is cut
                )
                place = rows.schema.get_field_index("text")
                rows = rows.set_column(place, FOUND_TEXTS.field("text"), cut)
                found.append(pa.Table.from_batches([rows]).select(FOUND_TEXTS.names))
    return pa.concat_tables(found)
