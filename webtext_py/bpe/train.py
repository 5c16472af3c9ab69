"""Training a vocabulary: text or counts in, a vocabulary out."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py import _core, defaults
from webtext_py.ahead import Ahead
from webtext_py.bpe import counts, texts
from webtext_py.bpe.vocabulary import PATTERNS
from webtext_py.columns import text_column
from webtext_py.engine.local import available_cpus
from webtext_py.errors import ConfigError, InputError
from webtext_py.observer import SILENT, Observer
from webtext_py.reader import Passed, Source

MAX_ENTRIES = 1 << 20  # what the readers of vocabularies take (`MAX_IDS` of the core)


@dataclass(frozen=True)
class BpeConfig:
    """What decides a vocabulary besides the text."""

    vocab_size: int = defaults.VOCAB_SIZE
    min_frequency: int = defaults.MIN_FREQUENCY
    pattern: str = defaults.PATTERN
    sequence: texts.Sequencing = "document"
    special: tuple[str, ...] = (defaults.ENDOFTEXT,)  # last, as in GPT-2: id 50256
    exclude_special: bool = False

    def __post_init__(self) -> None:
        least = 256 + len(self.special)
        if self.vocab_size < least:
            raise ConfigError(
                f"a vocabulary of {self.vocab_size} was asked for; 256 bytes and "
                f"{len(self.special)} special tokens need at least {least}"
            )
        if self.vocab_size > MAX_ENTRIES:
            raise ConfigError(
                f"a vocabulary of {self.vocab_size} was asked for; at most {MAX_ENTRIES} entries "
                "can be read again"
            )
        if self.pattern not in PATTERNS:
            raise ConfigError(f"pattern `{self.pattern}` is not known; {', '.join(PATTERNS)} are")
        if len(set(self.special)) != len(self.special) or "" in self.special:
            raise ConfigError("special tokens must differ and not be empty")


def count_texts(
    columns: Iterable[pa.Array],
    config: BpeConfig,
    *,
    threads: int | None = None,
    observer: Observer = SILENT,
) -> tuple[_core.BpePieces, int]:
    """Piece counts of columns of text, and their bytes."""
    excluded = [text.encode() for text in config.special] if config.exclude_special else []
    counter = _core.BpeCounter(config.pattern, config.sequence == "line", excluded)
    threads = threads or available_cpus()
    total = 0
    for column in columns:
        offsets, data = text_column(column)
        counter.count(offsets, data, threads)
        size = int(offsets[-1] - offsets[0])
        observer.advanced(size)
        total += size
    return counter.finish(), total


def count_files(
    files: Sequence[Source | None],
    config: BpeConfig,
    *,
    text_field: str = "text",
    threads: int | None = None,
    observer: Observer = SILENT,
    passed: Passed | None = None,
) -> tuple[_core.BpePieces, int]:
    """Piece counts of files of text, and the bytes of that text. `passed` counts texts that are no
    UTF-8."""
    observer.step_started("count", texts.estimated_bytes(files, text_field), "bytes")
    columns = (
        column
        for file in files
        for column in texts.batches(file, text_field, config.sequence, passed)
    )
    # Tables are decoded beside the counting, which takes as long as counting on one thread.
    tables = any(file is not None and file.kind != "text" for file in files)
    counting = max(1, (threads or available_cpus()) - tables)
    with closing(Ahead(columns)) as made:
        return count_texts(made, config, threads=counting, observer=observer)


def load_counts(paths: Sequence[Path], config: BpeConfig) -> _core.BpePieces:
    """The sums of files of counts; their pattern must be the configuration's."""
    found = counts.counts_pattern(paths)
    if found != config.pattern:
        raise InputError(
            f"`{paths[0]}` counts pieces of `{found}`, but `{config.pattern}` was asked for",
            f"pass `--pattern {found}`",
        )
    counter = _core.BpeCounter(config.pattern, False, [])
    for path in paths:
        counts.add_counts(counter, path)
    return counter.finish()


def learn(
    pieces: _core.BpePieces, config: BpeConfig, *, observer: Observer = SILENT
) -> _core.BpeEncoder:
    """The vocabulary of piece counts, which are used up.

    Ids: the 256 bytes in GPT-2's order, the merges' tokens, the special tokens. It is smaller than
    asked for where the text has no more pairs of `min_frequency`.
    """
    size = config.vocab_size - len(config.special)
    observer.step_started("merge", size - 256, "merges")
    last = 256

    def report(entries: int) -> None:
        nonlocal last
        observer.advanced(entries - last)
        last = entries

    vocabulary = pieces.train(size, config.min_frequency, config.pattern, config.special, report)
    report(vocabulary.id_limit - len(config.special))
    for text in config.special:
        if vocabulary.token_id(text.encode()) is not None:
            raise InputError(
                f"the text spells the special token `{text}` so often that it became a token",
                "`--exclude-special` keeps it out, `--special` names another",
            )
    return vocabulary


def train_texts(
    columns: Iterable[Any], config: BpeConfig, threads: int | None = None
) -> _core.BpeEncoder:
    """The vocabulary of columns of text."""
    return learn(count_texts(columns, config, threads=threads)[0], config)
