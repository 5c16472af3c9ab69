"""The one reader of what others wrote: its files, their kinds, columns, ids, times and texts.

Every command that takes text takes it here, in bounded batches with stable row ids: Parquet, Arrow,
JSONL and plain text, in files, folders and globs. Compressed JSONL and text (`.gz`, `.zst`, `.bz2`,
`.xz`) are read by their magic bytes, not by their name. What is passed over is counted (`Passed`).
"""

from webtext_py.reader.columns import rows_of, to_int64
from webtext_py.reader.kinds import Source, list_sources, recognise
from webtext_py.reader.packed import naming_damage
from webtext_py.reader.packed import open_packed as open_any
from webtext_py.reader.parquet import group_batches, naming_corruption, open_parquet
from webtext_py.reader.passed import Passed, passed_said
from webtext_py.reader.texts import open_source, read_batches
from webtext_py.reader.times import to_micros

__all__ = [
    "Passed",
    "Source",
    "group_batches",
    "list_sources",
    "naming_corruption",
    "naming_damage",
    "open_any",
    "open_parquet",
    "open_source",
    "passed_said",
    "read_batches",
    "recognise",
    "rows_of",
    "to_int64",
    "to_micros",
]
