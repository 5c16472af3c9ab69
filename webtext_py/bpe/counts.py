"""Files of piece counts: what training needs of a text, so that it can be had again or spread.

A Parquet table with `piece` (binary, ascending) and `count` (uint64), and in its metadata the
pattern. Counts of parts of a text, added up, are those of the whole.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.engine.commit import TEMPORARY, flush
from webtext_py.errors import FormatError, InputError

_KEY = b"webtext.piece_counts"
_SCHEMA = pa.schema([pa.field("piece", pa.large_binary()), pa.field("count", pa.uint64())])


def write_counts(pieces: _core.BpePieces, pattern: str, path: Path) -> None:
    """Writes all pieces with their counts; the same counts give the same bytes."""
    offsets, data, counts = pieces.sorted()
    piece = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(pieces), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    count = pa.Array.from_buffers(pa.uint64(), len(pieces), [None, pa.py_buffer(counts)])
    facts = json.dumps({"format": 1, "pattern": pattern}, sort_keys=True)
    table = pa.table([piece, count], _SCHEMA.with_metadata({_KEY: facts.encode()}))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        pq.write_table(table, temporary, compression="zstd", use_dictionary=False)
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def counts_pattern(paths: Sequence[Path]) -> str:
    """The pattern of the files' pieces; raises `InputError` where they differ."""
    patterns = {path: _facts(path)["pattern"] for path in paths}
    first = patterns[paths[0]]
    for path, pattern in patterns.items():
        if pattern != first:
            raise InputError(
                f"`{path}` counts pieces of `{pattern}`, but `{paths[0]}` of `{first}`"
            )
    return str(first)


def add_counts(counter: _core.BpeCounter, path: Path) -> None:
    """Adds a file's counts to a counter."""
    _facts(path)
    try:
        for batch in pq.ParquetFile(path).iter_batches(1 << 18):
            offsets, data = text_column(batch.column("piece"))
            counter.add(offsets, data, np.asarray(batch.column("count")))
    except (OSError, pa.ArrowInvalid) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FormatError(f"`{path}` is a damaged file of piece counts: {error}") from error


def _facts(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise InputError(f"`{path}` {'is a folder' if path.is_dir() else 'does not exist'}")
    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise FormatError(f"`{path}` is not a file of piece counts: {error}") from error
    metadata = schema.metadata or {}
    if _KEY not in metadata or not schema.remove_metadata().equals(_SCHEMA):
        raise FormatError(
            f"`{path}` is not a file of piece counts; `--counts FILE` of `webtext bpe train` "
            "writes them"
        )
    facts: dict[str, str] = json.loads(metadata[_KEY])
    return facts
