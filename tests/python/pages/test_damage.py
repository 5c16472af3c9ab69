"""Planted damage costs the records it touches, and nothing else."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webtext_py.pages.archive import Capture, list_containers, read_captures, scan_container
from webtext_py.pages.capture import Payload
from webtext_py.pages.kinds import Container

RECORDS = 12


def page(number: int) -> bytes:
    """A page that differs from the others, and does not compress to nothing."""
    words = " ".join(f"{(number * 7919 + i * 104729) % 99991:05d}" for i in range(40 + number * 9))
    return f"<!doctype html><html><title>{number}</title><p>{words}</p></html>".encode()


def record(number: int) -> bytes:
    """A response record."""
    body = page(number)
    block = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\n"
        f"WARC-Target-URI: http://example.org/{number}\r\n"
        f"WARC-Date: 2017-05-{number + 1:02d}T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def zstd_frame(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACK: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "warc": ("none", lambda data: data),
    "warc.gz": ("gzip", lambda data: gzip.compress(data, mtime=0)),
    "warc.zst": ("zstd", zstd_frame),
}


def archive(kind: str) -> list[bytes]:
    """The members of an archive of `RECORDS` records, each packed by itself."""
    return [PACK[kind][1](record(number)) for number in range(RECORDS)]


def write(folder: Path, kind: str, data: bytes) -> Container:
    path = folder / f"a.{kind}"
    path.write_bytes(data)
    return Container(str(path), "warc", PACK[kind][0])


def good(container: Container) -> dict[str, tuple[Capture, Payload]]:
    """Captures that are good and their payloads, by URL."""
    captures = [c for c in scan_container(container) if c.outcome == "good"]
    payloads = dict(read_captures(container, [c.location for c in captures]))
    return {c.url: (c, payloads[c.location]) for c in captures}


def numbers(found: dict[str, tuple[Capture, Payload]]) -> list[int]:
    """Which records came out whole: both their URL and their page are right."""
    return [
        n
        for n in range(RECORDS)
        if (pair := found.get(f"http://example.org/{n}")) and pair[1].body == page(n)
    ]


def flipped(data: bytes, start: int, stop: int) -> bytes:
    return data[:start] + bytes(byte ^ 0x5A for byte in data[start:stop]) + data[stop:]


@pytest.mark.parametrize("kind", PACK)
def test_whole_archive(tmp_path: Path, kind: str) -> None:
    container = write(tmp_path, kind, b"".join(archive(kind)))
    assert list_containers([container.file]) == [container]
    scan = scan_container(container)
    captures = list(scan)
    assert [c.url for c in captures] == [f"http://example.org/{n}" for n in range(RECORDS)]
    assert scan.damage == []
    members = archive(kind)
    starts = [sum(map(len, members[:n])) for n in range(RECORDS)]
    assert [c.location.offset for c in captures] == starts
    assert all(c.location.skip is None for c in captures)
    tail = 4 if kind == "warc" else 0
    assert [c.location.length for c in captures] == [len(m) - tail for m in members]
    assert numbers(good(container)) == list(range(RECORDS))


@pytest.mark.parametrize("kind", ["warc.gz", "warc.zst"])
@pytest.mark.parametrize("hit", [0, 1, 6, RECORDS - 1])
@pytest.mark.parametrize("how", ["head", "middle", "end", "whole", "cut", "magic"])
def test_damaged_member_costs_its_record(tmp_path: Path, kind: str, hit: int, how: str) -> None:
    members = archive(kind)
    member = members[hit]
    size = len(member)
    members[hit] = {
        "head": lambda: flipped(member, 5, 40),
        "middle": lambda: flipped(member, size // 2, size // 2 + 9),
        "end": lambda: flipped(member, size - 6, size),
        "whole": lambda: flipped(member, 0, size),
        "cut": lambda: member[: size // 3] + member[size // 2 :],
        "magic": lambda: flipped(member, 0, 3),
    }[how]()
    container = write(tmp_path, kind, b"".join(members))
    assert list_containers([container.file]) == [container]
    scan = scan_container(container)
    captures = list(scan)
    assert numbers(good(container)) == [n for n in range(RECORDS) if n != hit]
    [damage] = scan.damage
    assert damage.offset == sum(map(len, members[:hit]))
    assert damage.bytes_lost == len(members[hit])
    assert sum(c.outcome == "damaged_record" for c in captures) == scan.damaged <= 1


@pytest.mark.parametrize("kind", ["warc.gz", "warc.zst"])
def test_cut_archive(tmp_path: Path, kind: str) -> None:
    members = archive(kind)
    data = b"".join(members)[: -len(members[-1]) // 2]
    container = write(tmp_path, kind, data)
    scan = scan_container(container)
    assert [c.outcome for c in scan] == ["good"] * (RECORDS - 1) + ["damaged_record"] * scan.damaged
    [damage] = scan.damage
    assert damage.offset + damage.bytes_lost == len(data)
    assert "cut" in damage.what


PLAIN = {
    # what is replaced in record 5, by what, and whether the record survives
    "version line": (b"WARC/1.0", b"WXRC/1.0", False),
    "length too small": (b"Content-Length: {block}", b"Content-Length: 100", False),
    "length too large": (b"Content-Length: {block}", b"Content-Length: 900000", False),
    "length enormous": (b"Content-Length: {block}", b"Content-Length: 99999999999", False),
    "length no number": (b"Content-Length: {block}", b"Content-Length: 12x", True),
    "length missing": (b"Content-Length: {block}\r\n", b"", True),
    "blank line": (b"\r\n\r\nHTTP/1.1", b"\r\nHTTP/1.1", False),
    "bytes missing": (b"<!doctype html>", b"", False),
    "bytes added": (b"<!doctype html>", b"<!doctype html><!---->", False),
}


@pytest.mark.parametrize("how", PLAIN)
@pytest.mark.parametrize("hit", [0, 5, RECORDS - 1])
def test_damaged_plain_record_costs_itself(tmp_path: Path, how: str, hit: int) -> None:
    old, new, survives = PLAIN[how]
    records = archive("warc")
    block = len(records[hit].partition(b"\r\n\r\n")[2]) - 4
    old = old.replace(b"{block}", str(block).encode())
    assert old in records[hit]
    records[hit] = records[hit].replace(old, new, 1)
    container = write(tmp_path, "warc", b"".join(records))
    assert list_containers([container.file]) == [container]
    scan = scan_container(container)
    list(scan)
    expected = [n for n in range(RECORDS) if n != hit or survives]
    assert numbers(good(container)) == expected
    if not survives:
        [damage] = scan.damage
        assert damage.offset == sum(map(len, records[:hit]))
        assert damage.bytes_lost in (len(records[hit]), len(records[hit]) - 4)


@pytest.mark.parametrize("kind", ["warc.gz", "warc.zst"])
def test_one_member_for_all(tmp_path: Path, kind: str) -> None:
    data = PACK[kind][1](b"".join(map(record, range(RECORDS))))
    container = write(tmp_path, kind, data)
    assert list_containers([container.file]) == [container]
    found = good(container)
    assert numbers(found) == list(range(RECORDS))
    skips = [capture.location.skip for capture, _ in found.values()]
    assert skips == [sum(len(record(m)) for m in range(n)) for n in range(RECORDS)]


def test_one_damaged_member_for_all_gives_what_precedes_the_damage(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(map(record, range(RECORDS))), mtime=0)
    hit = len(data) // 2
    container = write(tmp_path, "warc.gz", flipped(data, hit, hit + 4))
    scan = scan_container(container)
    list(scan)
    whole = numbers(good(container))
    assert 3 <= len(whole) < RECORDS
    assert whole == list(range(len(whole)))
    [damage] = scan.damage
    # The decoder notices at the flipped bytes or somewhat behind; the rest of the file is lost.
    assert hit <= damage.offset < len(data)
    assert damage.offset + damage.bytes_lost == len(data)
    assert damage.decoded_lost > 0


def test_checksum_of_a_shared_member_is_noted_and_costs_nothing(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(map(record, range(RECORDS))), mtime=0)
    container = write(tmp_path, "warc.gz", flipped(data, len(data) - 8, len(data) - 4))
    scan = scan_container(container)
    assert sum(c.outcome == "good" for c in scan) == RECORDS
    assert "incorrect data check" in scan.damage[0].what


def test_blocks_cut_without_regard_to_records(tmp_path: Path) -> None:
    data = b"".join(map(record, range(RECORDS)))
    blocks = [gzip.compress(data[i : i + 700], mtime=0) for i in range(0, len(data), 700)]
    whole = write(tmp_path, "warc.gz", b"".join(blocks))
    scan = scan_container(whole)
    assert len(list(scan)) == RECORDS
    assert scan.damage == []
    assert numbers(good(whole)) == list(range(RECORDS))


def test_gzip_garbage_between_members_and_padding_behind(tmp_path: Path) -> None:
    members = archive("warc.gz")
    data = b"".join([*members[:4], b"\x1f\x8b\x08\x00 not gzip", *members[4:], bytes(5000)])
    container = write(tmp_path, "warc.gz", data)
    scan = scan_container(container)
    assert len([c for c in scan if c.outcome == "good"]) == RECORDS
    [damage] = scan.damage
    assert damage.bytes_lost == 13


def test_length_that_ends_at_the_line_ends_of_another_header(tmp_path: Path) -> None:
    records = archive("warc")
    head, _, block = records[0].partition(b"\r\n\r\n")
    reach = len(block) + records[1].index(b"\r\n\r\n")
    records[0] = head[: head.rindex(b":") + 1] + f" {reach}\r\n\r\n".encode() + block
    assert numbers(good(write(tmp_path, "warc", b"".join(records)))) == list(range(1, RECORDS))
    packed = gzip.compress(b"".join(records), mtime=0)
    assert numbers(good(write(tmp_path, "warc.gz", packed))) == list(range(1, RECORDS))


def arc_record(number: int) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page(number)
    line = f"http://example.org/{number} 10.0.0.1 201705010000{number:02d} text/html {len(block)}\n"
    return line.encode() + block + b"\n"


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("hit", [0, 5, RECORDS - 1])
@pytest.mark.parametrize("how", ["line", "length", "block"])
def test_damaged_arc_record_costs_itself(
    tmp_path: Path, compression: str, hit: int, how: str
) -> None:
    records = [arc_record(n) for n in range(RECORDS)]
    if how == "line":
        records[hit] = records[hit].replace(b" 2017", b" x017", 1)
    elif how == "length":
        records[hit] = records[hit].replace(b"text/html ", b"text/html 9", 1)
    else:
        records[hit] = records[hit].replace(b"<!doctype html>", b"", 1)
    if compression == "gzip":
        records = [gzip.compress(item, mtime=0) for item in records]
    path = tmp_path / f"a.arc{'.gz' if compression == 'gzip' else ''}"
    path.write_bytes(b"".join(records))
    container = Container(str(path), "arc", compression)
    if hit or how != "line":
        assert list_containers([str(path)]) == [container]
    scan = scan_container(container)
    list(scan)
    [damage] = scan.damage
    assert damage.offset == sum(map(len, records[:hit]))
    assert damage.bytes_lost in (len(records[hit]), len(records[hit]) - 1)
    assert numbers(good(container)) == [n for n in range(RECORDS) if n != hit]


def test_archive_inside_a_page_is_no_record(tmp_path: Path) -> None:
    inner = record(3)
    head = record(1).partition(b"\r\n\r\n")[0]
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<pre>" + inner + b"</pre>"
    outer = head[: head.rindex(b":") + 1] + f" {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"
    container = write(tmp_path, "warc", record(0) + outer + record(2))
    scan = scan_container(container)
    assert [c.url[-1] for c in scan] == ["0", "1", "2"]
    assert scan.damage == []


def test_skippable_frame_with_a_damaged_length(tmp_path: Path) -> None:
    members = archive("warc.zst")
    skippable = b"\x50\x2a\x4d\x18" + (9).to_bytes(4, "little") + b"some data"
    whole = write(
        tmp_path, "warc.zst", b"".join([skippable, *members[:4], skippable, *members[4:]])
    )
    scan = scan_container(whole)
    assert len(list(scan)) == RECORDS
    assert scan.damage == []
    broken = skippable[:6] + b"\x01" + skippable[7:]
    damaged = write(tmp_path, "warc.zst", b"".join([*members[:4], broken, *members[4:]]))
    scan = scan_container(damaged)
    assert len(list(scan)) == RECORDS
    assert [item.bytes_lost for item in scan.damage] == [len(skippable)]


MEMBERS = {kind: archive(kind) for kind in ("warc.gz", "warc.zst")}
MUTATION = st.tuples(
    st.sampled_from(sorted(MEMBERS)),
    st.floats(0, 1),
    st.integers(0, 3000),
    st.one_of(
        st.just(b""), st.binary(max_size=400), st.sampled_from([b"\x1f\x8b\x08\x00", b"\0" * 64])
    ),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(mutation=MUTATION)
def test_random_damage_spares_members_outside_it(
    tmp_path: Path, mutation: tuple[str, float, int, bytes]
) -> None:
    kind, at, length, replacement = mutation
    members = MEMBERS[kind]
    data = b"".join(members)
    start = int(at * len(data))
    stop = min(len(data), start + length)
    container = write(tmp_path, kind, data[:start] + replacement + data[stop:])
    scan = scan_container(container)
    captures = list(scan)
    untouched = []
    place = 0
    for number, member in enumerate(members):
        if place + len(member) <= start or place >= stop:
            untouched.append(number)
        place += len(member)
    if stop > start or not replacement:
        assert set(untouched) <= set(numbers(good(container)))
    assert all(item.bytes_lost >= 0 for item in scan.damage)
    assert len({c.location for c in captures}) == len(captures)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.integers(0, 20000),
    length=st.integers(0, 500),
    replacement=st.one_of(st.binary(max_size=400), st.sampled_from([b"\r\n\r\nWARC/1.0\r\n"])),
)
def test_random_damage_of_a_plain_file(
    tmp_path: Path, start: int, length: int, replacement: bytes
) -> None:
    records = archive("warc")
    data = b"".join(records)
    start = min(start, len(data))
    stop = min(len(data), start + length)
    container = write(tmp_path, "warc", data[:start] + replacement + data[stop:])
    scan = scan_container(container)
    list(scan)
    whole = numbers(good(container))
    place = 0
    for number, item in enumerate(records):
        # The line ends behind a record are part of what tells its end.
        if place + len(item) + 4 <= start or place >= stop + 4:
            assert number in whole
        place += len(item)


def test_fuzzed_bytes_never_raise(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"\x1f\x8b\x08\0",
                    b"WARC/1.0\r\n",
                    b"A: b\r\n",
                    b"\r\n\r\n",
                    b"Content-Length: 5\r\n",
                    b"WARC-Type: response\r\n",
                    b"\x28\xb5\x2f\xfd",
                    b"HTTP/1.1 200\r\n",
                    b"http://a/ 1.1.1.1 20200101000000 text/html 9\n",
                    b"\0\0\0\0\xff\xff\xff",
                ]
            ),
            max_size=40,
        )
    )
    def check(parts: list[bytes]) -> None:
        path.write_bytes(b"".join(parts))
        for kind in ("warc", "arc"):
            for compression in ("none", "gzip", "zstd"):
                container = Container(str(path), kind, compression)
                captures = list(scan_container(container))
                list(read_captures(container, [c.location for c in captures]))

    check()


def test_memory_of_a_bomb_is_bounded(tmp_path: Path) -> None:
    import tracemalloc

    blob = io.BytesIO()
    head = record(1).partition(b"\r\n\r\n")[0]
    size = 600 << 20
    with gzip.GzipFile(fileobj=blob, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(head[: head.rindex(b":") + 1] + f" {size}\r\n\r\n".encode())
        file.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(600):
            file.write(bytes(1 << 20))
    members = archive("warc.gz")
    container = write(tmp_path, "warc.gz", members[0] + blob.getvalue() + members[2])
    tracemalloc.start()
    captures = list(scan_container(container, max_payload_bytes=1 << 20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20
    assert [c.url[-1] for c in captures] == ["0", "1", "2"]
