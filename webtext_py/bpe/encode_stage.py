"""The `tokens/` stage: shards to ids, one file for each shard, the same rows in the same order."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from webtext_py.bpe.train_stage import TrainVocabulary
from webtext_py.config import partitions_for
from webtext_py.defaults import ENDOFTEXT
from webtext_py.engine import Engine, ThreadEngine, advance
from webtext_py.errors import InputError
from webtext_py.layout import TOKENIZER
from webtext_py.manifest import Entry, Manifest, input_names
from webtext_py.observer import Observer
from webtext_py.reader import Passed, list_sources, read_batches, recognise
from webtext_py.reader.ids import mark_of, marks, unique
from webtext_py.reader.texts import may_have_ids
from webtext_py.repeated import read_repeated, repeated_ids, write_hashes
from webtext_py.shards import all_shards, shards_stage
from webtext_py.stage import Files, Stage
from webtext_py.tables import join_bytes
from webtext_py.tokenizer import Tokenizer, vocabulary_file
from webtext_py.workspace import Steps, Work, Workspace, weighed

TOKENS = "tokens"
DIGEST_KEY = "webtext.tokenizer"  # in the metadata of every file: the tokenizer's digest
ENDOFTEXT_KEY = "webtext.endoftext"  # the id that every row begins with
VOCAB_KEY = "webtext.vocab_size"

_READ_BYTES = 4 << 20  # our choice: text, ids and columns of a batch stay in the last-level cache


def open_tokenizer(path: Path, pattern: str | None = None) -> tuple[Tokenizer, Path]:
    """The tokenizer of a file or folder, and its file; raises `InputError` where there is none, or
    it has no `<|endoftext|>`, which `tokens/` needs."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        raise InputError(
            f"there is no tokenizer in `{path}`",
            "run `webtext bpe train`, or pass `--tokenizer PATH`",
        )
    path = vocabulary_file(path)
    tokenizer = _load(path, pattern)
    if ENDOFTEXT not in tokenizer.special:
        raise InputError(
            f"`{path}` has no special token `{ENDOFTEXT}`, with which every row begins",
            "train one with `--special '<|endoftext|>'`",
        )
    return tokenizer, path


def _load(path: Path, pattern: str | None, digest: str | None = None) -> Tokenizer:
    """The tokenizer in a file, read once by a process and its threads."""
    facts = path.stat()
    tokenizer = _read(path, (facts.st_size, facts.st_mtime_ns), pattern)
    if digest not in (None, tokenizer.digest):
        raise InputError(f"`{path}` was changed while it was in use")
    return tokenizer


@lru_cache(maxsize=1)
def _read(path: Path, stamp: tuple[int, int], pattern: str | None) -> Tokenizer:
    return Tokenizer.from_file(path, pattern=pattern)


class FlatWriter:
    """Ids alone, in the machine's byte order; the methods are those of `TokenWriter`."""

    def __init__(self, tokenizer: Tokenizer, out: BinaryIO) -> None:
        self._tokenizer, self._out = tokenizer, out
        self._rows = self._tokens = 0

    def append(self, doc_ids: pa.Array, texts: pa.Array, prefix: int, threads: int) -> None:
        """The ids of each text behind `prefix`; there is no place for a `doc_id`."""
        ids = self._tokenizer.encode_batch(texts, prefix=prefix, threads=threads).values
        self._out.write(ids.to_numpy(zero_copy_only=True).data)
        self._rows += len(texts)
        self._tokens += len(ids)

    def finish(self, metadata: Mapping[str, str]) -> tuple[int, int]:
        """Rows and tokens of the file, which has no place for metadata."""
        return self._rows, self._tokens


def encode_file(
    inputs: Sequence[Path],
    outputs: Sequence[Path],
    *,
    flat: bool,
    digest: str,
    pattern: str | None,
    text_field: str,
    threads: int,
    copy: int = 1,
) -> dict[str, Any]:
    """Task: one file of text and a tokenizer to one Parquet or flat file of ids.

    Another input names `doc_id`s that several rows have; `copy` counts the files of this content.
    """
    tokenizer = _load(inputs[1], pattern, digest)
    endoftext = tokenizer.special[ENDOFTEXT]
    twice = inputs[2:]
    mark = mark_of(inputs[0], copy) if twice or copy > 1 else None
    hashes = read_repeated(twice[0]) if twice else None
    passed = Passed()
    batches = read_batches(
        recognise(inputs[0]),
        text_field=text_field,
        mark=mark,
        batch_bytes=_READ_BYTES,
        ids=not flat,
        passed=passed,
    )
    first = shared = 0
    with ExitStack() as files:
        if flat:
            out = files.enter_context(outputs[0].open("wb"))
        writer = FlatWriter(tokenizer, out) if flat else tokenizer.token_writer(outputs[0])
        for batch in batches:
            text, ids = batch.column("text"), batch.column("id")
            if hashes is not None:
                ids, more = unique(ids, str(mark), first, hashes)
                shared += more
            writer.append(ids, text, endoftext, threads)
            first += batch.num_rows
            advance(text.nbytes)
        metadata = {DIGEST_KEY: digest, ENDOFTEXT_KEY: endoftext, VOCAB_KEY: tokenizer.vocab_size}
        rows, tokens = writer.finish({key: str(value) for key, value in metadata.items()})
    found = {"rows": rows, "tokens": tokens, "ids_shared": shared}
    return {**found, "passed_over": passed.document()}


def take_ids(
    inputs: Sequence[Path], outputs: Sequence[Path], text_field: str, copy: int, partitions: int
) -> dict[str, Any]:
    """Task: hashes of the ids of a file's rows, for `repeated_ids`."""
    mark = mark_of(inputs[0], copy) if copy > 1 else None
    source = recognise(inputs[0])
    with outputs[0].open("wb") as file:
        for batch in read_batches(source, text_field=text_field, mark=mark, texts=False):
            write_hashes(file, batch.column("id"), partitions)
            advance(batch.nbytes)
    return {}


@dataclass(frozen=True)
class Encode(Stage):
    """From the shards that `upstream` left, or from the files of text `given` (path to the name of
    what they become), to `folder`: a file of ids for each, or flat ones.

    The threads of an engine serve one task where there is only one.
    """

    tokenizer: Tokenizer
    vocabulary: Path  # its file
    given: Mapping[Path, str]
    upstream: str | None = None
    pattern: str | None = None
    text_field: str = "text"
    folder: str = TOKENS
    flat: bool = False
    foreign: bool = False  # `given` is nobody's shards: rows may share an id
    passed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of folders given

    rules = 3  # `doc_id`s of foreign rows differ

    @property
    def name(self) -> str:  # type: ignore[override]
        """`tokens`, with the folder's name where it is another."""
        return stage_name(self.folder)

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The stage that left the shards."""
        return (self.upstream,) if self.upstream else ()

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """Of either format, since one takes the other's place."""
        return self._files("parquet"), self._files("bin")

    def _files(self, ending: str) -> Files:
        return Files(f"{self.folder}/{{}}.{ending}".lstrip("/"))

    def config(self) -> Mapping[str, Any]:
        """The tokenizer's digest, the column, the format."""
        return {
            "tokenizer": self.tokenizer.digest,
            "text_field": self.text_field,
            "format": "bin" if self.flat else "parquet",
        }

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files of text, where they are no shards of this directory."""
        return {} if self.upstream else {name: path for path, name in self.given.items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """One step; flat files are joined by a second."""
        workers = getattr(steps.engine, "workers", 1)
        copies = {} if self.flat or not self.foreign else self._copies(steps)
        twice = self._repeated(steps, copies)
        again = {path: {"copy": copy} for path, copy in copies.items() if copy > 1}
        work = [
            weighed(path, self.vocabulary, *twice, name=name, **(again.get(path) or {}))
            for path, name in self.given.items()
        ]
        made = steps.each(
            "encode",
            encode_file,
            work,
            ["{}.ids" if self.flat else self._files("parquet")],
            unit="bytes",
            options={"threads": workers if len(work) == 1 else 1},
            flat=self.flat,
            digest=self.tokenizer.digest,
            pattern=self.pattern,
            text_field=self.text_field,
        )
        if self.flat:
            splits: dict[str, list[Path]] = {"train": [], "val": []}
            for name, path in zip(self.given.values(), made.files(), strict=True):
                splits["val" if name.startswith("validation-") else "train"].append(path)
            joins = [Work(*paths, name=name) for name, paths in splits.items() if paths]
            steps.each("join", join_bytes, joins, [self._files("bin")], unit="files")
        passed, shared = Passed(self.passed), 0
        for done in made.done:  # markers of before say nothing of either
            passed.update(done.counts.get("passed_over", {}))
            shared += done.counts.get("ids_shared", 0)
        return {
            "rows": made.total("rows"),
            "tokens": made.total("tokens"),
            "vocab_size": self.tokenizer.vocab_size,
            "ids_shared": shared,
            "passed_over": passed.document(),
        }

    def _copies(self, steps: Steps) -> dict[Path, int]:
        """For each file, the how-manieth of its content it is."""
        marked = marks([steps.workspace.digests.of_input(path) for path in self.given])
        return {
            path: int(mark.partition("~")[2] or 1)
            for path, mark in zip(self.given, marked, strict=True)
        }

    def _repeated(self, steps: Steps, copies: Mapping[Path, int]) -> tuple[Path, ...]:
        """The file that names the ids which several rows have of their own; none where there are
        none."""
        own = [path for path in copies if may_have_ids(recognise(path), self.text_field)]
        if not own:
            return ()
        parts = partitions_for(own)
        read = steps.each(
            "ids",
            take_ids,
            [weighed(path, copy=copies[path]) for path in own],
            ["ids-{}.bin"],
            unit="bytes",
            text_field=self.text_field,
            partitions=parts,
        )
        return repeated_ids(steps, read.files(), parts)


def chosen_tokenizer(data: Path, tokenizer: Path | None, pattern: str | None) -> Tokenizer:
    """The tokenizer at a path, else that of a data directory."""
    folder = data / TOKENIZER.name()
    if tokenizer is None and not folder.is_dir():
        raise InputError(
            f"`{data}` has no `{folder.name}` yet",
            "name one with `--tokenizer`, or run `webtext bpe train` first",
        )
    return Tokenizer.from_file(tokenizer or folder, pattern=pattern)


def encode(
    data: Path,
    *,
    out: Path | None = None,
    engine: Engine | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> Mapping[str, Any]:
    """Encodes into `tokens/` of the data directory, or into the folder `out`, which has a manifest
    of its own; returns the counts. `options` are those of `encode_stage`."""
    engine, observer = engine or ThreadEngine(), observer or Observer()
    if out is not None and not options.get("inputs"):
        shards_stage(Manifest(data))  # before anything is written
    with Workspace(out or data, engine, observer) as workspace:
        if out is not None:
            options |= {"shards": data, "folder": ""}
        return encode_stage(workspace, **options).counts


def encode_stage(
    workspace: Workspace,
    *,
    shards: Path | None = None,
    tokenizer: Path | None = None,
    pattern: str | None = None,
    inputs: Sequence[str | Path] = (),
    text_field: str = "text",
    folder: str = TOKENS,
    flat: bool = False,
    force: bool = False,
) -> Entry:
    """Encodes the last shards, or `inputs`, into `folder` of the workspace's directory.

    The shards and, unless one is given, the tokenizer are those of the data directory `shards`
    (default: the workspace's own). Another tokenizer, other shards or another format make the
    result stale.
    """
    passed = Passed()
    data = shards or workspace.data
    manifest = workspace.manifest if shards is None else Manifest(data)
    if tokenizer is None:
        manifest.need(TrainVocabulary.name, "webtext bpe train")
        tokenizer = data / TOKENIZER.name("tokenizer.json")
    upstream = None
    if inputs:
        found = list_sources(inputs, text_field=text_field, passed=passed)
        files = list(dict.fromkeys(source.path.resolve() for source in found))
        names = {path: _flat_name(name) for path, name in input_names(files).items()}
        _refuse_same(names)
    else:
        upstream = shards_stage(manifest)
        names = {path: path.stem for path in all_shards(manifest, upstream)}
    # What the stage will ask for is worked out while the vocabulary is read.
    with ThreadPoolExecutor(1) as ahead:
        outside = names if inputs or shards else ()
        digests = [ahead.submit(workspace.digests.of_input, path) for path in outside]
        try:
            opened = open_tokenizer(tokenizer, pattern)
            for digest in digests:
                digest.result()
        finally:
            ahead.shutdown(cancel_futures=True)
    how: dict[str, Any] = {"pattern": pattern, "text_field": text_field, "folder": folder}
    how |= {"flat": flat, "foreign": bool(inputs), "passed": passed.document()}
    stage = Encode(*opened, names, None if shards else upstream, **how)
    entry = workspace.manifest.done(stage.name)
    lost = entry is not None and any(not (workspace.data / n).exists() for n in entry.outputs)
    if lost and not workspace.reading:
        workspace.forget(stage.name)  # somebody removed files: they are made again
    return workspace.run(stage, force=force)


def stage_name(folder: str) -> str:
    """Name in the manifest of what `Encode` writes into `folder`."""
    return TOKENS if folder in (TOKENS, "") else f"{TOKENS} {folder}"


def _flat_name(name: str) -> str:
    """A file's name in one folder, without `.parquet`: `books/a.txt` becomes `books-a.txt`."""
    return name.replace("/", "-").removesuffix(".parquet")


def _refuse_same(names: Mapping[Path, str]) -> None:
    first: dict[str, Path] = {}
    for path, name in names.items():
        if name in first:
            raise InputError(
                f"`{first[name]}` and `{path}` would both become `{name}.parquet`",
                "rename one of them, or encode them into two folders with `--out`",
            )
        first[name] = path
