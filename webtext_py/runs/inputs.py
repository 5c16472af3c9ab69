"""What a run learns from: token files, their tokenizer, and what is held out.

Tokens that are missing are made here, by the function behind `webtext bpe encode`.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.bpe.encode_stage import TOKENS, encode_stage, open_tokenizer, stage_name
from webtext_py.bpe.vocabulary import tokenizer_config
from webtext_py.defaults import ENDOFTEXT
from webtext_py.errors import FormatError, InputError, StaleError
from webtext_py.layout import TOKENIZER
from webtext_py.manifest import MANIFEST, Manifest
from webtext_py.observer import Observer
from webtext_py.tokenizer import Tokenizer
from webtext_py.tokens import COLUMNS, TokenSet
from webtext_py.train.data import Data
from webtext_py.workspace import Workspace

# Files of a vocabulary, and the names that the same content has elsewhere.
_FILES = {
    "tokenizer.json": "tokenizer.json",
    "vocab.json": "vocab.json",
    "encoder.json": "vocab.json",
    "merges.txt": "merges.txt",
    "vocab.bpe": "merges.txt",
}


@dataclass(frozen=True)
class RunTokenizer:
    """A tokenizer's file or folder, and what a run asks of it."""

    path: Path

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer; `InputError` where there is none or it has no `<|endoftext|>`."""
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            raise InputError(
                f"there is no tokenizer in `{self.path}`",
                hint="run `webtext bpe train`, or pass `--tokenizer PATH`",
            )
        return open_tokenizer(self.path)[0]

    @property
    def end_of_text(self) -> int:
        """Id of `<|endoftext|>`, which begins every document."""
        return self.tokenizer.special[ENDOFTEXT]

    def token_bytes(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Length in bytes of each id's text; 0 for special tokens and unused ids."""
        lengths = np.zeros(self.tokenizer.vocab_size, np.int64)
        for number, text in self.tokenizer.tokens().items():
            lengths[number] = 0 if number in self.tokenizer.special.values() else len(text)
        return lengths

    def files(self) -> dict[str, bytes]:
        """The vocabulary's files under the names that Hugging Face gives them, or a `.tiktoken`."""
        folder = self.path if self.path.is_dir() else self.path.parent
        if self.path.suffix == ".tiktoken":
            return {"vocab.tiktoken": self.path.read_bytes()}
        found = {n: folder / theirs for theirs, n in _FILES.items() if (folder / theirs).is_file()}
        if self.path.is_file() and self.path.name not in _FILES:
            found = {"tokenizer.json": self.path}
        if not found:
            return {path.name: path.read_bytes() for path in folder.glob("*.tiktoken")}
        return {name: path.read_bytes() for name, path in found.items()}

    def hugging_face(self, context: int) -> dict[str, bytes]:
        """The files that `AutoTokenizer` wants, for a model of `context` tokens."""
        ours = self.tokenizer
        table = tokenizer_config(ours.pattern, ours.special, context)
        return {**self.files(), "tokenizer_config.json": json.dumps(table, indent=2).encode()}


def find_tokens(
    data: Path,
    tokens: Path | None,
    tokenizer: Path | None,
    observer: Observer | None = None,
    text_field: str = "text",
    make: bool = True,
) -> Path | None:
    """The folder of token files to train on, made where it is missing.

    By default the data directory's `tokens/`, encoded from `shards/`; a stale one raises
    `StaleError`. `tokens` may hold text (in the column `text_field`) instead of ids: it is encoded
    into the data directory. Without `make` nothing is written: `None` where they are missing.
    """
    inputs: tuple[Path, ...] = ()
    out, vocabulary = TOKENS, data / TOKENIZER.name()
    if tokens is not None:
        if _holds_ids(parquet_files(tokens)[0], text_field):
            return tokens
        inputs, out = (tokens,), f"{TOKENS}-{tokens.resolve().stem}"
    folder, stages = data / out, Manifest(data).stages
    built = any(not name.startswith("eval/") for name in stages)  # those say nothing of tokens
    there = any(folder.glob("*.parquet"))
    if not built and there:
        return folder  # made elsewhere
    if not built and vocabulary.is_dir() and not inputs:
        raise InputError(
            f"`{data}` has neither tokens nor the {MANIFEST} that says what its shards are",
            hint="put it back, run `webtext build`, or name tokens or text with `--tokens`",
        )
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    entry = stages.get(stage_name(out))
    finished = there and entry is not None and entry.state == "done"
    if not finished and not make:
        return None
    if not finished and several:
        raise InputError(
            f"there are no tokens in `{folder}`, and several processes cannot make them at once",
            hint="run `webtext bpe encode` first",
        )
    if tokenizer is None:
        _ = RunTokenizer(vocabulary).tokenizer  # raises, naming `webtext bpe train`
    again = f"webtext bpe encode{f' --tokenizer {tokenizer}' if tokenizer else ''}"
    again += f" --input {tokens} --out DIR`, then `--tokens DIR" if inputs else " --force"
    chosen = tokenizer or (data / TOKENIZER.name("tokenizer.json") if inputs else None)
    how: dict[str, Any] = {"inputs": inputs, "text_field": text_field, "folder": out}
    reading = several or not make
    with Workspace(data, observer=observer or Observer(), reading=reading) as workspace:
        try:
            encode_stage(workspace, tokenizer=chosen, **how)
        except StaleError as error:  # the trainer's own `--force` is for runs
            raise StaleError(str(error), hint=f"run `{again}`") from error
    return folder


def open_data(
    tokens: Path, tokenizer: RunTokenizer, val_tokens: Path | None, val_fraction: float
) -> Data:
    """Opens token files: `train-*` and `validation-*` of a folder, or all its Parquet files.

    Without `val_tokens` or validation files the last `val_fraction` of the tokens is held out; 0
    leaves the run without validation. Raises `StaleError` where the tokenizer is not the one that
    made the files, as far as they say.
    """
    everything = parquet_files(tokens)
    held = [p for p in everything if p.name.startswith("validation-")]
    training = TokenSet.open([p for p in everything if p not in held])
    validation: TokenSet | None = None
    if val_tokens is not None:
        validation = TokenSet.open(parquet_files(val_tokens))
    elif val_fraction > 0:
        training, validation = training.split(val_fraction)
    elif held:
        validation = TokenSet.open(held)
    digest = tokenizer.tokenizer.digest
    for file in (*training.files, *(validation.files if validation else [])):
        if file.tokenizer not in (None, digest):
            raise StaleError(
                f"`{file.path}` was encoded with another tokenizer than `{tokenizer.path}`",
                hint="name the one that made it with `--tokenizer`, or encode its text anew",
            )
    if validation is not None and validation.tokens < 2:
        validation = None
    facts = {"training": training.fingerprint, "tokenizer": digest}
    if validation is not None:
        facts["validation"] = validation.fingerprint
    ends = tokenizer.tokenizer.special[ENDOFTEXT]
    return Data(training, validation, ends, tokenizer.token_bytes(), facts)


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files of a folder, or the file itself; raises `InputError` for none."""
    if not path.exists():
        raise InputError(f"`{path}` does not exist")
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = [f for f in files if not f.name.startswith((".", "_"))]
    if not files:
        raise InputError(f"`{path}` has no Parquet file of tokens or text")
    return files


def _holds_ids(path: Path, text_field: str) -> bool:
    try:
        names = pq.read_schema(path).names
    except pa.ArrowInvalid as error:
        raise FormatError(f"`{path}` is no readable Parquet file: {error}") from error
    return text_field not in names or any(name in names for name in COLUMNS)
