"""WARC files: rotation at a size, temporary names, what a record holds."""

import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pytest
from warcio.archiveiterator import ArchiveIterator

from webtext_py.columns import partition_of
from webtext_py.fetch import archive as archive_module
from webtext_py.fetch.archive import Archive
from webtext_py.fetch.client import Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Link
from webtext_py.fetch.journal import (
    GROUPS,
    Attempt,
    journal_line,
    journal_of,
    journals,
    whole_lines,
)
from webtext_py.fetch.limits import Limits
from webtext_py.fetch.recovery import recover
from webtext_py.observer import SILENT

from .fetching import fetched, one_journal, read_journal
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
    with journal_of(tmp_path, read_journal(tmp_path)[0].group).open("ab") as file:
        file.write(b'{"url_key": "http://a.test/2", "url": "htt')
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        assert [a.url_key for a in read_journal(tmp_path)] == [p.url for p in pages[:2]]
        archive.add(Attempt(pages[2].url, pages[2].url, "live", "good"), [pages[2]])
    assert (tmp_path / "live-00000.warc.gz").read_bytes() == whole
    files = sorted(path.name for path in tmp_path.glob("*.warc.gz*"))
    assert files == ["live-00000.warc.gz", "live-00001.warc.gz"]
    assert kinds(tmp_path / "live-00001.warc.gz") == ["warcinfo", "response", "request"]
    assert [a.url for a in read_journal(tmp_path)] == [p.url for p in pages]


HOSTS = [f"http://h{number}.test" for number in (0, 2, 3, 4, 5, 6)]  # in six groups


def filled(folder: Path) -> list[Attempt]:
    """Six pages of as many hosts in a file that is still open, and one that was not to be had."""
    with Archive(folder, {}, rotate_bytes=1 << 30) as archive:
        archive.add(Attempt(f"{HOSTS[0]}/no", f"{HOSTS[0]}/no", "live", "timeout"), [])
        for number, host in enumerate(HOSTS):
            archive.add(Attempt(f"{host}/", f"{host}/", "live", "good"), [exchange(number)])
    file = folder / "live-00000.warc.gz"
    file.rename(f"{file}.part")
    ended = sorted(read_journal(folder), key=lambda a: (a.file or "", a.offset))
    assert len({attempt.group for attempt in ended}) == len(HOSTS)
    return ended


def reopened(folder: Path) -> list[Attempt]:
    """What stands after a restart, in order; all lines of files are of whole records in a row."""
    with Archive(folder, {}, rotate_bytes=1 << 30):
        pass
    kept = sorted(read_journal(folder), key=lambda a: (a.file or "", a.offset))
    ends = {a.file: a.offset + a.length for a in kept if a.file}
    assert {p.name: p.stat().st_size for p in folder.glob("*.warc.gz*")} == ends
    for name in ends:
        assert kinds(folder / str(name)) == ["warcinfo", *["response", "request"] * (len(kept) - 1)]
    assert not list(folder.glob("*.new"))
    return kept


def test_all_of_a_host_is_in_the_journal_of_its_group(tmp_path: Path) -> None:
    hosts = [f"h{number}.test" for number in range(40)]
    for run in range(2):
        with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
            for host in hosts:
                key = f"http://{host}/{run}"
                archive.add(Attempt(key, f"https://www.{host}/{run}", "live", "timeout"), [])
                archive.add(Attempt(f"http://{host}:8080/", "", "wayback", "no_capture"), [])
                archive.add(Attempt("", f"https://www.{host}/robots.txt", "live", "robots.txt"), [])
    where = defaultdict(set)
    for group in range(GROUPS):
        for attempt in map(Attempt.of, whole_lines(journal_of(tmp_path, group))):
            host = (attempt.url_key or attempt.url).partition("//")[2].partition("/")[0]
            where[host.removeprefix("www.").partition(":")[0]].add(group)
    expected = partition_of(pa.array(hosts), GROUPS).tolist()
    assert where == {host: {group} for host, group in zip(hosts, expected, strict=True)}
    assert len(set(expected)) > GROUPS // 2


@pytest.mark.parametrize("lost", range(1, 7))
def test_behind_a_line_that_is_lost_none_counts(tmp_path: Path, lost: int) -> None:
    """As after a power cut: of journals not yet synced it may take the end of any."""
    ended = filled(tmp_path)
    journal = journal_of(tmp_path, ended[lost].group)
    journal.write_bytes(journal.read_bytes().replace(journal_line(ended[lost]), b""))
    assert reopened(tmp_path) == ended[:lost]
    assert reopened(tmp_path) == ended[:lost]


@pytest.mark.parametrize("whole", range(6))
def test_lines_that_outlive_their_bytes_do_not_count(tmp_path: Path, whole: int) -> None:
    ended = filled(tmp_path)
    end = ended[whole + 1].offset + ended[whole + 1].length
    os.truncate(tmp_path / "live-00000.warc.gz.part", end - 1)
    assert reopened(tmp_path) == ended[: whole + 1]


def test_a_file_whose_head_is_torn_goes(tmp_path: Path) -> None:
    ended = filled(tmp_path)
    part = tmp_path / "live-00000.warc.gz.part"
    part.write_bytes(b"\0" * part.stat().st_size)
    assert reopened(tmp_path) == ended[:1]


def test_only_journals_written_since_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records first, then the lines; and before a file has its full name."""
    synced: list[str] = []
    sync = os.fsync

    def noted(file: int) -> None:
        names = {path.stat().st_ino: path.name for path in tmp_path.iterdir()}
        synced.append(names.get(os.fstat(file).st_ino, "folder"))
        sync(file)

    first, second = (Attempt(f"{host}/", f"{host}/", "live", "good") for host in HOSTS[:2])
    with Archive(tmp_path, {}, rotate_bytes=1 << 30) as archive:
        monkeypatch.setattr(os, "fsync", noted)
        monkeypatch.setattr(archive_module, "_SYNC_BYTES", 6000)
        archive.add(first, [exchange(1)])
        assert synced == []
        archive.add(second, [exchange(2)])
        part, *both = synced
        assert part == "live-00000.warc.gz.part"
        assert sorted(both) == sorted(journal_of(tmp_path, a.group).name for a in (first, second))
        synced.clear()
        archive.add(first, [exchange(3)])
    assert synced == [part, journal_of(tmp_path, first.group).name, "folder"]


def test_one_journal_of_before_becomes_those_of_the_groups(tmp_path: Path) -> None:
    ended = filled(tmp_path)
    before = {path.name: path.read_bytes() for path in journals(tmp_path)}
    one_journal(tmp_path)
    with (tmp_path / "fetch-journal.jsonl").open("ab") as file:
        file.write(b'{"url_key": "http://a.test/2", "url": "htt')
    assert reopened(tmp_path) == ended
    assert {path.name: path.read_bytes() for path in tmp_path.glob("fetch-*")} == before


# Opens an archive, and kills itself behind some fsync of the journals' files and their folder.
MOVED = """
import os, signal, sys
from pathlib import Path
from webtext_py.fetch import archive, journal

left, flush = int(sys.argv[2]), journal.flush

def watched(path):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(path)

journal.flush = watched
archive.Archive(Path(sys.argv[1]), {}, rotate_bytes=1 << 30).__enter__()
"""


@pytest.mark.parametrize("moment", [0, GROUPS, GROUPS + 1])
def test_killed_while_lines_go_to_the_groups(tmp_path: Path, moment: int) -> None:
    """With none of the groups' journals on the disk; with all; with the one just gone."""
    ended = filled(tmp_path)
    one_journal(tmp_path)
    done = subprocess.run([sys.executable, "-P", "-c", MOVED, str(tmp_path), str(moment)])
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "fetch-journal.jsonl").exists() == (moment <= GROUPS)
    if moment == 0:  # half of them were written
        for path in sorted(tmp_path.glob("fetch-journal-*"))[::2]:
            path.write_bytes(path.read_bytes()[:50])
    assert sorted(a.url for a in read_journal(tmp_path)) == sorted(a.url for a in ended)
    assert reopened(tmp_path) == ended


def test_recovery_holds_no_lines(tmp_path: Path) -> None:
    """Four times as many take no more memory."""

    def peak(folder: Path, count: int) -> int:
        folder.mkdir()
        (folder / "live-00000.warc.gz").write_bytes(b"\0" * count)
        for number in range(count):
            url, payload = f"http://h{number % 99}.test/{number}", [f"{number:032d}", "u", "d"]
            file = "live-00000.warc.gz"
            attempt = Attempt(url, url, "live", "good", file=file, offset=number, length=1)
            attempt.payloads.append(payload)
            with journal_of(folder, attempt.group).open("ab") as journal:
                journal.write(journal_line(attempt))
        tracemalloc.start()
        assert len(recover(folder, 20 * GROUPS)) == 20 * GROUPS
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(tmp_path / "once", 1000)
    assert peak(tmp_path / "large", 8000) < 1.3 * peak(tmp_path / "small", 2000)


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
