"""What a run learns from: token files, their tokenizer, and what is held out."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from webtext_py.engine.commit import sha256_file
from webtext_py.errors import InputError, StaleError
from webtext_py.tokens import TokenSet

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True)
class TokenizerFolder:
    """A tokenizer's folder and the little that the trainer asks of it."""

    folder: Path

    @cached_property
    def table(self) -> dict[str, int]:
        """Id of every entry, in the byte-level alphabet, special ones as they are spelt."""
        path = self.folder / "tokenizer.json"
        try:
            document = json.loads(path.read_bytes())
            table = dict(document["model"]["vocab"])
            self.special.update(t["content"] for t in document["added_tokens"])
            table.update({t["content"]: t["id"] for t in document["added_tokens"]})
        except FileNotFoundError:
            raise InputError(
                f"there is no tokenizer in `{self.folder}`",
                hint="run `webtext bpe train`, or pass `--tokenizer PATH`",
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"`{path}` is no tokenizer: {error!r}") from error
        return table

    @cached_property
    def special(self) -> set[str]:
        """Entries that stand for no text."""
        return set()

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return max(self.table.values()) + 1

    @property
    def end_of_text(self) -> int:
        """Id of `<|endoftext|>`, which begins every document."""
        if END_OF_TEXT not in self.table:
            raise InputError(f"the tokenizer in `{self.folder}` has no `{END_OF_TEXT}`")
        return self.table[END_OF_TEXT]

    def token_bytes(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Length in bytes of each id's text; a byte is one character of the byte-level alphabet."""
        lengths = np.zeros(self.size, np.int64)
        for text, number in self.table.items():
            lengths[number] = 0 if text in self.special else len(text)
        return lengths

    def files(self) -> dict[str, bytes]:
        """The files of the tokenizer by their names."""
        paths = [self.folder / name for name in ("tokenizer.json", "vocab.json", "merges.txt")]
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def hugging_face(self, context: int) -> dict[str, bytes]:
        """The files that `AutoTokenizer` wants, for a model of `context` tokens."""
        splitting = json.loads((self.folder / "tokenizer.json").read_bytes())["pre_tokenizer"]
        gpt2 = splitting["type"] == "ByteLevel"  # GPT-2's pattern; others are spelt out there
        names = ("bos_token", "eos_token", "unk_token")
        table = {
            "tokenizer_class": "GPT2TokenizerFast" if gpt2 else "PreTrainedTokenizerFast",
            "model_max_length": context,
            "add_prefix_space": False,
            **dict.fromkeys(names, END_OF_TEXT),
        }
        return {**self.files(), "tokenizer_config.json": json.dumps(table, indent=2).encode()}

    def digest(self) -> str:
        """SHA-256 of `tokenizer.json`."""
        assert self.table
        return sha256_file(self.folder / "tokenizer.json")


@dataclass(frozen=True)
class Inputs:
    """Files to learn from: two token sets and the vocabulary that made them."""

    training: TokenSet
    validation: TokenSet | None
    tokenizer: TokenizerFolder

    def facts(self) -> dict[str, Any]:
        """What a resumed run must find again."""
        sets = {"training": self.training, "validation": self.validation}
        prints = {name: s.fingerprint for name, s in sets.items() if s is not None}
        return {**prints, "tokenizer": self.tokenizer.digest()}


def open_inputs(
    tokens: Path, tokenizer: Path, val_tokens: Path | None, val_fraction: float
) -> Inputs:
    """Opens token files: `train-*` and `validation-*` of a folder, or all its Parquet files.

    Without `val_tokens` or validation files the last `val_fraction` of the tokens is held out; 0
    leaves the run without validation. Raises `InputError` where the tokenizer is not the one that
    made the files, as far as they say.
    """
    vocabulary = TokenizerFolder(tokenizer.parent if tokenizer.is_file() else tokenizer)
    made_by = vocabulary.digest()
    everything = _parquet(tokens)
    held = [p for p in everything if p.name.startswith("validation-")]
    training = TokenSet.open([p for p in everything if p not in held])
    validation: TokenSet | None = None
    if val_tokens is not None:
        validation = TokenSet.open(_parquet(val_tokens))
    elif val_fraction > 0:
        training, validation = training.split(val_fraction)
    elif held:
        validation = TokenSet.open(held)
    for part in (training, *([validation] if validation else [])):
        if part.tokenizer not in (None, made_by):
            raise StaleError(
                f"`{part.files[0].path}` was encoded with another tokenizer than the one in "
                f"`{vocabulary.folder}`",
                hint="pass `--tokenizer PATH`, or run `webtext bpe encode --force`",
            )
    return Inputs(
        training, validation if validation and validation.tokens > 1 else None, vocabulary
    )


def _parquet(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = [f for f in files if not f.name.startswith((".", "_"))]
    if not files or not files[0].exists():
        raise InputError(f"`{path}` has no Parquet file of tokens")
    return files
