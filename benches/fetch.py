"""Fetching: pages a second from a local server, memory, delays by the server's log, Ctrl-C.

    python benches/fetch.py PAGES_DIR PART... [--pages 10000] [--hosts 200] [--out FILE]

PAGES_DIR: a folder of packed pages (`*.html.gz`), which are the bodies in turn (a comment with the
URL is added, so that no two are equal); those that ask to be left out are served like the others,
and must end so. PART: `fast` (no delay; may be given several times, one run each), `polite` (1 s)
and `interrupt` (Ctrl-C, five times in one build at full speed). Parts join what `--out` holds
already: each fits into a few minutes. The server runs in a process of its own on this machine; its
share is part of every figure. What was fetched is checked before a figure counts: every page once,
whole, with the bytes that the server sent.
"""

import argparse
import asyncio
import csv
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
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, ClassVar

from fastwarc.warc import ArchiveIterator, WarcRecordType

from webtext_py.fetch import archive as archive_module
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Link
from webtext_py.fetch.journal import Attempt, journals, whole_lines
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.optout import meta_opt_out
from webtext_py.fetch.run import fetch
from webtext_py.fetch.state import FetchState
from webtext_py.observer import Observer

MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Web(asyncio.Protocol):
    """Gives the bodies in turn by the number in the path; notes when each host is asked."""

    bodies: ClassVar[list[bytes]] = []
    log: ClassVar[list[tuple[str, str, float]]] = []

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
        self.log.append((host[1].decode(), target, time.monotonic()))
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


def serve(folder: str, port: int, ready: Any, stop: Any) -> None:
    """The server's process."""
    Web.bodies = read_bodies(Path(folder))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Web, "0.0.0.0", port, backlog=1024)
        ready.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, stop.recv)
        server.close()
        stop.send((Web.log, time.process_time()))

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())


def read_bodies(folder: Path) -> list[bytes]:
    """Every HTML file below `folder`."""
    return [gzip.decompress(p.read_bytes()) for p in sorted(folder.rglob("*.html.gz"))]


class Running:
    """The server in its process, with the hosts that lead to it. A context manager."""

    def __init__(self, folder: str, data: Path, hosts: int, port: int = 0) -> None:
        self._folder, self._data, self._hosts, self.port = folder, data, hosts, port
        self.log: list[tuple[str, str, float]] = []
        self.cpu_s = 0.0

    def __enter__(self) -> "Running":
        ready, told = multiprocessing.Pipe()
        self._stop, stopped = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(self._folder, self.port, told, stopped)
        )
        self._process.start()
        self.port = ready.recv()
        self._data.mkdir(parents=True, exist_ok=True)
        addresses = [f"127.0.{h // 250 + 1}.{h % 250 + 1}" for h in range(self._hosts)]
        self.table = self._data / "hosts"
        self.table.write_text("".join(f"{a} h{h}.test\n" for h, a in enumerate(addresses)))
        return self

    def urls(self, pages: int) -> list[str]:
        """Links to `pages` pages, host by host in turn."""
        return [f"http://h{n % self._hosts}.test:{self.port}/p/{n}" for n in range(pages)]

    def write_links(self, pages: int) -> None:
        """The same as a table for `--links`, each with a karma of its own."""
        with (self._data / "links.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["url", "karma", "created_utc"])
            rows.writerows([u, 10 + n, 1_450_000_000] for n, u in enumerate(self.urls(pages)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.send("stop")
        self.log, self.cpu_s = self._stop.recv()
        self._process.join()


class Quiet(Observer):
    """Hears nothing, and looks at the memory now and then."""

    def __init__(self) -> None:
        self.done = 0
        self.memory: list[int] = []

    def advanced(self, units: int) -> None:
        """Counts; every 500 pages the resident size."""
        self.done += units
        if self.done % 500 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory.append(pages * os.sysconf("SC_PAGESIZE"))


def fetch_all(
    pages: Path, links: Sequence[Link], config: FetchConfig, watcher: Quiet
) -> dict[str, str]:
    """How links end that are fetched into the folder `pages`."""
    with tempfile.TemporaryDirectory() as work, FetchState(Path(work)) as state:
        state.add(links)
        fetch(pages, state, ["live"], config, watcher)
        return {a.url: a.outcome for of_link in state.attempts(["live"]) for a in of_link}


def crawl(folder: str, data: Path, pages: int, hosts: int, delay: float) -> dict[str, Any]:
    """One run against a fresh server; its figures, checked."""
    watcher = Quiet()
    with Running(folder, data, hosts) as server:
        links = [Link(url, url, 0.0) for url in server.urls(pages)]
        config = config_of(server.table, delay)
        began, cpu = time.monotonic(), time.process_time()
        outcomes = fetch_all(data / "pages", links, config, watcher)
        seconds, spent = time.monotonic() - began, time.process_time() - cpu
    bodies = read_bodies(Path(folder))
    refusing = {n for n, body in enumerate(bodies) if meta_opt_out(body) is not None}
    for n, link in enumerate(links):
        wanted = "opt_out" if n % len(bodies) in refusing else "good"
        assert outcomes[link.url] == wanted, (link.url, outcomes[link.url])
    stored = check(data / "pages", bodies, [k.url for k in links if outcomes[k.url] == "good"])
    served = sum(len(body_of(bodies, n, f"h{n % hosts}.test")) for n in range(pages))
    gaps = defaultdict(list)
    for host, _, at in server.log:
        gaps[host].append(at)
    closest = min(b - a for times in gaps.values() for a, b in itertools.pairwise(sorted(times)))
    packed = sum(p.stat().st_size for p in (data / "pages").glob("*.warc.gz"))
    return {
        "pages": pages,
        "hosts": hosts,
        "requests": len(server.log),
        "delay_s": delay,
        "outcomes": dict(Counter(outcomes.values()).most_common()),
        "seconds": round(seconds, 2),
        "pages_per_s": round(pages / seconds, 1),
        "mb_per_s": round(served / 1e6 / seconds, 1),
        "mean_page_kb": round(served / pages / 1000, 1),
        "client_cpu_s": round(spent, 2),
        "server_cpu_s": round(server.cpu_s, 2),
        "pages_per_cpu_s": round(pages / (spent + server.cpu_s), 1),
        "stored_share": round(packed / stored, 4),
        "memory_mb": [m // 1_000_000 for m in watcher.memory[:: max(1, len(watcher.memory) // 10)]],
        "closest_requests_to_a_host_s": round(closest, 4),
        "load": round(os.getloadavg()[0], 2),
    }


def check(folder: Path, bodies: list[bytes], urls: list[str]) -> int:
    """Every one of `urls` once in the archive with the bytes that were sent, and no other page;
    returns the sum of their bytes."""
    expected = set(urls)
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
    return total


def attempts(folder: Path) -> list[Attempt]:
    """All attempts in the journals of a folder."""
    return [Attempt.of(line) for path in journals(folder) for line in whole_lines(path)]


def interrupt(folder: str, data: Path, pages: int, hosts: int) -> dict[str, Any]:
    """Seconds from Ctrl-C to the end of `webtext build`, five times in one build."""
    took = []
    with Running(folder, data, hosts) as server:
        server.write_links(pages)
        archive = data / "build" / "pages"
        for n in range(5):
            process = subprocess.Popen(build_command(data, "build"), stdout=subprocess.DEVNULL)
            enough = (n + 1) * pages // 7
            while process.poll() is None and len(attempts(archive)) < enough:
                time.sleep(0.1)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            code = process.wait()
            took.append(round(time.monotonic() - began, 2))
            assert code == 130, code
            assert not list(archive.glob("*.part"))
            kept = [a.url for a in attempts(archive) if a.outcome == "good"]
            print(f"Ctrl-C with {len(kept)} pages kept: {took[-1]} s", file=sys.stderr)
    check(archive, read_bodies(Path(folder)), kept)
    return {"seconds": took, "most_s": max(took), "load": round(os.getloadavg()[0], 2)}


def fetch_links(data: Path, name: str) -> None:
    """Fetches the links of `data/links.csv` by `data/hosts`, no delay, into `data/name/pages`."""
    with (data / "links.csv").open(newline="") as file:
        links = [Link(row["url"], row["url"], 0.0) for row in csv.DictReader(file)]
    fetch_all(data / name / "pages", links, config_of(data / "hosts", 0.0), Quiet())


def fetch_command(data: Path, name: str) -> list[str]:
    """The same in a process of its own."""
    code = "import sys, pathlib, fetch; fetch.fetch_links(pathlib.Path(sys.argv[1]), sys.argv[2])"
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {code}"
    return [sys.executable, "-P", "-c", here, str(data), name]


def config_of(hosts: Path, delay: float) -> FetchConfig:
    """How every part fetches."""
    return FetchConfig(
        contact="bench@example.org",
        limits=Limits(delay_s=delay),
        any_port=True,
        allow_network=("127.0.0.0/8",),
        hosts=hosts,
    )


def build_command(data: Path, name: str, *more: str) -> list[str]:
    """`webtext build` of `data/links.csv` by `data/hosts`, no delay, into `data/name`."""
    return [
        *(sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()", "build"),
        *("--data", str(data / name), "--links", str(data / "links.csv"), "--quiet"),
        *("--pages", "live", "--contact", "bench@example.org", "--any-port", "--delay", "0"),
        *("--allow-network", "127.0.0.0/8", "--hosts", str(data / "hosts"), *more),
    ]


def main() -> None:
    """Runs the parts and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("parts", nargs="+", choices=("fast", "polite", "interrupt"))
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    known = options.out is not None and options.out.exists()
    record: dict[str, Any] = json.loads(options.out.read_bytes()) if known else {}
    record |= {
        "command": "python benches/fetch.py PAGES_DIR PART... --out FILE",
        "input": "html/article-extraction-benchmark of the shared data, all pages in turn",
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "machine": "AMD EPYC, 2 cores",
        "python": platform.python_version(),
        "gzip_level": archive_module.GZIP_LEVEL,
    }
    for part in options.parts:
        with tempfile.TemporaryDirectory() as place:
            given = options.folder, Path(place), options.pages, options.hosts
            if part == "fast":
                runs = [*record.get("runs", []), crawl(*given, 0.0)]
                record["runs"] = sorted(runs, key=lambda run: run["pages_per_s"])
                record["median_pages_per_s"] = median(run["pages_per_s"] for run in runs)
            elif part == "polite":
                record["with_delay"] = crawl(*given, 1.0)
            else:
                record["ctrl_c"] = interrupt(*given)
        if options.out is not None:
            options.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
