"""Digests of files: worked out by tasks, remembered by name, length and time of change.

A file from outside that is longer than a block is known by the tree of its blocks, named as such:
`tree64m:` and the SHA-256 of its length and its blocks' SHA-256, so that all cores, or all nodes,
hash one file. Everything else has its plain SHA-256. What a record of before has as a plain digest
is compared as one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.bundled import bundled
from webtext_py.engine import LocalEngine, ThreadEngine, advance
from webtext_py.engine.commit import sha256_file, write_json
from webtext_py.engine.task import Engine, Job, Task
from webtext_py.observer import SILENT, Observer

STATE = ".state"  # markers, digests and other working files below the data directory

_BLOCK_BYTES = 64 << 20
_TREE = "tree64m:"
TASK_BYTES = 256 << 20  # our choice: a second or so of one core
TASK_FILES = 1024
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A part of a file."""

    path: Path
    start: int
    length: int


def whole(path: Path) -> Piece:
    """A whole file as a piece."""
    return Piece(path, 0, path.stat().st_size)


def hash_pieces(
    pieces: Sequence[Piece], data: Path, engine: Engine, observer: Observer
) -> list[str]:
    """SHA-256 of each piece, by tasks of the engine where there is enough to do; on this machine by
    threads, as hashing needs no interpreter. Writes nothing, unless the engine keeps a journal."""
    bundles = list(bundled(pieces, lambda piece: piece.length, TASK_BYTES, TASK_FILES))
    if len(bundles) <= 1:  # done before it could be said
        engine, observer = LocalEngine(1), SILENT
    elif isinstance(engine, LocalEngine):
        engine = ThreadEngine(engine.workers)
    jobs = []
    for number, bundle in enumerate(bundles):
        paths = tuple(piece.path for piece in bundle)
        places = {"places": [[piece.start, piece.length] for piece in bundle]}
        weight = sum(piece.length for piece in bundle)
        task = Task(f"digest-{number:05d}", hash_bundle, paths, (), places, weight)
        jobs.append(Job(task, data, None, "", data / STATE))
    if len(bundles) > 1:
        observer.step_started("digests", sum(job.task.weight for job in jobs), "bytes")
    found = {done.name: done.counts["sha256"] for done in engine.run(jobs, observer)}
    return [digest for job in jobs for digest in found[job.task.name]]


def hash_bundle(
    inputs: list[Path], outputs: list[Path], places: list[tuple[int, int]]
) -> dict[str, Any]:
    """Task: the SHA-256 of a part, start and length, of each input."""
    found = []
    for path, (start, length) in zip(inputs, places, strict=True):
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            stream.seek(start)
            while length and (block := stream.read(min(length, _READ_BYTES))):
                digest.update(block)
                length -= len(block)
                advance(len(block))
        found.append(digest.hexdigest())
    return {"sha256": found}


class Digests:
    """Digests of files, remembered in the data directory `data`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._path = data / STATE / "digests.json"
        try:
            self._known: dict[str, list[Any]] = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            self._known = {}  # a cache: worked out again

    def place(self, digest: str) -> Path | None:
        """A file with this content that was read before and is there as it was; None for none."""
        for name, known in list(self._known.items()):
            path = Path(name.removeprefix(_TREE))
            if known[3] == digest and path.exists() and self.of_input(path, digest) == digest:
                return path
        return None

    def of(self, path: Path) -> str:
        """SHA-256 of the file's content, in hex; of a folder, of all names and contents in it."""
        if path.is_dir():
            tree = hashlib.sha256()
            for file in _files(path):
                tree.update(f"{file.relative_to(path).as_posix()}\0{self.of(file)}\n".encode())
            return tree.hexdigest()
        return self._get(path) or self._put(path, sha256_file(path))

    def of_input(self, path: Path, like: str | None = None) -> str:
        """The digest by which a stage's input is known: that of its tree of blocks where it has
        several, unless its plain one is known or is what it is `like`."""
        if not self._kind(path, like):
            return self.of(path)
        found = self._get(path, _TREE)
        return found or self._put(path, _tree(path, map(_hash, _blocks(path))), _TREE)

    def _kind(self, path: Path, like: str | None) -> str:
        """`_TREE` where an input is known by its tree of blocks, else nothing."""
        if path.is_dir() or path.stat().st_size <= _BLOCK_BYTES:
            return ""
        tree = not self._get(path) if like is None else like.startswith(_TREE)
        return _TREE if tree else ""

    def prepare(
        self,
        paths: Mapping[Path, str | None],
        engine: Engine,
        observer: Observer = SILENT,
        *,
        plain: bool = False,
    ) -> None:
        """Works out by tasks what `of_input` will be asked for, each path with what it is `like`;
        with `plain` what `of` will be."""
        files: list[tuple[Path, str]] = []
        for path, like in paths.items():
            if path.is_dir():
                files += [(file, "") for file in _files(path) if not self._get(file)]
                continue
            kind = "" if plain else self._kind(path, like)
            if not self._get(path, kind):
                files.append((path, kind))
        pieces = [_blocks(path) if kind else [whole(path)] for path, kind in files]
        flat = [piece for each in pieces for piece in each]
        if not flat:
            return
        found = iter(hash_pieces(flat, self._data, engine, observer))
        for (path, kind), each in zip(files, pieces, strict=True):
            mine = [next(found) for _ in each]
            self._put(path, _tree(path, mine) if kind else mine[0], kind)

    def save(self) -> None:
        """Writes the memory to disk."""
        write_json(self._path, self._known)

    def _get(self, path: Path, kind: str = "") -> str | None:
        known = self._known.get(f"{kind}{path.resolve()}")
        return str(known[3]) if known is not None and known[:3] == _stamp(path) else None

    def _put(self, path: Path, digest: str, kind: str = "") -> str:
        self._known[f"{kind}{path.resolve()}"] = [*_stamp(path), digest]
        return digest


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _blocks(path: Path) -> list[Piece]:
    size = path.stat().st_size
    starts = range(0, size, _BLOCK_BYTES)
    return [Piece(path, start, min(_BLOCK_BYTES, size - start)) for start in starts]


def _hash(piece: Piece) -> str:
    place = (piece.start, piece.length)
    return str(hash_bundle([piece.path], [], [place])["sha256"][0])


def _tree(path: Path, blocks: Iterable[str]) -> str:
    digest = hashlib.sha256(f"{path.stat().st_size}\n".encode())
    for block in blocks:
        digest.update(bytes.fromhex(block))
    return _TREE + digest.hexdigest()
