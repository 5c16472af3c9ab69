"""HTML escapes of posted URLs: Reddit's three, and no other."""

import html

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.url.escape import html_unescape, unescape

TABLE = [
    ("http://x/?a=1&amp;b=2", "http://x/?a=1&b=2"),
    ("http://x/?a=1&amp;amp;b=2", "http://x/?a=1&b=2"),
    ("http://x/?a=1&amp;lt;b", "http://x/?a=1&lt;b"),
    ("http://x/&lt;a&gt;", "http://x/<a>"),
    ("http://x/?a=1&copy=2&lang=en&lt=3&reg=4", "http://x/?a=1&copy=2&lang=en&lt=3&reg=4"),
    ("http://x/?a&amp=1", "http://x/?a&amp=1"),
    ("http://x/?a&quot;&#39;", "http://x/?a&quot;&#39;"),
    ("http://x/?amp;b", "http://x/?amp;b"),
    ("", ""),
]


@pytest.mark.parametrize(("escaped", "plain"), TABLE)
def test_table(escaped: str, plain: str) -> None:
    assert unescape(escaped) == plain


def test_parameter_names_are_not_taken_for_characters() -> None:
    url = "http://x/?a=1&copy=2"
    assert html.unescape(url) != url  # what the standard library would do to it
    assert unescape(url) == url


def test_column_equals_one_by_one() -> None:
    for kind in (pa.string(), pa.large_string()):
        column = pa.array([*(escaped for escaped, _ in TABLE), None], kind)
        result = html_unescape(column)
        assert result.type == kind
        assert result.to_pylist() == [*(plain for _, plain in TABLE), None]


def test_column_without_escapes_is_not_copied() -> None:
    column = pa.array(["http://x/?a=1&b=2", None])
    assert html_unescape(column) is column


@given(st.lists(st.text("a&;amplgt<>#", max_size=12)))
def test_column_law(values: list[str]) -> None:
    assert html_unescape(pa.array(values, pa.string())).to_pylist() == [
        unescape(value) for value in values
    ]


@given(st.text("ab&<>=?/", max_size=12))
def test_undoes_what_reddit_does(url: str) -> None:
    escaped = url.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert unescape(escaped) == url
