"""The `tokens/` stage: shards to ids, one file for each shard, the same rows in the same order."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.bpe.run import TOKENIZER, shard_files, shards_stage
from webtext_py.engine import Task, advance
from webtext_py.errors import InputError
from webtext_py.manifest import Entry, Manifest, input_names
from webtext_py.reader import list_sources, read_batches, recognise
from webtext_py.stage import StageRun, Workspace
from webtext_py.tokenizer import Tokenizer, vocabulary_file

TOKENS = "tokens"
ENDOFTEXT = "<|endoftext|>"
DIGEST_KEY = "webtext.tokenizer"  # in the metadata of every file: the tokenizer's digest
ENDOFTEXT_KEY = "webtext.endoftext"  # the id that every row begins with
VOCAB_KEY = "webtext.vocab_size"

_READ_BYTES = 4 << 20  # our choice: text, ids and columns of a batch stay in the last-level cache

# Threads of the encoder inside one task; engines run tasks side by side, so one unless there is
# one task alone. Never changes a result.
_threads = 1


@dataclass(frozen=True)
class Given:
    """Where a tokenizer comes from and what tells it from others."""

    path: Path
    digest: str
    endoftext: int
    vocab_size: int


def open_tokenizer(path: Path, pattern: str | None = None) -> tuple[Tokenizer, Given]:
    """A tokenizer fit for `tokens/`; raises `InputError` where it has no `<|endoftext|>`."""
    path = vocabulary_file(path)
    tokenizer = Tokenizer.from_file(path, pattern=pattern)
    endoftext = tokenizer.special.get(ENDOFTEXT)
    if endoftext is None:
        raise InputError(
            f"`{path}` has no special token `{ENDOFTEXT}`, with which every row begins",
            "train one with `--special '<|endoftext|>'`",
        )
    return tokenizer, Given(path, tokenizer.digest, endoftext, tokenizer.vocab_size)


# The tokenizer of the stage at work, for tasks on threads of this process; others load it once.
_opened: dict[tuple[str, str], Tokenizer] = {}


@lru_cache(maxsize=1)
def _tokenizer(path: str, digest: str, pattern: str | None) -> Tokenizer:
    if (path, digest) in _opened:
        return _opened[path, digest]
    tokenizer = Tokenizer.from_file(path, pattern=pattern)
    if tokenizer.digest != digest:
        raise InputError(f"`{path}` was changed while it was in use")
    return tokenizer


def encode_parquet(
    inputs: Sequence[Path],
    outputs: Sequence[Path],
    *,
    digest: str,
    pattern: str | None,
    text_field: str,
) -> dict[str, Any]:
    """Task: one file of text and a tokenizer to one Parquet file of ids."""
    tokenizer = _tokenizer(str(inputs[1]), digest, pattern)
    endoftext = tokenizer.special[ENDOFTEXT]
    writer = tokenizer.token_writer(outputs[0])
    for batch in _batches(inputs[0], text_field):
        writer.append(batch.column("id"), batch.column("text"), endoftext, _threads)
        advance(batch.column("text").nbytes)
    metadata = {DIGEST_KEY: digest, ENDOFTEXT_KEY: endoftext, VOCAB_KEY: tokenizer.vocab_size}
    rows, tokens = writer.finish({key: str(value) for key, value in metadata.items()})
    return {"rows": rows, "tokens": tokens}


def encode_flat(
    inputs: Sequence[Path],
    outputs: Sequence[Path],
    *,
    digest: str,
    pattern: str | None,
    text_field: str,
) -> dict[str, Any]:
    """Task: one file of text and a tokenizer to its ids alone, in the machine's byte order."""
    tokenizer = _tokenizer(str(inputs[1]), digest, pattern)
    endoftext = tokenizer.special[ENDOFTEXT]
    rows = tokens = 0
    with outputs[0].open("wb") as out:
        for batch in _batches(inputs[0], text_field):
            text = batch.column("text")
            ids = tokenizer.encode_batch(text, prefix=endoftext, threads=_threads).values
            out.write(ids.to_numpy(zero_copy_only=True).data)
            rows += batch.num_rows
            tokens += len(ids)
            advance(text.nbytes)
    return {"rows": rows, "tokens": tokens}


def join_flat(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: flat files one after the other."""
    with outputs[0].open("wb") as out:
        for path in inputs:
            with path.open("rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
    return {}


def _batches(path: Path, text_field: str) -> Iterator[pa.RecordBatch]:
    return read_batches(recognise(path), text_field=text_field, batch_bytes=_READ_BYTES)


def encode_stage(
    workspace: Workspace,
    *,
    tokenizer: Path | None = None,
    pattern: str | None = None,
    inputs: Sequence[str | Path] = (),
    text_field: str = "text",
    out: str = TOKENS,
    flat: bool = False,
    force: bool = False,
) -> Entry:
    """Encodes the last shards, or `inputs`, into the folder `out` of the data directory.

    The tokenizer is the data directory's unless one is given. Another tokenizer, other shards or
    another format make the result stale.
    """
    manifest = workspace.manifest
    if tokenizer is None:
        manifest.need(TOKENIZER, "webtext bpe train")
        tokenizer = workspace.data / TOKENIZER / "tokenizer.json"
    upstream: list[str] = []
    outside: dict[str, Path] = {}
    if inputs:
        files = list(dict.fromkeys(source.path.resolve() for source in list_sources(inputs)))
        names = input_names(files)
        outside = {names[path]: path for path in files}
        outputs = {path: _flat_name(names[path]) for path in files}
        _refuse_same(outputs)
    else:
        stage = shards_stage(manifest)
        upstream = [stage]
        files = shard_files(manifest, stage)
        outputs = {path: path.name for path in files}
    # What the stage will ask for is worked out while the vocabulary is read.
    reading = ThreadPoolExecutor(1)
    try:
        digests = [reading.submit(workspace.digests.of, path) for path in outside.values()]
        loaded, given = open_tokenizer(tokenizer, pattern)
        for digest in digests:
            digest.result()
    finally:
        reading.shutdown(cancel_futures=True)
    arguments = {"digest": given.digest, "pattern": pattern, "text_field": text_field}

    def body(run: StageRun) -> Mapping[str, Any]:
        global _threads
        folder = run.work if flat else run.data / out
        function = encode_flat if flat else encode_parquet
        tasks = [
            Task(
                name=outputs[path],
                function=function,
                inputs=(path, given.path),
                outputs=(folder / outputs[path],),
                arguments=arguments,
                weight=path.stat().st_size,
            )
            for path in files
        ]
        _opened[str(given.path), given.digest] = loaded
        _threads = getattr(workspace.engine, "workers", 1) if len(tasks) == 1 else 1
        try:
            done = run.tasks("encode", tasks, unit="bytes")
        finally:
            _threads = 1
            _opened.clear()
            _tokenizer.cache_clear()
        if flat:
            run.tasks("join", _joins(run.data / out, tasks), unit="files")
        return {
            "rows": sum(task.counts["rows"] for task in done),
            "tokens": sum(task.counts["tokens"] for task in done),
            "vocab_size": loaded.vocab_size,
        }

    return workspace.stage(
        stage_name(out),
        body,
        config={
            "tokenizer": given.digest,
            "text_field": text_field,
            "format": "bin" if flat else "parquet",
        },
        inputs=outside,
        upstream=upstream,
        files=[f"{out}/*.parquet", f"{out}/*.bin"],
        force=force,
    )


def stage_name(out: str) -> str:
    """Name in the manifest of what `encode_stage` writes into the folder `out`."""
    return TOKENS if out == TOKENS else f"{TOKENS} {out}"


def _joins(folder: Path, parts: Sequence[Task]) -> list[Task]:
    """One flat file a split: `train.bin` and, where there are validation shards, `val.bin`."""
    splits: dict[str, list[Path]] = {"train.bin": [], "val.bin": []}
    for part in parts:
        name = "val.bin" if part.name.startswith("validation-") else "train.bin"
        splits[name].append(part.outputs[0])
    return [
        Task(name, join_flat, tuple(paths), (folder / name,))
        for name, paths in splits.items()
        if paths
    ]


def _flat_name(name: str) -> str:
    """A file name in one folder: `books/a.jsonl.gz` becomes `books-a.jsonl.gz.parquet`."""
    flat = name.replace("/", "-")
    return flat if flat.endswith(".parquet") else f"{flat}.parquet"


def _refuse_same(outputs: Mapping[Path, str]) -> None:
    first: dict[str, Path] = {}
    for path, name in outputs.items():
        if name in first:
            raise InputError(
                f"`{first[name]}` and `{path}` would both become `{name}`",
                "rename one of them, or encode them into two folders with `--out`",
            )
        first[name] = path


def token_count(manifest: Manifest) -> int:
    """Tokens that the last `webtext bpe encode` wrote."""
    return int(manifest.need(TOKENS, "webtext bpe encode").counts["tokens"])
