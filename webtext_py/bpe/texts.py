"""Texts for counting, in bounded batches whatever the size of a file or of a document.

Tables and JSONL come from the one reader, also from standard input. Plain text is read in blocks
that end where a piece ends whatever follows, so that a file of any size is one sequence and is
never held whole.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa

from webtext_py.errors import InputError
from webtext_py.reader import (
    Passed,
    Source,
    list_sources,
    naming_corruption,
    naming_damage,
    open_parquet,
    open_source,
    read_batches,
)
from webtext_py.reader.parquet import column_facts
from webtext_py.reader.texts import standard_input

Sequencing = Literal["document", "line"]

STDIN = "-"
_BLOCK_BYTES = 16 << 20
_TABLE_BYTES = 2 << 20  # our choice: stays in the last-level cache, and the memory is used again
# Every pattern ends a piece between an ASCII letter or digit and ASCII white space, and behind one
# newline between characters that are no space: for scripts without spaces. Left out are the UTF-8
# lead bytes under which spaces lie (C2, E1, E2, and E3 80 80), and `/`, which o200k joins to a
# newline.
_SOLID = (
    rb"[0-9A-Za-z]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe4-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
    rb"|\xe3\x80[\x81-\xbf]|\xe3[\x81-\xbf][\x80-\xbf]"
)
_CUT = re.compile(rb"[0-9A-Za-z](?=[ \t-\r])|(?:" + _SOLID + rb")\n(?=" + _SOLID + rb")")


def sources(
    paths: Sequence[str | Path], text_field: str = "text", passed: Passed | None = None
) -> list[Source | None]:
    """The files that `paths` name; `None` stands for standard input, which is `-`."""
    if any(str(path) == STDIN for path in paths):
        if len(paths) > 1:
            raise InputError("`-` (standard input) was given with other inputs; give it alone")
        return [None]
    return list(list_sources(paths, text_field=text_field, passed=passed))


def estimated_bytes(files: Sequence[Source | None], text_field: str) -> int:
    """About how many bytes of text there are, for progress only."""
    total = 0
    for file in files:
        if file is None:
            continue
        if file.kind != "parquet":  # Arrow files are as long as what they hold
            total += file.path.stat().st_size * (3 if file.compression else 1)
            continue
        with open_parquet(file.path) as opened:
            facts = opened.metadata
            sizes = [facts.row_group(g).total_byte_size for g in range(opened.num_row_groups)]
            names = [opened.schema.column(i).path for i in range(len(opened.schema))]
            share = 1.0
            if sizes and sizes[0] > 0 and text_field in names:
                with naming_corruption(file.path):
                    text = column_facts(opened, 0, names.index(text_field))
                share = text.total_uncompressed_size / sizes[0]
        total += int(sum(sizes) * share)
    return total


def batches(
    file: Source | None, text_field: str, sequence: Sequencing, passed: Passed | None = None
) -> Iterator[pa.Array]:
    """The texts of one file as binary or string columns, one after the other. Plain text comes as
    it is; of tables, texts that are no UTF-8 are counted in `passed`."""
    if file is None:
        file = standard_input()
    if file.kind == "text":
        with naming_damage(file.path), open_source(file) as stream:
            yield from _blocks(stream, sequence)
        return
    for batch in read_batches(
        file, text_field=text_field, batch_bytes=_TABLE_BYTES, ids=False, passed=passed
    ):
        yield batch.column("text")


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
    text = b"".join(parts)
    # Not `pa.array`, which imports pandas where it is installed.
    ends = pa.py_buffer(np.array([0, len(text)], np.int64))
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(text)])
