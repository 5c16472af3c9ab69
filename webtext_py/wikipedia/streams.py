"""The streams of a bzip2 file, from any place on.

Wikimedia's dumps are many small streams one after another (`multistream`), so a large file is cut
by the places where streams start, and several tasks read it. A damaged stream costs that stream,
from the bytes where it shows up to the start of the next one; both are counted.

Reading takes 64 KiB of the file at a time, and gives at most `_PIECE` at a time, whatever a stream
claims to hold.
"""

import bz2
import re
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

# Of a file for one task: half a gigabyte of text and some 20 seconds. Our choice.
RANGE_BYTES = 128 << 20
_READ = 1 << 16
_PIECE = 1 << 20
# Head of a stream, and of its first block or, of an empty one, its end.
_START = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_START_BYTES = 10


def ranges(size: int, each: int = RANGE_BYTES) -> list[tuple[int, int]]:
    """First byte and end of the parts, `each` long, of a file of `size` bytes."""
    return [(start, min(start + each, size)) for start in range(0, max(size, 1), each)]


def read_streams(
    path: Path, lost: Counter[str], start: int, end: int
) -> Generator[bytes | None, None, None]:
    """The text of the streams that start from byte `start` up to `end`, in pieces; then None, and
    the text of those behind, for what began in the range and ends later.

    Counts `damaged_streams` and `lost_bytes`, each in the range where its stream starts.
    """
    with path.open("rb") as file:
        window = _Window(file)
        at = _next_start(window, start, end) if start else 0
        inside = True
        while at is not None and window.at(at):
            # What is no stream belongs to the one before it.
            if inside and at >= end and _next_start(window, at, at + 1) == at:
                inside, lost = False, Counter()  # the next range counts these
                yield None
            at = yield from _stream(window, at, lost)
        if inside:
            yield None


class _Window:
    """The bytes of a file, a piece at a time; where pieces end depends on the file alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = 0
        self._held = b""

    def at(self, place: int) -> memoryview:
        """Some bytes from `place` on; none at the end of the file."""
        if not self._start <= place < self._start + len(self._held):
            self._start = place - place % _READ
            self._file.seek(self._start)
            self._held = self._file.read(_READ)
        return memoryview(self._held)[place - self._start :]


def _next_start(window: _Window, at: int, end: int | None = None) -> int | None:
    """Where the first stream from `at` on starts; None where none does before `end`."""
    tail = b""
    while (end is None or at - len(tail) < end) and (view := window.at(at)):
        data = tail + view
        if found := _START.search(data):
            return at - len(tail) + found.start()
        tail = data[1 - _START_BYTES :]
        at += len(view)
    return None


def _stream(window: _Window, start: int, lost: Counter[str]) -> Generator[bytes, None, int | None]:
    """The text of the stream at `start`; returns where the next one starts."""
    decoder = bz2.BZ2Decompressor()
    at = fed = start
    cut = False  # the file ends inside the stream
    while not decoder.eof:
        given = memoryview(b"")
        if decoder.needs_input:
            given, fed = window.at(at), at
            cut = not given
            at += len(given)
        try:
            # A kilobyte may hold a gigabyte: so much at a time.
            piece = decoder.decompress(given, _PIECE)
        except OSError:
            piece = None
        if cut or piece is None:
            lost["damaged_streams"] += 1
            # What was taken for the stream's own bytes may hold the next one.
            following = _next_start(window, start + 1)
            behind = _size(window, at) if following is None else following
            if not cut or following is not None:
                lost["lost_bytes"] += behind - (fed if fed < behind else start)
            return following
        if piece:
            yield piece
    return at - len(decoder.unused_data)


def _size(window: _Window, at: int) -> int:
    while view := window.at(at):
        at += len(view)
    return at
