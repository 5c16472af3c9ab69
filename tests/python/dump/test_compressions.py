"""Every compression, in one piece, in many, cut and corrupt."""

import bz2
import gzip
import itertools
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from webtext_py.dump import SubmissionReader
from webtext_py.errors import FormatError

from . import twin


def text_of(lines: int, start: int = 0) -> bytes:
    """Submissions that do not compress away, numbered."""
    made = []
    for number in range(start, start + lines):
        noise = (number * 0x9E3779B97F4A7C15 % (1 << 64)) ** 9
        made.append(
            f'{{"id":"{number:x}","url":"http:\\/\\/x.example\\/{noise:x}","title":"{number}",'
            f'"score":{number % 50},"created_utc":{1_119_552_233 + number},"is_self":false}}\n'
        )
    return "".join(made).encode()


def zstd(data: bytes) -> bytes:
    """A frame with a checksum and without a content size, like those of the dumps."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        3, write_checksum=True, write_content_size=False
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


def skippable(data: bytes) -> bytes:
    """A zstd frame that holds something else."""
    return struct.pack("<II", 0x184D2A5A, len(data)) + data


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "gzip": gzip.compress,
}
packed = pytest.mark.parametrize("kind", PACKERS)


def rows_of(reader: SubmissionReader) -> list[twin.Row]:
    return [row for batch in reader for row in batch.to_pylist()]


def read(path: Path, data: bytes, **options: bool) -> tuple[list[twin.Row], SubmissionReader]:
    path.write_bytes(data)
    reader = SubmissionReader(path, **options)
    return rows_of(reader), reader


@packed
def test_one_stream(tmp_path: Path, kind: str) -> None:
    text = text_of(5000)
    rows, reader = read(tmp_path / "any.name", PACKERS[kind](text))
    assert rows == twin.read(text)
    assert reader.stats.compression == kind


def test_plain(tmp_path: Path) -> None:
    text = text_of(5000)
    rows, reader = read(tmp_path / "dump.zst", text)
    assert rows == twin.read(text)
    assert reader.stats.compression == "plain"


@packed
@pytest.mark.parametrize("size", [97, 5000, 100_000])
def test_many_streams_cut_inside_lines(tmp_path: Path, kind: str, size: int) -> None:
    text = text_of(size // 20)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    rows, _ = read(tmp_path / "dump", b"".join(map(PACKERS[kind], pieces)))
    assert rows == twin.read(text)


@packed
def test_empty_streams_between(tmp_path: Path, kind: str) -> None:
    text = text_of(100)
    pack = PACKERS[kind]
    data = pack(b"") + pack(text[:333]) + pack(b"") * 3 + pack(text[333:]) + pack(b"")
    rows, _ = read(tmp_path / "dump", data)
    assert rows == twin.read(text)


def test_skippable_frames(tmp_path: Path) -> None:
    text = text_of(500)
    half = len(text) // 2
    note = skippable(b'{"id":"no"}\n' * 20_000)
    empty = skippable(b"")
    data = note + empty + zstd(text[:half]) + note + zstd(text[half:]) + empty + note
    rows, _ = read(tmp_path / "dump", data)
    assert rows == twin.read(text)


@pytest.mark.parametrize("window_log", [10, 17, 27, 30])
def test_zstd_windows_and_frames_with_content_size(tmp_path: Path, window_log: int) -> None:
    text = text_of(3000)
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, enable_ldm=True)
    data = zstandard.ZstdCompressor(compression_params=parameters).compress(text)
    rows, _ = read(tmp_path / "dump", data)
    assert rows == twin.read(text)


def test_zeros_between_and_behind_streams(tmp_path: Path) -> None:
    text = text_of(500)
    for pack in (lzma.compress, gzip.compress):
        data = pack(text[:777]) + bytes(8) + pack(text[777:]) + bytes(1_500_000)
        rows, reader = read(tmp_path / "dump", data)
        assert rows == twin.read(text)
        assert reader.stats.damages == ()


@packed
def test_bytes_appended(tmp_path: Path, kind: str) -> None:
    text = text_of(500)
    data = PACKERS[kind](text)
    with pytest.raises(FormatError, match=f"at byte {len(data)}: these bytes start no"):
        read(tmp_path / "dump", data + b"appended")
    rows, reader = read(tmp_path / "dump", data + b"appended", allow_damaged=True)
    assert rows == twin.read(text)
    assert reader.stats.lost_bytes == 8
    (damage,) = reader.stats.damages
    assert damage.compressed_offset == len(data)
    assert damage.decompressed_offset == len(text)


@packed
def test_cut_anywhere(tmp_path: Path, kind: str) -> None:
    """Every line before the cut is kept, the one it goes through is damaged or whole."""
    text = text_of(6000)
    whole = twin.read(text)
    data = PACKERS[kind](text)
    kept = []
    for cut in [len(data) - 1, *range(len(data) - 4, 20, -len(data) // 13)]:
        with pytest.raises(FormatError, match=rf"at byte {cut}: .* is cut"):
            read(tmp_path / "dump", data[:cut])
        rows, reader = read(tmp_path / "dump", data[:cut], allow_damaged=True)
        good = [row for row in rows if row["status"] == 0]
        assert good == whole[: len(good)]
        assert len(rows) - len(good) <= 1
        (damage,) = reader.stats.damages
        assert damage.compressed_offset + damage.lost_bytes == cut
        assert damage.decompressed_offset == reader.stats.decompressed_bytes
        # The decoder stopped at the cut: all bytes that there are were read. Of bzip2 whole
        # blocks are: what there is of the one that is cut is lost.
        assert damage.lost_bytes == 0 or kind == "bzip2"
        kept.append(len(good))
    assert kept == sorted(kept, reverse=True)
    # Only a checksum was cut off; a bzip2 block is not read without its own.
    assert kept[0] == len(whole) or kind == "bzip2"


@packed
def test_corrupt_stream_costs_itself(tmp_path: Path, kind: str) -> None:
    """Reading resumes at the next stream; what is passed over is counted."""
    texts = [text_of(2000, start) for start in range(0, 10_000, 2000)]
    streams = [bytearray(PACKERS[kind](text)) for text in texts]
    middle = len(streams[2]) // 2
    streams[2][middle : middle + 50] = bytes(50)
    data = b"".join(bytes(stream) for stream in streams)
    start = len(streams[0]) + len(streams[1])
    shown = f"block at byte {start + 4}" if kind == "bzip2" else f"that starts at byte {start}"
    with pytest.raises(FormatError, match=f"{shown} is damaged"):
        read(tmp_path / "dump", data)
    rows, reader = read(tmp_path / "dump", data, allow_damaged=True)
    good = [{**row, "line": 0} for row in rows if row["status"] == 0]
    wanted = [{**row, "line": 0} for row in twin.read(b"".join(texts))]
    # All of the other streams, and of the damaged one some from its start.
    assert [row for row in good if int(row["id"], 16) // 2000 != 2] == [
        row for row in wanted if int(row["id"], 16) // 2000 != 2
    ]
    some = [row for row in good if int(row["id"], 16) // 2000 == 2]
    assert some == wanted[4000 : 4000 + len(some)]
    (damage,) = reader.stats.damages
    # At or shortly before the changed bytes, or behind them where only a checksum tells.
    assert start <= damage.compressed_offset <= start + len(streams[2])
    # A bzip2 stream has ten bytes behind its last block, not counting a part of a byte.
    behind = start + len(streams[2]) - (damage.compressed_offset + damage.lost_bytes)
    assert behind == 0 or (kind == "bzip2" and 10 <= behind <= 11)
    assert reader.stats.lost_bytes == damage.lost_bytes
    assert reader.stats.compressed_bytes == len(data)


def numbers(rows: list[twin.Row]) -> list[int]:
    """The numbers of the lines that were read."""
    return [int(row["id"], 16) for row in rows if row["status"] == 0]


@pytest.mark.parametrize("level", [1, 9])
def test_bzip2_of_many_blocks(tmp_path: Path, level: int) -> None:
    text = text_of(20_000)
    rows, _ = read(tmp_path / "dump", bz2.compress(text, level))
    assert rows == twin.read(text)


def test_bzip2_block_of_long_runs(tmp_path: Path) -> None:
    """A block of 40 MB is not kept; its text is right all the same."""
    text = text_of(5) + (b" " * 8_000_000 + b"\n") * 5 + text_of(5, 5)
    rows, reader = read(tmp_path / "dump", bz2.compress(text))
    assert rows == twin.read(text)
    assert reader.stats.decompressed_bytes == len(text)


def bzip2_blocks(data: bytes) -> list[int]:
    """Byte offsets near the starts of the blocks, found the slow way: in a string of bits."""
    bits = bin(int.from_bytes(b"\1" + data, "big"))[3:]
    mark = f"{0x314159265359:048b}"
    starts = [-1]
    while (found := bits.find(mark, starts[-1] + 1)) >= 0:
        starts.append(found)
    return [start // 8 for start in starts[1:]]


def test_bzip2_damaged_block_costs_itself(tmp_path: Path) -> None:
    """Every block of one stream in turn: the lines of the others stay, none is made up."""
    text = text_of(3000)
    data = bz2.compress(text, 1)
    starts = [*bzip2_blocks(data), len(data) - 10]
    whole = twin.read(text)
    assert len(starts) > 5
    for number, (start, end) in enumerate(itertools.pairwise(starts)):
        broken = bytearray(data)
        broken[(start + end) // 2] ^= 0x10
        with pytest.raises(FormatError, match=f"the bzip2 block at byte {start} is damaged"):
            read(tmp_path / "dump", bytes(broken))
        rows, reader = read(tmp_path / "dump", bytes(broken), allow_damaged=True)
        found = numbers(rows)
        missing = sorted(set(range(3000)) - set(found))
        assert found == [number for number in range(3000) if number not in missing]
        assert missing == list(range(missing[0], missing[-1] + 1))
        # 100 kB of lines of 200 to 300 bytes.
        assert 10 < len(missing) < 600
        good = [{**row, "line": 0} for row in rows if row["status"] == 0]
        assert good == [{**whole[number], "line": 0} for number in found]
        (damage,) = reader.stats.damages
        assert damage.compressed_offset == start
        assert abs(damage.lost_bytes - (end - start)) <= 1, number


def test_bzip2_mark_overwritten(tmp_path: Path) -> None:
    """A block whose mark is gone costs itself and the one before it, which has no end."""
    data = bytearray(bz2.compress(text_of(3000), 1))
    starts = bzip2_blocks(bytes(data))
    data[starts[2] + 1 : starts[2] + 4] = b"\0\0\0"
    rows, reader = read(tmp_path / "dump", bytes(data), allow_damaged=True)
    assert 2000 < len(numbers(rows)) < 3000
    (damage,) = reader.stats.damages
    assert damage.compressed_offset == starts[1]
    assert abs(damage.lost_bytes - (starts[3] - starts[1])) <= 1


def test_bzip2_checksum_of_the_stream(tmp_path: Path) -> None:
    """All blocks are right, but the stream's checksum says that they are not the ones."""
    first, second = (bytearray(bz2.compress(text_of(50, start))) for start in (0, 50))
    # The checksum is in the last five bytes; these three hold nothing else.
    first[-4:-1] = bytes(byte ^ 0xFF for byte in first[-4:-1])
    with pytest.raises(FormatError, match="not those that its checksum was made from"):
        read(tmp_path / "dump", bytes(first + second))
    rows, reader = read(tmp_path / "dump", bytes(first + second), allow_damaged=True)
    assert numbers(rows) == list(range(100))
    assert len(reader.stats.damages) == 1


def test_bzip2_megabytes_of_noise_inside(tmp_path: Path) -> None:
    """Noise longer than any block is passed over in bounded memory, and counted."""
    noise = b"".join((i * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8) for i in range(1, 1_000_001))
    first, second = bz2.compress(text_of(300)), bz2.compress(text_of(300, 300))
    rows, reader = read(tmp_path / "dump", first + noise + second, allow_damaged=True)
    assert numbers(rows) == list(range(600))
    assert reader.stats.lost_bytes == len(noise)
    (damage,) = reader.stats.damages
    assert damage.compressed_offset == len(first)


@packed
def test_cut_stream_followed_by_whole_ones(tmp_path: Path, kind: str) -> None:
    texts = [text_of(2000, start) for start in range(0, 6000, 2000)]
    streams = [PACKERS[kind](text) for text in texts]
    data = streams[0] + streams[1][: len(streams[1]) // 2] + streams[2]
    rows, reader = read(tmp_path / "dump", data, allow_damaged=True)
    good = {row["id"] for row in rows if row["status"] == 0}
    for start in (0, 4000):
        assert {f"{number:x}" for number in range(start, start + 2000)} <= good
    assert len(reader.stats.damages) == 1


@packed
def test_first_bytes_overwritten(tmp_path: Path, kind: str) -> None:
    """The first of two streams cannot even be recognised as one."""
    text = text_of(500)
    data = bytearray(PACKERS[kind](text) * 2)
    data[:4] = b"\x01\x02\x03\x04"
    with pytest.raises(FormatError, match="binary data that begins with 01 02 03 04"):
        read(tmp_path / "dump", bytes(data))


@packed
def test_same_rows_every_time_with_damage(tmp_path: Path, kind: str) -> None:
    text = text_of(6000)
    data = bytearray(PACKERS[kind](text) + PACKERS[kind](text))
    data[len(data) // 3] ^= 0x55
    results = [read(tmp_path / "dump", bytes(data), allow_damaged=True)[0] for _ in range(3)]
    assert results[0] == results[1] == results[2]


def test_xz_of_several_blocks(tmp_path: Path) -> None:
    text = text_of(2000)
    compressor = lzma.LZMACompressor(check=lzma.CHECK_SHA256)
    data = compressor.compress(text) + compressor.flush()
    rows, _ = read(tmp_path / "dump", data)
    assert rows == twin.read(text)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.zst"):
        SubmissionReader(tmp_path / "missing.zst")
    with pytest.raises(IsADirectoryError):
        SubmissionReader(tmp_path)
    path = tmp_path / "dump"
    path.write_bytes(text_of(1))
    with pytest.raises(ValueError, match="batch rows"):
        SubmissionReader(path, batch_lines=0)


def test_reader_dropped_early(tmp_path: Path) -> None:
    """Threads of a reader that nobody drains end by themselves."""
    path = tmp_path / "dump"
    path.write_bytes(text_of(60_000))
    for _ in range(50):
        next(SubmissionReader(path, batch_lines=1000))
    reader = SubmissionReader(path)
    first = rows_of(reader)
    assert len(first) == 60_000
    assert list(reader) == []
