"""The compiled core. Hand-kept stubs: checked against the module by stubtest."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

_Int64s: TypeAlias = npt.NDArray[np.int64]
_Bytes: TypeAlias = npt.NDArray[np.uint8]

__version__: str

class WebTextError(Exception): ...
class FormatError(WebTextError): ...
class DamageError(FormatError): ...

@final
class Buffer:
    """Bytes owned by the core, readable through the buffer protocol."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def digest_rows(offsets: _Int64s, data: _Bytes) -> Buffer: ...

NORMALISER_VERSION: int

def normalize_text(text: bytes, ascii: bool) -> str: ...
def word_counts(offsets: _Int64s, data: _Bytes, ascii: bool) -> Buffer: ...
def text_digests(offsets: _Int64s, data: _Bytes, ascii: bool) -> Buffer: ...
def word_spans(text: bytes, ascii: bool) -> Buffer: ...
def plain_wikitext(offsets: _Int64s, data: _Bytes) -> tuple[Buffer, Buffer]:
    """Offsets (int64) and bytes of the plain texts of pages of wikitext, a row each."""

def decode_page(body: bytes, content_type: str | None = None) -> tuple[str, str]:
    """Text of a page's bytes, and `charset:evidence`, with WHATWG's names in lower case."""

def charset_for_label(label: bytes) -> str | None:
    """WHATWG's name, in lower case, of the charset that a label means on the web."""

def detect_language(text: str) -> str:
    """ISO 639-1 code of the language that most of `text` is in; `und` where unsure."""

def language_codes() -> list[str]:
    """The codes that `detect_language` can give, `und` apart."""

def page_facts(
    html: str, text: str, url: str | None = None, fetched_at: int | None = None
) -> tuple[str | None, str, str | None]:
    """Title of a page, language of its `text`, and day of publication as `2017-12-31`.

    `fetched_at`, seconds since 1970, bounds the day; without it nothing does.
    """

def extractors() -> list[tuple[str, int]]:
    """The engines of `extract_documents` by name, with the number of their rules."""

def extract_documents(
    engine: str,
    pages: Sequence[tuple[bytes, bytes, bytes, int]],
    *,
    budget: int | None = None,
) -> tuple[Buffer, Buffer, list[tuple[Buffer, Buffer]]]:
    """Documents of responses, in a thread of a known stack, without the interpreter and without a
    copy of the bodies.

    A page is its body, content type, address and time: seconds since 1970, the least int64 where it
    is not known. Returns by row the
    outcome (uint8: 0 done, 1 too costly, 2 crash), the day of publication (int32 since 1970, the
    least one for none), and offsets (int64) and UTF-8 of text, title, language and charset.
    """

MAX_LINE_BYTES: int

@final
class DumpReader:
    """A submission dump being read by the core's threads; see `webtext_py.dump`."""

    def __new__(
        cls,
        path: PathLike[str] | str,
        *,
        allow_damaged: bool,
        batch_lines: int,
        level: str | None = None,
    ) -> DumpReader: ...
    def next(self) -> dict[str, tuple[Buffer, ...]] | None:
        """Arrow buffers of the next batch by column, validity first, or None at the end."""
    def stats(self) -> dict[str, Any]:
        """The figures of `webtext_py.dump.DumpStats` so far."""

@final
class Bzip2Range:
    """Pieces of the text of the bzip2 streams that start in a range of a file's bytes; then an int,
    the bytes of the file lost in them, and pieces of the streams behind. None stands where the text
    before and the text after do not touch."""

    def __new__(cls, path: PathLike[str] | str, start: int, end: int) -> Bzip2Range: ...
    def __iter__(self) -> Bzip2Range: ...
    def __next__(self) -> bytes | int | None: ...

_UInt64s: TypeAlias = npt.NDArray[np.uint64]

@final
class BpeCounter:
    """Counts pieces of texts; `finish` ends it. See `webtext_py.bpe.train`."""

    def __new__(cls, pattern: str, by_line: bool, exclude: Sequence[bytes]) -> BpeCounter: ...
    def count(self, offsets: _Int64s, data: _Bytes, threads: int) -> None: ...
    def add(self, offsets: _Int64s, data: _Bytes, counts: _UInt64s) -> None: ...
    @property
    def memory_bytes(self) -> int:
        """Bytes that the tables of all threads hold."""
    def finish(self) -> BpePieces: ...

@final
class BpePieces:
    """Distinct pieces with their counts; `train` uses them up."""

    def __len__(self) -> int: ...
    def sorted(self) -> tuple[Buffer, Buffer, Buffer]:
        """Offsets (int64), bytes and counts (uint64), in the order of the bytes."""
    def train(
        self,
        vocab_size: int,
        min_frequency: int,
        pattern: str,
        special: Sequence[str],
        report: Callable[[int], object] | None = None,
    ) -> BpeEncoder:
        """The vocabulary: `vocab_size` entries, and the special tokens behind them."""

@final
class IndexBuilder:
    """Collects the n-grams of texts and writes their Bloom filter."""

    def __new__(
        cls,
        n: int,
        ascii: bool,
        rate: float,
        capacity: int | None,
        memory: int,
        threads: int,
        spill_folder: PathLike[str],
    ) -> IndexBuilder: ...
    def add_rows(self, offsets: _Int64s, data: _Bytes) -> None: ...
    def spill_to(self, path: PathLike[str]) -> None: ...
    def save(self) -> None: ...
    def add_saved(self, path: PathLike[str]) -> None: ...
    def plan(self) -> dict[str, Any]: ...
    def finish(self, path: PathLike[str], metadata: str) -> dict[str, Any]: ...

@final
class NgramIndex:
    """An n-gram index, memory-mapped."""

    def __new__(cls, path: PathLike[str]) -> NgramIndex: ...
    def header(self) -> dict[str, Any]: ...
    def query(self, set: NgramTexts) -> Buffer: ...
    def count_rows(self, offsets: _Int64s, data: _Bytes) -> Buffer: ...
    def verify(self, threads: int) -> None: ...
    def check(self, probes: int, seed: int, threads: int) -> int: ...
    def check_strings(self, probes: int, seed: int) -> int: ...
    def check_record(self) -> tuple[int, int, int, int, int] | None: ...
    def store_check(
        self, probes: int, hits: int, seed: int, report_probes: int, report_hits: int
    ) -> None: ...

@final
class NgramTexts:
    """The exact n-grams of texts."""

    def __new__(cls, offsets: _Int64s, data: _Bytes, n: int, ascii: bool) -> NgramTexts: ...
    def __len__(self) -> int: ...
    def text_starts(self) -> Buffer: ...
    def ngrams(self) -> Buffer: ...

@final
class NgramScanner:
    """Finds the n-grams of texts in training text."""

    def __new__(cls, set: NgramTexts) -> NgramScanner: ...
    def scan_rows(self, offsets: _Int64s, data: _Bytes, threads: int) -> tuple[Buffer, Buffer]: ...
    def documents(self) -> Buffer: ...
    def best_runs(self) -> Buffer: ...
    def totals(self) -> tuple[int, int]: ...

def merge_indexes(
    parts: Sequence[PathLike[str]],
    out: PathLike[str],
    metadata: str,
    threads: int,
) -> dict[str, Any]: ...
def ngram_keys(offsets: _Int64s, data: _Bytes, n: int, ascii: bool) -> Buffer: ...

@final
class BpeEncoder:
    """A vocabulary that encodes and decodes; see `webtext_py.tokenizer`."""

    @staticmethod
    def from_tokenizer_json(content: bytes, name: str) -> BpeEncoder: ...
    @staticmethod
    def from_vocab_and_merges(
        vocab: tuple[bytes, str], merges: tuple[bytes, str], pattern: str
    ) -> BpeEncoder: ...
    @staticmethod
    def from_tiktoken(
        content: bytes, name: str, pattern: str, special: Sequence[tuple[str, int]]
    ) -> BpeEncoder: ...
    @property
    def id_limit(self) -> int: ...
    @property
    def pattern(self) -> str: ...
    @property
    def special(self) -> list[tuple[str, int]]: ...
    @property
    def added(self) -> list[tuple[str, int, bool, bool, bool]]:
        """Added tokens that are no special ones: text, id, `normalized`, `lstrip`, `rstrip`."""
    def tokens(self) -> tuple[Buffer, Buffer, Buffer]:
        """Ids (uint32), offsets (int64) and bytes of the ordinary tokens."""
    def merges(self) -> Buffer | None:
        """Merges (uint32: left, right, new) by rank; None where ranks are ids."""
    @property
    def merge_count(self) -> int:
        """How many merges are listed."""
    def token_id(self, token: bytes) -> int | None:
        """The id of the ordinary token with these bytes."""
    def files(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files of a learnt vocabulary."""
    def agrees(self, read: BpeEncoder) -> bool:
        """Whether what was read from one of `files` says what this learnt vocabulary says."""
    def encode(self, text: bytes, allow_special: bool) -> Buffer: ...
    def encode_batch(
        self,
        offsets: _Int64s,
        data: _Bytes,
        prefix: int | None,
        allow_special: bool,
        wide: bool,
        threads: int,
    ) -> tuple[Buffer, Buffer]:
        """Ids (uint32 if `wide`, else uint16) and offsets (int64)."""
    def decode(self, ids: npt.NDArray[np.uint32]) -> Buffer: ...

@final
class BpeTokenWriter:
    """A token shard being written: Parquet with `doc_id` and `tokens`."""

    def __new__(cls, path: PathLike[str], wide: bool) -> BpeTokenWriter: ...
    def append(
        self,
        encoder: BpeEncoder,
        doc_ids: tuple[_Int64s, _Bytes],
        texts: tuple[_Int64s, _Bytes],
        prefix: int,
        threads: int,
    ) -> None:
        """Encodes texts, each behind `prefix`, and appends a row for each."""
    def finish(self, metadata: Sequence[tuple[str, str]]) -> tuple[int, int]:
        """Rows and ids of the file, whose footer this writes."""

def minhash_signatures(
    column: tuple[_Int64s, _Bytes],
    permutations: tuple[str, _UInt64s, _UInt64s],
    n: int,
    ascii: bool,
    hash: str,
) -> Buffer: ...
def minhash_bands(
    column: tuple[_Int64s, _Bytes],
    orders: _UInt64s,
    numbers: _UInt64s,
    permutations: tuple[str, _UInt64s, _UInt64s],
    banding: tuple[int, int],
    n: int,
    parts: int,
) -> tuple[Buffer, Buffer, Buffer]: ...
def word_digests(column: tuple[_Int64s, _Bytes]) -> Buffer: ...
def arrange_numbers(numbers: _UInt64s, parts: int) -> tuple[Buffer, Buffer]: ...
def read_numbers(files: Sequence[PathLike[str]], part: int, parts: int) -> Buffer: ...
def minhash_groups(
    files: Sequence[PathLike[str]], part: int, parts: int, copies: _UInt64s
) -> tuple[Buffer, Buffer, Buffer, int]: ...
def shingle_sets(offsets: _Int64s, data: _Bytes, n: int) -> tuple[Buffer, Buffer]: ...
def minhash_verify(
    group_files: Sequence[PathLike[str]],
    part: int,
    parts: int,
    set_files: Sequence[PathLike[str]],
    threshold: float,
) -> tuple[Buffer, int, int, int, int]: ...
def minhash_components(
    files: Sequence[PathLike[str]], parts: int, out: PathLike[str]
) -> tuple[int, int]: ...
def minhash_pairs(file: PathLike[str], part: int, parts: int) -> tuple[Buffer, Buffer]: ...
def minhash_cluster(
    numbers: _UInt64s,
    pairs: npt.NDArray[np.uint32],
    similarities: npt.NDArray[np.float64],
    set_files: Sequence[PathLike[str]],
    threshold: float,
) -> tuple[Buffer, Buffer]: ...
def html_elements(html: str) -> tuple[str, Buffer, Buffer, Buffer]:
    """The tree of a page for comparisons: names, one a line, depths (uint32, root 0), and text and
    tail of each element as offsets (int64, two an element and one more) and UTF-8 bytes."""

def extract_batch(
    pages: tuple[_Int64s, _Bytes],
    content_types: tuple[_Int64s, _Bytes] | None = None,
    *,
    budget: int | None = None,
    rescue: bool = True,
    model: bool = False,
) -> tuple[Buffer, Buffer, Buffer]:
    """Outcome (uint8: 0 done, 1 too costly, 2 crash), and main text as offsets (int64) and UTF-8,
    for each row of `pages`, without the interpreter. Pages are UTF-8 text, or bytes as they came
    where `content_types` gives a header's value for each. `budget` is the work that a page may
    cost; without `rescue` readability is never asked;
    with `model` the block model decides over the rules' text."""

def block_features(
    pages: tuple[_Int64s, _Bytes],
    content_types: tuple[_Int64s, _Bytes],
    golds: tuple[_Int64s, _Bytes],
) -> tuple[Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]:
    """For training: of all blocks of `pages` the bounds by page (int64), rows of numbers
    (float32), shares of their words that stand in the page's gold text, in order (float32), counts
    of words (uint32), and texts as offsets (int64) and UTF-8."""

def second_features(
    pages: tuple[_Int64s, _Bytes],
    content_types: tuple[_Int64s, _Bytes],
    block_offsets: _Int64s,
    scores: _Bytes,
) -> Buffer:
    """For training: rows of numbers (float32) of the second look at all blocks, whose scores at
    the first are float32 in `scores`; `block_offsets` bounds those of a page, in bytes."""

def text_by_scores(
    pages: tuple[_Int64s, _Bytes],
    content_types: tuple[_Int64s, _Bytes],
    block_offsets: _Int64s,
    scores: _Bytes,
) -> tuple[Buffer, Buffer]:
    """For training: main text by scores as in `second_features`, as offsets (int64) and UTF-8."""
