"""Texts for counting, in bounded batches whatever the size of a file or of a document.

Parquet and JSONL come from the one reader. Plain text is read in blocks that end where a piece
ends whatever follows, so that a file of any size is one sequence and is never held whole.
"""

import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from webtext_py.errors import FormatError, InputError
from webtext_py.reader import Source, list_sources, open_source, read_batches

Sequencing = Literal["document", "line"]

STDIN = "-"
_BLOCK_BYTES = 16 << 20
# Between an ASCII letter or digit and ASCII white space every pattern ends a piece.
_CUT = re.compile(rb"[0-9A-Za-z](?=[ \t-\r])")


def sources(paths: Sequence[str | Path]) -> list[Source | None]:
    """The files that `paths` name; `None` stands for standard input, which is `-`."""
    if any(str(path) == STDIN for path in paths):
        if len(paths) > 1:
            raise InputError("`-` (standard input) was given with other inputs; give it alone")
        return [None]
    return list(list_sources(paths))


def estimated_bytes(files: Sequence[Source | None], text_field: str) -> int:
    """About how many bytes of text there are, for progress only."""
    total = 0
    for file in files:
        if file is None:
            continue
        if file.kind != "parquet":
            total += file.path.stat().st_size * (3 if file.compression else 1)
            continue
        try:
            facts = pq.read_metadata(file.path)
        except pa.ArrowInvalid as error:
            raise FormatError(f"`{file.path}` is a damaged Parquet file: {error}") from error
        for group in range(facts.num_row_groups):
            columns = facts.row_group(group)
            for number in range(columns.num_columns):
                column = columns.column(number)
                if column.path_in_schema == text_field:
                    total += column.total_uncompressed_size
    return total


def batches(file: Source | None, text_field: str, sequence: Sequencing) -> Iterator[pa.Array]:
    """The texts of one file as binary or string columns, one after the other."""
    if file is not None and file.kind != "parquet" and file.kind != "jsonl":
        try:
            with open_source(file) as stream:
                yield from _blocks(stream, sequence)
        except (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise FormatError(f"`{file.path}` is cut or damaged: {error}") from error
    elif file is not None:
        for batch in read_batches(file, text_field=text_field):
            yield batch.column("text")
    else:
        yield from _blocks(sys.stdin.buffer, sequence)


def _blocks(stream: IO[bytes] | Any, sequence: Sequencing) -> Iterator[pa.Array]:
    end_of: Callable[[bytes], int] = _end_of_line if sequence == "line" else _end_of_piece
    held: list[bytes] = []
    first = True
    while block := stream.read(_BLOCK_BYTES):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        cut = end_of(block)
        if cut:
            yield _column([*held, block[:cut]])
            held = [block[cut:]]
        else:
            held.append(block)
    if any(held):
        yield _column(held)


def _end_of_line(block: bytes) -> int:
    return block.rfind(b"\n") + 1


def _end_of_piece(block: bytes) -> int:
    """The last cut in the block, or 0."""
    size = 4096
    while True:
        start = max(0, len(block) - size)
        last = 0
        for match in _CUT.finditer(block, start):
            last = match.end()
        if last or start == 0:
            return last
        size *= 4


def _column(parts: list[bytes]) -> pa.Array:
    return pa.array([b"".join(parts)], pa.large_binary())
