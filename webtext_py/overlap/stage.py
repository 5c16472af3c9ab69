"""The index and the reports of a data directory as its stages.

So `webtext verify` covers them, names what was made from shards that were redone since, and a run
that was killed leaves an entry that says so. An index in another place has none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from webtext_py.defaults import INDEX_MEMORY
from webtext_py.digests import STATE
from webtext_py.engine.commit import flush
from webtext_py.errors import FormatError, InputError
from webtext_py.manifest import MANIFEST, input_names
from webtext_py.overlap.index import (
    Index,
    IndexConfig,
    build_index,
    measure_index,
    measured,
    merge_indexes,
)
from webtext_py.overlap.spread import spread_keys
from webtext_py.overlap.training import TrainingText
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Steps, Workspace

FOLDER = "overlap"
INDEX = Files(f"{FOLDER}/{{}}.bloom")


def index_path(data: Path, text: TrainingText, config: IndexConfig) -> Path:
    """Where the index of a text lies: `ngram8.bloom` for the shards; other texts have their key
    in the name, so that they do not displace it."""
    words = "-ascii" if config.ascii else ""
    name = f"ngram{config.n}{words}" + ("" if text.stage else f"-{text.key()[:8]}")
    return data / INDEX.name(name)


def index_stage(data: Path, path: Path) -> str | None:
    """The manifest's name for the index at `path`; None outside `overlap/`."""
    if path.resolve().parent != (data / FOLDER).resolve():
        return None
    return f"overlap-index/{path.name.removesuffix('.bloom')}"


def data_of(path: Path) -> Path | None:
    """The data directory whose `overlap/` the file lies in; None for a file elsewhere."""
    folder = path.resolve().parent
    data = folder.parent
    return data if folder.name == FOLDER and (data / MANIFEST).exists() else None


@dataclass(frozen=True)
class _IndexStage(Stage):
    """What leaves the index `file` in `overlap/`."""

    file: str

    rules = 1
    libraries = ("words",)

    @property
    def name(self) -> str:  # type: ignore[override]
        """`overlap-index/` and the file's name: whatever made it, it has one place."""
        return f"overlap-index/{self.file.removesuffix('.bloom')}"


@dataclass(frozen=True)
class MakeIndex(_IndexStage):
    """From training text to the index, by `make`; the one that stands there stays where it is
    `usable`, also where it came without an entry."""

    text: TrainingText
    settings: IndexConfig
    make: Callable[[Steps], None]
    usable: bool

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The stage that left the shards, where they are what is read."""
        return (self.text.stage,) if self.text.stage else ()

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """The index."""
        return () if self.usable else (Files(f"{FOLDER}/{self.file}"),)

    def config(self) -> Mapping[str, Any]:
        """Parameters and column."""
        return {**asdict(self.settings), "text_field": self.text.text_field}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files of text, where they are no shards of this directory."""
        outside = [] if self.text.stage else [source.path for source in self.text.sources]
        return {short: path for path, short in input_names(outside).items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Makes the index, unless it stands."""
        self.make(steps)
        path = steps.data / FOLDER / self.file
        steps.keep([path])
        return _counts(Index(path))


@dataclass(frozen=True)
class MergeIndexes(_IndexStage):
    """From indexes with equal parameters, merged in `scratch`, to one."""

    parts: Sequence[Path]
    scratch: Path

    def config(self) -> Mapping[str, Any]:
        """What tells it from an index made of text."""
        return {"merged": True}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The indexes."""
        return {short: path for path, short in input_names(self.parts).items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Puts the merged index in its place."""
        target = steps.data / FOLDER / self.file
        self.scratch.replace(target)
        flush(target.parent)
        steps.keep([target])
        return _counts(Index(target))


@dataclass(frozen=True)
class Report(Stage):
    """The report of a test set, written by `write` from an index that `made_from` left."""

    test: str
    write: Callable[[], Sequence[Path]]
    settings: Mapping[str, Any]
    given: Mapping[str, Path]
    made_from: str | None

    rules = 1
    libraries = ("words",)

    @property
    def name(self) -> str:  # type: ignore[override]
        """`overlap/` and the test set's name."""
        return f"{FOLDER}/{self.test}"

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The stage that made the index, if it lies in the data directory."""
        return (self.made_from,) if self.made_from else ()

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """All that a report may consist of."""
        endings = (".json", ".html", ".hits.parquet", ".contaminated.jsonl")
        return tuple(Files(f"{FOLDER}/{self.test}{ending}") for ending in endings)

    def config(self) -> Mapping[str, Any]:
        """How the test set was read, and the index's digest."""
        return self.settings

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The test set, its training split, its scores."""
        return self.given

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Writes the report."""
        steps.keep(self.write())
        return {}


def make_index(
    workspace: Workspace,
    text: TrainingText,
    path: Path,
    config: IndexConfig,
    *,
    force: bool = False,
    memory: int = INDEX_MEMORY,
    threads: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Index:
    """The index of `text`: the one at `path` if it is of this text and made so, else a new one."""
    ours = index_stage(workspace.data, path) is not None
    if ours:
        path = workspace.data / FOLDER / path.name  # however it was spelt
    usable = not force and _usable(path, config, text, ours=ours)
    home = data_of(path)
    if not ours and home is not None and not usable:
        raise InputError(
            f"`{path}` is to be written, and lies in another data directory",
            f"name that with `--data {home}`, or another file with `--index`",
        )
    if path.exists() and not usable and not force:
        if not ours:
            raise InputError(
                f"`{path}` is an index of another text or with other settings",
                "`--force` replaces it",
            )
        say(f"`{path.name}` is of another text or with other settings: made again")

    def make(steps: Steps) -> None:
        if not usable:
            keys = spread_keys(steps, text, config.n, config.ascii)
            options: dict[str, Any] = {"memory": memory, "threads": threads, "say": say}
            build_index(text, path, config, keys=keys, observer=workspace.observer, **options)

    stage = MakeIndex(path.name, text, config, make, usable)
    if ours:
        workspace.run(stage, force=True, again=not usable)
    else:  # it has no entry
        make(Steps(workspace, stage))
        workspace.tidy(stage.name)
    return Index(path)


def _usable(path: Path, config: IndexConfig, text: TrainingText, *, ours: bool) -> bool:
    if not path.exists():
        return False
    try:
        return Index(path).matches(config, text)
    except FormatError:
        if ours:
            return False  # cut or of another version: made again, as if it were missing
        raise


def check_kept(workspace: Workspace, path: Path, **options: Any) -> dict[str, Any]:
    """`check_index` of an index, whose entry in the manifest then has the new file's digest."""
    path = path.resolve()
    index = Index(path)
    record = measure_index(index, **options)
    place = workspace.data / FOLDER / path.name
    stage = index_stage(workspace.data, path) or ""
    workspace.amend(stage, place, lambda: index.core.store_check(*record))
    return measured(record)


def merge_kept(parts: Sequence[Path], out: Path, *, threads: int = 1) -> Index:
    """`merge_indexes`; where `out` lies in a data directory, its entry there is the merged one's.

    The entry changes when the merged index is whole: parts that do not fit leave all as it was.
    """
    target = out.resolve()
    data = data_of(target)
    if data is None:
        return merge_indexes(parts, out, threads=threads)
    with Workspace(data) as workspace:
        scratch = data / STATE / "work" / "overlap-merge.bloom"
        try:
            merge_indexes(parts, scratch, threads=threads)
            workspace.run(MergeIndexes(target.name, parts, scratch), again=True)
        finally:
            scratch.unlink(missing_ok=True)
    return Index(out)


def _counts(index: Index) -> dict[str, Any]:
    return {key: index.facts[key] for key in ("documents", "words", "ngrams", "distinct")}
