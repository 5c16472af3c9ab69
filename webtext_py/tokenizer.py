"""The `Tokenizer`: a byte-level BPE vocabulary that encodes, decodes and learns."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.bundled import bundled
from webtext_py.columns import as_column, text_column
from webtext_py.engine.local import available_cpus
from webtext_py.errors import InputError

Ids = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

# Vocabulary sizes of the published .tiktoken files, which name neither pattern nor specials.
_PUBLISHED = {
    50256: ("gpt2", {"<|endoftext|>": 50256}),
    100256: ("cl100k", {"<|endoftext|>": 100257}),
    199998: ("o200k", {"<|endoftext|>": 199999}),
}

# Names of a vocabulary's two files: those that Hugging Face gives them, and OpenAI's release.
_VOCAB, _MERGES = ("vocab.json", "encoder.json"), ("merges.txt", "vocab.bpe")
_READ = ("tokenizer.json", *_VOCAB, *_MERGES)

# A vocab.json maps tokens to numbers: where `"model"` is anything else, it is none.
_TOKENIZER_JSON = re.compile(rb'"model"\s*:\s*(?![-\d\s])')
_TIKTOKEN = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)? 0\r?\n")
_MARK = b"\xef\xbb\xbf"  # of UTF-8
_RANK = re.compile(rb" ([0-9]{1,9})\r?$", re.MULTILINE)


class Tokenizer:
    """A vocabulary made ready.

    Text that spells a special token is ordinary text everywhere, unless `allow_special`; added
    tokens that are not special are found always, as tokenizers does. Encoding and decoding release
    the interpreter lock; one object may be used from many threads.
    """

    def __init__(self, encoder: _core.BpeEncoder, learnt: bool = False) -> None:
        self._encoder = encoder
        self._learnt = learnt

    @classmethod
    def from_file(
        cls, path: str | Path, *, pattern: str | None = None, special: dict[str, int] | None = None
    ) -> "Tokenizer":
        """A tokenizer from `tokenizer.json`, a `.tiktoken` file, a vocabulary (`vocab.json`,
        `encoder.json`) with its merges (`merges.txt`, `vocab.bpe`) beside it, or a folder of these.
        What a file is, its content says.

        `pattern` (gpt2, cl100k, o200k) is for files that name none: GPT-2's by default for
        `vocab.json`, and known by their size for published `.tiktoken` files. `special` is for
        `.tiktoken` files; by default `<|endoftext|>` comes after the last rank. Raises
        `FormatError` for a file that is no byte-level vocabulary, `InputError` for a folder without
        one.
        """
        path = vocabulary_file(Path(path))
        content = path.read_bytes()
        if path.suffix == ".tiktoken" or _TIKTOKEN.match(content):
            return cls(_from_tiktoken(content, path, pattern, special))
        if special is not None:
            raise InputError(f"`special` is for .tiktoken files; `{path}` names its own")
        is_object = content[:1024].removeprefix(_MARK).lstrip().startswith(b"{")
        if is_object and _TOKENIZER_JSON.search(content):
            return cls(_core.BpeEncoder.from_tokenizer_json(content, str(path)))
        vocab, merges = ((each.read_bytes(), str(each)) for each in _pair(path))
        return cls(_core.BpeEncoder.from_vocab_and_merges(vocab, merges, pattern or "gpt2"))

    @classmethod
    def train(
        cls,
        texts: "Iterable[str] | pa.Array | pa.ChunkedArray",
        *,
        vocab_size: int = 50257,
        min_frequency: int = 2,
        pattern: str = "gpt2",
        sequence: str = "document",
        special: Sequence[str] = ("<|endoftext|>",),
        exclude_special: bool = False,
        threads: int | None = None,
    ) -> "Tokenizer":
        """A tokenizer learnt from texts: an Arrow column, or any iterable of strings.

        The merges are those of tokenizers' `BpeTrainer` on the same texts; the special tokens get
        the last ids. An iterable is read in batches and never held whole. Raises `ConfigError` for
        options that make no sense.
        """
        from webtext_py.bpe.train import BpeConfig, train_texts

        how: Any = (vocab_size, min_frequency, pattern, sequence, tuple(special), exclude_special)
        return cls(train_texts(_columns(texts), BpeConfig(*how), threads), learnt=True)

    def save(self, folder: str | Path) -> list[Path]:
        """Writes `tokenizer.json`, `tokenizer_config.json`, `vocab.json`, `merges.txt` and
        `vocab.tiktoken` of a vocabulary that `train` made; raises `InputError` for one that was
        read from a file."""
        from webtext_py.bpe.vocabulary import write_vocabulary

        if not self._learnt:
            raise InputError("this tokenizer was read from files; copy those instead")
        return write_vocabulary(self._encoder, Path(folder))

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return self._encoder.id_limit

    @property
    def pattern(self) -> str:
        """Where text is cut: gpt2, cl100k or o200k."""
        return self._encoder.pattern

    @cached_property
    def special(self) -> dict[str, int]:
        """Special tokens and their ids."""
        return dict(self._encoder.special)

    @property
    def dtype(self) -> "np.dtype[np.uint16] | np.dtype[np.uint32]":
        """uint16, or uint32 above 65,536 entries."""
        return np.dtype(np.uint32) if self.vocab_size > 1 << 16 else np.dtype(np.uint16)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides the ids: tokens, merges, added ones and pattern, not the file."""
        facts: list[Any] = [self.pattern, sorted(self.special.items())]
        if self._encoder.added:
            facts.append(self._encoder.added)
        digest = hashlib.sha256(json.dumps(facts).encode())
        ids, offsets, data = self._encoder.tokens()
        for part in (ids, offsets, data, self._encoder.merges() or b""):
            digest.update(memoryview(part).nbytes.to_bytes(8, "little"))
            digest.update(part)
        return digest.hexdigest()

    def tokens(self) -> dict[int, bytes]:
        """The bytes of each ordinary id."""
        ids, offsets, data = self._encoder.tokens()
        ends = np.frombuffer(memoryview(offsets), np.int64).tolist()
        joined = bytes(data)
        numbers = np.frombuffer(memoryview(ids), np.uint32).tolist()
        return {number: joined[ends[i] : ends[i + 1]] for i, number in enumerate(numbers)}

    def encode(self, text: str | bytes, *, allow_special: bool = False) -> Ids:
        """The ids of one text, 1-D, of `dtype`.

        Bytes need not be UTF-8. With `allow_special` text that spells a special token becomes it.
        """
        raw = text.encode() if isinstance(text, str) else text
        ids = np.frombuffer(memoryview(self._encoder.encode(raw, allow_special)), np.uint32)
        return ids.astype(np.uint16) if self.dtype == np.uint16 else ids

    def encode_batch(
        self,
        texts: "Sequence[str] | Sequence[bytes] | pa.Array | pa.ChunkedArray",
        *,
        prefix: int | None = None,
        allow_special: bool = False,
        threads: int | None = None,
    ) -> pa.LargeListArray:
        """The ids of many texts as an Arrow `large_list` of uint16 or uint32, one row a text.

        `prefix` is an id that every row begins with. `threads` never changes the result.
        `result.values.to_numpy()` and `result.offsets` are the same as flat NumPy arrays.
        """
        offsets, data = text_column(as_column(texts))
        how = (prefix, allow_special, self.dtype == np.uint32, threads or available_cpus())
        ids, ends = self._encoder.encode_batch(offsets, data, *how)
        kind = pa.from_numpy_dtype(self.dtype)
        count = len(ids) // self.dtype.itemsize
        values = pa.Array.from_buffers(kind, count, [None, pa.py_buffer(ids)])
        rows = len(offsets) - 1
        boundaries = pa.Array.from_buffers(pa.int64(), rows + 1, [None, pa.py_buffer(ends)])
        return pa.LargeListArray.from_arrays(boundaries, values)

    def token_writer(self, path: Path) -> "TokenWriter":
        """Begins a token shard at `path`: Parquet with `doc_id` and `tokens`, ids of `dtype`."""
        return TokenWriter(self._encoder, path, self.dtype == np.uint32)

    def decode_bytes(self, ids: "Sequence[int] | Ids") -> bytes:
        """The bytes of ids; special tokens as their text. Raises `ValueError` for an unknown id."""
        numbers = np.asarray(ids)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= 1 << 32):
            raise ValueError(f"ids must be from 0 to {self.vocab_size - 1}")
        return bytes(self._encoder.decode(np.ascontiguousarray(numbers, np.uint32)))

    def decode(self, ids: "Sequence[int] | Ids", errors: str = "replace") -> str:
        """The text of ids; what is not UTF-8 is treated as `bytes.decode` does by `errors`."""
        return self.decode_bytes(ids).decode("utf-8", errors)


class TokenWriter:
    """A token shard being written, a batch of rows at a time; whole after `finish`."""

    def __init__(self, encoder: _core.BpeEncoder, path: Path, wide: bool) -> None:
        self._encoder = encoder
        self._writer = _core.BpeTokenWriter(path, wide)

    def append(self, doc_ids: pa.Array, texts: pa.Array, prefix: int, threads: int) -> None:
        """A row for each text: its `doc_id`, and `prefix` with the text's ids behind it."""
        self._writer.append(
            self._encoder, text_column(doc_ids), text_column(texts), prefix, threads
        )

    def finish(self, metadata: Mapping[str, str]) -> tuple[int, int]:
        """Writes what is left and the footer; returns rows and tokens of the file."""
        return self._writer.finish(list(metadata.items()))


def vocabulary_file(path: Path) -> Path:
    """The file to read where `path` is a folder with a vocabulary, else `path`."""
    if not path.is_dir():
        return path
    for name in ("tokenizer.json", *_VOCAB):
        if (path / name).exists():
            return path / name
    found = sorted(path.glob("*.tiktoken"))
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"`{path}` holds no vocabulary; tokenizer.json, vocab.json or encoder.json was expected",
        "name the file itself",
    )


def copy_vocabulary(path: Path, folder: Path, context: int | None = None) -> None:
    """Copies the files behind a tokenizer, under the names that Hugging Face gives them, or one of
    tiktoken's form; with `context` also what `AutoTokenizer` wants for a model of so many tokens.
    """
    from webtext_py.bpe.vocabulary import tokenizer_config

    file, plain = vocabulary_file(path), {names[1]: names[0] for names in (_VOCAB, _MERGES)}
    found = [(file.with_name(name), plain.get(name, name)) for name in _READ]
    if file.name not in _READ:
        found = [(file, "vocab.tiktoken" if file.suffix == ".tiktoken" else "tokenizer.json")]
    folder.mkdir(exist_ok=True)
    for source, name in found:
        if source.is_file():
            (folder / name).write_bytes(source.read_bytes())
    if context is not None:
        tokenizer = Tokenizer.from_file(file)
        table = tokenizer_config(tokenizer.pattern, tokenizer.special, context)
        (folder / "tokenizer_config.json").write_text(json.dumps(table, indent=2))


def _pair(path: Path) -> tuple[Path, Path]:
    if path.suffix not in (".json", ".txt", ".bpe"):
        raise InputError(
            f"`{path}` is no vocabulary file; tokenizer.json, a .tiktoken file, or vocab.json or "
            "encoder.json with its merges was expected"
        )
    is_merges = path.suffix in (".txt", ".bpe")
    for name in _VOCAB if is_merges else _MERGES:
        other = path.with_name(name)
        if other.exists():
            return (other, path) if is_merges else (path, other)
    wanted = " or ".join(_VOCAB if is_merges else _MERGES)
    raise InputError(f"`{path}` has no {wanted} beside it")


def _from_tiktoken(
    content: bytes, path: Path, pattern: str | None, special: dict[str, int] | None
) -> _core.BpeEncoder:
    # What is malformed is the core's to report.
    ranks = [int(rank) for rank in _RANK.findall(content)]
    after = max(ranks, default=-1) + 1
    known_pattern, known_special = _PUBLISHED.get(after, (None, {"<|endoftext|>": after}))
    special = known_special if special is None else special
    pattern = pattern or known_pattern
    if pattern is None:
        raise InputError(
            f"`{path}` names no pattern, as .tiktoken files do not",
            "say which it was made for: gpt2, cl100k or o200k; or use its tokenizer.json",
        )
    return _core.BpeEncoder.from_tiktoken(content, str(path), pattern, list(special.items()))


def _columns(texts: "Iterable[str] | pa.Array | pa.ChunkedArray") -> Iterable[pa.Array]:
    if isinstance(texts, pa.Array):
        return [texts]
    if isinstance(texts, pa.ChunkedArray):
        chunks: list[pa.Array] = texts.chunks
        return chunks
    return map(as_column, bundled(texts, len, 16 << 20))
