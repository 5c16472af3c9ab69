"""Records of an archive file, found and cut out however damaged it is.

A record that cannot be given whole becomes a `Frame` that is not `complete`, where its header can
be read, and a `Damage`; reading goes on at the next record. Where one begins is judged by its
header, and a record's end by what follows: line ends and another record, or nothing. Neither can
tell a record from text that holds one, so where damage meets an archive inside an archive, records
of the inner one may come out.

Memory: the largest block that is held (`hold`) twice, and the windows of `runs`.
"""

import base64
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from webtext_py.pages.runs import PlainRun, Run, Runs
from webtext_py.pages.warc import RecordHeader

_NEWLINES = b"\r\n"
_FILL = 1 << 16
# Line ends looked over between two records; more would be damage of a sort nobody has seen.
_SEPARATOR = 64
# What is kept of a block that is too large to hold: enough for the HTTP headers.
_HEAD = 1 << 20
# Blocks may be looked through again for so many times what was read, and so much more; a header
# counts for `_LOOK` bytes at least. Our choice: real damage stays far below.
_LOOKED_FACTOR = 4
_LOOKED_FLOOR = 1 << 22
_LOOK = 256
_OTHER = re.compile(rb"[^\r\n]")
_BLANK = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a file that gives no record.

    `bytes_lost`: bytes of the file from `offset` to where reading resumed. `decoded_lost`: decoded
    bytes thrown away inside a compressed member that holds several records, where the file's own
    bytes cannot be told apart. `what`: what is wrong, in words.
    """

    file: str
    offset: int
    bytes_lost: int
    what: str
    decoded_lost: int = 0


@dataclass(slots=True)
class Frame:
    """One record: its header and block, and where it lies.

    `offset` and `length` are bytes of the file: of the record, or of the compressed members that
    are its alone (then `skip` is None). Else `offset` is the member's in which it begins, `skip`
    the decoded bytes before it and `length` its decoded bytes. `block` is the first MiB where the
    block is `too_large` to hold, and what there is of it where it is not `complete`.
    """

    header: RecordHeader
    block: bytes
    offset: int
    length: int
    skip: int | None
    complete: bool = True
    too_large: bool = False


def digest_fits(header: RecordHeader, block: bytes) -> bool:
    """Whether the record's SHA-1 of its block, or of its payload, is that of `block`."""
    blank = _BLANK.search(block)
    for name, data in (
        ("warc-block-digest", block),
        ("warc-payload-digest", block[blank.end() :] if blank else block),
    ):
        algorithm, _, value = header.fields.get(name, "").partition(":")
        if algorithm.lower() == "sha1" and value:
            digest = hashlib.sha1(data, usedforsecurity=False)
            if value.upper() in (
                base64.b32encode(digest.digest()).decode(),
                digest.hexdigest().upper(),
            ):
                return True
    return False


class Reader:
    """Buffered reading of one run.

    `before`: stream position where the last record ended. `done`: the run's end was dealt with.
    `clear`: stream position up to which no header ends. `looked`: bytes looked through again.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = bytearray()
        self.place = 0
        self.before = 0
        self.done = False
        self.clear = 0
        self.looked = 0
        self._base = 0

    def tell(self) -> int:
        """Stream position of the next byte."""
        return self._base + self.place

    def index(self, position: int) -> int:
        """Where in the buffer a stream position lies."""
        return position - self._base

    def left(self) -> int:
        """Bytes in the buffer from the next one on."""
        return len(self.buffer) - self.place

    def fill(self) -> bool:
        """Gets more bytes, doubling small buffers at least; false at the run's end.

        Bytes from `place` on are kept; their index may change.
        """
        if self.run.end is not None:
            return False
        if self.place == len(self.buffer):
            self._base += self.place
            self.buffer.clear()
            self.place = 0
        elif self.place > _FILL and self.place * 2 > len(self.buffer):
            del self.buffer[: self.place]
            self._base += self.place
            self.place = 0
        before = len(self.buffer)
        want = before + max(_FILL, before - self.place)
        while len(self.buffer) < want:
            data = self.run.read()
            if not data:
                break
            self.buffer += data
        return len(self.buffer) > before

    def need(self, length: int) -> bool:
        """Whether `length` bytes are (now) in the buffer from `place` on."""
        while self.left() < length:
            if not self.fill():
                return False
        return True

    def take(self, length: int) -> bytes:
        """The next `length` bytes of the buffer, or as many as it has; does not move on."""
        return bytes(self.buffer[self.place : self.place + length])

    def skip(self, length: int) -> bool:
        """Passes over `length` bytes; false where the run ends before."""
        while True:
            step = min(length, self.left())
            self.place += step
            length -= step
            if not length:
                return True
            if not self.fill():
                return False

    def skip_newlines(self) -> bool:
        """Passes over line ends; false where the run ends there."""
        while True:
            match = _OTHER.search(self.buffer, self.place)
            if match is not None:
                self.place = match.start()
                return True
            self.place = len(self.buffer)
            if not self.fill():
                return False

    def move(self, run: PlainRun, position: int) -> None:
        """Goes to a stream position of an uncompressed run."""
        run.move(position)
        self.buffer.clear()
        self._base = position
        self.place = 0


class Frames:
    """The records of `runs`, in order; `damage` fills up on the way.

    `form`: the module `warc` or `arc`. `hold`: the largest block kept in memory, in bytes.
    """

    def __init__(self, runs: Runs, form: ModuleType, file: str, hold: int) -> None:
        self._runs = runs
        self._form = form
        self._file = file
        self._hold = hold
        self._tail = form.EDGE + _SEPARATOR
        self.damage: list[Damage] = []

    def __iter__(self) -> Iterator[Frame]:
        while (run := self._runs.next_run()) is not None:
            yield from self.of_run(Reader(run))

    def of_run(self, reader: Reader) -> Iterator[Frame]:
        """The records from the reader's place to the end of its run."""
        while not reader.done:
            if not reader.skip_newlines():
                self._empty_end(reader)
            elif (frame := self._record(reader)) is not None:
                yield frame

    def _record(self, reader: Reader) -> Frame | None:
        """The record at the reader's place; None (and damage) where its header cannot be read."""
        start = reader.tell()
        header = self._header(reader)
        if header is None:
            padded = reader.take(1) == b"\0"
            reader.place += 1
            found, zeros = self._search(reader)
            if (
                padded
                and zeros
                and reader.take(1) == b""
                and reader.run.end
                and not reader.run.end.damage
            ):
                reader.done = True  # padding
                return None
            self._lose(reader, start, found, "bytes that begin no record")
            return None
        if header.length is None:
            return self._unsized(reader, header, start)
        block, what = self._block(reader, header.length)
        if what is None:
            frame = self._complete(reader, header, block, start)
            frame.too_large = header.length > self._hold
            return frame
        begun = reader.tell()
        found = self._may_hide_records(reader) and self._search(reader)[0]
        if found and (proven := self._proven(reader, header, begun)) is not None:
            self._add(reader.run.marks[0][1] + start, 0, f"{what}; its digest fits {len(proven)}")
            frame = Frame(header, proven, reader.run.marks[0][1] + start, 0, None)
            frame.length = begun + len(proven) - start
            reader.before = reader.tell()
            return frame
        return self._incomplete(reader, header, block, start, found, what)

    def _header(self, reader: Reader) -> RecordHeader | None:
        """Reads the header at the reader's place and moves behind it; stays there where none is."""
        while True:
            clear = reader.index(reader.clear)
            end, clear = self._form.header_end(reader.buffer, reader.place, clear)
            reader.clear = max(reader.clear, reader.tell() + clear - reader.place)
            if end >= 0:
                break
            if reader.left() > self._form.HEADER_MAX or not reader.fill():
                return None
        if end == 0:
            return None
        header: RecordHeader | None = self._form.parse(bytes(reader.buffer[reader.place : end]))
        if header is not None:
            reader.place = end
        return header

    def _block(self, reader: Reader, length: int) -> tuple[bytes, str | None]:
        """The block (its first MiB where too large), and what is wrong with it.

        Moves behind the block where it is whole and ends as a record must; else stays before it
        (or somewhere inside, where it was too large to hold in a compressed run).
        """
        keep = length if length <= self._hold else _HEAD
        wrong = f"a block of {length} bytes is not followed by a record: its length is wrong"
        run = reader.run
        if isinstance(run, PlainRun) and reader.left() < length + self._tail:
            # Looks at the end first: a length that is wrong costs no reading.
            stop = reader.tell() + length
            if stop > run.length:
                wrong = f"a block of {length} bytes breaks off after {run.length - reader.tell()}"
                return self._begun(reader, keep), wrong
            if not self._ends_well(run.peek(stop, self._tail)):
                return self._begun(reader, keep), wrong
            reader.need(keep + self._tail if keep == length else keep)
            if keep == length and self._swallows(reader, length):
                return self._begun(reader, keep), wrong
            block = reader.take(keep)
            reader.move(run, stop)
            return block, None
        if keep < length:
            reader.need(keep)
            block = reader.take(keep)
            begun = reader.tell()
            if not reader.skip(length):
                return block, (
                    f"a block of {length} bytes breaks off after {reader.tell() - begun}"
                )
            reader.need(self._tail)
            return block, None if self._ends_well(reader.take(self._tail)) else wrong
        reader.need(length + self._tail)
        at = reader.place + length
        if reader.left() < length:
            wrong = f"a block of {length} bytes breaks off after {reader.left()}"
        elif self._ends_well(bytes(reader.buffer[at : at + self._tail])) and not (
            self._swallows(reader, length)
        ):
            block = reader.take(length)
            reader.place += length
            return block, None
        return self._begun(reader, length), wrong

    def _begun(self, reader: Reader, length: int) -> bytes:
        """What there is of a block that is not whole: a MiB, and nothing of a record behind it."""
        reader.need(min(length, _HEAD))
        at = self._form.find(reader.buffer, reader.place)
        return reader.take(min(length, _HEAD, at - reader.place if at >= 0 else _HEAD))

    def _ends_well(self, tail: bytes) -> bool:
        """Whether `tail`, what follows a block, shows that the block ends where it should.

        So it does before another record, at the end, and before the line ends that must follow a
        record, whatever comes after them.
        """
        rest = tail.lstrip(_NEWLINES)
        return not rest or self._form.begins(rest) or tail.startswith(self._form.SEPARATORS)

    def _swallows(self, reader: Reader, length: int) -> bool:
        """Whether the next `length` bytes, a block by its header, run into another record.

        Only asked where line ends follow but neither a record nor the end: the line ends may be
        those of a header that a wrong length reaches by chance. Then a record begins inside the
        block and ends behind it; one that a page quotes ends inside. Blocks that lie one in the
        other are looked through again and again: past a bound the length is believed.
        """
        stop = reader.place + length
        rest = bytes(reader.buffer[stop : stop + self._tail]).lstrip(_NEWLINES)
        if not rest or self._form.begins(rest):
            return False
        bound = _LOOKED_FACTOR * (reader.tell() + length) + _LOOKED_FLOOR
        at, clear = self._form.find(reader.buffer, reader.place), 0
        while 0 <= at < stop and reader.looked < bound:
            end, clear = self._form.header_end(reader.buffer, at, clear)
            reader.looked += _LOOK + max(0, end - at)
            if end > 0:
                header = self._form.parse(bytes(reader.buffer[at:end]))
                if header is not None and header.kind and end + (header.length or 0) > stop:
                    return True
            at = self._form.find(reader.buffer, at + 1)
        return False

    def _unsized(self, reader: Reader, header: RecordHeader, start: int) -> Frame:
        """A record that does not say its length: it goes on to the next one, or the run's end."""
        begun = 0
        while (at := self._form.find(reader.buffer, reader.place + begun)) < 0:
            begun = max(0, reader.left() - self._form.EDGE)
            if reader.left() > self._hold or not reader.fill():
                break
        if at < 0 and reader.left() > self._hold:
            block = reader.take(_HEAD)
            found = self._search(reader)[0]
            what = f"a block of unknown length is larger than {self._hold} bytes"
            return self._incomplete(reader, header, block, start, found, what)
        block = reader.take(reader.left() if at < 0 else at - reader.place).rstrip(_NEWLINES)
        reader.place += len(block)
        return self._complete(reader, header, block, start)

    def _search(self, reader: Reader) -> tuple[bool, bool]:
        """Moves to the next record, or the run's end: whether one was found, and only zeros passed.

        A record is believed when its header can be read and gives its type and length. Of all that
        seem to begin before one blank line, the first and the last are read.
        """
        zeros = True
        while True:
            at = self._form.find(reader.buffer, reader.place)
            stop = at if at >= 0 else max(reader.place, len(reader.buffer) - self._form.EDGE)
            zeros = zeros and not reader.buffer[reader.place : stop].strip(b"\0")
            reader.place = stop
            if at < 0:
                if not reader.fill():
                    zeros = zeros and not reader.buffer[reader.place :].strip(b"\0")
                    reader.place = len(reader.buffer)
                    return False, zeros
                continue
            here = reader.tell()
            header = self._header(reader)
            if header is not None:
                reader.place -= reader.tell() - here
                if header.kind and header.length is not None:
                    return True, zeros
            zeros = False
            reader.place += 1
            last, at = -1, self._form.find(reader.buffer, reader.place)
            while 0 <= at < reader.index(reader.clear):
                last, at = at, self._form.find(reader.buffer, at + 1)
            reader.place = max(reader.place, last)

    def _may_hide_records(self, reader: Reader) -> bool:
        """Whether a record that is not whole may have swallowed others of its run: not where
        compressed data breaks off inside it, for then nothing speaks against its length."""
        run = reader.run
        return isinstance(run, PlainRun) or run.end is None or run.end.damage is None

    def _proven(self, reader: Reader, header: RecordHeader, begun: int) -> bytes | None:
        """The block from `begun` to the record at the reader's place, where its digest proves that
        only the length is wrong; else None. Only in uncompressed files, which can be read again."""
        run = reader.run
        size = reader.tell() - begun
        if not isinstance(run, PlainRun) or size > self._hold:
            return None
        data = run.peek(begun, size)
        for separator in self._form.SEPARATORS:
            if data.endswith(separator):
                block = data[: -len(separator)]
                return block if digest_fits(header, block) else None
        return None

    def _mark(self, reader: Reader, start: int) -> tuple[int, int, bool]:
        """The member in which the record at `start` begins: its stream position, its file offset,
        and whether nothing of another record precedes in it."""
        marks = reader.run.marks
        index = bisect_right(marks, (start, 1 << 63)) - 1
        del marks[:index]  # records only go forward
        position, offset = marks[0]
        return position, offset, position >= reader.before

    def _locate(
        self, reader: Reader, start: int, stop: int, ended: bool
    ) -> tuple[int, int, int | None]:
        """Offset, length and skip of the record from `start` to `stop`."""
        position, offset, first = self._mark(reader, start)
        if isinstance(reader.run, PlainRun):
            return offset + start, stop - start, None
        if first and ended and reader.run.end is not None:
            return offset, reader.run.end.offset - offset, None
        return offset, stop - start, start - position

    def _complete(self, reader: Reader, header: RecordHeader, block: bytes, start: int) -> Frame:
        """The frame of a record whose block is whole; deals with the run's end where it is next."""
        stop = reader.tell()
        ended = not reader.skip_newlines()
        offset, length, skip = self._locate(reader, start, stop, ended)
        frame = Frame(header, block, offset, length, skip)
        end = reader.run.end
        if ended and end is not None:
            reader.done = True
            position, begun = reader.run.marks[-1]
            if end.damage is not None and end.inside and position >= reader.before:
                # The member that fails is this record's: whatever it gave cannot be trusted.
                frame.complete = False
                self._add(begun, end.resume - begun, end.damage)
            elif end.damage is not None:
                self._add(end.offset, end.resume - end.offset, end.damage)
        reader.before = stop
        return frame

    def _incomplete(
        self,
        reader: Reader,
        header: RecordHeader,
        block: bytes,
        start: int,
        found: bool,
        what: str,
    ) -> Frame:
        """The frame of a record that is not whole; the reader stands behind what is lost."""
        if not found:
            reader.skip(1 << 62)  # what is left of the run
        offset, length, skip = self._locate(reader, start, reader.tell(), not found)
        self._lose(reader, start, found, what)
        return Frame(header, block, offset, length, skip, complete=False)

    def _lose(self, reader: Reader, start: int, found: bool, what: str) -> None:
        """Notes that everything from `start` to the reader's place (the run's end) is lost."""
        _, offset, first = self._mark(reader, start)
        stop = reader.tell()
        run = reader.run
        end = run.end
        if isinstance(run, PlainRun):
            self._add(offset + start, stop - start, what)
        elif found or end is None:
            self._add(offset, 0, what, stop - start)
        elif first:
            self._add(offset, end.resume - offset, end.damage or what)
        else:
            self._add(end.offset, end.resume - end.offset, end.damage or what, stop - start)
        reader.before = stop
        reader.done = not found

    def _empty_end(self, reader: Reader) -> None:
        """Deals with the end of a run of which no record is open."""
        reader.done = True
        end = reader.run.end
        if end is None or end.damage is None:
            return
        position, offset = reader.run.marks[-1]
        begun = offset if end.inside and position >= reader.before else end.offset
        self._add(begun, end.resume - begun, end.damage)

    def _add(self, offset: int, lost: int, what: str, decoded: int = 0) -> None:
        # A decoder that ran on through the next member failed behind the place where reading
        # resumes: then nothing of the file but what was decoded is lost.
        self.damage.append(Damage(self._file, offset, max(0, lost), what, decoded))
