"""WARC record headers, 0.17 to 1.1, as real crawlers wrote them.

Taken as they come: bare line feeds, continuation lines, lines without a colon, URIs in angle
brackets or with spaces, dates by day of the year. Segments (`continuation`) are not joined.
"""

import re
from dataclasses import dataclass, field

# A record header longer than this is damage: our choice; real ones stay below 10 KiB.
HEADER_MAX = 1 << 20
# How many bytes at the end of a searched stretch may hold the start of a header cut by its edge.
EDGE = 256
# What must follow a block.
SEPARATORS = (b"\r\n\r\n", b"\n\n")

# The version line and a named field behind it: text that only speaks of WARC has none.
_START = re.compile(rb"WARC/\d\.\d{1,2}[ \t]*\r?\n[A-Za-z][A-Za-z0-9-]*[ \t]*:")
_BEGIN = re.compile(rb"[\r\n]*WARC/\d\.\d{1,2}[ \t]*\r?(?:\n|\Z)")
_BLANK = re.compile(rb"\n(?:[ \t]{0,64}\r?\n|(WARC/\d\.\d))")
_BLANK_MAX = 80  # no match is longer
# ClueWeb09 has stray line ends inside headers: a blank line with these behind it is none. So many
# in one header at most; our choice.
_STRAY = 8
_GOES_ON = re.compile(rb"(?:WARC-[A-Za-z-]+|Content-Length|Content-Type)[ \t]*:", re.IGNORECASE)
_FIELD = re.compile(r"\n([^\s:][^\r\n:]*+):[ \t]*+([^\r\n]*+)")
_FOLDED = re.compile(r"\n[ \t]+[^\s]")
_SIZED = re.compile(rb"\ncontent-length", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}\Z")


@dataclass(slots=True)
class RecordHeader:
    """What a record says of itself.

    `kind`: its type in lower case (`arc_header` for an ARC file's first record). `length`: bytes of
    its block; None where it does not say. `fields`: by lower-case name; the first of each name.
    """

    kind: str
    length: int | None
    url: str
    date: str
    content_type: str
    fields: dict[str, str] = field(default_factory=dict)
    status: int | None = None


def begins(data: bytes) -> bool:
    """Whether `data` begins with a record, line ends before it aside."""
    return _BEGIN.match(data) is not None


def find(data: bytes, place: int) -> int:
    """Where a record header seems to begin at or after `place`; -1 where none does."""
    match = _START.search(data, place)
    return match.start() if match else -1


def header_end(data: bytes, place: int, clear: int = 0) -> tuple[int, int]:
    """Where the block of the record at `place` begins, and up to where no blank line does.

    -1 where the blank line is still to come, 0 where none can come: another header begins first.
    `clear` is the second of an earlier answer, so that nothing is looked through twice.
    """
    start = seen = place
    stop = min(len(data), place + HEADER_MAX)
    clear = max(place, clear)
    for stray in range(_STRAY + 1):
        match = _BLANK.search(data, max(start, clear), stop)
        if stray == 0:
            clear = max(clear, match.start() if match else stop - _BLANK_MAX)
        if match is None:
            return -1, clear
        if match[1]:
            return 0, clear
        end = match.end()
        if _SIZED.search(data, seen, end) or not _GOES_ON.match(data, end):
            break
        start, seen = end, end - 1  # the field that goes on has this line end before it
    return end, clear


def parse(data: bytes) -> RecordHeader | None:
    """The header in `data`, which ends with its blank line; None where it is not one."""
    if not data.startswith(b"WARC/"):
        return None
    text = decode_text(data)
    if _FOLDED.search(text):
        fields = _folded(text)
    else:
        # From the last to the first, so that the first of a name stays.
        found = _FIELD.findall(text)
        fields = {n.rstrip(" \t").lower(): value.rstrip() for n, value in reversed(found)}
    if not fields:
        return None
    length = fields.get("content-length", "")
    url = fields.get("warc-target-uri", "")
    if url.startswith("<") and url.endswith(">"):
        url = url[1:-1].strip()  # WARC 1.0's grammar, as wget followed it
    return RecordHeader(
        kind=fields.get("warc-type", "").lower(),
        length=int(length) if _LENGTH.match(length) else None,
        url=url,
        date=fields.get("warc-date", ""),
        content_type=fields.get("content-type", ""),
        fields=fields,
    )


def _folded(text: str) -> dict[str, str]:
    """The fields of a header with continuation lines."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            fields[name].append(line.strip())
            continue
        head, colon, value = line.partition(":")
        if not colon:
            continue
        name = head.strip().lower()
        if name in fields:  # the first one counts; a continuation of this one goes nowhere
            name = ""
            continue
        fields[name] = [value.strip()]
    return {name: " ".join(filter(None, parts)) for name, parts in fields.items()}


def decode_text(data: bytes) -> str:
    """Header bytes as text: UTF-8 where they are, else Latin-1, which takes any byte."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
