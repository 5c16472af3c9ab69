"""WARC files and journals brought back to what both vouch for, whatever ended the last run."""

import heapq
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from webtext_py.engine.commit import flush
from webtext_py.fetch.journal import GROUPS, Attempt, journals, regroup, whole_lines

PART = ".part"  # ends the name of a WARC file that is being written
_HEAD_BYTES = 1 << 20  # more than a `warcinfo` record has, which is the configuration's few lines


def recover(folder: Path, most: int) -> list[list[str]]:
    """Cuts files and journals; returns at most `most` payloads, the last of each group.

    A file has its full name only once all its lines are on the disk, so it is cut no more. Memory
    grows with the number of files and `most`.
    """
    regroup(folder)
    parts = sorted(folder.glob(f"*.warc.gz{PART}"))
    sizes = {part.name.removesuffix(PART): _vouched(part) for part in parts}
    payloads: list[list[str]] = []
    for journal in journals(folder):
        last: deque[list[str]] = deque(maxlen=most // GROUPS)
        _keep(journal, sizes, last)
        payloads += last
    flush(folder)
    for part in parts:
        _cut(part, sizes[part.name.removesuffix(PART)])
    flush(folder)
    return payloads


def _vouched(part: Path) -> int:
    """Up to which byte lines vouch for the records of a file; 0 if for none.

    Records lie back to back behind the `warcinfo` record. Of lines not yet synced a power cut may
    take those of one journal and leave later ones of another: from the first that is missing, or
    has outlived its bytes, on none counts.
    """
    name, size = part.name.removesuffix(PART), part.stat().st_size
    start = end = _head(part)
    # One writer: in each journal the records of a file stand in their order.
    for offset, length in heapq.merge(*(_spans(each, name) for each in journals(part.parent))):
        if offset != end or end + length > size:
            break
        end += length
    return end if end > start else 0


def _spans(journal: Path, name: str) -> Iterator[tuple[int, int]]:
    """First byte and length of the records in the file `name`."""
    for line in whole_lines(journal):
        if name.encode() in line:  # most lines are of other files, and parsing is what takes long
            attempt = Attempt.of(line)
            if attempt.file == name:
                yield attempt.offset, attempt.length


def _head(part: Path) -> int:
    """Bytes of a file's first gzip member, the `warcinfo` record; 0 where it is torn."""
    with part.open("rb") as file:
        data = file.read(_HEAD_BYTES)
    unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16)
    with suppress(zlib.error):
        unpacker.decompress(data, _HEAD_BYTES)
    return len(data) - len(unpacker.unused_data) if unpacker.eof else 0


def _keep(journal: Path, sizes: dict[str, int], payloads: deque[list[str]]) -> None:
    """Leaves in a journal the whole lines whose records are there, and adds their payloads.

    `sizes` has how many bytes of a file count; it gets those of files that it does not have.
    """
    new = journal.with_suffix(".new")
    with new.open("wb") as kept:
        for line in whole_lines(journal):
            attempt = Attempt.of(line)
            if attempt.file is not None:
                if attempt.file not in sizes:
                    path = journal.parent / attempt.file
                    sizes[attempt.file] = path.stat().st_size if path.exists() else 0
                if attempt.offset + attempt.length > sizes[attempt.file]:
                    continue
            kept.write(line)
            payloads.extend(attempt.payloads)
    if new.stat().st_size == journal.stat().st_size:
        new.unlink()
        flush(journal)  # a kill may have come before its fsync
    else:
        flush(new)
        new.replace(journal)


def _cut(part: Path, size: int) -> None:
    """Gives an open file its full name, with its first `size` bytes; without any it goes."""
    if size == 0:
        part.unlink()
        return
    with part.open("r+b") as file:
        file.truncate(size)
    flush(part)
    part.rename(part.with_name(part.name.removesuffix(PART)))
