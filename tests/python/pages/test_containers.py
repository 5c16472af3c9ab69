"""Which files are containers, and captures that lie in folders of HTML and in tables."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py import records
from webtext_py.errors import InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.capture import SCANNED, Capture, Location, captures_to_batch
from webtext_py.pages.kinds import Container
from webtext_py.reader.passed import Passed

PAGE = b"<!doctype html><title>t</title><p>text"
BLOCK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE
RECORD = (
    b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
    b"WARC-Date: 2017-01-01T00:00:00Z\r\nContent-Type: application/http\r\n"
    + f"Content-Length: {len(BLOCK)}\r\n\r\n".encode()
    + BLOCK
    + b"\r\n\r\n"
)


def test_kind_is_told_by_bytes_not_by_name(tmp_path: Path) -> None:
    forms = {
        "a.bin": (RECORD, "warc", "none"),
        "b.html": (gzip.compress(RECORD), "warc", "gzip"),
        "c": (zstandard.compress(RECORD), "warc", "zstd"),
        "d.warc": (b"http://a.example/ 1.1.1.1 20140216050221 text/html 5\nHTTP/", "arc", "none"),
        "e.txt": (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(RECORD), "warc", "zstd"),
    }
    for name, (data, _, _) in forms.items():
        (tmp_path / name).write_bytes(data)
    expected = [Container(str(tmp_path / n), k, c) for n, (_, k, c) in sorted(forms.items())]
    assert list_containers([str(tmp_path)]) == expected
    assert list_containers([str(tmp_path / name) for name in reversed(forms)]) == expected
    assert list_containers([str(tmp_path / "*"), str(tmp_path)]) == expected
    for container in expected:
        assert len(list(scan_container(container))) == 1


REFUSED = [
    (b"", "empty"),
    (b"PK\x03\x04....", "ZIP"),
    (b"BZh91AY", "bzip2"),
    (b"%PDF-1.4", "PDF"),
    (b"<!DOCTYPE html><p>", "a page"),
    (b'{"url": 1}', "JSON"),
    (b" CDX N b a m s k r M S V g\n", "CDX"),
    (b"com,example)/ 20170101000000 http://example.com/ text/html 200 X - -\n", "CDX"),
    (b"http://a.example/\nhttp://b.example/\n", "list of URLs"),
    (b"url,karma\n", "CSV"),
    (b"hello there\n", "text"),
    (b"\x00\x01\x02", "no known kind"),
    (gzip.compress(b'{"id": 1}'), "gzip data of JSON"),
    (zstandard.compress(b"hello there"), "zstd data of text"),
    (b"\x5d\x2a\x4d\x18\x04\0\0\0dict", "dictionary"),
    (b"\x28\xb5\x2f\xfd\x03\x58\x01\x02\x03\x04\x00\x00\x00\x00\x00\x00\x00", "dictionary"),
    (b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 2\r\n\r\nhi\r\n\r\n", "WET"),
    (
        b"WARC/1.0\r\nWARC-Type: metadata\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}\r\n\r\n",
        "WAT",
    ),
    (b"PAR1 but cut", "cannot be read"),
]


@pytest.mark.parametrize(("data", "what"), REFUSED, ids=[what for _, what in REFUSED])
def test_other_files_are_named_and_refused(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match=what) as caught:
        list_containers([str(path)])
    assert str(path) in str(caught.value)
    passed = Passed()
    (tmp_path / "good.warc").write_bytes(RECORD)
    assert len(list_containers([str(tmp_path)], passed)) == 1
    [(why, count)] = passed.document()["files"].items()
    assert why.startswith(".bin: ")
    assert what[:50] in why
    assert count == 1


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    for path, what in (("none", "does not exist"), ("*.warc", "matches no file")):
        with pytest.raises(InputError, match=what):
            list_containers([str(tmp_path / path)])
    with pytest.raises(InputError, match="holds no archive") as caught:
        list_containers([str(tmp_path)])
    assert caught.value.hint is not None
    with pytest.raises(InputError, match="no regular file"):
        list_containers(["/dev/null"])
    with pytest.raises(InputError, match="cannot open"):
        list(scan_container(Container(str(tmp_path / "gone"), "warc")))


def _folder(tmp_path: Path, index: str, text: str) -> Container:
    pages = tmp_path / "pages"
    (pages / "sub").mkdir(parents=True)
    (pages / index).write_text(text, encoding="utf-8")
    (pages / "a.html").write_bytes(PAGE)
    (pages / "sub" / "b.html.gz").write_bytes(gzip.compress(PAGE))
    (pages / "empty.html").write_bytes(b"")
    (tmp_path / "secret.html").write_bytes(b"<p>secret")
    [container] = list_containers([str(tmp_path / "pages")])
    assert container == Container(str(pages), "html")
    return container


ROWS = [
    ("a.html", "http://a.example/", "2017-01-01T00:00:00Z", "200", "text/html", "good"),
    ("sub/b.html.gz", "http://b.example/", "1483228800", "", "", "good"),
    ("a.html", "http://c.example/", "", "404", "", "http_error"),
    ("a.html", "http://d.example/", "", "200", "text/plain", "not_html"),
    ("missing.html", "http://e.example/", "", "", "", "no_payload"),
    ("../secret.html", "http://f.example/", "", "", "", "no_payload"),
    ("/etc/hostname", "http://g.example/", "", "", "", "no_payload"),
    ("empty.html", "http://h.example/", "", "", "", "no_payload"),
    ("a.html", "ftp://i.example/", "", "", "", "not_http"),
]
NAMES = ("file", "url", "fetched_at", "status", "content_type")


@pytest.mark.parametrize("index", ["urls.csv", "urls.jsonl"])
def test_folder_of_html(tmp_path: Path, index: str) -> None:
    if index == "urls.csv":
        text = "\n".join([",".join(NAMES), *(",".join(row[:5]) for row in ROWS), ",no file\n"])
    else:
        lines = [json.dumps(dict(zip(NAMES, row, strict=False))) for row in ROWS]
        text = "\n".join([*lines, "{not json", ""])
    container = _folder(tmp_path, index, text)
    scan = scan_container(container)
    captures = list(scan)
    assert [c.outcome for c in captures] == [row[5] for row in ROWS]
    assert [c.url for c in captures] == [row[1] for row in ROWS]
    assert [c.location.offset for c in captures] == list(range(len(ROWS)))
    assert captures[0].fetched_at == captures[1].fetched_at == 1483228800_000_000
    assert [c.status for c in captures[:3]] == [200, None, 404]
    [damage] = scan.damage
    assert damage.offset == len(ROWS)
    good = [c.location for c in captures if c.outcome == "good"]
    payloads = [payload for _, payload in read_captures(container, reversed(good))]
    assert [payload.body for payload in payloads] == [PAGE, PAGE]
    assert [payload.url for payload in payloads] == ["http://a.example/", "http://b.example/"]


def test_folder_index_that_cannot_be_used(tmp_path: Path) -> None:
    container = _folder(tmp_path, "urls.csv", "name,link\na.html,http://a.example/\n")
    with pytest.raises(InputError, match="expected file,url"):
        list(scan_container(container))
    (tmp_path / "pages" / "urls.jsonl").write_text("")
    with pytest.raises(InputError, match=r"both urls\.csv and urls\.jsonl"):
        list_containers([str(tmp_path)])


def _table(tmp_path: Path, **columns: object) -> Container:
    path = tmp_path / "pages.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    [container] = list_containers([str(path)])
    return container


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string(), pa.large_string()])
def test_table_of_pages(tmp_path: Path, kind: pa.DataType) -> None:
    html = [PAGE, None, PAGE + b"2", b"", PAGE + b"4"]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        html = [None if item is None else item.decode() for item in html]
    moment = datetime(2017, 1, 1, tzinfo=UTC)
    container = _table(
        tmp_path,
        url=[f"http://a.example/{n}" for n in range(5)],
        html=pa.array(html, kind),
        fetched_at=pa.array([moment, None, moment, None, None], pa.timestamp("ns", "UTC")),
        status=pa.array([200, 200, 500, None, None], pa.int64()),
        headers=[
            [{"name": "Content-Type", "value": "text/html; charset=latin-1"}],
            [],
            None,
            [],
            [],
        ],
    )
    captures = list(scan_container(container))
    assert [c.outcome for c in captures] == [
        "good",
        "no_payload",
        "http_error",
        "no_payload",
        "good",
    ]
    assert captures[0].fetched_at == 1483228800_000_000
    assert captures[0].content_type == "text/html; charset=latin-1"
    chosen = [captures[4].location, captures[0].location]
    found = dict(read_captures(container, chosen))
    assert [found[location].body for location in chosen] == [PAGE + b"4", PAGE]
    if isinstance(html[0], str):
        # Text was decoded by whoever wrote the table: its charset is that of the column.
        assert found[chosen[1]].headers == [("Content-Type", "text/html; charset=utf-8")]


@pytest.mark.parametrize(
    "headers",
    [
        pa.array(["Content-Encoding: gzip\r\nX: y"]),
        pa.array([[("Content-Encoding", "gzip")]], pa.map_(pa.string(), pa.string())),
        pa.array([[["Content-Encoding", "gzip"]]]),
    ],
)
def test_table_with_headers_of_any_form(tmp_path: Path, headers: pa.Array) -> None:
    container = _table(
        tmp_path, url=["http://a.example/"], html=[gzip.compress(PAGE)], headers=headers
    )
    [capture] = scan_container(container)
    [(_, payload)] = read_captures(container, [capture.location])
    assert payload.body == PAGE
    assert payload.headers[0] == ("Content-Encoding", "gzip")


def test_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"url": ["x"], "text": ["y"]}), path)
    with pytest.raises(InputError, match="without the column `html`"):
        list_containers([str(path)])
    pq.write_table(pa.table({"url": ["x"], "html": [1]}), path)
    with pytest.raises(InputError, match="`html` is int64"):
        list_containers([str(path)])


def test_captures_become_a_batch() -> None:
    captures = [
        Capture(
            url="http://a.example/é",
            location=Location("f.warc.gz", 5, 6),
            outcome="good",
            record_type="response",
            status=200,
            content_type="text/html",
            fetched_at=1_500_900,
            http_headers=[("A", "b"), ("A", "c")],
        ),
        Capture(
            "", Location("f.warc.gz", 11, 12, 13), "damaged_record", "revisit", refers_to_date=-1
        ),
    ]
    batch = captures_to_batch(captures, "warc")
    assert batch.schema == SCANNED
    for name in batch.schema.names[:9]:
        assert batch.schema.field(name) == records.CAPTURES.field(name)
    rows = batch.to_pylist()
    assert [Location(**row["location"]) for row in rows] == [c.location for c in captures]
    assert rows[0]["fetched_at"] == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert rows[0]["http_headers"] == [{"name": "A", "value": "b"}, {"name": "A", "value": "c"}]
    assert rows[1]["refers_to_date"] == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert captures_to_batch([], "arc").num_rows == 0
