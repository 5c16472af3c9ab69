"""A build from live pages: its archive, its ledger, and the same shards without network."""

import gzip
import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from warcio.archiveiterator import ArchiveIterator

from webtext_py.manifest import Manifest
from webtext_py.verify import verify

from .fetching import read_journal
from .server import Server
from .worlds import Gate, command, live, run, urls, world, write_hosts, write_links

HOSTS, EACH = 4, 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_hosts(tmp_path / "hosts", HOSTS)
    return tmp_path


def shards(data: Path) -> list[dict[str, object]]:
    """Every document with all its columns, in order."""
    return [
        r for p in sorted((data / "shards").glob("*.parquet")) for r in pq.read_table(p).to_pylist()
    ]


def records(data: Path) -> list[tuple[str, str, str]]:
    """Type, URL and HTTP status of every WARC record, all of them whole."""
    found = []
    for path in sorted((data / "pages").glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                record.content_stream().read()
                status = record.http_headers.get_statuscode() if record.http_headers else ""
                found.append(
                    (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), status)
                )
    return found


def assert_index_is_of(data: Path) -> None:
    """The index has a row for each response and revisit record, and each row's place is that of a
    response with its payload (a revisit's: of the one it stands for)."""
    found, places = Counter(), set()
    for path in sorted((data / "pages").glob("*.warc.gz")):
        with path.open("rb") as file:
            iterator = ArchiveIterator(file)
            for record in iterator:
                named = record.rec_headers.get_header
                url, digest = named("WARC-Target-URI"), named("WARC-Payload-Digest")
                if record.rec_type in ("response", "revisit"):
                    found[url, digest] += 1
                if record.rec_type == "response":
                    places.add((path.name, iterator.get_record_offset(), digest))
    rows = [
        row
        for path in sorted((data / "pages").glob("index-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    assert Counter((r["url"], r["payload_digest"]) for r in rows) == found
    named_places = {
        (r["location"]["file"], r["location"]["offset"], r["payload_digest"]) for r in rows
    }
    assert named_places == places


def test_live_then_offline(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, HOSTS, EACH)
        write_links(folder / "links.csv", links)
        run(live(folder, "live"))
        asked = Counter((r.host, r.target) for r in server.requests)
        run(live(folder, "live"))  # nothing is missing
        assert Counter((r.host, r.target) for r in server.requests) == asked
    data = folder / "live"
    assert verify(data).problems == []
    counts = Manifest(data).stages["fetch"].counts
    assert (counts["in"], counts["kept"], counts["dropped"]) == (40, 36, {"http_error": 4})
    pages = Manifest(data).stages["pages"].counts
    assert (pages["kept"], pages["dropped"]) == (36, {"http_error": 4})
    assert max(asked.values()) == 1
    kinds = Counter((kind, status) for kind, _, status in records(data))
    assert kinds["response", "200"] == 28 + 4 + 1  # pages, moved ones, one of the equal ones
    assert kinds["revisit", "200"] == 3
    assert kinds["response", "302"] == 4
    assert kinds["response", "404"] == 4 + 4  # pages that are gone, and robots.txt
    assert sum(n for (kind, _), n in kinds.items() if kind == "request") == 33 + 3 + 4 + 8
    index = [
        row
        for path in sorted((data / "pages").glob("index-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    assert {row["source"] for row in index} == {"live"}
    assert len(index) == 33 + 3 + 4 + 8  # a row for each response and revisit
    fetched = pq.read_table(data / "pages" / "fetched.parquet").to_pylist()
    assert Counter(row["outcome"] for row in fetched) == {"good": 36, "http_error": 4}
    moved = next(row for row in fetched if "/move/" in row["url"])
    assert moved["redirects"] == [moved["url"]]
    assert moved["final_url"] == moved["url"].replace("/move/", "/page/moved-")
    # The archive alone gives the same data set.
    run(command(folder, "offline", "--pages", str(data / "pages")))
    assert shards(folder / "offline") == shards(data)
    assert len(shards(data)) == 33


def test_records_say_what_came(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        write_links(folder / "links.csv", [f"http://host0.test:{server.port}/page/1"])
        run(live(folder, "data"))
    (path,) = (folder / "data" / "pages").glob("*.warc.gz")
    found = {}
    for record in ArchiveIterator(BytesIO(path.read_bytes())):
        found.setdefault(record.rec_type, []).append(record)
        if record.rec_type == "warcinfo":
            assert b"software: webtext" in record.content_stream().read()
        elif record.rec_type == "response":
            assert record.rec_headers.get_header("WARC-IP-Address") == "127.0.1.1"
            assert record.http_headers.get_header("Transfer-Encoding") is None
            assert record.rec_headers.protocol == "WARC/1.1"
        elif record.rec_type == "request":
            agent = record.http_headers.get_header("User-Agent")
            assert "tests@example.org" in agent
            assert "webtext/" in agent
    assert {kind: len(records) for kind, records in found.items()} == {
        "warcinfo": 1,
        "response": 2,
        "request": 2,
    }


def test_retry_asks_again_for_that_reason_only(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, 1, 10)
        write_links(folder / "links.csv", links)
        run(live(folder, "data"))
        before = len(server.requests)
        run(live(folder, "data", "--retry", "timeout"))
        assert len(server.requests) == before
        run(live(folder, "data", "--retry", "http_error"))
        again = [r.target for r in server.requests[before:]]
    assert again == ["/robots.txt", "/gone/8"]
    assert verify(folder / "data").problems == []


def test_what_is_in_an_archive_is_not_fetched(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, 1, 10)
        write_links(folder / "links.csv", links[:5])
        run(live(folder, "first"))
        write_links(folder / "links.csv", links[:7])
        before = len(server.requests)
        first = folder / "first" / "pages"
        run(live(folder, "second", "--pages", str(first)))
        asked = [r.target for r in server.requests[before:]]
    assert sorted(t for t in asked if t.startswith("/page")) == ["/page/5", "/page/6"]
    counts = Manifest(folder / "second").stages["fetch"].counts
    assert counts["sources"] == {"live": 2, "local": 5}
    assert len(shards(folder / "second")) == 7


def warc_record(kind: str, url: str, block: bytes, digest: str = "") -> bytes:
    """One record, as it lies in a plain archive."""
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": "2017-01-01T00:00:00Z",
        "WARC-Record-ID": "<urn:uuid:00000000-0000-4000-8000-000000000000>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
        **({"WARC-Payload-Digest": digest} if digest else {}),
    }
    lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"


def test_an_archive_is_read_once_and_an_orphan_revisit_is_fetched(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, 1, 3)
        write_links(folder / "links.csv", links)
        archive = folder / "old.warc.gz"
        page = b"<p>" + b"many words stand on this page " * 30
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        records = [warc_record("response", links[0], head + page)]
        records.append(warc_record("revisit", links[1], b"", "sha1:" + "A" * 32))
        archive.write_bytes(b"".join(map(gzip.compress, records)))
        run(live(folder, "data", "--pages", str(archive)))
        asked = [r.target for r in server.requests if r.target.startswith("/page")]
    assert sorted(asked) == ["/page/1", "/page/2"]
    stages = Manifest(folder / "data").stages
    assert stages["archives"].counts["good"] == 1
    assert stages["archives"].counts["left"] == 2
    assert stages["fetch"].counts["sources"] == {"live": 2, "local": 1}
    assert stages["pages"].counts["kept"] == 3
    # The pages stage scanned what was fetched alone; the archive's captures it took over.
    scans = sorted((folder / "data" / "pages").glob("scan-*.arrow"))
    assert len(scans) == 1
    assert stages["pages"].counts["captures"]["good"] == 3
    assert verify(folder / "data").problems == []


def test_a_raised_number_of_fetch_asks_nobody_and_keeps_the_archive(
    folder: Path,
) -> None:
    with Server(world(), address="0.0.0.0") as server:
        write_links(folder / "links.csv", urls(server.port, 1, 4))
        run(live(folder, "data"))
        before = len(server.requests)
        archives = {p: p.read_bytes() for p in (folder / "data" / "pages").glob("*.warc.gz")}
        kept = shards(folder / "data")
        manifest = Manifest(folder / "data")
        manifest.stages["fetch"].rules = 0
        manifest.stages["fetch"].key = "0" * 32
        manifest.save()
        stale = subprocess.run(live(folder, "data"), capture_output=True, text=True, check=False)
        assert "`fetch` was made from something else: rules: 0 -> 1" in stale.stderr
        run(live(folder, "data", "--force"))
        assert len(server.requests) == before
    assert archives == {p: p.read_bytes() for p in (folder / "data" / "pages").glob("*.warc.gz")}
    assert shards(folder / "data") == kept


def test_contact_is_required(folder: Path) -> None:
    write_links(folder / "links.csv", ["http://host0.test/"])
    done = subprocess.run(
        command(folder, "data", "--pages", "live"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--contact" in done.stderr


def test_loopback_is_refused_by_default(folder: Path) -> None:
    with Server(world(), address="0.0.0.0") as server:
        write_links(folder / "links.csv", urls(server.port, 1, 3))
        words = live(folder, "data")
        place = words.index("--allow-network")
        done = subprocess.run(
            words[:place] + words[place + 2 :], capture_output=True, text=True, check=False
        )
        assert server.connections == 0
    assert done.returncode == 1
    assert "3 address_refused" in done.stderr
    with_it = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "warning: addresses in 127.0.0.0/8 may be connected to" in with_it.stderr


KILLS = 20

# The command, which kills itself at a write of the archive, of records or a line of a journal:
# before it, in the midst of it or after it.
KILLED = """
import os, signal, sys
from webtext_py.cli.main import main
from webtext_py.fetch import archive, journal

left, part, write = int(sys.argv.pop(1)), float(sys.argv.pop(1)), archive.write_all

def watched(file, data, path):
    global left
    left -= 1
    if left == 0:
        write(file, data[: int(part * len(data))], path)
        os.kill(os.getpid(), signal.SIGKILL)
    write(file, data, path)

archive.write_all = journal.write_all = watched
main()
"""


def test_killed_twenty_times(folder: Path) -> None:
    """Every page is in the archive once, no finished one is asked for again, journals, index and
    WARC agree, and the shards are those of an uninterrupted run. 10,000 pages at full speed:
    `tests/soak/kill_fetch.py`."""
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, HOSTS, 50)
        write_links(folder / "links.csv", links)
        run(live(folder, "whole"))
        finished: set[str] = set()
        chance = random.Random(3)
        _, *words = live(folder, "killed")[3:]
        for kill in range(KILLS):
            before = len(server.requests)
            # Two writes a page; a head for each file.
            moment = [str(chance.randrange(8, 20)), str(kill % 3 / 2)]
            command = [sys.executable, "-P", "-c", KILLED, *moment, *words]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            assert done.returncode == -signal.SIGKILL
            asked = {f"http://{r.host}:{server.port}{r.target}" for r in server.requests[before:]}
            assert not asked & finished
            finished = {a.url for a in read_journal(folder / "killed" / "pages") if a.url_key}
        assert len(finished) < len(links)
        run(live(folder, "killed"))
    data = folder / "killed"
    assert verify(data).problems == []
    assert not list(data.rglob("*.part"))
    pages = Counter(
        url
        for kind, url, _ in records(data)
        if kind in ("response", "revisit") and "robots" not in url
    )
    assert set(pages.values()) == {1}
    whole = {u for kind, u, _ in records(folder / "whole") if "robots" not in (u or "robots")}
    assert set(pages) == whole
    vouched = sum(a.length for a in read_journal(data / "pages"))
    sizes = sum(p.stat().st_size for p in (data / "pages").glob("*.warc.gz"))
    infos = sum(kind == "warcinfo" for kind, _, _ in records(data))
    assert vouched < sizes < vouched + 600 * infos  # warcinfo records alone have no line
    assert_index_is_of(data)
    timeless = [
        [{k: v for k, v in row.items() if k != "fetched_at"} for row in shards(folder / name)]
        for name in ("whole", "killed")
    ]
    assert timeless[0] == timeless[1]


def test_ctrl_c_keeps_everything(folder: Path) -> None:
    """How soon it stops is in `benches/record/fetch.json`."""
    gate = Gate(30)
    with Server(world(gate), address="0.0.0.0") as server:
        write_links(folder / "links.csv", urls(server.port, HOSTS, 60))
        process = subprocess.Popen(
            live(folder, "data"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        pages = folder / "data" / "pages"
        while process.poll() is None and len(read_journal(pages)) < 12:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        assert process.returncode == 130, errors
        assert errors.splitlines()[-1] == "interrupted"
        assert not list(pages.glob("*.part"))
        done = read_journal(pages)
        kept = {a.final_url for a in done if a.file}
        assert 12 <= len(kept) < HOSTS * 60
        found = {url for kind, url, _ in records(folder / "data") if kind == "response"}
        assert kept <= found
        # The next run asks for none of them again.
        gate.left = math.inf
        before = len(server.requests)
        run(live(folder, "data"))
        again = {f"http://{r.host}:{server.port}{r.target}" for r in server.requests[before:]}
    assert not again & {a.url for a in done if a.url_key}
    assert Manifest(folder / "data").stages["fetch"].counts["in"] == HOSTS * 60
    assert verify(folder / "data").problems == []
