"""Dead links from an archive: the nearest good capture, by both forms of CDX, and its pace."""

import asyncio
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from webtext_py.fetch.client import Client
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.crawl import Link
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.live import Fetched
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.run import NAMES
from webtext_py.fetch.wayback import Wayback, memento_base, read_cdx
from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.url.key import url_key

from .archives import Memory, stamp
from .fetching import LIMITS, LOOPBACK
from .server import Server, page
from .worlds import article, command, run, write_hosts, write_links

PARKED = b"<html><title>old.test</title><body>This domain is for sale</body></html>"


def link(url: str, when: str = "2015-06-01") -> Link:
    """A link posted on a day."""
    key = url_key(url)
    assert key is not None
    return Link(key, url, stamp(when))


def ask(
    memory: Memory, *links: Link, per_minute: float = 6000, hold_s: float = 0.1, days: float = 180
) -> tuple[list[Fetched], list[str], Server]:
    """What a Wayback over `memory` gives for the links; what it said."""
    said: list[str] = []
    found: list[Fetched] = []

    async def done(link: Link, result: Fetched) -> None:
        found.append(result)

    async def go(port: int) -> None:
        names = HostsFile({"archive.test": "127.0.0.1"})
        async with Client("webtext-test", LOOPBACK, names, LIMITS, any_port=True) as client:
            pace = Pace(client, per_minute, said.append, hold_s)
            path = "coll/cdx" if memory.like_pywb else "cdx/search/cdx"
            cdx = f"http://archive.test:{port}/{path}"
            config = FetchConfig(cdx=cdx, capture_window_days=days, limits=LIMITS)
            await Wayback(pace, config).run([(NAMES["wayback"](k), k) for k in links], done)

    with Server(memory) as server:
        asyncio.run(go(server.port))
    return found, said, server


def story(memory: Memory, url: str) -> None:
    """Captures around 2015-06-01: the nearest good one is of 2015-05-20."""
    memory.add(url, "20150520000000", page("The nearest good capture"))
    memory.add(url, "20150301000000", page("An older capture"))
    memory.add(url, "20150531000000", b"gone", status="404")
    memory.add(url, "20150602000000", PARKED)
    memory.add(url, "20150601000000", b"%PDF-1.4", mime="application/pdf")
    memory.add(url, "20181231000000", page("Years later"))


@pytest.mark.parametrize("like_pywb", [False, True])
def test_the_nearest_good_capture_is_taken(like_pywb: bool) -> None:
    memory = Memory(like_pywb=like_pywb)
    story(memory, "http://old.test/story")
    (result,), said, _ = ask(memory, link("http://old.test/story"))
    assert result.outcome == "good", result.detail
    (exchange,) = result.exchanges
    assert b"The nearest good capture" in exchange.body
    assert exchange.url == "http://old.test/story"
    assert exchange.started.isoformat() == "2015-05-20T00:00:00+00:00"
    names = {name.lower(): value for name, value in exchange.headers}
    assert names["memento-datetime"] == "Wed, 20 May 2015 00:00:00 GMT"
    assert names["last-modified"] == "Mon, 01 Jan 2001 00:00:00 GMT"
    assert "transfer-encoding" not in names
    assert not [name for name in names if name.startswith("x-archive")]
    assert said == []


def test_only_captures_in_the_window_count() -> None:
    memory = Memory()
    memory.add("http://old.test/a", "20140101000000", page("Too early"))
    memory.add("http://old.test/b", "20150401000000", page("Early enough"))
    found, _, _ = ask(memory, link("http://old.test/a"), link("http://old.test/b"))
    assert [f.outcome for f in found] == ["no_capture", "good"]
    found, _, _ = ask(memory, link("http://old.test/b"), days=30)
    assert [f.outcome for f in found] == ["no_capture"]


def test_one_query_for_many_links_of_a_host() -> None:
    memory = Memory()
    links = [link(f"http://old.test/{n}", f"201{n % 5}-06-01") for n in range(12)]
    for n in range(0, 12, 2):
        memory.add(f"http://old.test/{n}", f"201{n % 5}0615000000", page(f"Story {n}"))
    found, _, server = ask(memory, *links)
    assert [f.outcome for f in found] == ["good", "no_capture"] * 6
    assert memory.queries == 1
    assert len(server.requests) == 1 + 6


def test_another_page_is_not_taken_for_the_link() -> None:
    memory = Memory(
        captures={"http://old.test/A": [("20150601000000", "200", "text/html", page("A"))]}
    )
    rows = read_cdx(
        b'{"timestamp": "20150601000000", "url": "http://old.test/other", "status": "200"}'
    )
    assert [row.url for row in rows] == ["http://old.test/other"]
    (result,), _, _ = ask(memory, link("http://old.test/a"))
    assert result.outcome == "no_capture"


def test_the_pace_is_kept() -> None:
    memory = Memory()
    for n in range(3):
        memory.add(f"http://h{n}.test/", "20150601000000", page("A"))
    _, _, server = ask(memory, *[link(f"http://h{n}.test/") for n in range(3)], per_minute=300)
    times = [request.at for request in server.requests]
    assert len(times) == 6
    assert min(b - a for a, b in pairwise(times)) >= 0.2


def test_429_stops_everything_and_says_so() -> None:
    memory = Memory(busy=[("429 Too Many Requests", ("Retry-After: 1",)), ("429 Busy", ())])
    memory.add("http://old.test/", "20150601000000", page("A"))
    (result,), said, server = ask(memory, link("http://old.test/"))
    assert result.outcome == "good"
    times = [request.at for request in server.requests]
    assert times[1] - times[0] >= 1
    assert times[2] - times[1] >= 0.2  # the second wait is twice the first
    assert len(said) == 2
    assert "429" in said[0]
    assert "waiting 1 s" in said[0]


def test_an_archive_that_gives_up_ends_the_link() -> None:
    memory = Memory(busy=[("429 Too Many Requests", ("Retry-After: 999999",))])
    (result,), _, server = ask(memory, link("http://old.test/"))
    assert result.outcome == "rate_limited"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", [b"<html>blocked</html>", b"{}{", b"[" * 200_000, b'{"a":' * 200_000], ids=range(4)
)
def test_what_is_no_cdx_is_refused(body: bytes) -> None:
    with pytest.raises(FetchError, match="archive_error"):
        read_cdx(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'[["timestamp"], [5]]', b'{"timestamp": "2015", "url": "http://a/"}', b"5"],
)
def test_rows_that_lack_something_are_left_out(body: bytes) -> None:
    assert read_cdx(body) == []


def test_an_archive_inside_needs_the_option(tmp_path: Path) -> None:
    write_links(tmp_path / "links.csv", ["http://old.test/"])
    with Server(Memory()) as server:
        done = subprocess.run(
            command(
                tmp_path, "data", "--pages", "wayback", "--any-port", "--archive-rate", "6000",
                "--cdx", f"http://127.0.0.1:{server.port}/cdx/search/cdx",
            ),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert server.connections == 0
    assert done.returncode == 1
    assert "1 address_refused" in done.stderr


def test_where_captures_lie() -> None:
    assert memento_base("https://web.archive.org/cdx/search/cdx") == "https://web.archive.org/web"
    assert memento_base("http://localhost:8080/coll/cdx") == "http://localhost:8080/coll"


def test_a_build_of_dead_links(tmp_path: Path) -> None:
    """Live gives nothing, the archive all: dates are the captures', and offline is the same."""
    write_hosts(tmp_path / "hosts", 1)
    memory = Memory()
    urls = [f"http://dead.test/{n}" for n in range(3)]
    for n, url in enumerate(urls):
        memory.add(url, f"2016010{n + 1}000000", article(url))
        memory.add(url, "20180101000000", article("much later"))
    write_links(tmp_path / "links.csv", urls)
    with Server(memory) as server:
        run(
            command(
                tmp_path, "data", "--pages", "live", "wayback", "--contact", "tests@example.org",
                "--hosts", str(tmp_path / "hosts"), "--allow-network", "127.0.0.0/8",
                "--any-port", "--delay", "0", "--archive-rate", "6000",
                "--cdx", f"http://127.0.0.1:{server.port}/cdx/search/cdx",
                "--memento", f"http://127.0.0.1:{server.port}/web",
            )
        )  # fmt: skip
    from .test_build import shards

    data = tmp_path / "data"
    documents = shards(data)
    assert sorted(d["url"] for d in documents) == urls
    assert sorted(str(d["fetched_at"])[:10] for d in documents) == [
        "2016-01-01",
        "2016-01-02",
        "2016-01-03",
    ]
    (container,) = list_containers([str(data / "pages" / "wayback-00000.warc.gz")])
    assert {c.outcome for c in scan_container(container)} == {"good"}
    run(command(tmp_path, "offline", "--pages", str(data / "pages")))
    assert shards(tmp_path / "offline") == documents
