"""The training text that test sets are held against: its files, their digests, their batches."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.ahead import Ahead
from webtext_py.digests import Digests
from webtext_py.manifest import input_names
from webtext_py.reader import Passed, Source, list_sources, read_batches
from webtext_py.shards import training_shards
from webtext_py.workspace import Workspace

BATCH_BYTES = 4 << 20  # of text decoded at a time: our choice, small beside what is hashed
AHEAD = 4  # batches of a file read before their use: our choice


@dataclass(frozen=True)
class TrainingText:
    """Files of training text, each with its digest."""

    sources: tuple[Source, ...]
    digests: tuple[str, ...]
    text_field: str = "text"
    stage: str | None = None  # the stage of a data directory that made them, None for other files
    # In the folders that were named, and in the files once they were read.
    passed: Passed = field(default_factory=Passed, compare=False)
    _heard: set[Path] = field(default_factory=set, compare=False)

    @classmethod
    def of(
        cls,
        paths: Sequence[str | Path],
        text_field: str = "text",
        passed: Passed | None = None,
        workspace: Workspace | None = None,
    ) -> "TrainingText":
        """The files that `paths` (files, folders, globs) name; what folders hold besides is added
        to `passed`, and later what is passed over in the files. A `workspace` remembers digests,
        and its engine works them out."""
        sources = tuple(list_sources(paths, text_field=text_field, passed=passed))
        known = Digests(Path())
        if workspace is not None:
            known = workspace.digests
            files = dict.fromkeys(source.path for source in sources)
            known.prepare(files, workspace.engine, workspace.observer, plain=True)
            known.save()
        digests = tuple(known.of(source.path) for source in sources)
        return cls(sources, digests, text_field, passed=Passed() if passed is None else passed)

    @classmethod
    def shards(cls, data: Path, workspace: Workspace | None = None) -> "TrainingText":
        """The training shards of the last build in `data`."""
        stage, paths = training_shards(data, "--train")
        return replace(cls.of(paths, workspace=workspace), stage=stage)

    def metadata(self) -> list[dict[str, Any]]:
        """Name, length and digest of each file, as the index records them."""
        names = input_names([source.path for source in self.sources])
        rows = []
        for source, digest in zip(self.sources, self.digests, strict=True):
            size = source.path.stat().st_size
            rows.append({"name": names[source.path.resolve()], "bytes": size, "sha256": digest})
        return sorted(rows, key=lambda row: (row["sha256"], row["name"]))

    def key(self) -> str:
        """SHA-256 that stands for the content of all files and the field that is read, in hex."""
        parts = [self.text_field, *sorted(self.digests)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def size(self) -> int:
        """Bytes of all files on disk."""
        return sum(source.path.stat().st_size for source in self.sources)

    def files(self, extra: Sequence[str] = ()) -> Iterator[tuple[Source, Iterator[pa.RecordBatch]]]:
        """Each file with its batches, which other threads decode ahead of their use.

        The batches of a file are to be used up before the next file is asked for.
        """
        opened: deque[tuple[Source, Passed, Ahead[pa.RecordBatch]]] = deque()
        waiting = iter(self.sources)
        try:
            while True:
                # The next file is begun before this one ends.
                while len(opened) < 2 and (source := next(waiting, None)) is not None:
                    passed = Passed()
                    batches = read_batches(
                        source,
                        text_field=self.text_field,
                        extra=extra,
                        batch_bytes=BATCH_BYTES,
                        passed=passed,
                    )
                    opened.append((source, passed, Ahead(batches, AHEAD)))
                if not opened:
                    return
                source, passed, ahead = opened[0]
                yield source, iter(ahead)
                ahead.close()
                opened.popleft()
                self.hear([source], passed.document())
        finally:
            for _, _, ahead in opened:
                ahead.close()

    def hear(self, sources: Iterable[Source], found: Mapping[str, Mapping[str, int]]) -> None:
        """Takes note of what was passed over in files that were read; the first time alone."""
        paths = {source.path for source in sources}
        if not paths <= self._heard:
            self._heard.update(paths)
            self.passed.update(found)
