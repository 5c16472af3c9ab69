"""Delays, turns, retries, and hosts that have had enough: read from the server's log."""

import asyncio
import email.utils
import socket
import time
from itertools import pairwise

from webtext_py.fetch import clock
from webtext_py.fetch.client import Client
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.live import Live
from webtext_py.fetch.schedule import Manners, site_of

from .fetching import LOOPBACK, fetch_all, fetch_one
from .server import Request, Server, answer, page, redirect, site


def gaps(requests: list[Request]) -> list[float]:
    """Seconds between requests, in the order they came."""
    times = sorted(request.at for request in requests)
    return [b - a for a, b in pairwise(times)]


def test_the_delay_is_kept_between_all_requests_to_an_address() -> None:
    pages = {f"/{n}": answer(page(f"Page {n}")) for n in range(3)}
    limits = Limits(delay_s=0.25)
    names = HostsFile(
        {"a.one.test": "127.0.0.1", "b.one.test": "127.0.0.1", "two.test": "127.0.0.1"}
    )

    async def run(port: int) -> list[str]:
        async with Client("webtext-test", LOOPBACK, names, limits, any_port=True) as client:
            live = Live(client, Manners(limits, 1), probe=False)
            urls = [f"http://{h}:{port}/{n}" for h in ("a.one.test", "two.test") for n in range(2)]
            urls.append(f"http://b.one.test:{port}/2")
            return [r.outcome for r in await asyncio.gather(*map(live.fetch, urls))]

    with Server(site(pages)) as server:
        assert asyncio.run(run(server.port)) == ["good"] * 5
    assert len(server.requests) == 5 + 3 + 3  # a robots.txt and a tdmrep.json for each host
    assert min(gaps(server.requests)) >= 0.25


def test_one_connection_at_a_time_to_a_site_and_to_an_address() -> None:
    now, most = [0], [0]

    async def handle(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.02)
        now[0] -= 1  # before the answer, behind which the next request may come at once
        missing = request.target in ("/robots.txt", "/.well-known/tdmrep.json")
        writer.write(answer(b"", "404 Not Found") if missing else answer(page(request.target)))

    names = HostsFile(
        {"a.one.test": "127.0.0.1", "b.one.test": "127.0.0.1", "two.test": "127.0.0.1"}
    )
    limits = Limits(delay_s=0)

    async def run(port: int) -> list[str]:
        async with Client("webtext-test", LOOPBACK, names, limits, any_port=True) as client:
            live = Live(client, Manners(limits, 1), probe=False)
            urls = [
                f"http://{host}:{port}/{n}"
                for host in ("a.one.test", "b.one.test", "two.test")
                for n in range(4)
            ]
            return [r.outcome for r in await asyncio.gather(*map(live.fetch, urls))]

    with Server(handle) as server:  # type: ignore[arg-type]
        assert asyncio.run(run(server.port)) == ["good"] * 12
    assert most == [1]


def test_crawl_delay_is_kept_where_it_is_longer() -> None:
    pages = {"/a": answer(page("A")), "/b": answer(page("B"))}
    robots = b"User-agent: *\nCrawl-delay: 0.4\n"
    with Server(site(pages, robots)) as server:
        base = f"http://site.test:{server.port}"
        fetch_all(f"{base}/a", f"{base}/b")
    assert len(server.requests) == 4
    assert min(gaps(server.requests)) >= 0.4


def test_an_absurd_crawl_delay_ends_the_page() -> None:
    with Server(site({"/": answer(page("A"))}, b"User-agent: *\nCrawl-delay: 99999\n")) as server:
        assert fetch_one(f"http://site.test:{server.port}/").outcome == "crawl_delay"


def test_sites_are_registrable_domains() -> None:
    assert site_of("a.b.bbc.co.uk") == "bbc.co.uk"
    assert site_of("x.github.io") == "x.github.io"
    assert site_of("127.0.0.1") == "127.0.0.1"


def busy_server(status: str, headers: tuple[str, ...], times: int) -> tuple[list[str], Server]:
    """Outcomes of three tries at a page that is busy `times` times."""
    left = [times]

    async def handle(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        if request.target == "/robots.txt":
            writer.write(answer(b"", "404 Not Found"))
        elif left[0] > 0:
            left[0] -= 1
            writer.write(answer(b"", status, headers=headers))
        else:
            writer.write(answer(page("A")))

    async def run(port: int) -> list[str]:
        limits = Limits(delay_s=0.05, tries=3, max_delay_s=10)
        names = HostsFile({"site.test": "127.0.0.1"})
        async with Client("webtext-test", LOOPBACK, names, limits, any_port=True) as client:
            live = Live(client, Manners(limits, 1), probe=False)
            found = []
            for tries in range(3):
                result = await live.fetch(f"http://site.test:{port}/", tries)
                found.append(result.outcome)
                if not result.again:
                    break
            return found

    with Server(handle) as server:  # type: ignore[arg-type]
        return asyncio.run(run(server.port)), server


def test_retry_after_in_seconds() -> None:
    found, server = busy_server("429 Too Many Requests", ("Retry-After: 1",), 1)
    assert found == ["rate_limited", "good"]
    assert gaps(server.requests)[1] >= 1


def test_retry_after_as_a_date() -> None:
    told = int(time.time()) + 3
    when = email.utils.formatdate(told, usegmt=True)
    found, server = busy_server("503 Service Unavailable", (f"Retry-After: {when}",), 1)
    assert found == ["rate_limited", "good"]
    again = server.requests[2]
    assert again.target == "/"
    assert again.at + (time.time() - time.monotonic()) >= told - 0.01


def test_a_retry_after_that_is_too_long_ends_the_page() -> None:
    found, server = busy_server("429 Too Many Requests", ("Retry-After: 86400",), 9)
    assert found == ["rate_limited"]
    assert len(server.requests) == 2


def test_back_off_grows() -> None:
    found, server = busy_server("503 Service Unavailable", (), 9)
    assert found == ["rate_limited"] * 3
    first, second = gaps(server.requests)[1:]
    assert first >= 0.075
    assert second >= 0.15


def test_no_second_try_on_403() -> None:
    found, server = busy_server("403 Forbidden", (), 9)
    assert found == ["http_error"]
    assert len(server.requests) == 2


def test_a_dead_host_is_given_up() -> None:
    with socket.socket() as silent:  # nobody listens there, and nobody else is given the port
        silent.bind(("127.0.0.1", 0))
        urls = [f"http://site.test:{silent.getsockname()[1]}/{n}" for n in range(8)]
        found = [r.outcome for r in fetch_all(*urls, tries=1)]
    assert found == ["connect"] * 5 + ["host_down"] * 3


def test_soft_404_by_a_probe_once_per_host() -> None:
    async def handle(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        if request.target == "/robots.txt":
            writer.write(answer(b"", "404 Not Found"))
        elif request.target.startswith("/real"):
            words = " ".join(f"{request.target}-word{n}" for n in range(100))
            writer.write(answer(f"<html><p>{words}</p></html>".encode()))
        elif request.target == "/gone":
            writer.write(redirect("/home"))
        else:
            writer.write(answer(page("Home") + request.target.encode()))

    with Server(handle) as server:  # type: ignore[arg-type]
        base = f"http://site.test:{server.port}"
        found = fetch_all(
            f"{base}/real1", f"{base}/lost", f"{base}/gone", f"{base}/real2", probe=True
        )
    assert [r.outcome for r in found] == ["good", "soft_404", "soft_404", "good"]
    probes = [r.target for r in server.requests if r.target.endswith(".html")]
    assert len(probes) == 1
    assert not [x for r in found for x in r.exchanges if x.status == 200 and "lost" in x.url]


def test_parked_pages_are_not_the_page() -> None:
    parked = b"<html><head><title>site.test</title></head><body>This domain is for sale</body>"
    with Server(site({"/": answer(parked), "/old": redirect("/")})) as server:
        base = f"http://site.test:{server.port}"
        result = fetch_one(f"{base}/old")
    assert result.outcome == "parked"
    # What became of the page is kept: where it led, the way there, status and time.
    assert (result.final_url, result.redirects) == (f"{base}/", [f"{base}/old"])
    assert result.status == 200
    assert result.fetched_at is not None


def test_a_failure_has_its_time() -> None:
    before = clock.now().isoformat()
    found = fetch_one("http://nowhere.test/")
    assert found.outcome == "dns"
    assert found.fetched_at is not None
    assert found.fetched_at >= before
