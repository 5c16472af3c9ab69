"""The files that a learnt vocabulary is written to, which agree before they appear."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from webtext_py import _core
from webtext_py.defaults import ENDOFTEXT
from webtext_py.engine.commit import TEMPORARY, flush
from webtext_py.errors import FormatError

FILES = ("tokenizer.json", "vocab.json", "merges.txt", "vocab.tiktoken", "tokenizer_config.json")
CONTEXT = 1024  # tokens that GPT-2's models read at once
PATTERNS = ("gpt2", "cl100k", "o200k")


def write_vocabulary(vocabulary: _core.BpeEncoder, folder: Path) -> list[Path]:
    """Writes the files of `FILES` to `folder`; `tokenizer_config.json` is for `AutoTokenizer`.

    The files are written beside their places, read back, compared with the vocabulary, and only
    then renamed. Raises `FormatError` where they disagree.
    """
    folder.mkdir(parents=True, exist_ok=True)
    special = [text for text, _ in vocabulary.special]
    config = json.dumps(tokenizer_config(vocabulary.pattern, special), indent=2, ensure_ascii=False)
    contents = {**dict(vocabulary.files()), "tokenizer_config.json": config.encode()}
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


def check_agreement(vocabulary: _core.BpeEncoder, files: Mapping[str, Path]) -> None:
    """Raises `FormatError` unless all files say what the vocabulary says, each read by the reader
    that opens it later."""
    pattern, encoder = vocabulary.pattern, _core.BpeEncoder
    readers: dict[str, Callable[[Mapping[str, bytes]], _core.BpeEncoder]] = {
        "tokenizer.json": lambda read: encoder.from_tokenizer_json(
            read["tokenizer.json"], "tokenizer.json"
        ),
        "merges.txt": lambda read: encoder.from_vocab_and_merges(
            (read["vocab.json"], "vocab.json"), (read["merges.txt"], "merges.txt"), pattern
        ),
        "vocab.tiktoken": lambda read: encoder.from_tiktoken(
            read["vocab.tiktoken"], "vocab.tiktoken", pattern, vocabulary.special
        ),
    }
    content = {name: path.read_bytes() for name, path in files.items()}

    def agrees(name: str) -> bool:
        try:
            return vocabulary.agrees(readers[name](content))
        except FormatError as error:
            raise _disagrees(name) from error

    with ThreadPoolExecutor(len(readers)) as threads:  # the core reads without the interpreter
        for name, same in zip(readers, threads.map(agrees, readers), strict=True):
            if not same:
                raise _disagrees(name)


def _disagrees(name: str) -> FormatError:
    named = "vocab.json` or `merges.txt" if name == "merges.txt" else name
    return FormatError(f"`{named}` was written but does not read back as the vocabulary")
