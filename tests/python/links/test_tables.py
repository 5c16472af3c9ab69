"""`--links FILE` in every form: a bad row costs that row, and what is not used is counted."""

import datetime as dt
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.dump import Status
from webtext_py.errors import FormatError, InputError
from webtext_py.reader import Passed
from webtext_py.stages.links.table import read_links

URL, SECOND = "http://a.example/", 1_483_228_800
GOOD: dict[str, Any] = {"url": URL, "karma": 5, "created_utc": SECOND}


def read(path: Path, passed: Passed | None = None) -> list[dict[str, Any]]:
    """The rows as the line rules see them."""
    return [row for batch in read_links(path, passed) for row in batch.to_pylist()]


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    """A table of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("change", "damaged"),
    [
        ({}, False),
        ({"karma": 2**63 - 1}, False),
        ({"karma": "7"}, False),
        ({"karma": 7.0}, False),
        ({"karma": None}, False),
        ({"karma": 2**63}, True),
        ({"karma": -(2**63) - 1}, True),
        ({"karma": True}, True),
        ({"karma": [5]}, True),
        ({"karma": {"a": 1}}, True),
        ({"karma": float("nan")}, True),
        ({"karma": "many"}, True),
        ({"created_utc": 1e25}, True),
        ({"created_utc": 10**25}, True),
        ({"created_utc": True}, True),
        ({"created_utc": [1]}, True),
        ({"created_utc": "once"}, True),
        ({"created_utc": SECOND * 1000}, False),
        ({"created_utc": "2017-01-01T00:00:00Z"}, False),
        ({"url": 7}, True),
        ({"url": [URL]}, True),
        ({"url": URL + "\ud800"}, True),
        ({"url": None}, False),
        ({"submission_id": "\ud800"}, False),
        ({"submission_id": 12}, False),
        ({"subreddit": {"a": 1}}, True),
    ],
)
def test_a_bad_row_costs_that_row(tmp_path: Path, change: dict[str, Any], damaged: bool) -> None:
    bad = {**GOOD, **change, "text": "a page"}
    rows = read(jsonl(tmp_path / "a.jsonl", GOOD, bad, GOOD))
    assert [row["status"] == Status.DAMAGED for row in rows] == [False, damaged, False]
    if not damaged:
        assert rows[1]["created_utc"] == SECOND
    begins = rows[1]["begins"]
    assert (
        begins is not None and begins.startswith('{"url": ') and "a page" not in begins
    ) is damaged


def test_lines_that_are_no_objects(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", GOOD)
    deep = b'{"url": ' + b"[" * 200_000
    path.write_bytes(path.read_bytes() + deep + b"\n[1]\n\xff\n{\n\n" + path.read_bytes())
    counts = Counter(row["status"] for row in read(path))
    assert counts == {Status.OK: 2, Status.DAMAGED: 4}


@pytest.mark.parametrize(
    "created",
    [
        pa.array([SECOND], pa.int64()),
        pa.array([SECOND + 0.5], pa.float64()),
        pa.array([SECOND * 1000], pa.int64()),
        pa.array(["2017-01-01"], pa.string()),
        pa.array(["2017-01-01"]).cast(pa.string_view()),
        pa.array(["1483228800"]).dictionary_encode(),
        pa.array([SECOND * 10**9 + 7], pa.timestamp("ns")),
        pa.array([SECOND * 10**3], pa.timestamp("ms", "Europe/Paris")),
        pa.array([dt.date(2017, 1, 1)], pa.date32()),
        pa.array([dt.date(2017, 1, 1)], pa.date64()),
    ],
    ids=lambda column: str(column.type),
)
def test_times_of_every_type(tmp_path: Path, created: pa.Array) -> None:
    path = tmp_path / "a.parquet"
    url = pa.array([URL]).dictionary_encode()
    pq.write_table(pa.table({"url": url, "karma": [5], "created_utc": created}), path)
    [row] = read(path)
    assert (row["url"], row["score"], row["created_utc"]) == (URL, 5, SECOND)


def test_tables_with_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    urls = pa.array([URL.encode(), b"http://\xff"], pa.binary())
    told = pa.Array.from_buffers(pa.string(), 2, urls.buffers())
    pq.write_table(pa.table({"url": told, "karma": [5, 5], "created_utc": [SECOND] * 2}), path)
    assert [row["status"] for row in read(path)] == [Status.OK, Status.DAMAGED]
    csv = tmp_path / "a.csv"
    csv.write_bytes(f"url,karma,created_utc\n{URL},5,{SECOND}\n".encode() + b"http://\xff,1,1\n")
    assert [row["status"] for row in read(csv)] == [Status.OK, Status.DAMAGED]


def test_csv_of_others(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = f'\ufeffkarma;url;created_utc;note\r\n5;{URL};{SECOND};"a\nb"\r\n'
    text += f'5;"{URL};{SECOND};x\r\n' + f"5;{URL};{SECOND};{'x' * 200_000}\r\n" * 2
    path.write_bytes(gzip.compress(text.encode()))
    passed = Passed()
    counts = Counter(row["status"] for row in read(path, passed))
    assert counts == {Status.OK: 3, Status.DAMAGED: 1}
    assert passed.document() == {"fields": {"note: not used": 1}}
    path = tmp_path / "b.csv"
    path.write_text("url,karma\n")
    with pytest.raises(InputError, match="no column `created_utc`"):
        read(path)


def test_a_corrupt_row_group_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{**GOOD, "url": f"{URL}{n}"} for n in range(2000)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    data = bytearray(path.read_bytes())
    data[8:300] = b"\xff" * 292
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"a\.parquet` is a damaged Parquet file"):
        read(path)


def test_urls_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    urls = pa.array([URL.encode(), b"http://\xff/"])
    pq.write_table(pa.table({"url": urls, "karma": [5, 5], "created_utc": [SECOND] * 2}), path)
    assert [(row["url"], row["status"]) for row in read(path)] == [
        (URL, Status.OK),
        (None, Status.DAMAGED),
    ]


def test_utf16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"url,karma,created_utc\n{URL},5,{SECOND}\n".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16; UTF-8 was expected"):
        read(path)
