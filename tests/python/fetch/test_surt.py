"""Keys of web archives' indexes, beside those that the `surt` package gave."""

import pytest

from webtext_py.fetch.surt import surt_key

# Made with surt 0.3.1 (`surt.surt`), which differs on 0.1 % of the URLs of real submissions.
TABLE = [
    ("http://www.example.com/", "com,example)/"),
    ("https://WWW2.Example.com:443/A/B/?b=2&a=1", "com,example)/a/b?a=1&b=2"),
    ("http://news.bbc.co.uk/1/hi/world/4660391.stm", "uk,co,bbc,news)/1/hi/world/4660391.stm"),
    ("http://example.com/a%2fb//c", "com,example)/a/b/c"),
    ("http://example.com/?PHPSESSID=0123456789abcdef0123456789abcdef&x=1", "com,example)/?x=1"),
    ("http://213.251.145.96/mass-mirror.html", "96,145,251,213)/mass-mirror.html"),
    ("http://example.com:8080/x", "com,example:8080)/x"),
    ("http://www.smartmoney.com/news/ON/?story=ON-1&", "com,smartmoney)/news/on?&story=on-1"),
    ("http://x.com/a.htm?y=y&bounce=y&bounce2=y", "com,x)/a.htm?bounce=y&bounce2=y&y=y"),
]


@pytest.mark.parametrize(("url", "key"), TABLE)
def test_known_keys(url: str, key: str) -> None:
    assert surt_key(url) == key


@pytest.mark.parametrize("url", ["ftp://example.com/", "mailto:a@b", "http://", "http://[::1"])
def test_other_urls_have_none(url: str) -> None:
    assert surt_key(url) is None
