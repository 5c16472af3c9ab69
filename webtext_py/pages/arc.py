"""ARC record headers, versions 1 and 2: one line each (Internet Archive, 1996).

Version 1: `URL IP date type length`; version 2 puts status, checksum, location, offset and file
name before the length. URLs and types with spaces are taken: fields are told from the right.
"""

import re

from webtext_py.pages.warc import RecordHeader, decode_text

# Longest header line: the URL makes it, and servers take 8 KiB of it; our choice is twice that.
HEADER_MAX = 1 << 14
EDGE = HEADER_MAX
# What must follow a block.
SEPARATORS = (b"\n", b"\r\n")

_LINE = re.compile(rb"(?:\A|(?<=\n))[A-Za-z][A-Za-z0-9+.-]{1,20}:[^\r\n]{1,16384} \d{1,12}\r?\n")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:\S")
_DATE = re.compile(r"[0-9]{12,17}\Z")
_LENGTH = re.compile(r"[0-9]{1,12}\Z")
_STATUS = re.compile(r"(?:[0-9]{3}|-)\Z")
# Words of a content type with blanks in it (`text/html; charset = x`): our choice.
_TYPE_WORDS = 8


def begins(data: bytes) -> bool:
    """Whether `data` begins with a record, line ends before it aside."""
    line = data.lstrip(b"\r\n")[:HEADER_MAX]
    end = line.find(b"\n")
    return end >= 0 and parse(line[: end + 1]) is not None


def find(data: bytes, place: int) -> int:
    """Where a record header seems to begin at or after `place`; -1 where none does."""
    while match := _LINE.search(data, place):
        if parse(match[0]) is not None:
            return match.start()
        place = match.end() - 1
    return -1


def header_end(data: bytes, place: int, clear: int = 0) -> tuple[int, int]:
    """Where the block of the record at `place` begins, -1 where the line end is still to come; and
    `clear` as it was: a line is short."""
    end = data.find(b"\n", place, place + HEADER_MAX)
    return (end + 1 if end >= 0 else -1), clear


def parse(data: bytes) -> RecordHeader | None:
    """The header line in `data`; None where it is not one."""
    words = decode_text(data).rstrip("\r\n").split(" ")
    if len(words) < 5 or not _LENGTH.match(words[-1]):
        return None
    # Version 2 first: its date stands eighth from the right, behind URL and IP.
    status: int | None = None
    if len(words) >= 10 and _DATE.match(words[-8]) and _STATUS.match(words[-6]):
        at = len(words) - 8
        kind = words[at + 1]
        status = int(words[-6]) if words[-6] != "-" else None
    else:
        first = max(2, len(words) - 2 - _TYPE_WORDS)
        found = [i for i in range(first, len(words) - 2) if _DATE.match(words[i])]
        if not found:
            return None
        at = found[-1]
        kind = " ".join(words[at + 1 : -1])
    url = " ".join(words[: at - 1])
    if not _SCHEME.match(url):
        return None
    return RecordHeader(
        kind="arc_header" if url.startswith("filedesc:") else "response",
        length=int(words[-1]),
        url=url,
        date=words[at],
        content_type="" if kind in ("-", "no-type") else kind,
        status=status,
    )
