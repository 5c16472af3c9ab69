"""What a run learns from: token files, their tokenizer, and what is held out.

Tokens that are missing are made here, by the function behind `webtext bpe encode`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from webtext_py.bpe.encode_stage import TOKENS, encode_stage, stage_name
from webtext_py.defaults import ENDOFTEXT
from webtext_py.errors import InputError, StaleError
from webtext_py.layout import TOKENIZER, plain_name
from webtext_py.manifest import MANIFEST, Manifest
from webtext_py.observer import SILENT, Observer
from webtext_py.tokenizer import Tokenizer
from webtext_py.tokens import TokenFile, TokenSet, parquet_files
from webtext_py.train.data import Data
from webtext_py.workspace import Workspace

from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asked of `webtext train`; a path left out is the data directory's own."""

    data: Path
    settings: Settings  # asked for by name; everything else follows from these
    tokens: Path | None = None
    tokenizer: Path | None = None
    val_tokens: Path | None = None
    run: str | None = None  # default: the preset's name
    init_from: Path | None = None
    resume: bool = False
    force: bool = False
    text_field: str = "text"  # of `tokens` that hold text
    observer: Observer = SILENT  # of the making of tokens

    @property
    def vocabulary(self) -> Path:
        """Where the tokenizer lies."""
        return self.tokenizer or self.data / "tokenizer"

    def folder(self, name: str) -> Path:
        """Where the run `name` lies; raises `ConfigError` for what is no name."""
        return self.data / "runs" / plain_name(name, "`--run`")


def find_tokens(request: Request, tokens: Path | None, make: bool = True) -> Path | None:
    """The folder of token files to train on, made where it is missing.

    By default `tokens/` of the data directory, encoded from its `shards/`; a stale one raises
    `StaleError`. `tokens` may hold text (in the column `text_field`) instead of ids: it is encoded
    into the data directory. Without `make` nothing is written: `None` where they are missing.
    """
    data, tokenizer, text_field = request.data, request.tokenizer, request.text_field
    inputs, out = (tokens,) if tokens else (), TOKENS
    if tokens is not None:
        first = parquet_files(tokens)[0]
        try:
            _ = TokenFile(first)
            return tokens
        except InputError:  # no ids
            if text_field not in pq.read_schema(first).names:
                raise
        out = f"{TOKENS}-{tokens.resolve().stem}"
    folder, manifest = data / out, Manifest(data)
    there = any(folder.glob("*.parquet"))
    if all(name.startswith("eval/") for name in manifest.stages):  # those say nothing of tokens
        if there:
            return folder  # made elsewhere
        if (data / TOKENIZER.name()).is_dir() and not inputs:
            raise InputError(
                f"`{data}` has neither tokens nor the {MANIFEST} that says what its shards are",
                hint="put it back, run `webtext build`, or name tokens or text with `--tokens`",
            )
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    done = there and manifest.done(stage_name(out)) is not None
    if not done and not make:
        return None
    if not done and several:
        found = f"there are no tokens in `{folder}`, and several processes cannot make them at once"
        raise InputError(found, hint="run `webtext bpe encode` first")
    chosen = tokenizer or (data / TOKENIZER.name("tokenizer.json") if inputs else None)
    how: dict[str, Any] = {"inputs": inputs, "text_field": text_field, "folder": out}
    reading = several or not make
    with Workspace(data, observer=request.observer, reading=reading) as workspace:
        try:
            encode_stage(workspace, tokenizer=chosen, **how)
        except StaleError as error:  # the trainer's own `--force` is for runs
            again = f"webtext bpe encode{f' --tokenizer {tokenizer}' if tokenizer else ''}"
            again += f" --input {tokens} --out DIR`, then `--tokens DIR" if inputs else " --force"
            raise StaleError(str(error), hint=f"run `{again}`") from error
    return folder


def open_data(
    request: Request, settings: Settings, tokenizer: Tokenizer, make: bool = True
) -> Data | None:
    """Token files: `train-*` and `validation-*` of a folder, or all its Parquet files.

    Without `val_tokens` or validation files the last `val_fraction` of the tokens is held out; 0
    leaves the run without validation. `None` where they are still to be made, see `find_tokens`.
    Raises `StaleError` where another tokenizer made the files, as far as they say.
    """
    tokens = find_tokens(request, request.tokens, make)
    val_tokens = request.val_tokens and find_tokens(request, request.val_tokens, make)
    if tokens is None:
        return None
    training, validation = TokenSet.splits(parquet_files(tokens))
    if val_tokens:
        validation = TokenSet.open(parquet_files(val_tokens))
    fraction = settings.values.get("val_fraction", 0.0)
    if fraction > 0 and not request.val_tokens:
        training, validation = training.split(fraction)
    for file in (*training.files, *validation.files):
        if file.tokenizer not in (None, tokenizer.digest):
            raise StaleError(
                f"`{file.path}` was encoded with another tokenizer than the one given",
                hint="name the one that made it with `--tokenizer`, or encode its text anew",
            )
    facts = {"training": training.fingerprint, "tokenizer": tokenizer.digest}
    if validation.tokens > 1:
        facts["validation"] = validation.fingerprint
    lengths, special = np.zeros(tokenizer.vocab_size, np.int64), tokenizer.special
    for number, text in tokenizer.tokens().items():
        lengths[number] = 0 if number in special.values() else len(text)
    held_out = validation if validation.tokens > 1 else None
    return Data(training, held_out, special[ENDOFTEXT], lengths, facts)
