"""Walks zstd frames without decompressing: where blocks and frames end (RFC 8878, 3.1).

The library tells neither how much input it used nor where a damaged frame ends. A frame's blocks
carry their sizes, so both can be read off.
"""

from dataclasses import dataclass

import zstandard

MAGIC = b"\x28\xb5\x2f\xfd"
# Longest frame header: magic, descriptor, window, 4 bytes of dictionary, 8 of content size.
HEADER_MAX = 18
_BLOCK_HEADER = 3
_RLE, _RESERVED = 1, 3


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """`length` bytes of header; `window` in bytes; `dictionary` id, 0 where none; `checksum`."""

    length: int
    window: int
    dictionary: int
    checksum: bool


def is_skippable(head: bytes) -> bool:
    """Whether `head` (at least 4 bytes) begins a skippable frame: magic 0x184D2A50 to 5F."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50


def read_header(data: bytes, place: int = 0) -> FrameHeader:
    """The frame header at `place`. Raises `ValueError` where there is none or it is cut."""
    head = data[place : place + HEADER_MAX]
    if not head.startswith(MAGIC):
        raise ValueError("not a zstd frame")
    try:
        said = zstandard.get_frame_parameters(head)
        length = zstandard.frame_header_size(head)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    return FrameHeader(length, said.window_size, said.dict_id, said.has_checksum)


def block_end(data: bytes, place: int) -> tuple[int, bool]:
    """Where the block at `place` ends, and whether it is the frame's last.

    Raises `ValueError` for a block that is cut or of the reserved type.
    """
    header = data[place : place + _BLOCK_HEADER]
    if len(header) < _BLOCK_HEADER:
        raise ValueError("the frame is cut")
    value = int.from_bytes(header, "little")
    kind = value >> 1 & 3
    if kind == _RESERVED:
        raise ValueError("a block of a reserved type")
    return place + _BLOCK_HEADER + (1 if kind == _RLE else value >> 3), bool(value & 1)


def walk(data: bytes, place: int) -> int:
    """Where the frame at `place` ends. Raises `ValueError` for a cut or malformed one."""
    header = read_header(data, place)
    place += header.length
    last = False
    while not last:
        place, last = block_end(data, place)
    place += 4 if header.checksum else 0
    if place > len(data):
        raise ValueError("the frame is cut")
    return place
