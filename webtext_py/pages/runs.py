"""Decoded bytes of an archive file in runs: whole stretches, with their places in the file.

A run ends where a compressed member ends and the next one begins with a record, where data is
damaged, and at the end of the file. So where each record has a member of its own, a run is one
record, and damage ends inside it; where one member holds all records, or blocks are cut without
regard to records, a run is everything up to the next damage. Reading resumes at the next member
that begins with a record; all that any decoder could still give from the damaged one is given.

Memory: one window of input (1 MiB) and one chunk of output (1 MiB at most).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import zstandard

from webtext_py.pages import zstd_frame
from webtext_py.pages.inflate import GZIP, InflateError, Inflater

_PIECE = 1 << 16
_OUT = 1 << 20
_WINDOW = 1 << 20
# How much of a member is decoded to see whether it begins with a record; ARC has long first lines.
_PROBE = 1 << 13
_PROBE_IN = 1 << 11
# The largest window that `zstd` takes without --long; larger ones are named and passed over.
ZSTD_WINDOW = 1 << 27
# Decoding again from inside a damaged member may cost this many times the file in all (and 64 MiB);
# then the search goes on from where decoding failed. Our choice: real damage stays far below.
_REREAD_FACTOR = 4
_REREAD_FLOOR = 1 << 26

# Marks kept of one run. Without those between, a record's `skip` only counts from an earlier one.
_MARKS = 1 << 16

_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_RESERVED_FLAGS = 0xE0


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended.

    `offset`: the file byte where it ended. `resume`: where the next run begins (the file's size at
    the end). `damage`: what is wrong between the two, None where nothing is. `inside`: whether the
    run's last member itself is damaged, not just what follows it.
    """

    offset: int
    resume: int
    damage: str | None = None
    inside: bool = False


class Run(Protocol):
    """One stretch of decoded bytes.

    `marks`: (stream position, file offset) of each member begun so far. `end`: set once `read` has
    returned no bytes.
    """

    marks: list[tuple[int, int]]
    end: RunEnd | None

    def read(self) -> bytes:
        """The next decoded bytes; empty at the run's end."""
        ...


class Runs(Protocol):
    """The runs of one open file."""

    members: bool

    def next_run(self) -> Run | None:
        """The next run; None at the end of the file."""
        ...

    def seek(self, offset: int) -> None:
        """Makes the next run begin at the member (or byte) at `offset`."""
        ...


def open_runs(file: BinaryIO, size: int, compression: str, begins: Callable[[bytes], bool]) -> Runs:
    """The runs of `file`, `size` bytes long.

    `compression`: none, gzip or zstd. `begins`: whether decoded bytes begin with a record.
    """
    if compression == "none":
        return PlainRuns(file, size)
    opener = GzipMember if compression == "gzip" else ZstdMember
    return MemberRuns(Window(file, size), opener, begins)


class Window:
    """Random reads of a file through one buffered stretch of it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self._start = 0
        self._data = b""

    def at(self, offset: int, length: int) -> memoryview:
        """`length` bytes from `offset` on, fewer at the end of the file (which may have shrunk)."""
        place = offset - self._start
        end = self._start + len(self._data)
        if place < 0 or place > len(self._data) or (offset + length > end and end < self.size):
            self._file.seek(offset)
            self._data = self._file.read(max(length, _WINDOW))
            self._start = offset
            place = 0
        return memoryview(self._data)[place : place + length]

    def find(self, needle: bytes, offset: int) -> int:
        """Where `needle` next begins at or after `offset`; -1 where it does not."""
        while len(self.at(offset, len(needle))) == len(needle):
            found = self._data.find(needle, offset - self._start)
            if found >= 0:
                return self._start + found
            offset = self._start + len(self._data) - len(needle) + 1
        return -1

    def only_zeros(self, offset: int) -> bool:
        """Whether nothing but zero bytes follows: padding, as tapes and preallocation leave it."""
        while offset < self.size:
            data = self.at(offset, _WINDOW)
            if not data:
                break
            if bytes(data).strip(b"\x00"):
                return False
            offset += len(data)
        return True


class PlainRuns:
    """An uncompressed file: one run, readable from any byte."""

    members = False

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._next: int | None = 0

    def seek(self, offset: int) -> None:
        """Makes the next run begin at `offset`."""
        self._next = offset

    def next_run(self) -> "PlainRun | None":
        """The run from the place last sought (at first the start); None after it."""
        if self._next is None or self._next >= self._size:
            return None
        run = PlainRun(self._file, self._next, self._size)
        self._next = None
        return run


class PlainRun:
    """Bytes of an uncompressed file from `offset` on."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._place = offset
        self._size = size
        self._offset = offset
        self.length = size - offset
        self.marks = [(0, offset)]
        self.end: RunEnd | None = None

    def read(self) -> bytes:
        """The next bytes; empty at the end."""
        self._file.seek(self._place)
        data = self._file.read(_OUT)
        self._place += len(data)
        if not data:
            self.end = RunEnd(self._place, max(self._place, self._size))
        return data

    def peek(self, position: int, length: int) -> bytes:
        """`length` bytes from a stream position on; does not move."""
        self._file.seek(self._offset + position)
        return self._file.read(length)

    def move(self, position: int) -> None:
        """Makes `read` go on at a stream position."""
        self._place = self._offset + position
        self.end = None


class Member(Protocol):
    """One compressed member being decoded.

    `place`: file offset of the next input byte. `done`: its end mark was seen. `damage`: why it
    cannot go on.
    """

    place: int
    done: bool
    damage: str | None

    def read(self, max_out: int = _OUT) -> bytes:
        """The next decoded bytes, about `max_out` at most; empty when done or damaged."""
        ...


class GzipMember:
    """A gzip member at `offset`."""

    MAGIC = _GZIP_MAGIC

    def __init__(self, window: Window, offset: int) -> None:
        self._window = window
        self._inflater = Inflater(GZIP)
        self.place = offset
        self.done = False
        self.damage: str | None = None

    @staticmethod
    def skip(window: Window, offset: int) -> int:
        """Length of what lies at `offset` and is no data: nothing in gzip."""
        return 0

    @staticmethod
    def plausible(window: Window, offset: int) -> bool:
        """Whether a member header may begin at `offset`."""
        head = bytes(window.at(offset, 4))
        return head.startswith(_GZIP_MAGIC) and not (head[3:4] or b"\xff")[0] & _GZIP_RESERVED_FLAGS

    @staticmethod
    def probe(window: Window, offset: int) -> bytes:
        """The first decoded bytes of a member at `offset`; empty where that fails soon."""
        try:
            return zlib.decompressobj(GZIP).decompress(window.at(offset, _PROBE_IN), _PROBE)
        except zlib.error:
            return b""

    def read(self, max_out: int = _OUT) -> bytes:
        """The next decoded bytes; empty when done or damaged."""
        while not self.done and self.damage is None:
            piece = self._window.at(self.place, _PIECE)
            try:
                out, used = self._inflater.decompress(piece, max_out)
            except InflateError as error:
                self.place += error.consumed
                self.damage = f"gzip data cannot be decoded: {error}"
                return error.out
            self.place += used
            self.done = self._inflater.eof
            if out:
                return out
            if not used and not self.done:
                self.damage = "the gzip member is cut"
        return b""


class ZstdMember:
    """A zstd frame at `offset`, fed block by block: a block gives 128 KiB at most."""

    MAGIC = zstd_frame.MAGIC

    def __init__(self, window: Window, offset: int) -> None:
        self._window = window
        self.place = offset
        self.done = False
        self.damage: str | None = None
        self._last = False
        head = bytes(window.at(offset, zstd_frame.HEADER_MAX))
        try:
            header = zstd_frame.read_header(head)
        except ValueError as error:
            self.damage = str(error)
            return
        if header.dictionary:
            self.damage = f"the zstd frame needs dictionary {header.dictionary}"
        elif header.window > ZSTD_WINDOW:
            self.damage = f"zstd window of {header.window} bytes, limit {ZSTD_WINDOW}"
        self._checksum = 4 if header.checksum else 0
        self._stream: zstandard.ZstdDecompressionObj | None = None
        self._pending = head[: header.length]
        self._next = offset + header.length

    @staticmethod
    def skip(window: Window, offset: int) -> int:
        """Length of the skippable frame at `offset`, 0 where there is none."""
        head = bytes(window.at(offset, 8))
        if len(head) == 8 and zstd_frame.is_skippable(head):
            return 8 + int.from_bytes(head[4:], "little")
        return 0

    @staticmethod
    def plausible(window: Window, offset: int) -> bool:
        """Whether a frame header may begin at `offset`."""
        try:
            zstd_frame.read_header(bytes(window.at(offset, zstd_frame.HEADER_MAX)))
        except ValueError:
            return False
        return True

    @staticmethod
    def probe(window: Window, offset: int) -> bytes:
        """The first decoded bytes of a frame at `offset`; empty where that fails soon."""
        return ZstdMember(window, offset).read()

    def read(self, max_out: int = _OUT) -> bytes:
        """The next decoded bytes; empty when done or damaged."""
        while not self.done and self.damage is None:
            try:
                end, last = zstd_frame.block_end(bytes(self._window.at(self._next, 3)), 0)
            except ValueError as error:
                self.damage = f"zstd data cannot be decoded: {error}"
                return b""
            length = end + (self._checksum if last else 0)
            block = bytes(self._window.at(self._next, length))
            if len(block) < length:
                self.damage = "the zstd frame is cut"
            if self._stream is None:
                maker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
                self._stream = maker.decompressobj()
            try:
                out = self._stream.decompress(self._pending + block)
            except zstandard.ZstdError as error:
                self.damage = f"zstd data cannot be decoded: {error}"
                return b""
            self._pending = b""
            self._next += len(block)
            self.place = self._next
            self.done = last and self.damage is None
            if out:
                return out
        return b""


class MemberRuns:
    """A file of compressed members."""

    members = True

    def __init__(
        self,
        window: Window,
        opener: "type[GzipMember] | type[ZstdMember]",
        begins: Callable[[bytes], bool],
    ) -> None:
        self.window = window
        self._opener = opener
        self._begins = begins
        self._next: int | None = 0
        # The member that the last run looked into and left for the next one.
        self._ahead: tuple[int, Member, bytes] | None = None
        self._reread = 0

    def seek(self, offset: int) -> None:
        """Makes the next run begin at the member at `offset`, which goes on if looked into."""
        self._next = offset
        if self._ahead is not None and self._ahead[0] != offset:
            self._ahead = None

    def next_run(self) -> "MemberRun | None":
        """The next run; None at the end of the file."""
        if self._ahead is not None:
            offset, member, data = self._ahead
            self._ahead = None
            return MemberRun(self, offset, member, data)
        if self._next is None or self._next >= self.window.size:
            return None
        offset = self._next + self._skipped(self._next)
        self._next = None
        member, data = self.open_member(offset)
        return MemberRun(self, offset, member, data)

    def open_member(self, offset: int) -> tuple[Member, bytes]:
        """The member at `offset` and its first bytes: not all, as nobody may want it."""
        member = self._opener(self.window, offset)
        return member, member.read(_PROBE)

    def _skipped(self, offset: int) -> int:
        """Bytes of skippable frames at `offset`: 0 where they lead neither to a member nor the end,
        for then the length of one is damaged."""
        start = offset
        while offset < self.window.size and (length := self._opener.skip(self.window, offset)):
            offset += length
        if offset == self.window.size or self._opener.plausible(self.window, offset):
            return offset - start
        return 0

    def follow(self, offset: int) -> tuple[RunEnd | None, tuple[int, Member, bytes] | None]:
        """What follows a member that ended well at `offset`: the run's end, or its next member."""
        offset += self._skipped(offset)
        if offset >= self.window.size:
            return RunEnd(offset, self.window.size), None
        if not self._opener.plausible(self.window, offset):
            if self.window.only_zeros(offset):
                return RunEnd(offset, self.window.size), None
            resume = self.resume(offset, offset)
            return RunEnd(offset, resume, "bytes that are no compressed member"), None
        member, data = self.open_member(offset)
        if self._begins(data):
            self._ahead = (offset, member, data)
            return RunEnd(offset, offset), None
        if not data and member.damage is not None:
            resume = self.resume(offset, member.place)
            return RunEnd(offset, resume, member.damage), None
        return None, (offset, member, data)

    def resume(self, begun: int, failed: int) -> int:
        """Where the next member that begins with a record lies, after one begun at `begun` failed.

        Leaves it to the next run. A decoder can run on through the members behind a damaged
        place, so the search starts behind the member's first byte, not where it failed.
        """
        again = max(0, failed - begun)
        if self._reread + again > _REREAD_FACTOR * self.window.size + _REREAD_FLOOR:
            begun = failed
        else:
            self._reread += again
        offset = begun + 1
        while (offset := self.window.find(self._opener.MAGIC, offset)) >= 0:
            if self._opener.plausible(self.window, offset) and self._begins(
                self._opener.probe(self.window, offset)
            ):
                self.seek(offset)
                return offset
            offset += 1
        self._next = None
        return self.window.size


class MemberRun:
    """Decoded bytes of one member, and of those behind it that go on with the same record."""

    def __init__(self, runs: MemberRuns, offset: int, member: Member, data: bytes) -> None:
        self._runs = runs
        self._member = member
        self._data = data
        self._begun = offset
        self._position = 0
        self.marks = [(0, offset)]
        self.end: RunEnd | None = None

    def read(self) -> bytes:
        """The next decoded bytes; empty at the run's end."""
        while self.end is None:
            data, self._data = self._data, b""
            if not data:
                data = self._member.read()
            if data:
                self._position += len(data)
                return data
            if self._member.damage is not None:
                resume = self._runs.resume(self._begun, self._member.place)
                self.end = RunEnd(self._member.place, resume, self._member.damage, inside=True)
                break
            self.end, following = self._runs.follow(self._member.place)
            if following is not None:
                self._begun, self._member, self._data = following
                if len(self.marks) > _MARKS:
                    del self.marks[1:-1]
                self.marks.append((self._position, self._begun))
        return b""
