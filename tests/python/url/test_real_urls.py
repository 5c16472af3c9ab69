"""The key over real posted URLs: no crash, idempotent, the short way true, merges as looked at."""

import json
import lzma
from collections import defaultdict
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from webtext_py.url.escape import html_unescape
from webtext_py.url.key import _SIMPLE, _key_of_any, fetch_url, url_key, url_keys
from webtext_py.url.rules import UrlRules


def _lines(folder: Path) -> Iterator[str]:
    for name in ("RS_v2_2005-06.xz", "RS_v2_2005-07.xz"):
        with lzma.open(folder / name, "rt", encoding="utf-8") as file:
            yield from file
    with (folder / "derived" / "top2013.ndjson.zst").open("rb") as raw:
        stream = zstandard.ZstdDecompressor().stream_reader(raw)
        yield from TextIOWrapper(stream, encoding="utf-8")


@pytest.fixture(scope="module")
def posted(shared_data: Path) -> pa.Array:
    """The URLs of all link posts of the dumps, unescaped."""
    lines = (json.loads(line) for line in _lines(shared_data / "reddit"))
    return html_unescape(pa.array([line["url"] for line in lines if not line["is_self"]]))


def test_keys(posted: pa.Array) -> None:
    assert len(posted) == 103 + 1_079 + 30_967
    keys = url_keys(posted)
    urls = posted.to_pylist()
    without = [url for url, key in zip(urls, keys.to_pylist(), strict=True) if key is None]
    assert without == ["ftp://ftp.heise.de/pub/ct/dokument/ct8312.pdf"]
    assert url_keys(keys).equals(keys)
    assert [_key_of_any(url) for url in urls] == keys.to_pylist()
    assert [url_key(fetch_url(url) or "") for url in urls] == keys.to_pylist()
    assert sum(_SIMPLE.fullmatch(url) is not None for url in urls) > 0.98 * len(urls)


def test_merges_are_those_that_were_looked_at(posted: pa.Array) -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    for url, key in zip(posted.to_pylist(), url_keys(posted).to_pylist(), strict=True):
        groups[key].add(url)
    merged = [urls for urls in groups.values() if len(urls) > 1]
    # Each group was read by eye: all are one page. A change of the rules or lists that moves these
    # numbers asks for the same again.
    assert (len(groups), len(merged), sum(map(len, merged))) == (31_742, 100, 204)


def test_reasons(posted: pa.Array) -> None:
    keys = url_keys(posted)
    rules = UrlRules.default()
    reasons = rules.reasons(keys)
    assert reasons.to_pylist() == [rules.reason(url) for url in posted.to_pylist()]
    counts = {item["values"]: item["counts"] for item in reasons.value_counts().to_pylist()}
    assert counts == {
        None: 17368,
        "media_host": 12099,
        "self_link": 1091,
        "media_file": 850,
        "wikipedia_host": 567,
        "not_html_file": 172,
        "shortener": 1,
        "not_http": 1,
    }
