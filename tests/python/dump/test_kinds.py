"""Files of other kinds are refused by name; odd but readable text is read."""

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import _core
from webtext_py.dump import SubmissionReader
from webtext_py.errors import FormatError

from . import twin

LINE = b'{"id":"abc","url":"http://x.example/","title":"t","score":3,"created_utc":1400000000}\n'


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"url": ["http://x.example/"] * 1000}), sink)
    return sink.getvalue()


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("RS_2011-01", LINE * 10)
    return sink.getvalue()


def tarred() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        info = tarfile.TarInfo("RS_2011-01.txt")
        info.size = 10
        archive.addfile(info, io.BytesIO(b"0123456789"))
    return sink.getvalue()


COMMENT = b'{"id":"c1","body":"b","link_id":"t3_abc","score":1,"author":"a"}\n'

KINDS = {
    "the file is empty": b"",
    "the file is empty: gzip of nothing": gzip.compress(b""),
    "only blank lines": b"\n \t\r\n\0\0\n",
    "comment dump": COMMENT * 3,
    "comment dump .* 100 of the first 100": COMMENT * 200 + LINE * 500,
    "a JSON array": b"[" + LINE.strip() + b",\n" + LINE.strip() + b"]\n",
    "a JSON array packed with gzip": gzip.compress(json.dumps([{"url": "x"}] * 5).encode()),
    "JSON, but its lines are no complete objects": json.dumps({"a": {"b": 1}}, indent=1).encode(),
    "no submissions: none of the first 5": b'{"name":"x","value":3}\n' * 5,
    "no submissions: none of the first 1 ": b'{"kind":"Listing","data":{"children":[]}}',
    "a CSV file .* `url,karma,created_utc`": b"url,karma,created_utc\nhttp://x.example/,3,1\n",
    "tab-separated": b"url\tkarma\nhttp://x.example/\t3\n",
    "an HTML page": b"\n<!DOCTYPE html><html><body>404</body></html>",
    "an HTML page .*": b"<html>\n<body>\n</body></html>\n",
    "XML": b"<?xml version='1.0'?>\n<a/>\n",
    "a Parquet file": parquet(),
    "a zip archive": zipped(),
    "a tar archive packed with gzip": tarred(),
    "a WARC file": b"WARC/1.0\r\nWARC-Type: warcinfo\r\n\r\n",
    "text that is no JSON .* `hello there`": b"hello there\n",
    "binary data that begins with 00 01": bytes(range(256)) * 40,
    "an SQLite database": b"SQLite format 3\0" + bytes(100),
}


@pytest.mark.parametrize("message", KINDS)
@pytest.mark.parametrize("allow_damaged", [False, True])
def test_refused_by_name(tmp_path: Path, message: str, allow_damaged: bool) -> None:
    path = tmp_path / "given.zst"
    path.write_bytes(KINDS[message])
    with pytest.raises(FormatError, match=message) as refusal:
        list(SubmissionReader(path, allow_damaged=allow_damaged))
    assert str(path) in str(refusal.value)


def rows_of(path: Path, data: bytes) -> list[twin.Row]:
    path.write_bytes(data)
    return [row for batch in SubmissionReader(path) for row in batch.to_pylist()]


@pytest.mark.parametrize(
    "text",
    [
        LINE.rstrip(),
        LINE.replace(b"\n", b"\r\n") * 3,
        b"\n\n" + LINE + b"\n  \t\r\n" + LINE + b"\n\n",
        b"\xef\xbb\xbf" + LINE * 2,
        LINE + b"\xef\xbb\xbf" + LINE,
        bytes(29_876) + LINE * 3,
        LINE + bytes(3_000_000) + LINE + bytes(5) + b"\n" + bytes(7) + b" \n" + LINE,
        LINE + LINE[:40],
        LINE[40:] + LINE * 5,
        LINE + COMMENT + LINE * 3,
    ],
    ids=range(10),
)
def test_odd_but_readable(tmp_path: Path, text: bytes) -> None:
    rows = rows_of(tmp_path / "dump", text)
    assert rows == twin.read(text)
    assert sum(row["status"] == 0 for row in rows) > 0


def test_nul_bytes_longer_than_a_line_may_be(tmp_path: Path) -> None:
    text = LINE + bytes(_core.MAX_LINE_BYTES + 5_000_000) + LINE
    rows = rows_of(tmp_path / "dump", text)
    assert [row["status"] for row in rows] == [0, 0]


def test_line_limit(tmp_path: Path) -> None:
    """A line of the limit is read, one more byte is damaged, and the lines around it stay."""
    frame = b'{"id":"a","url":"http://x.example/","title":""}'
    limit = _core.MAX_LINE_BYTES
    fits = frame.replace(b'""', b'"' + b"x" * (limit - len(frame)) + b'"')
    assert len(fits) == limit
    over = fits.replace(b"xx", b"xxx", 1)
    huge = b'{"id":"' + b"y" * (3 * limit)
    rows = rows_of(tmp_path / "dump", b"\n".join([LINE + fits, over, fits, huge, LINE]))
    assert [row["status"] for row in rows] == [0, 0, 1, 0, 1, 0]
    assert [row["line"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[1]["url"] == "http://x.example/"


def test_text_of_a_batch_is_bounded(tmp_path: Path) -> None:
    """Long fields end a batch before its rows do."""
    line = json.dumps({"id": "a", "url": "http://x.example/" + "u" * 1_000_000}).encode() + b"\n"
    path = tmp_path / "dump"
    path.write_bytes(LINE * 200 + line * 60)
    sizes = [batch.nbytes for batch in SubmissionReader(path)]
    assert len(sizes) > 3
    assert max(sizes) < 20_000_000


def test_one_line_without_an_end_is_no_blank_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + LINE.rstrip() + (b"," + LINE.rstrip()) * 400_000 + b"]")
    with pytest.raises(FormatError, match="a JSON array"):
        list(SubmissionReader(path))
