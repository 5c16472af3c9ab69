"""robots.txt: what it forbids, what its absence means, and every real file read."""

import gzip
import json
import re
from pathlib import Path

import pytest

from webtext_py.fetch.limits import Limits
from webtext_py.fetch.optout import meta_opt_out
from webtext_py.fetch.robots import parse
from webtext_py.fetch.tdmrep import parse as parse_reservations
from webtext_py.fetch.tdmrep import reserves

from .fetching import fetch_all, fetch_one
from .server import Handler, Server, answer, page, redirect, site

PAGES = {"/open": answer(page("Open")), "/closed": answer(page("Closed"))}
CLOSED = b"User-agent: *\nDisallow: /closed\n"


def outcomes(handler: Handler) -> tuple[list[str], Server]:
    """How /open and /closed end."""
    with Server(handler) as server:
        base = f"http://site.test:{server.port}"
        found = fetch_all(f"{base}/open", f"{base}/closed")
    return [f.outcome for f in found], server


def test_forbidden_paths_are_not_asked_for() -> None:
    found, server = outcomes(site(PAGES, CLOSED))
    assert found == ["good", "robots"]
    asked = [r.target for r in server.requests]
    assert asked == ["/robots.txt", "/open", "/.well-known/tdmrep.json"]


@pytest.mark.parametrize(
    ("robots", "expected"),
    [
        (b"\xef\xbb\xbf" + CLOSED, ["good", "robots"]),
        (b"User-agent: webtext\nDisallow: /open\n\nUser-agent: *\nDisallow: /closed\n",
         ["robots", "good"]),
        (b"User-agent: other\nDisallow: /\n", ["good", "good"]),
        (b"User-agent: *\nDisallow: /\nAllow: /open\n", ["good", "robots"]),
        (b"# " + b"x" * (500 << 10) + b"\n" + CLOSED, ["good", "good"]),  # past 500 KiB
        (b"\x00\xff\xfe<html>no robots</html>", ["good", "good"]),
    ],
)  # fmt: skip
def test_rules(robots: bytes, expected: list[str]) -> None:
    assert outcomes(site(PAGES, robots))[0] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("404 Not Found", "good"),
        ("403 Forbidden", "good"),
        ("401 Unauthorized", "good"),
        ("500 Internal Server Error", "robots_unreachable"),
        ("503 Service Unavailable", "robots_unreachable"),
        ("429 Too Many Requests", "robots_unreachable"),
    ],
)
def test_status_of_the_file(status: str, expected: str) -> None:
    pages = {**PAGES}

    async def handle(request: object, reader: object, writer: object) -> None:
        if request.target == "/robots.txt":  # type: ignore[attr-defined]
            writer.write(answer(b"", status))  # type: ignore[attr-defined]
        else:
            writer.write(pages["/open"])  # type: ignore[attr-defined]

    with Server(handle) as server:  # type: ignore[arg-type]
        assert fetch_one(f"http://site.test:{server.port}/open").outcome == expected


def test_redirects_of_the_file() -> None:
    async def handle(request: object, reader: object, writer: object) -> None:
        target = request.target  # type: ignore[attr-defined]
        steps = {"/robots.txt": "/r1", **{f"/r{n}": f"/r{n + 1}" for n in range(1, last)}}
        if target in steps:
            writer.write(redirect(steps[target]))  # type: ignore[attr-defined]
        elif target == f"/r{last}":
            writer.write(answer(CLOSED, kind="text/plain"))  # type: ignore[attr-defined]
        else:
            writer.write(PAGES.get(target, answer(b"", "404 Not Found")))  # type: ignore[attr-defined]

    last = 5
    assert outcomes(handle)[0] == ["good", "robots"]  # type: ignore[arg-type]
    last = 6  # one too many: as if there were none
    assert outcomes(handle)[0] == ["good", "good"]  # type: ignore[arg-type]


def test_the_file_is_asked_for_again_when_it_is_old() -> None:
    with Server(site(PAGES, CLOSED)) as server:
        base = f"http://site.test:{server.port}"
        for age, times in ((3600.0, 1), (0.0, 3)):
            del server.requests[:]
            found = fetch_all(*[f"{base}/open"] * 3, robots_age_s=age)
            assert [f.outcome for f in found] == ["good"] * 3
            assert [r.target for r in server.requests].count("/robots.txt") >= times
            if age:
                assert [r.target for r in server.requests].count("/robots.txt") == 1
    assert Limits().robots_age_s <= 24 * 3600


def test_hostile_patterns_take_no_time() -> None:
    rules = parse(b"User-agent: *\n" + b"Disallow: /" + b"*a" * 2000 + b"b$\n" * 20)
    assert rules.permits("http://site.test/" + "a" * 2000)


def test_every_real_file_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "robots").glob("*.txt"))
    assert len(files) == 300
    differing = {}
    for file in files:
        rules = parse(file.read_bytes())
        ours = (not rules.permits("http://example.com/"), rules.delay_s)
        other = _by_standard_library(file)
        if ours != other:
            differing[file.name.removesuffix(".robots.txt")] = ours
    # Looked at by hand: the standard library takes the first of several `*` groups, whole seconds
    # without blanks behind them, and ends a group at an empty line; RFC 9309 does not.
    assert differing == {
        "clinicaltrials.gov": (False, 1.0),
        "www.bhg.com": (False, 0.5),
        "www.inc.com": (True, None),
        "www.mlbtraderumors.com": (False, 1.0),
        "www.ni.com": (False, 5.0),
        "www.redbull.com": (False, 5.0),
    }


def _by_standard_library(file: Path) -> tuple[bool, float | None]:
    """Whether the root is forbidden, and the delay, by another reader."""
    from urllib.robotparser import RobotFileParser

    parser = RobotFileParser()
    parser.parse(file.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff").splitlines())
    delay = parser.crawl_delay("webtext")
    closed = not parser.can_fetch("webtext", "http://example.com/")
    return closed, None if delay is None else float(delay)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-Robots-Tag: noindex", "opt_out"),
        ("X-Robots-Tag: nofollow, NOAI", "opt_out"),
        ("X-Robots-Tag: none", "opt_out"),
        ("X-Robots-Tag: webtext: noindex", "opt_out"),
        ("X-Robots-Tag: googlebot: noindex", "good"),
        ("X-Robots-Tag: max-snippet: 50, noindex", "opt_out"),
        ("X-Robots-Tag: nofollow", "good"),
        ("tdm-reservation: 1", "opt_out"),
        ("TDM-Reservation: 0", "good"),
    ],
)
def test_opt_out_by_header(header: str, expected: str) -> None:
    with Server(site({"/": answer(page("A"), headers=(header,))})) as server:
        result = fetch_one(f"http://site.test:{server.port}/")
    assert result.outcome == expected
    assert len(result.exchanges) == (expected == "good")  # nothing is kept


@pytest.mark.parametrize(
    ("tag", "refuses"),
    [
        (b'<meta name="robots" content="noindex,nofollow">', True),
        (b"<META CONTENT='noai' NAME='ROBOTS'/>", True),
        (b"<meta name=robots content=noindex>", True),
        (b'<meta name="webtext" content="noindex">', True),
        (b'<meta name="tdm-reservation" content="1">', True),
        (b'<meta name="tdm-reservation" content="0">', False),
        (b'<meta name="googlebot" content="noindex">', False),
        (b'<meta name="robots" content="index, follow">', False),
        (b'<!-- <meta name="robots" content="noindex"> -->', False),
        (b"<!--" * 30000, False),
    ],
)
def test_opt_out_by_meta_tag(tag: bytes, refuses: bool) -> None:
    assert (meta_opt_out(b"<html><head>" + tag + b"</head>") is not None) is refuses


@pytest.mark.parametrize(
    ("pattern", "path", "holds"),
    [
        ("/", "/any/path", True),
        ("/a", "/a/b", True),
        ("/a", "/b/a", False),
        ("/a$", "/a", True),
        ("/a$", "/a/b", False),
        ("/*.html", "/a/b.html", True),
        ("/*.html$", "/a/b.html?x", False),
        ("/*.html$", "/a.html/b.html", True),
        ("/a*b*c", "/a-b-c-d", True),
        ("/a*b*c", "/a-c-b", False),
        ("/a*b$", "/ab", True),
        ("/ab*b$", "/ab", False),
        ("/**$", "/a", True),
        ("/" + "*a" * 3000 + "b$", "/" + "a" * 5000, False),
        ("*", "/any/path", True),
        ("*.html$", "/a/b.html", True),
        ("*.html$", "/a/b.htm", False),
    ],
)
def test_locations_of_a_reservation(pattern: str, path: str, holds: bool) -> None:
    assert (reserves((pattern,), path) == pattern) is holds
    if len(pattern) < 100:  # a slow twin: a regular expression
        body = pattern.removesuffix("$")
        twin = ".*".join(map(re.escape, body.split("*"))) + ("$" if pattern != body else "")
        assert (re.match(twin, path) is not None) is holds


@pytest.mark.parametrize(
    ("pattern", "path", "holds"),
    [
        ("/a%c3%a9", "/a%C3%A9/x", True),
        ("/a\u00e9", "/a%c3%a9/x", True),
        ("/%61b", "/ab", True),
        ("/ab", "/%61%62", True),
        ("/a!b", "/a%21b", True),
        ("/a%2fb", "/a%2Fb", True),
        ("/a%2fb", "/a/b", False),
        ("/a%2a", "/ab", False),
        ("/a%2a", "/a*b", True),
        ("/a%24", "/a$b", True),
        ("/a$b", "/a$bc", True),
        ("/100%", "/100%25", True),
        ("/\ud800", "/a", False),
    ],
)
def test_escapes_in_a_reservation(pattern: str, path: str, holds: bool) -> None:
    assert (reserves((pattern,), path) == pattern) is holds


def test_a_row_that_is_not_read_reserves() -> None:
    rows = [{"location": f"/{n}", "tdm-reservation": n % 2} for n in range(1000)]
    whole = parse_reservations(json.dumps(rows).encode())
    assert len(whole) == 500
    assert parse_reservations(json.dumps([*rows, {}]).encode()) == (*whole, "*")


BIG = b'[{"location": "/other", "tdm-reservation": 1}]' + b" " * (256 << 10)


@pytest.mark.parametrize(
    ("file", "outcome", "detail"),
    [
        (answer(BIG, kind="application/json"), "opt_out", "more than 262144 bytes"),
        (
            answer(gzip.compress(BIG), kind=None, headers=("Content-Encoding: gzip",)),
            "opt_out",
            "more than 262144 bytes",
        ),
        (answer(page("Nothing here") * 200), "good", ""),
        (answer(b"", "429 Too Many Requests"), "opt_out", "status 429"),
        (answer(b"", "503 Service Unavailable"), "opt_out", "status 503"),
        (answer(b"", "403 Forbidden"), "good", ""),
        (redirect("http://10.0.0.1/"), "opt_out", "10.0.0.1 is private"),
        (redirect("/private"), "good", ""),
        (b"", "connect", ""),
        (b"no HTTP\r\n\r\n", "opt_out", "cannot be had"),
    ],
    ids=["large", "large inside", "large page", "429", "503", "403", "inside", "robots", "gone",
         "no HTTP"],
)  # fmt: skip
def test_a_reservation_file_that_cannot_be_had(file: bytes, outcome: str, detail: str) -> None:
    pages = {"/a": answer(page("A")), "/b": answer(page("B")), "/.well-known/tdmrep.json": file}
    with Server(site(pages, b"User-agent: *\nDisallow: /private\n")) as server:
        base = f"http://site.test:{server.port}"
        found = fetch_all(f"{base}/a", f"{base}/b")
    assert [f.outcome for f in found] == [outcome] * 2
    assert detail in found[0].detail
    asked = [r.target for r in server.requests].count("/.well-known/tdmrep.json")
    assert (asked > 1) == (outcome == "connect")  # only what another try may mend


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b'[{"location": "/"}]', b"[" * 100_000, b'[{"tdm-reservation": 1}]',
     b'[{"location": 5, "tdm-reservation": 1}]', b"\xff\xfe<html>"],
)  # fmt: skip
def test_a_reservation_file_that_says_nothing(body: bytes) -> None:
    assert parse_reservations(body) == ()


def test_opt_out_by_a_reservation_file() -> None:
    rules = b"""[{"location": "/kept*", "tdm-reservation": 1, "tdm-policy": "https://a.test/"},
        {"location": "/open", "tdm-reservation": 0}]"""
    pages = {f"/{name}": answer(page(name)) for name in ("open", "kept-1", "kept-2")}
    pages["/.well-known/tdmrep.json"] = redirect("/rules.json")
    pages["/rules.json"] = answer(rules, kind="application/json")
    with Server(site(pages)) as server:
        base = f"http://site.test:{server.port}"
        found = fetch_all(f"{base}/open", f"{base}/kept-1", f"{base}/kept-2")
    assert [f.outcome for f in found] == ["good", "opt_out", "opt_out"]
    assert "/kept*" in found[1].detail
    assert [len(f.exchanges) for f in found] == [1, 0, 0]
    assert [r.target for r in server.requests].count("/.well-known/tdmrep.json") == 1


def test_opt_out_inside_a_packed_page() -> None:
    import gzip

    body = gzip.compress(b'<html><head><meta name="robots" content="noai"></head>' + page("A"))
    packed = answer(body, headers=("Content-Encoding: gzip",))
    with Server(site({"/": packed})) as server:
        assert fetch_one(f"http://site.test:{server.port}/").outcome == "opt_out"
