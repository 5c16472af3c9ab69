"""The URL key: a table of pairs, laws over arbitrary text, and the short way against the parser."""

import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtext_py.url.key import _SIMPLE, _key_of_any, fetch_url, url_key, url_keys
from webtext_py.url.list_file import read_list

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

_HOSTS = st.sampled_from(
    [
        "example.com",
        "www.example.com",
        "www.www.example.co.uk",
        "WWW.Example.COM.",
        "m.youtube.com",
        "www.m.wikipedia.org",
        "en.m.wikipedia.org",
        "foo.blogspot.de",
        "www.blogspot.de",
        "www.gov.uk",
        "www.com",
        "xn--bcher-kva.example",
        "bücher.example",
        "xn--a",
        "1.2.3",
        "www.1.2.3.4",
        "0x7f.1",
        "[::1]",
        "a..b",
        "localhost",
        "www.localhost",
        "under_score.example.com",
        "-a.b-.com",
        "%65xample.com",
        "ｅｘａｍｐｌｅ.com",
        "ex\u00adample.com",
    ]
)
_PIECES = st.sampled_from(
    [
        *"/?#&=%.;:@!'+~-_*()[]|\\^`{}\"<>, \t\n\x00aZ09é中\U0001f600",
        *["/.", "/..", "/%2e", "%2E%2e", "%41", "%%341", "%25", "%c3%A9", "%7e", "%zz", "//", "#!"],
        *[";jsessionid=AB12", "utm_source=x", "fbclid=1", "&amp;utm_x=1", "a=1", "b=2", "www."],
    ]
)
_SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "http:", "https:\\\\", " http:///"])
_PORTS = st.sampled_from(["", "", "", ":80", ":443", ":8080", ":", ":65536"])
_USERS = st.sampled_from(["", "", "", "user@", "u:p@", "a@b@", "%40:x@"])


@st.composite
def urls(draw: st.DrawFn) -> str:
    """URLs as strangers write them: every part may be odd."""
    tail = "".join(draw(st.lists(_PIECES, max_size=12)))
    slash = draw(st.sampled_from(["", "/"]))
    return f"{draw(_SCHEMES)}{draw(_USERS)}{draw(_HOSTS)}{draw(_PORTS)}{slash}{tail}"


_NAMES = st.text("abcxyzABC_-.0", min_size=1, max_size=4)
_VALUES = st.text("abc019%4~+/:é", max_size=5)


def _pairs() -> list[tuple[str, str, str, str]]:
    lines = (FIXTURES / "url_pairs.tsv").read_text(encoding="utf-8").splitlines()
    rows = [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 4 for row in rows)
    return rows[1:]  # type: ignore[return-value]


def test_two_hundred_pairs() -> None:
    rows = _pairs()
    wrong = []
    for a, b, verdict, why in rows:
        key_a, key_b = url_key(a), url_key(b)
        assert key_a is not None, a
        assert key_b is not None, b
        assert verdict in ("same", "different"), verdict
        if (key_a == key_b) != (verdict == "same"):
            wrong.append((a, b, verdict, why, key_a, key_b))
    assert not wrong
    assert len(rows) >= 200
    assert len({frozenset(row[:2]) for row in rows}) == len(rows)
    assert sum(row[2] == "different" for row in rows) >= 80


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("HTTPS://User:Pass@WWW.Example.COM.:443/a/../b", "http://example.com/b"),
        ("http://example.com", "http://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://Bücher.example/ä?ö=ü#ß", "http://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://x.example/?b=2&a=1&utm_source=z", "http://x.example/?a=1&b=2"),
        ("http://x.example/#!/a b", "http://x.example/#!/a%20b"),
        ("http://[0:0::1]:80/", "http://[::1]/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("  http://x.exa\nmple/\t", "http://x.example/"),
        ("http:\\\\x.example\\a", "http://x.example/a"),
    ],
)
def test_key_is_written_so(url: str, key: str) -> None:
    assert url_key(url) == key


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "example.com/a",
        "//example.com/",
        "/r/pics",
        "ftp://example.com/",
        "mailto:a@example.com",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://",
        "http://?a",
        "http://a..b/",
        "http://.example.com/",
        "http://example.com../",
        "http://exa mple.com/",
        "http://1.2.3.400/",
        "http://[::g]/",
        "http://{/",
        "http://a!b.example/",
        "http://example.com:99999/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 127}example/",
    ],
)
def test_what_cannot_be_fetched_has_no_key(url: str) -> None:
    assert url_key(url) is None
    assert fetch_url(url) is None


def test_lone_surrogates_are_replaced_as_the_standard_says() -> None:
    assert url_key("http://x.example/\ud83d") == "http://x.example/%EF%BF%BD"


@pytest.mark.parametrize(
    ("path", "tidy"),
    [
        ("/a;jsessionid=1;b=2", "/a;b=2"),
        ("/a;b=2;jsessionid=1!-2.x", "/a;b=2"),
        ("/a;jsessionid=1;jsessionid=2/c;JSessionID=3", "/a/c"),
        ("/;jsessionid=1", "/;jsessionid=1"),
        ("/..;jsessionid=1/b", "/..;jsessionid=1/b"),
        ("/a.;jsessionid=1", "/a."),
        ("/a;jsessionid=", "/a;jsessionid="),
        ("/a;jsessionid=1%2F2", "/a;jsessionid=1%2F2"),
        ("/a;xjsessionid=1", "/a;xjsessionid=1"),
    ],
)
def test_session_ids(path: str, tidy: str) -> None:
    assert url_key(f"http://x.example{path}") == f"http://x.example{tidy}"


@pytest.mark.parametrize(
    "piece", [";jsessionid=a", "a&", "amp;", "%", "/", "../a/", "a.", "@", "é"]
)
def test_long_urls_have_keys_too(piece: str) -> None:
    # With time by the square of the length few would come back.
    url = f"http://x.example/a?{piece * (100_000 // len(piece))}"
    for long in (url, url.replace("?", "", 1)):
        key = url_key(long)
        assert key is not None
        assert url_key(key) == key


def test_fetch_url_is_the_serialisation() -> None:
    url = "HTTP://www.Example.com:80/a/../b c?utm_source=x&b=%7e&a=1#top"
    assert fetch_url(url) == "http://www.example.com/b%20c?utm_source=x&b=%7e&a=1#top"


@given(st.one_of(st.text(), st.text().map("http://".__add__), urls()))
@example("http://a/%%341")
@example("http://a/..;jsessionid=1")
@example("https://a:80/")
@example("http://www.www.com/")
def test_key_of_a_key_is_itself(url: str) -> None:
    key = url_key(url)
    assert (key is None) == (fetch_url(url) is None)
    if key is not None:
        assert url_key(key) == key
        assert key.isascii()
        assert not set(key) & set(' \t\n"<>\\^`{|}')
        assert url_key(fetch_url(url) or "") == key


@given(st.one_of(st.text(), urls()))
def test_short_way_equals_the_parser(url: str) -> None:
    assert url_key(url) == _key_of_any(url)


_SIMPLE_TAIL = st.text("abZ09._~!*'()$&+,;=:@/?#-", max_size=20)


@given(_HOSTS, _SIMPLE_TAIL, st.sampled_from(["", "/"]))
def test_short_way_equals_the_parser_where_it_is_taken(host: str, tail: str, slash: str) -> None:
    url = f"https://{host}{slash}{tail}"
    if _SIMPLE.fullmatch(url):
        assert url_key(url) == _key_of_any(url)


_TRACKERS = [row[0].replace("*", "x") for row in read_list("tracking_params") if len(row) == 1]


@given(urls(), st.sampled_from(_TRACKERS), st.sampled_from(["", "=", "=1", "=a%20b"]), st.randoms())
def test_tracking_parameters_change_nothing(
    url: str, name: str, value: str, random_source: random.Random
) -> None:
    key = url_key(url)
    if key is None:
        return
    page, mark, fragment = key.partition("#")
    path, _, query = page.partition("?")
    parameters = query.split("&") if query else []
    for spelling in (name, name.upper(), f"amp;{name}"):
        tracked = parameters.copy()
        tracked.insert(random_source.randint(0, len(tracked)), spelling + value)
        assert url_key(f"{path}?{'&'.join(tracked)}{mark}{fragment}") == key


@given(st.lists(st.tuples(_NAMES, _VALUES), unique_by=lambda pair: pair[0]), st.randoms())
def test_order_of_parameters_changes_nothing(
    pairs: list[tuple[str, str]], random_source: random.Random
) -> None:
    parameters = [f"{name}={value}" for name, value in pairs]
    shuffled = parameters.copy()
    random_source.shuffle(shuffled)
    assert url_key(f"http://x.example/?{'&'.join(shuffled)}") == url_key(
        f"http://x.example/?{'&'.join(parameters)}"
    )


@given(st.lists(st.tuples(_NAMES, st.text("abc01", max_size=3)), max_size=5))
def test_no_other_parameter_is_lost(pairs: list[tuple[str, str]]) -> None:
    key = url_key("http://x.example/?" + "&".join(f"{name}={value}" for name, value in pairs))
    assert key is not None
    query = key.partition("?")[2]
    assert sorted(query.split("&") if query else []) == sorted(
        f"{name}={value}" for name, value in pairs
    )


@pytest.mark.parametrize(
    "name", ["id", "cid", "p", "v", "source", "ref", "page", "q", "t", "s", "story", "tag", "src"]
)
def test_parameters_that_select_content_stay(name: str) -> None:
    assert url_key(f"http://x.example/a?{name}=1") == f"http://x.example/a?{name}=1"


def test_column_equals_one_by_one() -> None:
    values = ["http://www.example.com", None, "ftp://x", "https://example.com/#a", ""]
    for kind in (pa.string(), pa.large_string()):
        keys = url_keys(pa.array(values, kind))
        assert keys.type == kind
        assert keys.to_pylist() == ["http://example.com/", None, None, "http://example.com/", None]
    assert url_keys(pa.array([], pa.string())).to_pylist() == []
