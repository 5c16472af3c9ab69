"""The bytes of files, compressed as their first bytes say: .gz, .bz2, .xz, .zst.

What is decompressed at a time is bounded, however much a small file claims to hold.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import zstandard

from webtext_py.errors import FormatError, InputError

Compression = Literal["", "gzip", "zstd", "bz2", "xz"]
ENDINGS = (".gz", ".zst", ".bz2", ".xz")
_ZSTD_WINDOW = 1 << 31
_ZSTD_STEP = 1024  # of compressed bytes at once: they become at most 32 MiB, which are held whole

# What the decompressors raise for a cut or damaged file; an `OSError` only without a number.
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


_MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
}
_OPENERS: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}


def compression_of(head: bytes) -> Compression:
    """The compression of a file that begins with `head`."""
    found: Compression = next(
        (kind for magic, kind in _MAGIC.items() if head.startswith(magic)), ""
    )
    # A frame to skip may come first.
    return "zstd" if not found and head[1:4] == b"\x2a\x4d\x18" else found


def refuse_utf16(head: bytes, said: str) -> None:
    """Raises `InputError` for text in UTF-16, which Windows writes, called `said`."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"`{said}` is UTF-16; UTF-8 was expected", "write it again as UTF-8")


def open_packed(file: Path | Any, compression: Compression | None = None) -> IO[bytes] | Any:
    """The decompressed bytes of a file or stream; the compression of a file is looked up where
    None."""
    if compression is None:
        with file.open("rb") as stream:
            compression = compression_of(stream.read(8))
    if compression in _OPENERS:
        return _OPENERS[compression](file, "rb")
    stream = file.open("rb") if isinstance(file, Path) else file
    return io.BufferedReader(_ZstdFile(stream), 1 << 20) if compression == "zstd" else stream


class _ZstdFile(io.RawIOBase):
    """The bytes of a file's zstd frames.

    Raises `EOFError` where the file ends inside one, of which the library's reader says nothing.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._within = False  # a frame has begun and not ended
        self._frame = self._next_frame()
        self._left = memoryview(b"")

    def _next_frame(self) -> Any:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._within = self._next_frame(), False
            packed = packed or self._stream.read(_ZSTD_STEP)
            if not packed:
                if self._within:
                    raise EOFError("it ends inside a compressed frame")
                return 0
            self._within = True
            self._left = memoryview(self._frame.decompress(packed))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextlib.contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turns what decompressors say of a cut or damaged file into a `FormatError` with its name."""
    try:
        yield
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FormatError(f"`{path}` is cut or damaged: {error}") from error
