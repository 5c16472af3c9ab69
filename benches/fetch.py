"""Fetching: pages a second from a local server, memory, delays by the server's log.

    python benches/fetch.py PAGES_DIR [--pages 10000] [--hosts 200] [--out FILE]

PAGES_DIR: a folder of packed pages (`*.html.gz`), which are the bodies in turn (a comment with the
URL is added, so that no two are equal). The server runs in a process of its own on this machine;
its share is part of every figure. What was fetched is checked before a figure counts: every page
once, whole, with the bytes that the server sent.
"""

import argparse
import asyncio
import gzip
import hashlib
import itertools
import json
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, ClassVar

from fastwarc.warc import ArchiveIterator, WarcRecordType

from webtext_py.fetch import archive as archive_module
from webtext_py.fetch.archive import read_journal
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Link
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.run import fetch

MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Web(asyncio.Protocol):
    """Gives the bodies in turn by the number in the path; notes when each host is asked."""

    bodies: ClassVar[list[bytes]] = []
    log: ClassVar[list[tuple[str, float]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        """Answers a whole request and closes."""
        self.data += data
        if b"\r\n\r\n" not in self.data:
            return
        target = self.data.split(b" ", 2)[1].decode()
        host = re.search(rb"\r\n[Hh]ost: ([^\r:]+)", self.data)
        assert host is not None
        self.log.append((host[1].decode(), time.monotonic()))
        write = self.transport.write  # type: ignore[attr-defined]
        if target.startswith("/p/"):
            body = body_of(self.bodies, int(target[3:]), host[1].decode())
            write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            write(body)
        else:
            write(MISSING)
        self.transport.close()


def body_of(bodies: list[bytes], number: int, host: str) -> bytes:
    """Page `number` of `host`."""
    return bodies[number % len(bodies)] + f"<!-- {host} {number} -->".encode()


def serve(folder: str, ready: Any, stop: Any) -> None:
    """The server's process."""
    Web.bodies = read_bodies(Path(folder))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Web, "0.0.0.0", 0, backlog=1024)
        ready.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, stop.recv)
        server.close()
        stop.send((Web.log, time.process_time()))

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())


def read_bodies(folder: Path) -> list[bytes]:
    """Every HTML file below `folder` that does not ask to be left out."""
    from webtext_py.fetch.judge import dead_page
    from webtext_py.fetch.optout import meta_opt_out

    found = [gzip.decompress(p.read_bytes()) for p in sorted(folder.rglob("*.html.gz"))]
    return [b for b in found if meta_opt_out(b) is None and dead_page("http://a/", [], b) is None]


class Quiet:
    """Hears nothing, and looks at the memory now and then."""

    def __init__(self) -> None:
        self.done = 0
        self.memory: list[int] = []

    def step_started(self, step: str, total: int, unit: str) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""

    def advanced(self, units: int) -> None:
        """Counts; every 500 pages the resident size."""
        self.done += units
        if self.done % 500 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory.append(pages * os.sysconf("SC_PAGESIZE"))


def crawl(folder: str, data: Path, pages: int, hosts: int, delay: float) -> dict[str, Any]:
    """One run against a fresh server; its figures, checked."""
    ready, told = multiprocessing.Pipe()
    stop, stopped = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(folder, told, stopped)
    )
    server.start()
    port = ready.recv()
    table = data / "hosts"
    data.mkdir(parents=True, exist_ok=True)
    addresses = [f"127.0.{h // 250 + 1}.{h % 250 + 1}" for h in range(hosts)]
    table.write_text("".join(f"{a} h{h}.test\n" for h, a in enumerate(addresses)))
    urls = [f"http://h{n % hosts}.test:{port}/p/{n}" for n in range(pages)]
    links = [Link(url, url, 0.0) for url in urls]
    config = FetchConfig(
        contact="bench@example.org",
        limits=Limits(delay_s=delay),
        any_port=True,
        allow_network=("127.0.0.0/8",),
        hosts=table,
    )
    watcher = Quiet()
    began, cpu = time.monotonic(), time.process_time()
    attempts = fetch(data / "pages", links, ["live"], config, watcher)
    seconds, spent = time.monotonic() - began, time.process_time() - cpu
    stop.send("stop")
    log, server_cpu = stop.recv()
    server.join()
    checked = check(data / "pages", read_bodies(Path(folder)), links)
    assert all(a.outcome == "good" for a in attempts), {a.outcome for a in attempts}
    gaps = defaultdict(list)
    for host, at in log:
        gaps[host].append(at)
    closest = min(b - a for times in gaps.values() for a, b in itertools.pairwise(sorted(times)))
    stored = sum(p.stat().st_size for p in (data / "pages").glob("*.warc.gz"))
    return {
        "pages": pages,
        "hosts": hosts,
        "delay_s": delay,
        "seconds": round(seconds, 2),
        "pages_per_s": round(pages / seconds, 1),
        "mb_per_s": round(checked / 1e6 / seconds, 1),
        "mean_page_kb": round(checked / pages / 1000, 1),
        "client_cpu_s": round(spent, 2),
        "server_cpu_s": round(server_cpu, 2),
        "pages_per_cpu_s": round(pages / (spent + server_cpu), 1),
        "stored_share": round(stored / checked, 4),
        "memory_mb": [m // 1_000_000 for m in watcher.memory[:: max(1, len(watcher.memory) // 10)]],
        "closest_requests_to_a_host_s": round(closest, 4),
        "load": os.getloadavg()[0],
    }


def check(folder: Path, bodies: list[bytes], links: list[Link]) -> int:
    """Every page once in the archive with the bytes that were sent; returns their sum."""
    expected = {link.url for link in links}
    total = 0
    for path in sorted(folder.glob("*.warc.gz")):
        for record in ArchiveIterator(path.open("rb"), record_types=WarcRecordType.response):
            url = record.headers["WARC-Target-URI"]
            if url.endswith("robots.txt"):
                continue
            expected.remove(url)
            found = record.reader.read()
            host, number = re.match(r"http://([^:/]+).*/p/(\d+)$", url).groups()  # type: ignore[union-attr]
            sent = body_of(bodies, int(number), host)
            assert hashlib.sha1(found).digest() == hashlib.sha1(sent).digest(), url
            total += len(found)
    assert not expected, f"{len(expected)} pages are missing"
    assert len(read_journal(folder)) >= len(links)
    return total


def main() -> None:
    """Runs and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        runs = [
            crawl(options.folder, Path(place) / f"run{n}", options.pages, options.hosts, 0.0)
            for n in range(options.runs)
        ]
        polite = crawl(options.folder, Path(place) / "polite", 1000, options.hosts, 1.0)
    runs.sort(key=lambda run: run["pages_per_s"])
    record = {
        "command": "python " + " ".join([*sys.argv[:1], "PAGES_DIR", *sys.argv[2:]]),
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "machine": "AMD EPYC, 2 cores",
        "python": platform.python_version(),
        "gzip_level": archive_module.GZIP_LEVEL,
        "median": runs[len(runs) // 2],
        "runs_pages_per_s": [run["pages_per_s"] for run in runs],
        "with_delay": polite,
    }
    print(json.dumps(record, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
