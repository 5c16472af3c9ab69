"""One judge of content types: the index and the extractor agree about the same answers."""

import time
from pathlib import Path

import pytest

from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.content import declared, other_than_html
from webtext_py.pages.http import first_value
from webtext_py.text import rules
from webtext_py.text.page import Page

PAGE = b"<!DOCTYPE html><html><head><title>t</title></head><body><p>text</p></body></html>"
XHTML = (
    b'<?xml version="1.0"?>\n<!-- x -->\n<html xmlns="http://www.w3.org/1999/xhtml"><p>x</p></html>'
)
RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title></channel></rss>'
ANSWERS = [
    ("text/html", PAGE, True),
    ("text/html, text/html", PAGE, True),
    ("text/html,charset=utf-8", PAGE, True),
    ("text/html charset=utf-8", PAGE, True),
    ("TEXT/HTML;charset=UTF-8", PAGE, True),
    ('"text/html"', PAGE, True),
    ("text/html;;", PAGE, True),
    (": text/html", PAGE, True),
    ("application/xhtml+xml", XHTML, True),
    ("application/octet-stream", PAGE, True),
    ("binary/octet-stream", b"\xef\xbb\xbf \n" + PAGE, True),
    ("application/octet-stream; charset=binary", PAGE, True),
    ("text/xml", XHTML, True),
    ("application/xml; charset=utf-8", XHTML, True),
    ("unknown/unknown", PAGE, True),
    ("*/*", PAGE, True),
    ("charset=utf-8", PAGE, True),
    ("html", PAGE, True),
    ("", PAGE, True),
    ("application/octet-stream", b"just <b>words</b> and <body >more", True),
    ("text/xml", RSS, False),
    ("application/xml", b'<?xml version="1.0"?><urlset><url/></urlset>', False),
    ("application/octet-stream", b"%PDF-1.4 <html> <p>", False),
    ("application/octet-stream", b'{"html": "<html><body><p>x"}', False),
    ("application/octet-stream", b"\x00\x01\x02", False),
    ("", b"words alone", False),
    ("text/plain", PAGE, False),
    ("text/plain, text/html", PAGE, False),
    ("application/rss+xml", RSS, False),
    ("image/png", PAGE, False),
]


@pytest.mark.parametrize(("kind", "body", "is_page"), ANSWERS)
def test_index_and_extractor_agree(tmp_path: Path, kind: str, body: bytes, is_page: bool) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + body
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    path = tmp_path / "in.warc"
    path.write_bytes(head.encode() + block + b"\r\n\r\n")
    [container] = list_containers([str(path)])
    [capture] = scan_container(container)
    assert capture.outcome == ("good" if is_page else "not_html")
    [(_, payload)] = read_captures(container, [capture.location])
    page = Page("http://a.example/", payload.body, first_value(payload.headers, "content-type"))
    reason = rules.no_page(page, 1 << 20)
    assert reason is None or not is_page or reason == "empty"


def test_what_a_type_says() -> None:
    assert declared(None) == declared("nothing") == declared(";") == "unknown"
    assert declared("image/PNG; x=text/html") == "image/png"


@pytest.mark.parametrize(
    "unit",
    [b"<!---->", b"<!--", b"<?xml >", b" ", b"<", b"<html", b"<!doctype ", b"<rss", b"\x00", b"<p"],
)
@pytest.mark.parametrize("said", [False, True])
def test_looking_at_a_megabyte_takes_no_time(unit: bytes, said: bool) -> None:
    body = unit * ((1 << 20) // len(unit))
    began = time.process_time()
    other_than_html(body, said=said)
    assert time.process_time() - began < 0.5
