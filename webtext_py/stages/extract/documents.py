"""One task's pages: read where they lie, extracted in batches, written as documents."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

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
from webtext_py.text.extract import ExtractSettings
from webtext_py.text.extracted import extracted
from webtext_py.text.page import Page
from webtext_py.url.key import without_credentials

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
    out = [int(row) for path in inputs[2:] for row in RemovedList.read(path).found_in(rows)]
    ended = [(row, REMOVED) for row in out]
    mark = Path(marks) / f"{inputs[1].name}-{first}"
    pages = _pages(inputs[0], rows, frozenset(out))
    with closing(extracted(pages, ExtractSettings(**settings), mark)) as batches:
        advance(len(ended))
        for batch in batches:
            ended += batch.ends
            kept.append(_joined(rows.take(pa.array(batch.keys, pa.int64())), batch.documents))
            advance(len(batch.keys) + len(batch.ends))
    written = table(DOCUMENTS, _all(kept))
    assert len(written) + len(ended) == count, "a page got lost"
    write_table(written, outputs[0], row_group_rows=1024)
    keys = rows["url_key"].take(pa.array([row for row, _ in ended], pa.int64()))
    reasons = [reason for _, reason in ended]
    write_table(url_ends("extract", keys, reasons), outputs[1])
    return {
        "kept": len(written),
        "dropped": dict(sorted(Counter(reasons).items())),
        "words": int(pc.sum(written["words"]).as_py() or 0),
    }


def _pages(
    container: Path, rows: pa.Table, out: frozenset[int]
) -> Iterator[tuple[int, Page | str]]:
    """The pages of `rows` but those `out`, each with its row, or why it cannot be read."""
    values = {name: rows[name].to_pylist() for name in _NEEDED[1:]}
    waiting: dict[Location, list[int]] = {}
    for row, place in enumerate(values["location"]):
        if row not in out:
            location = Location(**place | {"file": str(container)})
            waiting.setdefault(location, []).append(row)
    for location, payload in read_captures(list_containers([str(container)])[0], list(waiting)):
        headers = tuple(payload.headers)
        kind = first_value(payload.headers, "content-type")
        for row in waiting[location]:
            url, fetched_at = values["final_url"][row], values["fetched_at"][row]
            said = kind or values["content_type"][row]
            yield row, payload.problem or Page(url, payload.body, said, headers, fetched_at)


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
