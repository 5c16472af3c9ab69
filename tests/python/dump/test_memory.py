"""Memory stays within the window plus 128 MiB, whatever the dump holds."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from webtext_py import _core

WINDOW_LOG = 20

READ = """
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from webtext_py.dump import SubmissionReader
before = getrusage(RUSAGE_SELF).ru_maxrss
rows = sum(batch.num_rows for batch in SubmissionReader(Path(sys.argv[1])))
print(rows, getrusage(RUSAGE_SELF).ru_maxrss - before)
"""

GOOD = b'{"id":"good","url":"http://a.example/","title":"t"}\n'


def long_urls() -> Iterator[bytes]:
    for _ in range(15):
        yield b'{"id":"a","url":"' + b"u" * (_core.MAX_LINE_BYTES - 100) + b'"}\n'


def many_tokens() -> Iterator[bytes]:
    for _ in range(15):
        yield b'{"id":"a","url":"u","x":[' + b"1," * (2 * 1024 * 1024 - 20) + b"1]}\n"


def endless_line() -> Iterator[bytes]:
    for _ in range(300):
        yield b"x" * (1 << 20)
    yield b"\n"


def endless_zeros() -> Iterator[bytes]:
    for _ in range(300):
        yield bytes(1 << 20)
    yield b"\n"


def small_lines() -> Iterator[bytes]:
    for _ in range(60):
        yield b"{}\n" * 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
@pytest.mark.parametrize(
    ("made", "rows"),
    [
        (long_urls, 115),
        (many_tokens, 115),
        (endless_line, 101),
        (endless_zeros, 100),
        (small_lines, 6_000_100),
    ],
)
def test_peak(tmp_path: Path, made: Callable[[], Iterator[bytes]], rows: int) -> None:
    path = tmp_path / "dump.zst"
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=WINDOW_LOG)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with path.open("wb") as file, compressor.stream_writer(file) as writer:
        writer.write(GOOD * 100)
        for piece in made():
            writer.write(piece)
    command = [sys.executable, "-P", "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, grown = map(int, done.stdout.split())
    assert found == rows
    assert grown * 1024 < (1 << WINDOW_LOG) + (128 << 20), f"{grown >> 10} MiB"
