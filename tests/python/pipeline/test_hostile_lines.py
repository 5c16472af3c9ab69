"""One line of a dump costs one line, whatever its numbers are."""

import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py import demo
from webtext_py.cli.main import run
from webtext_py.stages.links.urls import _saturated_sums

DATES = [-4 * 10**18, -62135596801, -(10**11), 253402300800, 10**17]
EDGES = [-62135596800, 253402300799]


def line(number: int, created: int, karma: int = 9) -> bytes:
    row = {
        "id": f"s{number}", "url": f"http://edge.example/{number}", "score": karma, "title": "t",
        "created_utc": created, "is_self": False, "domain": "edge.example", "subreddit": "test",
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


@pytest.mark.parametrize("form", ["submissions", "links"])
def test_dates_outside_the_calendar_end_in_the_ledger(tmp_path: Path, form: str) -> None:
    lines = [line(n, date) for n, date in enumerate([*DATES, *EDGES])]
    # The demo's lines besides, so that the build has pages to go on with.
    with demo.submissions().open("rb") as packed:
        known = zstandard.ZstdDecompressor().stream_reader(packed).read()
    data, path = tmp_path / "data", tmp_path / "RS_a.ndjson"
    text = known + b"".join(lines)
    path.write_bytes(text if form == "submissions" else text.replace(b'"score"', b'"karma"'))
    given = [f"--{form}", path]
    arguments = [
        "build",
        "--data",
        data,
        "--workers",
        1,
        "--quiet",
        *given,
        "--pages",
        demo.pages(),
    ]
    assert run([str(argument) for argument in arguments]) == 0
    rows = pq.read_table(data / "ledger/lines.parquet").to_pylist()
    outcomes = {row["outcome"]: row["lines"] for row in rows}
    # In a table of links the size of a number says its unit: most of these are times there.
    assert outcomes["bad_date"] == (len(DATES) if form == "submissions" else 1)
    links = pq.read_table(data / "links")  # what is left can be read by whoever counts in days
    assert all(value.year >= 1 for value in links["created_utc"].to_pylist())


def test_sums_of_karma_saturate() -> None:
    largest, least = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    values = [largest, largest, -1, 0, 5, least, -7, 1 << 40, least + 1]
    for size in (1, 2, 3, 4):
        for group in itertools.product(values, repeat=size):
            columns = np.array([*group, 3, 4], np.int64)
            sums = _saturated_sums(columns, np.array([0, size]))
            assert sums.tolist() == [max(least, min(largest, sum(group))), 7]


def test_credentials_reach_no_document_and_no_shard(tmp_path: Path) -> None:
    """Neither those of a posted link nor those of an archive's record."""
    words = " ".join(f"The {n} bakers of the old town met and spoke of flour." for n in range(30))
    body = f"<!doctype html><html><title>Bakers</title><p>{words}</p></html>".encode()
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://user:secret@edge.example/a\r\n"
        f"WARC-Date: 2015-01-01T00:00:00Z\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    archive, links, data = tmp_path / "a.warc", tmp_path / "links.csv", tmp_path / "data"
    archive.write_bytes(head.encode() + block + b"\r\n\r\n")
    links.write_text("url,karma,created_utc\nhttp://u:secret@edge.example/a,9,1300000000\n")
    arguments = ["build", "--data", data, "--workers", 1, "--quiet", "--links", links]
    assert run([*map(str, arguments), "--pages", str(archive)]) == 0
    for folder in ("documents", "shards"):
        files = (data / folder).glob("*.parquet")
        rows = [row for path in files for row in pq.read_table(path).to_pylist()]
        assert [row["url"] for row in rows] == ["http://edge.example/a"]
        assert "secret" not in str(rows)
