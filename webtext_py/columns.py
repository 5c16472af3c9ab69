"""Text columns as the core takes them: two NumPy views over Arrow's own buffers, no copy; and the
digests that ids and partitions are made from."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core


def as_column(texts: Any) -> "pa.Array | pa.ChunkedArray":
    """Texts or bytes as a column; a column as it is."""
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        return texts
    raw = len(texts) > 0 and isinstance(texts[0], bytes)
    return pa.array(texts, pa.large_binary() if raw else pa.large_string())


def text_column(
    values: "pa.Array | pa.ChunkedArray",
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets (rows + 1, int64) and bytes (uint8) of a string or binary column.

    Row `i` is `data[offsets[i]:offsets[i + 1]]`. A null counts as an empty text. Without a copy
    where the column is one chunk of `large_string` or `large_binary` without nulls.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if not (text or pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)):
        raise TypeError(f"a text column must be string or binary, not {array.type}")
    if array.null_count:
        array = array.fill_null("" if text else b"")
    _, offsets_buffer, data_buffer = array.buffers()
    if offsets_buffer is None or len(array) == 0:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    # Widened here: a cast by Arrow first loads its compute functions, a tenth of a second.
    short = pa.types.is_string(array.type) or pa.types.is_binary(array.type)
    kind = np.dtype(np.int32 if short else np.int64)
    found = np.frombuffer(offsets_buffer, kind, len(array) + 1, array.offset * kind.itemsize)
    offsets = found.astype(np.int64, copy=False)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
    return offsets, data


def digests(values: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.uint8]:
    """The first 16 bytes of SHA-256 of each row: shape (rows, 16)."""
    return np.frombuffer(memoryview(_core.digest_rows(*text_column(values))), np.uint8).reshape(
        -1, 16
    )


def hex_digests(values: "pa.Array | pa.ChunkedArray") -> list[str]:
    """`digests` as 32 hexadecimal digits a row: `records.doc_id` of a whole column."""
    text = digests(values).tobytes().hex()
    return [text[start : start + 32] for start in range(0, len(text), 32)]


def partition_of(values: "pa.Array | pa.ChunkedArray", partitions: int) -> npt.NDArray[np.int64]:
    """The partition, 0 to `partitions` - 1, of each row: the same for the same text everywhere."""
    heads = np.ascontiguousarray(digests(values)[:, 8:]).view(">u8").reshape(-1)
    return (heads % np.uint64(partitions)).astype(np.int64)
