"""Throws odd URLs at keys, rules and lookups.

Promises: no exception; a key is itself a URL and the key of itself; the short way to a key gives
what the parser gives; a URL has a key exactly if it can be fetched, and its key is judged as it is.

Usage: url.py [--seconds 60] [--seed 1] [--all]
"""

import random
from pathlib import Path

import pyarrow as pa
from fuzzing import run

from webtext_py.fetch.surt import surt_key
from webtext_py.pages.http import is_web_url, join_location
from webtext_py.url import key as keys
from webtext_py.url.escape import html_unescape, unescape
from webtext_py.url.host import registrable_domain
from webtext_py.url.key import fetch_url, url_key, url_keys
from webtext_py.url.rules import REASONS, UrlRules

SCHEMES = ["http://", "https://", "HTTP://", "http:", "http:/\\", "ftp://", "//", "", " http://"]
HOSTS = ["a.example", "www.B.example", "127.1", "0x7f.1", "[::1]", "[::ffff:1.2.3.4]", "1.2.3.4."]
HOSTS += [
    "xn--mnchen-3ya.example",
    "m\u00fcnchen.example",
    "a..b",
    "-",
    "com",
    "co.uk",
    "\u3002",
    "a%41",
]
HOSTS += [
    "youtu.be",
    "m.youtube.com",
    "en.wikipedia.org",
    "user:pw@a.example",
    "\u2100.example",
    "x" * 70,
]
PORTS = ["", "", "", ":80", ":443", ":8080", ":0", ":65536", ":x", ":"]
PATHS = [
    "",
    "/",
    "/a/../b",
    "/./%2e%2E/",
    "//x",
    "/a;jsessionid=1F",
    "/%zz%",
    "/%41%7e",
    "/\\x",
    "/é",
]
PATHS += [
    "/a b",
    "/x.jpg",
    "/x.PDF?",
    "/wiki/File:Map.png",
    "/%ff%00",
    "/\ud800",
    "/a\tb\n",
    "/'()*~!",
]
QUERIES = [
    "",
    "",
    "?",
    "?a=1&b=2",
    "?b=2&a=1",
    "?utm_source=x&a",
    "?a=&&b",
    "?q=%zz'\"<>",
    "?fbclid=1",
]
QUERIES += [
    "?a=1;b=2",
    "?%75tm_source=1",
    "?a[]=1",
    "?v=x&feature=y",
    "?" + "a&" * 300,
    "?\u00e9=\ud83d",
]
FRAGMENTS = ["", "", "#", "#x", "#!a", "#!", "#!\u00e9%zz"]
NOISE = '\0\t\n "#%/:<>?@[\\]^`{|}~\x7f\x80\u00ad\u200b\u202e\ufeff\ufffd\U0001f600&;=+.,-_aZ09'
RULES = UrlRules.default()


def url_of(generator: random.Random) -> str:
    """A URL, or what somebody took for one."""
    parts = [SCHEMES, HOSTS, PORTS, PATHS, QUERIES, FRAGMENTS]
    chosen = [generator.choice(part) for part in parts]
    if generator.random() < 0.7:
        chosen[0] = generator.choice(SCHEMES[:2])
    made = "".join(chosen)
    for _ in range(generator.choice([0, 0, 0, 1, 20])):
        at = generator.randrange(len(made) + 1)
        if generator.random() < 0.5:
            made = made[:at] + generator.choice(NOISE) + made[at:]
        else:
            made = made[:at] + made[at + generator.choice([1, 4]) :]
    return made * (2000 if generator.random() < 0.002 else 1)


def one(generator: random.Random, folder: Path) -> str:
    """A hundred URLs; returns whether most of them had keys."""
    urls = [url_of(generator) for _ in range(100)]
    found = 0
    for url in urls:
        key = url_key(url)
        assert key == keys._key_of_any(url), f"{url!r}: two ways, two keys"
        assert (key is None) == (fetch_url(url) is None), f"{url!r}: a key and no page, or no key"
        join_location(url, generator.choice(urls))
        join_location("http://a.example/b", url)
        is_web_url(url)
        undone = unescape(url)
        assert undone == unescape(url)
        if key is None:
            continue
        found += 1
        assert url_key(key) == key, f"{url!r}: the key of {key!r} is {url_key(key)!r}"
        assert key.isascii(), f"{url!r}: {key!r}"
        assert not set(key) & set(' \t\r\n"<>'), f"{url!r}: {key!r}"
        fetched = fetch_url(url)
        assert fetched is not None
        assert url_key(fetched) == key, f"{url!r}: fetched as {fetched!r}"
        surt_key(fetched)
        reason = RULES.reason(key)
        assert reason is None or reason in REASONS
        assert reason == RULES.reason(url), f"{url!r}: its key is judged otherwise"
        registrable_domain(key.split("/")[2])
    clean = [url.encode("utf-8", "replace").decode() for url in urls]
    column = url_keys(pa.array(clean))
    assert column.to_pylist() == [url_key(url) for url in clean]
    assert html_unescape(pa.array(clean)).to_pylist() == [unescape(url) for url in clean]
    return "most have keys" if found > 50 else "few have keys"


if __name__ == "__main__":
    run(__doc__, one)
