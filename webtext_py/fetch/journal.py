"""Which URL is done, and how it ended: a line each, in one journal for each group of hosts.

All of a host stands in the journal of its group, whichever run wrote it, so that machines can share
out the groups.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from webtext_py.columns import partition_of
from webtext_py.engine.commit import flush
from webtext_py.url.key import url_key

# Of hosts. Our choice: more machines than a fetch has use for, and 45 million links make journals
# of 3 million lines, about a gigabyte each. Lines stay where this number once put them.
GROUPS = 16
_ONE_FOR_ALL = "fetch-journal.jsonl"  # as it was at first


@dataclass
class Attempt:
    """How one source ended for one URL: a line of the journal.

    `file`, `offset`, `length`: where its records lie, together; None where nothing was kept.
    `payloads`: digest, URL and date of those that later revisits may refer to.
    """

    url_key: str
    url: str
    source: str
    outcome: str
    detail: str = ""
    final_url: str | None = None
    redirects: list[str] = field(default_factory=list)
    status: int | None = None
    fetched_at: str | None = None  # ISO 8601
    file: str | None = None
    offset: int = 0
    length: int = 0
    payloads: list[list[str]] = field(default_factory=list)

    @classmethod
    def of(cls, line: bytes) -> "Attempt":
        """The attempt of a line."""
        return cls(**json.loads(line))

    @property
    def group(self) -> int:
        """The group of its host: the partition of the host in its key."""
        # A robots.txt has no key: it goes with the host's links.
        host = urlsplit(self.url_key or url_key(self.url) or "").hostname or ""
        return int(partition_of(pa.array([host]), GROUPS)[0])


def journal_line(attempt: Attempt) -> bytes:
    """The line of an attempt."""
    return json.dumps(asdict(attempt), separators=(",", ":")).encode() + b"\n"


def journal_of(folder: Path, group: int) -> Path:
    """The journal of a group of hosts."""
    return folder / f"fetch-journal-{group:02d}.jsonl"


def journals(folder: Path) -> list[Path]:
    """The journals that are there; the one for all hosts counts alone as long as it is."""
    one = folder / _ONE_FOR_ALL
    if one.exists():
        return [one]
    return [path for path in (journal_of(folder, n) for n in range(GROUPS)) if path.exists()]


def whole_lines(journal: Path, start: int = 0) -> Iterator[bytes]:
    """The lines of a journal from byte `start` on, in order; a torn last line is left out."""
    with journal.open("rb") as file:
        file.seek(start)
        yield from (line for line in file if line.endswith(b"\n"))


def regroup(folder: Path) -> None:
    """Gives the lines of the one journal for all hosts, if it is there, to those of the groups.

    Until it is gone it counts alone, so a kill on the way loses and doubles nothing.
    """
    one = folder / _ONE_FOR_ALL
    if not one.exists():
        return
    paths = [journal_of(folder, group) for group in range(GROUPS)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for line in whole_lines(one):
            files[Attempt.of(line).group].write(line)
    for path in (*paths, folder):
        flush(path)
    one.unlink()
    flush(folder)


class Journals:
    """The journals of a folder, open for writing."""

    def __init__(self, folder: Path) -> None:
        self._paths = [journal_of(folder, group) for group in range(GROUPS)]
        self._files = [path.open("ab", buffering=0) for path in self._paths]
        self._unsynced: set[int] = set()

    def append(self, attempt: Attempt) -> None:
        """Writes the line of an attempt; all of it, or raises `OSError` and nothing is left."""
        group = attempt.group
        file = self._files[group]
        size = os.fstat(file.fileno()).st_size
        try:
            write_all(file, journal_line(attempt), self._paths[group])
        except OSError:
            os.ftruncate(file.fileno(), size)
            raise
        self._unsynced.add(group)

    def sync(self) -> None:
        """fsync of the journals written since the last one."""
        for group in self._unsynced:
            os.fsync(self._files[group].fileno())
        self._unsynced.clear()

    def close(self) -> None:
        """Syncs and closes them."""
        self.sync()
        for file in self._files:
            file.close()


def write_all(file: io.FileIO, data: bytes, path: Path) -> None:
    """Writes all of `data`. Raises OSError with the file's name."""
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
