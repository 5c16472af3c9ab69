"""The one reader of token shards: Parquet files with a column of lists of token ids.

Counts come from the footers alone; a row group is read whole. Takes `webtext bpe encode`'s files
and anybody else's lists of integers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.errors import FormatError, InputError

Tokens = npt.NDArray[np.unsignedinteger[Any]]

COLUMNS = ("tokens", "input_ids", "ids")  # of lists of ids: ours first, then what others write
TOKENIZER_KEY = b"webtext.tokenizer"  # SHA-256 of the tokenizer in a file's metadata


class TokenFile:
    """One Parquet file with a column of lists of token ids."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.metadata = pq.read_metadata(path)
            schema = self.metadata.schema.to_arrow_schema()
        except pa.ArrowInvalid as error:
            raise FormatError(f"`{path}` is no readable Parquet file: {error}") from error
        column = next((name for name in COLUMNS if name in schema.names), None)
        if column is None:
            raise InputError(
                f"`{path}` has columns {', '.join(schema.names)}, expected a list of ids "
                f"in `{COLUMNS[0]}`",
                hint="where it is text, name its column with `--text-field`",
            )
        kind = schema.field(column).type
        if not _is_list(kind) or not pa.types.is_integer(kind.value_type):
            raise FormatError(f"`{column}` of `{path}` is {kind}, expected a list of integers")
        self.column = column
        keys = self.metadata.metadata or {}
        self.tokenizer = keys.get(TOKENIZER_KEY, b"").decode() or None
        self.wide = kind.value_type.bit_width > 16

    def counts(self) -> list[int]:
        """Tokens in each row group, from the footer alone."""
        paths = [self.metadata.schema.column(i).path for i in range(self.metadata.num_columns)]
        leaf = next(i for i, path in enumerate(paths) if path.split(".")[0] == self.column)
        counts = []
        for group in range(self.metadata.num_row_groups):
            chunk = self.metadata.row_group(group).column(leaf)
            # An empty list is stored as one null value; ours has none, other people's may.
            statistics = chunk.statistics
            nulls = statistics.null_count if statistics and statistics.has_null_count else 0
            counts.append(chunk.num_values - nulls)
        return counts

    def read(self, group: int) -> tuple[npt.NDArray[np.int64], Tokens]:
        """Offsets of the rows and all tokens of one row group; raises `FormatError`."""
        try:
            file = pq.ParquetFile(self.path, metadata=self.metadata, memory_map=True)
            column = file.read_row_group(group, [self.column], use_threads=False).column(0)
        except (pa.ArrowInvalid, OSError) as error:
            raise FormatError(f"row group {group} of `{self.path}`: {error}") from error
        lists = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = lists.flatten()
        if values.null_count:
            raise FormatError(f"row group {group} of `{self.path}` has null tokens")
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        tokens = values.to_numpy()
        if tokens.dtype.kind == "i":  # signed, as other people's are; checked against the maximum
            tokens = tokens.astype(np.int64).view(np.uint64)
        return offsets, tokens

    def digest(self) -> bytes:
        """SHA-256 of name, length, footer and the first and last 64 KiB of the content.

        The footer holds each row group's counts, sizes and statistics. An edit in the middle that
        keeps them all would go unseen; reading 20 GB at every start is the alternative.
        """
        size = self.path.stat().st_size
        with self.path.open("rb") as stream:
            head = stream.read(2**16)
            stream.seek(size - 8)
            footer = int.from_bytes(stream.read(4), "little") + 8
            stream.seek(max(0, size - footer - 2**16))
            tail = stream.read()
        known = f"{self.path.name}\0{size}\0".encode()
        return hashlib.sha256(known + hashlib.sha256(head).digest() + tail).digest()


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files of a folder, or the file itself; raises `InputError` for none."""
    if not path.exists():
        raise InputError(f"`{path}` does not exist")
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = [f for f in files if not f.name.startswith((".", "_"))]
    if not files:
        raise InputError(f"`{path}` has no Parquet file of tokens or text")
    return files


@dataclass(frozen=True)
class Span:
    """Tokens `[start, stop)` of one row group."""

    file: TokenFile
    group: int
    start: int
    stop: int


class TokenSet:
    """Spans of token files in a fixed order: a training or a validation set."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = [span for span in spans if span.stop > span.start]
        self.files = list(dict.fromkeys(span.file for span in self.spans))
        self.lengths = np.array([s.stop - s.start for s in self.spans], np.int64)
        self.tokens = int(self.lengths.sum())

    @classmethod
    def open(cls, paths: Sequence[Path]) -> "TokenSet":
        """All tokens of the files, in the order given."""
        files = [TokenFile(path) for path in paths]
        return cls([Span(f, g, 0, n) for f in files for g, n in enumerate(f.counts())])

    @classmethod
    def splits(cls, paths: Sequence[Path]) -> tuple["TokenSet", "TokenSet"]:
        """Training and validation set: the files called `validation-*` are the second."""
        held = [path for path in paths if path.name.startswith("validation-")]
        return cls.open([path for path in paths if path not in held]), cls.open(held)

    @property
    def tokenizer(self) -> str | None:
        """Digest of the tokenizer that made the files; `None` where one does not say."""
        digests = {file.tokenizer for file in self.files}
        return digests.pop() if len(digests) == 1 else None

    @cached_property
    def fingerprint(self) -> str:
        """Digest in hex of which tokens these are; paths and dates take no part."""
        parts = [file.digest() for file in self.files]
        where = [(self.files.index(s.file), s.group, s.start, s.stop) for s in self.spans]
        return hashlib.sha256(b"".join(parts) + repr(where).encode()).hexdigest()

    def split(self, fraction: float) -> tuple["TokenSet", "TokenSet"]:
        """Training and validation set: the last `fraction` of the tokens, cut between documents."""
        ends = np.cumsum(self.lengths)
        cut = self.tokens - int(fraction * self.tokens)
        at = int(np.searchsorted(ends, cut, "left"))
        span = self.spans[at]
        offsets, _ = span.file.read(span.group)
        wanted = cut - int(ends[at] - self.lengths[at]) + span.start
        middle = int(offsets[np.searchsorted(offsets, wanted, "left")])
        middle = min(max(middle, span.start), span.stop)
        before = Span(span.file, span.group, span.start, middle)
        after = Span(span.file, span.group, middle, span.stop)
        return TokenSet([*self.spans[:at], before]), TokenSet([after, *self.spans[at + 1 :]])

    def read(self, index: int, vocab_size: int) -> Tokens:
        """Tokens of one span, checked: as many as the footer says, all below `vocab_size`."""
        span = self.spans[index]
        _, tokens = span.file.read(span.group)
        name = f"row group {span.group} of `{span.file.path}`"
        if len(tokens) < span.stop:
            raise FormatError(f"{name} has {len(tokens)} tokens, expected {span.stop} (footer)")
        top = int(tokens.max())
        if top >= vocab_size:
            raise FormatError(f"{name} has token {top}, but the vocabulary ends at {vocab_size}")
        kept = tokens[span.start : span.stop]
        return kept if kept.dtype.itemsize < 8 else kept.astype(np.uint32)

    def head(self, limit: int, vocab_size: int) -> Tokens:
        """The first `limit` tokens, or all where there are fewer."""
        enough = int(np.searchsorted(np.cumsum(self.lengths), limit)) + 1
        spans = range(len(self.spans))[:enough]
        return np.concatenate([self.read(i, vocab_size) for i in spans])[:limit]
