"""WARC files: rotation at a size, temporary names, what a record holds."""

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from webtext_py.fetch.archive import JOURNAL, Archive, Attempt
from webtext_py.fetch.client import Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Link
from webtext_py.fetch.limits import Limits
from webtext_py.observer import SILENT

from .fetching import fetched, read_journal
from .server import Server
from .worlds import article, urls, world, write_hosts

WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def exchange(number: int, headers: list[tuple[str, str]] | None = None) -> Exchange:
    """A page with a body that packs badly."""
    body = hashlib.shake_256(str(number).encode()).digest(5000)
    url = f"http://a.test/{number}"
    named = headers or [("Content-Type", "text/html")]
    return Exchange(url, WHEN, "192.0.2.1", [("Accept", "*/*")], 200, "OK", named, body)


def kinds(path: Path) -> list[str]:
    """The records of a file, all of them whole and with right digests."""
    with path.open("rb") as file:
        found = []
        for record in ArchiveIterator(file, check_digests="raise"):
            record.content_stream().read()
            found.append(record.rec_type)
        return found


def test_files_are_rotated_and_renamed_when_full(tmp_path: Path) -> None:
    limit = 30_000
    with Archive(tmp_path, {}, rotate_bytes=limit) as archive:
        for number in range(20):
            one = exchange(number)
            archive.add(Attempt(one.url, one.url, "live", "good"), [one])
            # Behind every page: at most one file is open, and it alone has the temporary name.
            parts = [p.name for p in tmp_path.glob("*.part")]
            assert len(parts) <= 1
            full = sorted(tmp_path.glob("live-*.warc.gz"))
            assert all(path.stat().st_size >= limit for path in full)
            assert not {p.removesuffix(".part") for p in parts} & {p.name for p in full}
    files = sorted(tmp_path.glob("*.warc.gz"))
    assert not list(tmp_path.glob("*.part"))
    assert [p.name for p in files] == [f"live-{n:05d}.warc.gz" for n in range(len(files))]
    assert 3 <= len(files) <= 5
    found = [kinds(path) for path in files]
    assert all(names[0] == "warcinfo" and names.count("warcinfo") == 1 for names in found)
    assert Counter(name for names in found for name in names)["response"] == 20
    # Of all but the last: full, and by less than one page.
    assert all(path.stat().st_size < limit + 7000 for path in files)
    for attempt in read_journal(tmp_path):
        assert attempt.file is not None
        assert attempt.offset + attempt.length <= (tmp_path / attempt.file).stat().st_size


def test_what_no_line_vouches_for_is_cut_off(tmp_path: Path) -> None:
    """As after `kill -9` in the middle of a write: half a record, and half a line."""
    pages = [exchange(number) for number in range(3)]
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        for one in pages[:2]:
            archive.add(Attempt(one.url, one.url, "live", "good"), [one])
    whole = (tmp_path / "live-00000.warc.gz").read_bytes()
    (tmp_path / "live-00000.warc.gz").unlink()
    part = tmp_path / "live-00000.warc.gz.part"
    part.write_bytes(whole + whole[300:900])
    (tmp_path / "live-00001.warc.gz.part").write_bytes(whole[:100])  # nothing is finished there
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"url_key": "http://a.test/2", "url": "htt')
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        assert [a.url_key for a in read_journal(tmp_path)] == [p.url for p in pages[:2]]
        archive.add(Attempt(pages[2].url, pages[2].url, "live", "good"), [pages[2]])
    assert (tmp_path / "live-00000.warc.gz").read_bytes() == whole
    files = sorted(path.name for path in tmp_path.glob("*.warc.gz*"))
    assert files == ["live-00000.warc.gz", "live-00001.warc.gz"]
    assert kinds(tmp_path / "live-00001.warc.gz") == ["warcinfo", "response", "request"]
    assert [a.url for a in read_journal(tmp_path)] == [p.url for p in pages]


def test_a_small_limit_through_a_whole_fetch(tmp_path: Path) -> None:
    write_hosts(tmp_path / "hosts", 2)
    with Server(world(), address="0.0.0.0") as server:
        links = [Link(url, url, 0.0) for url in urls(server.port, 2, 10)]
        config = FetchConfig(
            contact="tests@example.org",
            limits=Limits(delay_s=0),
            any_port=True,
            allow_network=("127.0.0.0/8",),
            hosts=tmp_path / "hosts",
            rotate_bytes=8000,
        )
        fetched(tmp_path / "pages", links, ["live"], config, SILENT)
    files = sorted((tmp_path / "pages").glob("live-*.warc.gz"))
    assert len(files) >= 3
    total = Counter(name for path in files for name in kinds(path))
    assert (
        total["response"] + total["revisit"] == 20 + 2 + 2
    )  # the moved ones' redirects, robots.txt
    assert total["warcinfo"] == len(files)


def test_records_claim_no_chunks_and_keep_codings(tmp_path: Path) -> None:
    import gzip

    body = gzip.compress(article("packed"))
    headers = [
        ("Content-Type", "text/html"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Encoding", "gzip"),
    ]
    one = exchange(0, headers)
    one.body = body
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        archive.add(Attempt(one.url, one.url, "live", "good"), [one])
    with (tmp_path / "live-00000.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response":
                assert record.http_headers.get_header("Transfer-Encoding") is None
                assert record.http_headers.get_header("Content-Encoding") == "gzip"
                assert record.raw_stream.read() == body
