"""`verify` adds tables up again, by tasks: files as the manifest has them may not add up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import recount
from webtext_py.engine.commit import file_facts
from webtext_py.manifest import Manifest
from webtext_py.verify import verify

Rows = list[dict[str, Any]]


def change(data: Path, pattern: str, how: Callable[[Rows], Rows]) -> None:
    """Changes the rows of the first file with two, and what the manifest says of it."""
    path = next(f for f in sorted(data.glob(pattern)) if pq.read_metadata(f).num_rows > 1)
    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(how(table.to_pylist()), table.schema), path)
    manifest = Manifest(data)
    for entry in manifest.stages.values():
        name = str(path.relative_to(data))
        if name in entry.outputs:
            entry.outputs[name] = file_facts(path)
    manifest.save()


def named(name: str, value: str) -> Callable[[Rows], Rows]:
    """The first row with another value."""
    return lambda rows: [{**rows[0], name: value}, *rows[1:]]


CHANGES = {
    "each URL of `links/part-*.parquet` ends once": (
        "ledger/urls-pages-*.parquet",
        lambda rows: [rows[1], *rows[1:]],
    ),
    "documents in `duplicates/part-*.parquet`": ("duplicates/*.parquet", named("doc_id", "0" * 32)),
    "documents in `shards/*.parquet`": (
        "shards/train-*.parquet",
        lambda rows: [rows[1], *rows[1:]],
    ),
    "rows of the ledger with another URL's doc_id": (
        "ledger/urls-shard-*.parquet",
        lambda rows: [{**rows[0], "doc_id": rows[1]["doc_id"]}, *rows[1:]],
    ),
    "rows in `pages/good-*.parquet`": ("pages/good-*.parquet", lambda rows: rows[1:]),
    "pages: dropped in the ledger": ("ledger/urls-pages-*.parquet", named("outcome", "other")),
    "distinct URLs": ("ledger/urls-links-*.parquet", lambda rows: [rows[1], *rows[1:]]),
    "URLs in another's partition": ("links/*.parquet", named("url_key", "http://a.test/")),
}


@pytest.mark.parametrize("said", CHANGES)
def test_what_does_not_add_up_is_said(built: Path, copy_of: Any, said: str) -> None:
    data = copy_of(built)
    change(data, *CHANGES[said])
    assert any(problem.startswith(said) for problem in verify(data).problems)


def test_tasks_of_any_size_find_the_same(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(built)
    monkeypatch.setattr(recount, "TASK_BYTES", 1)
    ran: list[int] = []
    count = recount.count
    monkeypatch.setattr(recount, "count", lambda *a, **k: ran.append(1) or count(*a, **k))
    assert verify(built) == whole
    assert not whole.problems
    assert len(ran) > 20


def test_sums_do_not_depend_on_order_or_files() -> None:
    one, other = recount.Counted(), recount.Counted()
    rows = [("a", 1), ("b", 2), ("a", 2**64 - 1)]
    for counted, order in ((one, rows), (other, rows[::-1])):
        for outcome, value in order:
            sums = {f"doc_id {outcome}": (value, 1)}
            counted.add({"rows": 1, "foreign": 0, "outcomes": {outcome: 1}, "sums": sums})
    assert one == other
    assert one.sum_of("doc_id", "a") == (0, 2)
    assert one.sum_of("doc_id") == (2, 3)
