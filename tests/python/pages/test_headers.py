"""Record headers, HTTP heads and dates as real crawlers wrote them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from webtext_py.pages import arc, warc
from webtext_py.pages.archive import Capture, read_captures, scan_container
from webtext_py.pages.dates import parse_date
from webtext_py.pages.http import is_html, join_location, parse_head
from webtext_py.pages.kinds import Container

DATES = [
    ("2008-04-30T20:48:25Z", "2008-04-30T20:48:25"),
    ("2017-03-06T04:02:06.123456789Z", "2017-03-06T04:02:06.123456"),
    ("2008-10-294T05:21:46-0700", "2008-10-20T12:21:46"),  # ClueWeb09: day of the year
    ("2009-03-65T08:43:19-0800", "2009-03-06T16:43:19"),
    ("2009-03-65T08:43:19", "2009-03-06T08:43:19"),
    ("20140216050221", "2014-02-16T05:02:21"),
    ("201402160502", "2014-02-16T05:02:00"),
    ("2014-02-16", "2014-02-16T00:00:00"),
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
    ("2014-02-16T05:02:21+05:30", "2014-02-15T23:32:21"),
    ("", None),
    ("yesterday", None),
    ("2014-13-01T00:00:00Z", None),
    ("2014-02-400T00:00:00Z", None),
    ("20141399000000", None),
    ("0000-00-00T00:00:00Z", None),
    ("２０１４-02-16", None),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_dates(text: str, expected: str | None) -> None:
    found = parse_date(text)
    if expected is None:
        assert found is None
    else:
        moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
        assert found == (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000


def test_warc_header_lines() -> None:
    header = warc.parse(
        b"WARC/0.18\r\nwarc-type: Response\r\nWARC-Target-URI: <http://a.example/x y>\r\n"
        b"no colon here\r\n: no name\r\nContent-Length : 12\r\nContent-Length: 99\r\n"
        b"X-Long: one\r\n\ttwo\r\n three\r\nWARC-Date:2017-01-01T00:00:00Z\r\n\r\n"
    )
    assert header is not None
    assert (header.kind, header.length, header.url) == ("response", 12, "http://a.example/x y")
    assert header.fields["x-long"] == "one two three"
    assert header.date == "2017-01-01T00:00:00Z"


def test_warc_header_without_folds_reads_the_same() -> None:
    lines = (
        b"WARC/1.1\nWARC-Type: response\nWARC-Target-URI: http://a.example/\nContent-Length: 7\n"
    )
    plain = warc.parse(lines + b"\n")
    folded = warc.parse(lines + b"X-A: b\n c\n\n")
    assert plain is not None
    assert folded is not None
    assert folded.fields.pop("x-a") == "b c"
    assert plain == folded


@pytest.mark.parametrize("length", ["", "x", "-1", "1e3", "9" * 19, "１２"])
def test_warc_length_that_is_none(length: str) -> None:
    header = warc.parse(f"WARC/1.0\r\nWARC-Type: x\r\nContent-Length: {length}\r\n\r\n".encode())
    assert header is not None
    assert header.length is None


def test_blank_line_inside_a_warc_header() -> None:
    data = b"WARC/0.18\r\nWARC-Type: response\r\n\nWARC-Date: x\r\nContent-Length: 3\r\n\r\nabc"
    end, _ = warc.header_end(data, 0)
    assert data[end:] == b"abc"


ARC_LINES = [
    (
        "http://example.com/ 93.184.216.119 20140216050221 text/html 1591",
        ("http://example.com/", "20140216050221", "text/html", None, 1591),
    ),
    (
        "http://example.com/a b 1.2.3.4 20140216050221 text/html; charset=utf-8 7",
        ("http://example.com/a b", "20140216050221", "text/html; charset=utf-8", None, 7),
    ),
    (
        "http://example.com/ 1.2.3.4 19970101000000 text/html 200 abcd - 120 x.arc.gz 9",
        ("http://example.com/", "19970101000000", "text/html", 200, 9),
    ),
    (
        "dns:example.com 1.2.3.4 19970101000000 text/dns 50",
        ("dns:example.com", "19970101000000", "text/dns", None, 50),
    ),
    (
        "http://example.com/ 1.2.3.4 19970101000000 no-type 9",
        ("http://example.com/", "19970101000000", "", None, 9),
    ),
    ("http://example.com/ 1.2.3.4 199701 text/html 9", None),
    ("example.com 1.2.3.4 19970101000000 text/html 9", None),
    ("http://example.com/ 1.2.3.4 19970101000000 text/html nine", None),
    ("HTTP/1.1 200 OK", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "expected"), ARC_LINES)
def test_arc_lines(line: str, expected: tuple[object, ...] | None) -> None:
    header = arc.parse(line.encode() + b"\n")
    if expected is None:
        assert header is None
        assert not arc.begins(line.encode() + b"\n")
    else:
        assert header is not None
        assert (
            header.url,
            header.date,
            header.content_type,
            header.status,
            header.length,
        ) == expected
        assert arc.begins(b"\n" + line.encode() + b"\nrest")


def test_http_heads() -> None:
    head = parse_head(
        b"HTTP/1.1 200\r\nA: b\r\nbroken line\r\nFold: x\r\n  y\r\nL\xe9: \xe9\r\nE:\r\n\r\nbody"
    )
    assert head is not None
    assert (head.status, head.headers) == (200, [("A", "b"), ("Fold", "x y"), ("E", "")])
    mixed = parse_head(b"HTTP/1.0 404 Not Found\nA: \xc3\xa9\n\r\nbody")
    assert mixed is not None
    assert (mixed.status, mixed.headers, mixed.body) == (404, [("A", "é")], 31)
    interim = parse_head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx")
    assert interim is not None
    assert interim.status == 200
    assert parse_head(b"HTTP/1.1 200 OK\r\nA: b") is not None
    for other in (
        b"",
        b"<html>",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/" * 300_000,
    ):
        assert parse_head(other) is None


def test_html_by_type_and_by_bytes() -> None:
    for kind in (
        "text/html",
        "TEXT/HTML; charset=x",
        "application/xhtml+xml",
        "text/html,text/html",
    ):
        assert is_html(kind, [], b"")
    for kind in ("text/plain", "image/png", "application/json"):
        assert not is_html(kind, [], b"<html>")
    for kind in (None, "", ";charset=utf-8"):
        assert is_html(kind, [], b"\xef\xbb\xbf \n<!-- x --><!DOCTYPE  html>")
        assert not is_html(kind, [], b"%PDF-1.4 <html>")
        assert not is_html(kind, [], b"")


def test_redirect_targets() -> None:
    base = "http://a.example/b/c?d"
    assert join_location(base, "/x") == "http://a.example/x"
    assert join_location(base, "//other.example") == "http://other.example/"
    assert join_location(base, "../é") == "http://a.example/%C3%A9"
    for bad in ("http://[::1", "javascript:alert(1)", "mailto:a@b.example", "http://"):
        assert join_location(base, bad) is None


def _record(kind: str, fields: str, block: bytes) -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\n{fields}Content-Length: {len(block)}\r\n\r\n"
    return head.encode() + block + b"\r\n\r\n"


URL = "WARC-Target-URI: http://a.example/\r\n"
HTTP = "Content-Type: application/http\r\n"
OUTCOMES = [
    ("good", "response", URL, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>"),
    ("good", "response", URL, b"HTTP/1.1 206 OK\r\n\r\n<html>"),
    ("good", "resource", URL + "Content-Type: text/html\r\n", b"<p>"),
    ("not_html", "response", URL, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n<p>"),
    ("http_error", "response", URL, b"HTTP/1.1 404 no\r\nContent-Type: text/html\r\n\r\n<p>"),
    ("http_error", "response", URL, b"HTTP/1.1 304 no\r\nLocation: /x\r\n\r\n"),
    ("http_error", "response", URL, b"HTTP/1.1 302 no\r\nLocation: mailto:x\r\n\r\n"),
    ("http_error", "response", URL, b"HTTP/1.1 302 no\r\n\r\n"),
    ("redirect", "response", URL, b"HTTP/1.1 302 no\r\nLocation: /x\r\n\r\n"),
    ("http_error", "response", URL, b"HTTP/1.1 300 choose\r\nLocation: /x\r\n\r\n"),
    ("no_http_headers", "response", URL, b"<p>HTTP/0.9"),
    ("not_http", "response", "WARC-Target-URI: dns:a.example\r\n", b"2017 1.2.3.4"),
    ("not_http", "response", "", b"HTTP/1.1 200 OK\r\n\r\n<html>"),
    ("revisit", "revisit", URL, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
    ("revisit", "revisit", URL, b""),
    ("too_large", "response", URL, b"HTTP/1.1 200 OK\r\n\r\n<html>" + b"x" * 5000),
    (
        "not_html",
        "response",
        URL,
        b"HTTP/1.1 200 OK\r\nContent-Type: video/x\r\n\r\n" + b"x" * 5000,
    ),
]


@pytest.mark.parametrize(("outcome", "kind", "fields", "block"), OUTCOMES)
def test_outcomes(tmp_path: Path, outcome: str, kind: str, fields: str, block: bytes) -> None:
    path = tmp_path / "a.warc"
    fields += "WARC-Date: 2017-01-01T00:00:00Z\r\n"
    path.write_bytes(_record(kind, fields, block) * 2)
    scan = scan_container(Container(str(path), "warc"), max_payload_bytes=4096)
    assert [capture.outcome for capture in scan] == [outcome] * 2
    assert scan.damage == []


def _captures(path: Path, data: bytes) -> list[Capture]:
    path.write_bytes(data)
    return list(scan_container(Container(str(path), "warc")))


def test_digest_is_kept_or_computed(tmp_path: Path) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello"
    # sha1("hello"), by `printf hello | sha1sum` and `base32`
    sha1 = "sha1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N"
    hexadecimal = "SHA1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
    for recorded in (
        "",
        f"WARC-Payload-Digest: {sha1}\r\n",
        f"WARC-Payload-Digest: {hexadecimal}\r\n",
    ):
        [capture] = _captures(tmp_path / "a.warc", _record("response", URL + recorded, block))
        assert capture.payload_digest == sha1
    [capture] = _captures(
        tmp_path / "a.warc", _record("response", URL + "WARC-Payload-Digest: md5:x\r\n", block)
    )
    assert capture.payload_digest == "md5:x"


def test_revisit_names_what_it_refers_to(tmp_path: Path) -> None:
    fields = (
        URL + "WARC-Refers-To-Target-URI: <http://b.example/>\r\n"
        "WARC-Refers-To-Date: 1970-01-01T00:00:02Z\r\nWARC-Payload-Digest: sha1:ABC\r\n"
    )
    [capture] = _captures(tmp_path / "a.warc", _record("revisit", fields, b""))
    assert (capture.refers_to_uri, capture.refers_to_date) == ("http://b.example/", 2_000_000)
    assert capture.payload_digest == "sha1:ABC"


@pytest.mark.parametrize(
    ("fields", "block", "truncated"),
    [
        ("", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", False),
        ("", b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n<html>", True),
        ("WARC-Truncated: length\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>", True),
        ("WARC-Segment-Number: 1\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>", True),
    ],
)
def test_truncated_payloads(tmp_path: Path, fields: str, block: bytes, truncated: bool) -> None:
    path = tmp_path / "a.warc"
    captures = _captures(path, _record("response", URL + fields, block))
    [(_, payload)] = read_captures(Container(str(path), "warc"), [c.location for c in captures])
    assert (payload.body, payload.truncated) == (b"<html>", truncated)
