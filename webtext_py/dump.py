"""Submission dumps as Arrow batches: one row a line, the fields that the link rules need.

The core decompresses and scans (`src/dump/`); here its buffers become record batches. Which
submissions count is decided by whoever takes the batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py import _core


class Status(IntEnum):
    """What a line is: the values of column `status`."""

    OK = 0
    """A JSON object that is no comment."""
    DAMAGED = 1
    """No JSON object (cut, overwritten, not UTF-8), or over 16 MiB; all fields are null."""
    COMMENT = 2
    """The line of a comment dump: `body` and `link_id`, neither `title` nor `url`."""


SCHEMA = pa.schema(
    [
        pa.field("line", pa.uint64(), nullable=False),
        pa.field("status", pa.uint8(), nullable=False),
        pa.field("begins", pa.string()),
        pa.field("id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("subreddit", pa.string()),
        pa.field("author", pa.string()),
        pa.field("score", pa.int64()),
        pa.field("created_utc", pa.int64()),
        pa.field("is_self", pa.bool_()),
        pa.field("over_18", pa.bool_()),
        pa.field("promoted", pa.bool_()),
    ]
)
"""Columns of every batch.

`line` counts from 0, blank lines too. Strings are as posted: JSON escapes resolved (a surrogate
without its half is U+FFFD), HTML entities left; `id` has no `t3_`. A field that is missing, null or
of another type is null. `score` and `created_utc` take integers, floats and strings of either,
rounded down. `begins` is of damaged lines alone: their first 1,000 bytes, U+FFFD for what is no
UTF-8.
"""


@dataclass(frozen=True)
class Gap:
    """A place where a compressed stream could not be read."""

    compressed_offset: int
    """Byte of the file at or shortly before which it shows."""
    decompressed_offset: int
    """Bytes of text read before it."""
    lost_bytes: int
    """Bytes of the file passed over, up to the next stream that could be read or the end."""
    message: str
    """What was found."""


@dataclass(frozen=True)
class DumpStats:
    """What was read: up to the last batch given out, and after it of the whole file."""

    compression: str
    """`zstd`, `xz`, `bzip2`, `gzip` or `plain`."""
    compressed_bytes: int
    """Bytes of the file read."""
    decompressed_bytes: int
    """Bytes of text they gave."""
    lines: int
    """Lines, blank ones too: `ok + damaged + comments + blank`."""
    blank: int
    """Lines of white space and NUL bytes only, for which there is no row."""
    ok: int
    damaged: int
    comments: int
    lost_bytes: int
    """Bytes of the file that could not be read; known at the end."""
    damages: tuple[Gap, ...]
    """Where they are; known at the end."""


class SubmissionReader(Iterator[pa.RecordBatch]):
    """Batches of `SCHEMA`, a row for each line of a submission dump that is not blank, in order;
    `stats` tells how far it is.

    The dump is .zst (windows up to 2 GiB), .xz, .bz2, .gz, each also of several streams, or plain;
    the first bytes decide, not the name. With `allow_damaged` what can be read of a cut or corrupt
    file is kept, and `stats` says what was lost; without, the first damage is an error. Memory: the
    decompressor's window plus 128 MiB.

    Raises `FormatError`, naming file and offset, for damage, and for a file of another kind
    (comments, CSV, JSON array, HTML, ...); `FileNotFoundError` and other `OSError`s.
    """

    def __init__(
        self, path: Path, *, allow_damaged: bool = False, batch_lines: int = 65536
    ) -> None:
        self._reader = _core.DumpReader(path, allow_damaged=allow_damaged, batch_lines=batch_lines)

    def __next__(self) -> pa.RecordBatch:
        """The next batch, at most `batch_lines` rows."""
        columns = self._reader.next()
        if columns is None:
            raise StopIteration
        rows = len(columns["status"][0])
        return pa.RecordBatch.from_arrays(
            [_array(field, rows, columns[field.name]) for field in SCHEMA], schema=SCHEMA
        )

    @property
    def stats(self) -> DumpStats:
        """What was read so far."""
        figures: dict[str, Any] = self._reader.stats()
        damages = tuple(Gap(*damage) for damage in figures.pop("damages"))
        return DumpStats(**figures, damages=damages)


def _array(field: pa.Field, rows: int, parts: tuple[_core.Buffer, ...]) -> pa.Array:
    """An array over the core's buffers, without a copy; a nullable field's first is validity."""
    buffers = [pa.py_buffer(part) for part in parts]
    if not field.nullable:
        buffers.insert(0, None)
    return pa.Array.from_buffers(field.type, rows, buffers)
