"""Pages that were fetched: their payloads go, their places stay, and nobody asks for them again."""

import asyncio
import gzip
import hashlib
import io
import re
import zlib
from collections import Counter
from pathlib import Path

import fastwarc
import pyarrow.parquet as pq
import pytest
import warcio

from webtext_py.engine import LocalEngine
from webtext_py.fetch.journal import Attempt, journals, whole_lines
from webtext_py.layout import FETCHED, SHARDS
from webtext_py.manifest import Manifest
from webtext_py.pages.archive import scan_container
from webtext_py.pages.kinds import Container
from webtext_py.removal import asked_for, remove
from webtext_py.removal.emptied import members, without_payload
from webtext_py.verify import verify

from .fetching import one_journal, read_journal
from .server import Handler, Request, Server, redirect
from .worlds import article, live, run, urls, world, write_hosts, write_links

HOSTS, EACH = 3, 10


def texts(data: Path) -> dict[str, str]:
    """The shards' documents: URL to text."""
    rows = (row for path in SHARDS.there(data) for row in pq.read_table(path).to_pylist())
    return {row["url"]: row["text"] for row in rows}


def digests(data: Path) -> dict[str, str]:
    """Every file of a build by its name."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.glob("*/*"))
        if path.is_file() and ".state" not in path.parts
    }


def holding(data: Path, needle: str) -> list[str]:
    """The files with `needle`, decompressed."""
    found = []
    for path in sorted(data.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            said = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            if path.suffix == ".parquet":
                said = str(pq.read_table(path).to_pylist()).encode()
            if needle.encode() in said:
                found.append(str(path.relative_to(data)))
    return found


def wrong_digests(data: Path) -> list[str]:
    """What two strict checkers say against the records that were fetched."""
    found: list[str] = []
    for path in sorted(data.glob("pages/*.warc.gz")):
        raw = path.read_bytes()
        for record in warcio.ArchiveIterator(io.BytesIO(raw), check_digests=True):
            record.content_stream().read()
            found += record.digest_checker.problems
        counts = [
            sum(1 for _ in fastwarc.ArchiveIterator(io.BytesIO(raw), verify_digests=strict))
            for strict in (False, True)
        ]
        if counts[0] != counts[1]:
            found.append(f"{path.name}: {counts[1]} of {counts[0]} records verify")
    return found


def leading_away() -> Handler:
    """The world, with one page that leads to another host."""
    inner = world()

    async def handle(
        request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if request.target != "/away":
            await inner(request, reader, writer)
            return
        port = writer.get_extra_info("sockname")[1]
        writer.write(redirect(f"http://host2.test:{port}/page/away"))

    return handle


def test_out_of_what_was_fetched(tmp_path: Path) -> None:
    write_hosts(tmp_path / "hosts", HOSTS)
    data = tmp_path / "data"
    with Server(leading_away(), address="0.0.0.0") as server:
        links = urls(server.port, HOSTS, EACH)
        write_links(tmp_path / "links.csv", links)
        run(live(tmp_path, "data"))
        before, old = texts(data), digests(data)
        # One by the URL behind a redirect, one page, and all of a host but for the equal ones.
        moved = next(url for url in before if "/moved-" in url and "host1" in url)
        page = next(url for url in before if "/page/0" in url and "host1" in url)
        needles = [before[url].split()[40] for url in (moved, page)]
        assert all(len(holding(data, needle)) == 3 for needle in needles)
        file = tmp_path / "urls.txt"
        file.write_text(f"{moved}\n{page}\n")
        inodes = {path: path.stat().st_ino for path in journals(data / "pages")}
        report = remove(data, asked_for(urls=file), engine=LocalEngine(1))
        assert len(report["removed"]) == 2
        # The journal of this host's group is another, and holds no payload of theirs.
        [path] = [path for path, inode in inodes.items() if path.stat().st_ino != inode]
        gone = [a for a in map(Attempt.of, whole_lines(path)) if a.final_url in (moved, page)]
        assert [a.payloads for a in gone] == [[], []]
        assert report["archives"] == {}
        assert [holding(data, needle) for needle in needles] == [[], []]
        assert verify(data).problems == []
        assert wrong_digests(data) == []
        warcs = {name for name in old if name.endswith(".warc.gz")}
        assert warcs & set(report["written"])
        new = digests(data)
        tables = ("pages/index", "pages/good", "pages/fetched.parquet", "links/")
        assert all(new[name] == old[name] for name in old if name.startswith(tables))
        # A later build reads the same captures out of the files, and asks for nothing again.
        asked = Counter((r.host, r.target) for r in server.requests)
        write_links(tmp_path / "links.csv", links)
        run(live(tmp_path, "data"))
        run(live(tmp_path, "data", "--from", "fetch"))
        assert Counter((r.host, r.target) for r in server.requests) == asked
        assert digests(data) == new
        # New links into what was removed are not asked for, nor kept where they lead to it.
        remove(data, asked_for(domain="host2.test"), engine=LocalEngine(1))
        assert not any("host2" in url for url in texts(data))
        more = [f"http://host2.test:{server.port}/page/99", f"http://host1.test:{server.port}/away"]
        write_links(tmp_path / "links.csv", links + more)
        asked = len(server.requests)
        run(live(tmp_path, "data", "--force", "--retry", "all"))  # pages that are gone, too
        targets = {(r.host, r.target) for r in server.requests[asked:]}
        linked = {url.partition(f":{server.port}")[2] for url in links + more}
        assert not {target for host, target in targets if host == "host2.test"} & linked
        assert any(host == "host1.test" for host, _ in targets)
        (needle, *_) = re.findall(r"\b[0-9a-f]{7}\b", article("host2.test/page/away").decode())
        assert holding(data, needle) == []
    fetched = pq.read_table(data / FETCHED.name()).to_pylist()
    assert [r["outcome"] for r in fetched if r["url"] in more] == ["removed", "removed"]
    assert Manifest(data).stages["pages"].counts["dropped"]["removed"] == 2
    assert verify(data).problems == []


def test_a_payload_that_others_need_stays(tmp_path: Path) -> None:
    write_hosts(tmp_path / "hosts", HOSTS)
    data = tmp_path / "data"
    with Server(world(), address="0.0.0.0") as server:
        links = [f"http://host{n}.test:{server.port}/same/9" for n in range(HOSTS)]
        write_links(tmp_path / "links.csv", [*links, f"http://host0.test:{server.port}/page/1"])
        run(live(tmp_path, "data"))
    same = next(text for url, text in texts(data).items() if "/same/" in url)
    needle = same.split()[40]
    places = {
        row["location"]["offset"]
        for path in sorted((data / "pages").glob("good-*"))
        for row in pq.read_table(path).to_pylist()
        if "/same/" in row["url"]
    }
    assert len(places) == 1  # one response, two records that refer to it
    payloads = {a.url for a in read_journal(data / "pages") if a.payloads and "/same/" in a.url}
    (first,) = payloads
    file = tmp_path / "urls.txt"
    # The one that has the payload goes; a copy takes its place and needs it.
    file.write_text(f"{first}\n")
    remove(data, asked_for(urls=file), promote=True, engine=LocalEngine(1))
    assert any("/same/" in url for url in texts(data))
    assert {name.partition("/")[0] for name in holding(data, needle)} == {
        "documents", "pages", "shards",
    }  # fmt: skip
    # The others go, and with them the payload; the directory is one of before.
    one_journal(data / "pages")
    file.write_text("\n".join(links))
    remove(data, asked_for(urls=file), engine=LocalEngine(1))
    assert holding(data, needle) == []
    assert verify(data).problems == []
    assert not any(a.payloads for a in read_journal(data / "pages") if "/same/" in a.url)


def _member(kind: str, body: bytes, *more: str, http: bytes = b"") -> bytes:
    block = http + body
    lines = ["WARC/1.1", f"WARC-Type: {kind}", "WARC-Target-URI: http://a.example/", *more]
    head = "\r\n".join([*lines, f"Content-Length: {len(block)}", "", ""])
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.parametrize("size", [1, 5, 30, 1000, 3_000_000])
@pytest.mark.parametrize("digest", [(), ("WARC-Payload-Digest: sha1:ABC",)])
def test_a_member_keeps_its_length_and_its_headers(
    tmp_path: Path, size: int, digest: tuple[str, ...]
) -> None:
    body = bytes(zlib.crc32(n.to_bytes(4)) & 0x7F | 1 for n in range(size))
    date = "WARC-Date: 2016-01-01T00:00:00Z"
    parts = [_member("response", body, date, *digest, http=HTTP), _member("request", b"GET /")]
    made = [without_payload(part) for part in members(b"".join(parts))]
    assert [len(part) for part in made] == [len(part) for part in parts]
    assert made[1] == parts[1]
    said = gzip.decompress(made[0])
    assert body[:30] not in said or size < 5
    captures = []
    for name, content in (("old", parts), ("new", made)):
        (tmp_path / f"{name}.warc.gz").write_bytes(b"".join(content))
        scan = scan_container(Container(str(tmp_path / f"{name}.warc.gz"), "warc", "gzip"))
        captures.append([_facts(capture) for capture in scan])
        assert scan.damage == []
    if size >= 1000 or (digest and size >= 30):  # else the headers alone may be longer
        assert captures[0] == captures[1]
    assert without_payload(made[0]) == made[0]


def _facts(capture: object) -> dict[str, object]:
    facts = {name: getattr(capture, name) for name in capture.__slots__}  # type: ignore[attr-defined]
    facts["location"] = facts["location"].place(), facts["location"].length
    return facts


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip at all",
        gzip.compress(b"no record" * 50),
        gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: no\r\n\r\nno text" * 9),
        gzip.compress(
            b"WARC/1.1\r\nWARC-Type: request\r\nContent-Length: 0\r\n\r\nno" + 99 * b"no"
        ),
    ],
    ids=["nothing", "text", "packed text", "no length", "too long"],
)
def test_what_is_no_record_becomes_empty(content: bytes) -> None:
    made = b"".join(without_payload(part) for part in members(content))
    assert len(made) == len(content)
    said = gzip.decompress(made) if made[:2] == b"\x1f\x8b" else made
    assert b"no" not in said
