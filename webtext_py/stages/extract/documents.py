"""One task's pages: read where they lie, extracted in batches, written as documents."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.ahead import Ahead
from webtext_py.columns import hex_digests
from webtext_py.engine import advance
from webtext_py.ledger import url_ends
from webtext_py.pages.archive import list_containers, read_captures
from webtext_py.pages.capture import Location
from webtext_py.pages.cut import rows_of
from webtext_py.pages.http import first_value
from webtext_py.records import DOCUMENTS, table
from webtext_py.removed_list import OUTCOME as REMOVED
from webtext_py.removed_list import RemovedList
from webtext_py.tables import write_table
from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.page import Page
from webtext_py.url.key import without_credentials

# What one call of the core takes, at most about so much (our choice): the next batch is read
# meanwhile. No result depends on them.
BATCH_PAGES = 128
BATCH_BYTES = 16 << 20

_NEEDED = ["url_key", "final_url", "content_type", "fetched_at", "location"]
_CARRIED = ["url_key", "final_url", "karma", "subreddit", "created_utc", "fetched_at"]


def extract(
    inputs: list[Path],
    outputs: list[Path],
    first: int,
    count: int,
    version: str,
    settings: dict[str, Any],
    marks: str,
) -> dict[str, Any]:
    """Task: `count` pages of the container (first input), the rows from number `first` on of a
    file of good captures (second), less what the list of removed documents (third, where there is
    one) names, which is not read. Outputs: documents and ledger rows of the rest.

    `version` is the extractor's, `marks` the folder of tasks at work.
    """
    rows = rows_of(inputs[1], first, count, list(dict.fromkeys([*_NEEDED, *_CARRIED])))
    assert len(rows) == count, f"{len(rows)} pages from {first} of {inputs[1]}; {count} expected"
    kept: list[pa.Table] = []
    # Rows, and why.
    ended = [int(row) for path in inputs[2:] for row in RemovedList.read(path).found_in(rows)]
    reasons = [REMOVED] * len(ended)
    mark = Path(marks) / f"{inputs[1].name}-{first}"
    with (
        PageExtractor(ExtractSettings(**settings), mark) as extractor,
        closing(Ahead(_batches(inputs[0], rows, frozenset(ended)))) as batches,
    ):
        advance(len(ended))
        for unread, numbers, pages in batches:
            outcomes = extractor.outcomes(pages)
            ends = [*unread, *zip(numbers, outcomes.reasons, strict=True)]
            ended += [row for row, reason in ends if reason is not None]
            reasons += [reason for _, reason in ends if reason is not None]
            mine = [row for row, reason in ends if reason is None]
            kept.append(_joined(rows.take(pa.array(mine, pa.int64())), outcomes.kept))
            advance(len(ends))
    written = table(DOCUMENTS, _all(kept))
    assert len(written) + len(ended) == count, "a page got lost"
    write_table(written, outputs[0], row_group_rows=1024)
    keys = rows["url_key"].take(pa.array(ended, pa.int64()))
    write_table(url_ends("extract", keys, reasons), outputs[1])
    return {
        "kept": len(written),
        "dropped": dict(sorted(Counter(reasons).items())),
        "words": int(pc.sum(written["words"]).as_py() or 0),
    }


Batch = tuple[list[tuple[int, str | None]], list[int], list[Page]]


def _batches(container: Path, rows: pa.Table, out: frozenset[int]) -> Iterator[Batch]:
    """Pages of `rows` but those `out`, by batch: rows without a payload and why, the numbers of the
    others, and their pages."""
    values = {name: rows[name].to_pylist() for name in _NEEDED[1:]}
    waiting: dict[Location, list[int]] = {}
    for row, place in enumerate(values["location"]):
        if row in out:
            continue
        location = Location(str(container), place["offset"], place["length"], place["skip"])
        waiting.setdefault(location, []).append(row)
    opened = list_containers([str(container)])[0]
    unread: list[tuple[int, str | None]] = []
    numbers: list[int] = []
    pages: list[Page] = []
    held = 0
    for location, payload in read_captures(opened, list(waiting)):
        for row in waiting[location]:
            if payload.problem is not None:
                unread.append((row, payload.problem))
                continue
            page = Page(
                values["final_url"][row],
                payload.body,
                first_value(payload.headers, "content-type") or values["content_type"][row],
                tuple(payload.headers),
                values["fetched_at"][row],
            )
            numbers.append(row)
            pages.append(page)
            held += len(page.body)
        if len(pages) + len(unread) >= BATCH_PAGES or held >= BATCH_BYTES:
            yield unread, numbers, pages
            unread, numbers, pages, held = [], [], [], 0
    if unread or pages:
        yield unread, numbers, pages


def _joined(rows: pa.Table, found: pa.Table) -> pa.Table:
    """Documents out of the rows of their captures and what was found, row by row."""
    columns = {name: rows[name] for name in _CARRIED}
    urls = columns.pop("final_url").to_pylist()
    columns["url"] = pa.array(map(without_credentials, urls), pa.string())
    columns |= {name: found[name] for name in found.column_names if name in DOCUMENTS.names}
    return pa.table(columns)


def _all(kept: list[pa.Table]) -> dict[str, Any]:
    """The documents of all batches in the order of their keys, with what is computed of them."""
    documents = pa.concat_tables(kept).combine_chunks().sort_by("url_key")
    columns = {name: documents[name] for name in documents.column_names}
    columns["doc_id"] = hex_digests(documents["url_key"])
    columns["bytes"] = pc.binary_length(documents["text"])
    return columns
