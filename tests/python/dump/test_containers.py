"""Every container, in one piece, in many, cut and corrupt."""

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from webtext_py.dump import SubmissionReader, read_submissions
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
    reader = read_submissions(path, **options)
    return rows_of(reader), reader


@packed
def test_one_stream(tmp_path: Path, kind: str) -> None:
    text = text_of(5000)
    rows, reader = read(tmp_path / "any.name", PACKERS[kind](text))
    assert rows == twin.read(text)
    assert reader.stats.container == kind


def test_plain(tmp_path: Path) -> None:
    text = text_of(5000)
    rows, reader = read(tmp_path / "dump.zst", text)
    assert rows == twin.read(text)
    assert reader.stats.container == "plain"


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
        assert damage.compressed_offset == cut
        assert damage.decompressed_offset == reader.stats.decompressed_bytes
        # The decoder stopped at the cut: all bytes that there are were read.
        assert reader.stats.lost_bytes == 0
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
    with pytest.raises(FormatError, match=f"that starts at byte {start} is damaged"):
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
    assert damage.compressed_offset + damage.lost_bytes == start + len(streams[2])
    assert reader.stats.lost_bytes == damage.lost_bytes
    assert reader.stats.compressed_bytes == len(data)


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
        read_submissions(tmp_path / "missing.zst")
    with pytest.raises(IsADirectoryError):
        read_submissions(tmp_path)
    path = tmp_path / "dump"
    path.write_bytes(text_of(1))
    with pytest.raises(ValueError, match="batch rows"):
        read_submissions(path, batch_lines=0)


def test_reader_dropped_early(tmp_path: Path) -> None:
    """Threads of a reader that nobody drains end by themselves."""
    path = tmp_path / "dump"
    path.write_bytes(text_of(60_000))
    for _ in range(50):
        next(read_submissions(path, batch_lines=1000))
    reader = read_submissions(path)
    first = rows_of(reader)
    assert len(first) == 60_000
    assert list(reader) == []
