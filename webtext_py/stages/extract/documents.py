"""One task's pages: read where they lie, extracted in the sandbox, written as documents."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import hex_digests
from webtext_py.engine import advance
from webtext_py.ledger import url_ends
from webtext_py.pages.archive import Location, list_containers, read_captures
from webtext_py.pages.http import first_value
from webtext_py.records import DOCUMENTS, table
from webtext_py.tables import write_table
from webtext_py.text.extract import ExtractSettings, extract_pages
from webtext_py.text.page import Document, Page
from webtext_py.words import word_counts


def extract(
    inputs: list[Path], outputs: list[Path], first: int, count: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """Task: `count` pages of the container (first input), the rows from number `first` on of a
    file of good captures (second). Outputs: documents and ledger rows of the rest.
    """
    rows = rows_of(inputs[1], first, count)
    assert len(rows) == count, f"{len(rows)} pages from {first} of {inputs[1]}; {count} expected"
    documents: list[dict[str, Any]] = []
    ends: list[tuple[str, str]] = []
    # Pages that cannot be read never reach the extractor; the others come back in order.
    sent: list[dict[str, Any]] = []
    outcomes = extract_pages(_pages(inputs[0], rows, sent, ends), ExtractSettings(**settings))
    for number, outcome in enumerate(outcomes):
        row = sent[number]
        if isinstance(outcome, Document):
            documents.append(_document(row, outcome))
        else:
            ends.append((row["url_key"], outcome.reason))
        advance(1)
    assert len(documents) + len(ends) == count, "a page got lost"
    written = _table(documents)
    write_table(written, outputs[0], row_group_rows=1024)
    keys, reasons = [key for key, _ in ends], [reason for _, reason in ends]
    write_table(url_ends("extract", pa.array(keys, pa.string()), reasons), outputs[1])
    return {
        "kept": len(documents),
        "dropped": dict(sorted(Counter(reasons).items())),
        "words": int(pc.sum(written["words"]).as_py() or 0),
    }


def rows_of(path: Path, first: int, count: int) -> list[dict[str, Any]]:
    """`count` rows of a Parquet file from number `first` on; other row groups are not read."""
    found: list[dict[str, Any]] = []
    start = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(first, start), min(first + count, start + rows)
            if low < high:
                read = file.read_row_group(group, use_threads=False)
                found += read.slice(low - start, high - low).to_pylist()
            start += rows
    return found


def _pages(
    container: Path,
    rows: list[dict[str, Any]],
    sent: list[dict[str, Any]],
    ends: list[tuple[str, str]],
) -> Iterator[Page]:
    """Pages of `rows`, which go to `sent`; rows without a payload go to `ends`."""
    waiting: dict[Location, list[dict[str, Any]]] = {}
    for row in rows:
        place = row["location"]
        location = Location(str(container), place["offset"], place["length"], place["skip"])
        waiting.setdefault(location, []).append(row)
    opened = list_containers([str(container)])[0]
    for location, payload in read_captures(opened, list(waiting)):
        for row in waiting[location]:
            if payload.problem is not None:
                ends.append((row["url_key"], payload.problem))
                advance(1)
                continue
            sent.append(row)
            yield Page(
                row["final_url"],
                payload.body,
                first_value(payload.headers, "content-type") or row["content_type"],
                tuple(payload.headers),
                row["fetched_at"],
            )


def _document(row: dict[str, Any], document: Document) -> dict[str, Any]:
    return {
        "url_key": row["url_key"],
        "url": row["final_url"],
        "title": document.title,
        "text": document.text,
        "language": document.language,
        "published": document.published,
        "karma": row["karma"],
        "subreddit": row["subreddit"],
        "created_utc": row["created_utc"],
        "fetched_at": row["fetched_at"],
        "extractor": document.extractor,
    }


def _table(documents: list[dict[str, Any]]) -> pa.Table:
    documents.sort(key=lambda row: row["url_key"])
    columns: dict[str, Any] = {}
    for field in DOCUMENTS:
        if field.name not in ("doc_id", "bytes", "words"):
            columns[field.name] = pa.array([d[field.name] for d in documents], field.type)
    columns["doc_id"] = hex_digests(columns["url_key"])
    columns["bytes"] = pc.binary_length(columns["text"])
    columns["words"] = pa.array(word_counts(columns["text"]))
    return table(DOCUMENTS, columns)
