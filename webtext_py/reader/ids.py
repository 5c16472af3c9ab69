"""The one making of ids: the input's own where it has one, else the file's mark and the row."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py.columns import digests
from webtext_py.engine.commit import sha256_file

ID_COLUMNS = ("doc_id", "id")
_MARK = 16  # hexadecimal digits of a file's SHA-256


def marks(file_digests: Sequence[str]) -> list[str]:
    """A mark for each of several files, from its SHA-256: the first 16 digits, and for a second
    file of the same content `~2`, which sorts behind it."""
    seen: dict[str, int] = {}
    found = []
    for digest in file_digests:
        mark = digest[:_MARK]
        seen[mark] = seen.get(mark, 0) + 1
        found.append(mark if seen[mark] == 1 else f"{mark}~{seen[mark]}")
    return found


def mark_of(path: Path, copy: int = 1) -> str:
    """The mark of the `copy`th of several files that have this content."""
    mark = sha256_file(path)[:_MARK]
    return mark if copy == 1 else f"{mark}~{copy}"


def id_text(value: Any) -> str | None:
    """An id as text; None for null and empty text, which are no ids."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        try:
            return value.decode() or None
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            return clean(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
        except (ValueError, TypeError, RecursionError):
            return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # what a column of whole numbers becomes where some are missing
    return None if value != value else str(value)


def own_id(row: Mapping[str, Any], but: str) -> str | None:
    """The first id that a row has under a usual name, other than `but`, the text's."""
    for name in ID_COLUMNS:
        if name != but and (found := id_text(row.get(name))) is not None:
            return found
    return None


def row_ids(own: Sequence[str | None], mark: str, first: int) -> pa.Array:
    """The ids of rows from number `first` on: their own, else mark and number."""
    ids = [f"{mark}:{first + i}" if value is None else value for i, value in enumerate(own)]
    return pa.array(ids, pa.string())


def hashes(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each id."""
    heads = np.ascontiguousarray(digests(ids)[:, :8])
    return heads.view(">u8").reshape(-1).astype(np.uint64)


def unique(
    ids: pa.Array, mark: str, first: int, repeated: npt.NDArray[np.uint64]
) -> tuple[pa.Array, int]:
    """Ids with mark and row number in place of those whose hashes are among the sorted
    `repeated`, and how many these were."""
    again = np.flatnonzero(np.isin(hashes(ids), repeated))
    if not len(again):
        return ids, 0
    values: list[str | None] = ids.to_pylist()
    for row in again.tolist():
        values[row] = None
    return row_ids(values, mark, first), len(again)


def clean(text: str) -> str:
    """Lone surrogates, which JSON can spell and UTF-8 cannot, become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
