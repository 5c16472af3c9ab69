"""What a host, an archive, a name server, a link or a disk can do costs that one item."""

import asyncio
import errno
import gzip
import json
import math
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from webtext_py.fetch import archive as archive_module
from webtext_py.fetch import clock, schedule
from webtext_py.fetch import crawl as crawl_module
from webtext_py.fetch.archive import Archive
from webtext_py.fetch.client import Client, Exchange
from webtext_py.fetch.commoncrawl import _record
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.crawl import Link, crawl
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.journal import Attempt, journal_of, journals
from webtext_py.fetch.judge import same_page
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.live import Fetched, Live
from webtext_py.fetch.optout import meta_opt_out
from webtext_py.fetch.resolver import SystemResolver
from webtext_py.fetch.schedule import Manners
from webtext_py.fetch.wayback import read_cdx
from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.pages.http import join_location
from webtext_py.url.key import fetch_url, without_credentials

from .fetching import LOOPBACK, fetched, left_of, read_journal
from .server import Server, answer, page, redirect, site

BUSY = answer(b"", "503 Busy", headers=("Retry-After: 999999999",))


def crawled(server: Server, hosts: dict[str, int], **limits: float) -> dict[str, str]:
    """How links `http://HOST/NUMBER` end in a crawl."""
    chosen = Limits(**{"delay_s": 0, **limits})  # type: ignore[arg-type]
    ends: dict[str, str] = {}

    async def done(link: Link, result: Fetched) -> None:
        ends[link.url_key] = result.outcome

    async def run() -> None:
        names = HostsFile(dict.fromkeys(hosts, "127.0.0.1"))
        async with Client("webtext-test", LOOPBACK, names, chosen, any_port=True) as client:
            live = Live(client, Manners(chosen, 1), probe=False)
            links = [
                Link(f"{host}/{n}", f"http://{host}:{server.port}/{n}", 0.0)
                for host, count in hosts.items()
                for n in range(count)
            ]
            with left_of(links) as left:
                await asyncio.wait_for(crawl(live, left, done, lambda wanted: None), 120)

    asyncio.run(run())
    return ends


def test_a_host_that_wants_31_years_ends_its_pages_only() -> None:
    good = {f"/{n}": answer(page(f"Page {n}")) for n in range(3)}
    with Server(site({**good, "/0": BUSY})) as server:
        ends = crawled(server, {"a.test": 3})
    assert sorted(ends.values()) == ["rate_limited"] * 3
    assert len([r for r in server.requests if r.target != "/robots.txt"]) == 1


class Clock:
    """Stands still until it is put on."""

    now = 1.0

    def monotonic(self) -> float:
        return self.now


def test_a_redirect_into_a_paused_host_blocks_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker: while one site is paused, the others' pages are fetched, and then its own."""
    tries, served, time = [0], [0], Clock()
    for module in (crawl_module, schedule):
        monkeypatch.setattr(module, "time", time)

    async def handle(request: object, reader: object, writer: asyncio.StreamWriter) -> None:
        target, host = request.target, request.headers["host"].partition(":")[0]  # type: ignore[attr-defined]
        if target in ("/robots.txt", "/.well-known/tdmrep.json"):
            writer.write(answer(b"", "404 Not Found"))
        elif host == "paused.test":
            tries[0] += 1
            writer.write(
                answer(b"", "503 Busy", headers=("Retry-After: 4",))
                if tries[0] == 1
                else answer(page(target))
            )
        elif host == "leads.test":
            writer.write(redirect(f"http://paused.test:{server.port}/there{target}"))
        else:
            served[0] += 1
            time.now += 4 * (served[0] == 3)  # the pause is over once they are served
            writer.write(answer(page(target)))

    with Server(handle) as server:  # type: ignore[arg-type]
        hosts = {"paused.test": 1, "leads.test": 3, "other.test": 3}
        ends = crawled(server, hosts, connections=1)
    assert sorted(ends.values()) == ["good"] * 7
    asked = [r for r in server.requests if r.target == "/0"]
    assert len(asked) == 4  # twice of the paused host, once of the others: no redirect anew


def test_an_archive_that_wants_a_year_is_asked_no_more() -> None:
    from webtext_py.fetch.pace import Pace

    async def run(port: int) -> list[str]:
        names = HostsFile({"a.test": "127.0.0.1"})
        async with Client("webtext-test", LOOPBACK, names, any_port=True) as client:
            pace, reasons = Pace(client, 6000, lambda text: None), []
            for number in range(5):
                try:
                    await pace.get(f"http://a.test:{port}/{number}", wire_bytes=99)
                except FetchError as error:
                    reasons.append(error.reason)
        return reasons

    with Server(site({f"/{n}": BUSY for n in range(5)})) as server:
        assert asyncio.run(run(server.port)) == ["rate_limited"] * 5
    assert len(server.requests) == 1


def test_dead_names_starve_nobody() -> None:
    """30 names of 130 never answer: the others have theirs before, and nobody waits at the end."""
    told = threading.Event()
    asked: list[str] = []
    answered: list[str] = []

    def look(host: str) -> list[str]:
        asked.append(host)
        if host.startswith("dead"):
            told.wait(120)
            answered.append(host)
        if host.startswith("none"):
            raise OSError(errno.ENOENT, "no such name")
        return ["192.0.2.1"]

    async def run() -> None:
        resolver = SystemResolver(look, threads=40, timeout_s=math.inf)
        dead = [asyncio.ensure_future(resolver.addresses(f"dead{n}")) for n in range(30)]
        alive = [resolver.addresses(f"host{n % 50}") for n in range(100)]
        assert await asyncio.gather(*alive) == [["192.0.2.1"]] * 100
        assert not any(future.done() for future in dead)
        # What was given up still has its thread; the pool grows beside it.
        resolver = SystemResolver(look, threads=2, timeout_s=0.1)
        for host in ("dead", "none", "dead", "none"):  # remembered too
            said = "no answer in 0.1 s" if host == "dead" else "dns"
            with pytest.raises(FetchError, match=said):
                await resolver.addresses(host)
        resolver._timeout_s = math.inf
        assert await resolver.addresses("later") == ["192.0.2.1"]

    asyncio.run(run())
    assert not answered
    assert len(asked) == len(set(asked)) == 30 + 50 + 3
    told.set()


RESOLVING = """
import asyncio, time
from webtext_py.fetch.resolver import SystemResolver
def look(host):
    print("asked", flush=True)
    time.sleep(120)
asyncio.run(SystemResolver(look).addresses("dead"))
"""


def test_ctrl_c_waits_for_no_name() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", RESOLVING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("http://user:secret@site.test/a@b", "http://site.test/a@b"),
        ("https://secret@site.test", "https://site.test"),
        ("http:\\\\user:secret@site.test/", "http:\\\\site.test/"),
        (" http:///a:secret@b:secret@site.test/?x=@", "http:///site.test/?x=@"),
        ("http://site.test/?mail=a@b", "http://site.test/?mail=a@b"),
    ],
)
def test_credentials_go_and_nothing_else(url: str, clean: str) -> None:
    assert without_credentials(url) == clean
    assert "secret" not in (fetch_url(url) or "")
    assert "secret" not in (join_location("http://site.test/", url.strip()) or "")


def test_credentials_never_leave_the_link(tmp_path: Path) -> None:
    """Neither in a request, nor for robots.txt, nor behind a redirect, nor in the archive."""
    from webtext_py.fetch.config import FetchConfig
    from webtext_py.observer import SILENT

    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 site.test other.test\n")
    pages = {"/a": redirect("http://u:secret@other.test:{port}/b"), "/b": answer(page("B"))}
    with Server(site(pages)) as server:
        pages["/a"] = redirect(f"http://u:secret@other.test:{server.port}/b")
        url = f"http://user:secret@site.test:{server.port}/a"
        config = FetchConfig(
            "me@example.org", Limits(delay_s=0), False, True, ("127.0.0.0/8",), hosts
        )
        attempts = fetched(tmp_path / "pages", [Link("key", url, 0.0)], ["live"], config, SILENT)
    assert [a.outcome for a in attempts] == ["good"]
    assert "secret" not in json.dumps([vars(a) for a in attempts])
    assert len(server.requests) > 3
    assert not any("authorization" in r.headers for r in server.requests)
    for path in (tmp_path / "pages").glob("*"):
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        # What the server itself said stands in the archive as it was sent, and nowhere else.
        lines = [line for line in data.splitlines() if b"secret" in line]
        assert all(line.startswith(b"Location: http://u:secret@other.test") for line in lines)
        assert b"user:" not in data


def test_the_client_itself_sends_no_credentials() -> None:
    async def run(port: int) -> str:
        names = HostsFile({"site.test": "127.0.0.1"})
        async with Client("webtext-test", LOOPBACK, names, any_port=True) as client:
            try:
                await client.get(f"http://u:secret@site.test:{port}/")
            except FetchError as error:
                return error.detail
        return "sent"

    with Server(site({})) as server:
        assert asyncio.run(run(server.port)) == "site.test: credentials in a URL are never sent"
    assert not server.requests


EVIL = "http://site.test/a\r\nWARC-Target-URI: http://bank.test/\r\nX: y"


def exchange(url: str = "http://site.test/a", **changes: object) -> Exchange:
    return Exchange(
        **{
            "url": url, "started": clock.now(), "address": "127.0.0.1", "request": [("A", "b")],
            "status": 200, "phrase": "OK", "headers": [("Content-Type", "text/html")],
            "body": b"<html>" + bytes(range(256)) * 40, **changes,
        }
    )  # fmt: skip


def test_line_ends_of_a_cdx_answer_reach_no_header() -> None:
    rows = [["timestamp", "original", "statuscode"], ["20150101000000", EVIL, "200"],
            ["20150101000000", "http://u:secret@site.test/a", "200"],
            ["20150101000000", "http://site.test/\x85b", "200"]]  # fmt: skip
    assert [row.url for row in read_cdx(json.dumps(rows).encode())] == ["http://site.test/a"]


def test_nothing_from_outside_reaches_a_header_unchecked(tmp_path: Path) -> None:
    attempt = Attempt("key", "http://site.test/a", "live", "good")
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        for bad in ({"url": EVIL}, {"source_url": EVIL}, {"address": "1.2.3.4\r\nX: y"}):
            with pytest.raises(ValueError, match=r"header|address"):
                archive.add(attempt, [exchange(**bad)])  # type: ignore[arg-type]
        headers = [("Content-Type", "text/html"), ("X", "a\rb\x00\x0bc")]
        archive.add(attempt, [exchange(headers=headers, phrase="O\rK")])
    [path] = tmp_path.glob("*.warc.gz")
    data = gzip.decompress(path.read_bytes())
    assert b"bank.test" not in data
    assert b"\r\nX: a b c\r\n" in data
    assert b"200 O K\r\n" in data


def test_a_second_record_behind_the_one_asked_for_is_refused() -> None:
    block = b"HTTP/1.1 200 OK\r\n\r\n<html>"
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2015-01-01T00:00:00Z\r\n"
        b"WARC-Target-URI: http://site.test/\r\nContent-Length: %d\r\n\r\n" % len(block)
    )
    record = head + block + b"\r\n\r\n"
    assert _record(gzip.compress(record))[0].url == "http://site.test/"
    second = record.replace(b"site.test", b"bank.test")
    for bad in (record + second, record[:-4] + b"x" + record[-4:]):
        with pytest.raises(FetchError, match="more than one"):
            _record(gzip.compress(bad))
    # The first of a field counts, as for whoever reads the archive.
    twice = record.replace(b"\r\nWARC-Date", b"\r\nWARC-Target-URI: http://bank.test/\r\nWARC-Date")
    assert _record(gzip.compress(twice))[0].url == "http://bank.test/"


@pytest.mark.parametrize("room", [0, 100, 5000])
def test_a_full_disk_cuts_back_to_the_last_whole_record(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "GZIP_LEVEL", 0)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = Attempt("two", "http://b.test/", "live", "good")
    archive = Archive(tmp_path, {}, rotate_bytes=1 << 30)
    with archive:
        archive.add(Attempt("one", "http://site.test/a", "live", "good"), [exchange()])
        whole = archive._offset
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (whole + room, old[1]))
            with pytest.raises(OSError, match="large") as error:
                archive.add(large, [exchange(body=b"x" * 20_000)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
        assert str(error.value.filename).endswith("live-00000.warc.gz")
        # There is room again: what is still to be written lands behind the last whole record.
        archive.add(Attempt("three", "http://c.test/", "live", "good"), [exchange(body=b"<html>3")])
    [path] = tmp_path.glob("*.warc.gz")
    scan = scan_container(list_containers([str(path)])[0])
    assert len([c for c in scan if c.record_type == "response"]) == 2
    assert scan.damage == []
    assert [a.url_key for a in read_journal(tmp_path)] == ["one", "three"]


def test_a_full_disk_cuts_records_and_journal_back_together(tmp_path: Path) -> None:
    """The records fit; their line does not."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    long = Attempt("http://b.test/", "http://b.test/", "live", "good", redirects=["x" * 99_999])
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        for name in "ab":
            url = f"http://{name}.test/"
            archive.add(Attempt(url, url, "live", "good"), [exchange()])
        [part] = tmp_path.glob("*.part")
        before = {path: path.read_bytes() for path in (part, *journals(tmp_path))}
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, old[1]))
            with pytest.raises(OSError, match="large") as error:
                archive.add(long, [exchange(body=b"another")])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
        assert Path(error.value.filename) == journal_of(tmp_path, long.group)
        assert {path: path.read_bytes() for path in before} == before


def test_a_full_disk_leaves_no_torn_file_behind_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "GZIP_LEVEL", 0)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Archive(tmp_path, {"x": "y" * 9999}, rotate_bytes=1 << 30) as archive:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
            with pytest.raises(OSError, match="large"):
                archive.add(Attempt("one", "http://site.test/a", "live", "good"), [exchange()])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert not list(tmp_path.glob("*.warc.gz*"))
    assert read_journal(tmp_path) == []


def test_letters_that_grow_in_small_letters_do_not_move_where_a_script_ends() -> None:
    capitals = "\u0130" * 500  # each is two characters in small letters
    missing = f"<p>{capitals}</p>".encode()
    own = " ".join(f"word{n}" for n in range(90))
    assert not same_page(missing, f"<p>{capitals}<script>x</script> {own}</p>".encode())


def test_a_page_of_beginnings_of_scripts_and_comments_is_looked_through_once() -> None:
    began = time.process_time()
    assert same_page(b"<p>a b c d e</p>", b"<p>a b c d e</p>" + b"<script>" * 30_000)
    assert meta_opt_out(b"<!--" * 30_000) is None
    assert meta_opt_out(b"<!-- x --> <!-- y --><meta name=robots content=noindex>") is not None
    assert meta_opt_out(b"<!-- x --> <!-- y <meta name=robots content=noindex>") is None
    assert time.process_time() - began < 2
