"""A learnt vocabulary and the files that it is written to, which agree before they appear."""

import base64
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from webtext_py import _core
from webtext_py.bpe.alphabet import spell_all
from webtext_py.defaults import ENDOFTEXT
from webtext_py.engine.commit import TEMPORARY, flush
from webtext_py.errors import FormatError

FILES = ("tokenizer.json", "vocab.json", "merges.txt", "vocab.tiktoken", "tokenizer_config.json")
CONTEXT = 1024  # tokens that GPT-2's models read at once

GPT2_REGEX = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# The patterns as tokenizers takes them; GPT-2's is built into its ByteLevel pre-tokenizer.
PATTERNS: Mapping[str, str | None] = {
    "gpt2": None,
    "cl100k": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
        r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    "o200k": "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
}


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and merges. Ids: the 256 bytes in GPT-2's order, the merges' tokens, the specials."""

    tokens: Sequence[bytes]  # by id, without the specials
    merges: Sequence[tuple[int, int]]  # left and right id, in order of rank
    special: Sequence[str]  # their ids follow the tokens'
    pattern: str

    def __len__(self) -> int:
        return len(self.tokens) + len(self.special)

    @cached_property
    def spelled(self) -> list[str]:
        """The tokens in visible characters, by id."""
        return spell_all(self.tokens)

    def ids(self) -> dict[str, int]:
        """Spelling of every entry, specials included, to its id."""
        ids = {token: number for number, token in enumerate(self.spelled)}
        ids.update((text, len(self.tokens) + i) for i, text in enumerate(self.special))
        return ids


def write_vocabulary(vocabulary: Vocabulary, folder: Path) -> list[Path]:
    """Writes the files of `FILES` to `folder`; `tokenizer_config.json` is for `AutoTokenizer`.

    The files are written beside their places, read back, compared with each other and with the
    vocabulary, and only then renamed. Raises `FormatError` where they disagree.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spelled = vocabulary.spelled
    document = msgspec.json.encode(tokenizer_json(vocabulary))
    merges = "".join([f"{spelled[a]} {spelled[b]}\n" for a, b in vocabulary.merges])
    contents = {
        "tokenizer.json": msgspec.json.format(document, indent=2),
        "vocab.json": msgspec.json.encode(vocabulary.ids()),
        "merges.txt": b"#version: 0.2\n" + merges.encode(),
        "vocab.tiktoken": b"".join(
            [
                b"%b %d\n" % (base64.b64encode(token), rank)
                for rank, token in enumerate(vocabulary.tokens)
            ]
        ),
        "tokenizer_config.json": msgspec.json.format(
            msgspec.json.encode(tokenizer_config(vocabulary.pattern, vocabulary.special)), indent=2
        ),
    }
    staged = {name: folder / f"{TEMPORARY}{os.getpid()}-{name}" for name in FILES}
    try:
        for name, path in staged.items():
            path.write_bytes(contents[name])
            flush(path)
        check_agreement(vocabulary, staged)
        for name, path in staged.items():
            path.replace(folder / name)
    finally:
        for path in staged.values():
            path.unlink(missing_ok=True)
    flush(folder)
    return [folder / name for name in FILES]


def tokenizer_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """The vocabulary as tokenizers' own document."""
    ids = vocabulary.ids()
    spelled = vocabulary.spelled
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    regex = PATTERNS[vocabulary.pattern]
    if regex is None:
        splitting: dict[str, Any] = {**byte_level, "use_regex": True}
    else:
        split = {
            "type": "Split",
            "pattern": {"Regex": regex},
            "behavior": "Isolated",
            "invert": False,
        }
        last = {**byte_level, "use_regex": False}
        splitting = {"type": "Sequence", "pretokenizers": [split, last]}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": ids[text],
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for text in vocabulary.special
        ],
        "normalizer": None,
        "pre_tokenizer": splitting,
        "post_processor": {**byte_level, "trim_offsets": False, "use_regex": True},
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": ids,
            "merges": [(spelled[left], spelled[right]) for left, right in vocabulary.merges],
        },
    }


def tokenizer_config(
    pattern: str, special: Iterable[str], context: int = CONTEXT
) -> dict[str, Any]:
    """What `AutoTokenizer` asks beside `tokenizer.json`: class, end of a text, length in tokens."""
    named = ("bos_token", "eos_token", "unk_token") if ENDOFTEXT in special else ()
    return {
        "tokenizer_class": "GPT2TokenizerFast" if pattern == "gpt2" else "PreTrainedTokenizerFast",
        "model_max_length": context,
        "add_prefix_space": False,
        **dict.fromkeys(named, ENDOFTEXT),
    }


def check_agreement(vocabulary: Vocabulary, files: Mapping[str, Path]) -> None:
    """Raises `FormatError` unless all files say what the vocabulary says.

    Each is read by the reader that opens it later, and `vocab.json` also whole: it holds these
    entries and no others.
    """
    ids = vocabulary.ids()
    special = [(text, len(vocabulary.tokens) + i) for i, text in enumerate(vocabulary.special)]
    content = {name: path.read_bytes() for name, path in files.items()}
    if msgspec.json.decode(content["vocab.json"]) != ids:
        raise _disagrees("vocab.json")
    pattern, encoder = vocabulary.pattern, _core.BpeEncoder
    vocab, merges = ((content[name], name) for name in ("vocab.json", "merges.txt"))
    readers: dict[str, Callable[[], _core.BpeEncoder]] = {
        "tokenizer.json": lambda: encoder.from_tokenizer_json(
            content["tokenizer.json"], "tokenizer.json"
        ),
        "merges.txt": lambda: encoder.from_vocab_and_merges(vocab, merges, pattern),
        "vocab.tiktoken": lambda: encoder.from_tiktoken(
            content["vocab.tiktoken"], "vocab.tiktoken", pattern, special
        ),
    }
    ends = np.cumsum([0, *map(len, vocabulary.tokens)], dtype=np.int64)
    tokens = (np.arange(len(vocabulary.tokens), dtype=np.uint32).tobytes(), ends.tobytes())
    joined = b"".join(vocabulary.tokens)
    token_ids = {token: number for number, token in enumerate(vocabulary.tokens)}
    pairs = [
        (left, right, token_ids[vocabulary.tokens[left] + vocabulary.tokens[right]])
        for left, right in vocabulary.merges
    ]
    ranked = np.array(pairs, np.uint32).tobytes()

    def agrees(name: str) -> bool:
        try:
            reader = readers[name]()
        except FormatError as error:
            raise _disagrees(name) from error
        merged = reader.merges()
        return (
            tuple(bytes(part) for part in reader.tokens()) == (*tokens, joined)
            and (merged is None or bytes(merged) == ranked)
            and (reader.special, reader.pattern) == (special, pattern)
        )

    with ThreadPoolExecutor(len(readers)) as threads:  # the core reads without the interpreter
        for name, same in zip(readers, threads.map(agrees, readers), strict=True):
            if not same:
                raise _disagrees(name)


def _disagrees(name: str) -> FormatError:
    return FormatError(f"`{name}` was written but does not read back as the vocabulary")
