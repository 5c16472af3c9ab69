"""The index and the reports of a data directory as entries of its manifest.

So `webtext verify` covers them, names what was made from shards that were redone since, and a run
that was killed leaves an entry that says so. An index or a report in another place has none.
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.engine.commit import file_facts, flush
from webtext_py.errors import FormatError, InputError
from webtext_py.manifest import MANIFEST, STATE, input_names
from webtext_py.overlap.index import (
    DEFAULT_MEMORY,
    Index,
    IndexConfig,
    build_index,
    measure_index,
    measured,
    merge_indexes,
)
from webtext_py.overlap.training import TrainingText
from webtext_py.stage import StageRun, Workspace

FOLDER = "overlap"


def index_path(data: Path, text: TrainingText, config: IndexConfig) -> Path:
    """Where the index of a text lies: `ngram8.bloom` for the shards; other texts have their key
    in the name, so that they do not displace it."""
    words = "-ascii" if config.ascii else ""
    name = f"ngram{config.n}{words}" + ("" if text.stage else f"-{text.key()[:8]}")
    return data / FOLDER / f"{name}.bloom"


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


def make_index(
    workspace: Workspace,
    text: TrainingText,
    path: Path,
    config: IndexConfig,
    *,
    force: bool = False,
    memory: int = DEFAULT_MEMORY,
    threads: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Index:
    """The index of `text`: the one at `path` if it is of this text and made so, else a new one."""
    name = index_stage(workspace.data, path)
    if name is not None:
        path = workspace.data / FOLDER / path.name  # however it was spelt
    usable = not force and _usable(path, config, text, ours=name is not None)
    home = data_of(path)
    if name is None and home is not None and not usable:
        raise InputError(
            f"`{path}` is to be written, and lies in another data directory",
            f"name that with `--data {home}`, or another file with `--index`",
        )
    if path.exists() and not usable and not force:
        if name is None:
            raise InputError(
                f"`{path}` is an index of another text or with other settings",
                "`--force` replaces it",
            )
        say(f"`{path.name}` is of another text or with other settings: made again")

    def build() -> None:
        if not usable:
            build_index(
                text,
                path,
                config,
                memory=memory,
                threads=threads,
                observer=workspace.observer,
                say=say,
            )

    if name is None:
        build()
        return Index(path)

    def body(run: StageRun) -> Mapping[str, Any]:
        build()
        run.keep([path])
        return _counts(Index(path))

    if not usable:
        workspace.forget(name)
    outside = [] if text.stage else [source.path for source in text.sources]
    workspace.stage(
        name,
        body,
        config={**asdict(config), "text_field": text.text_field},
        inputs={short: path for path, short in input_names(outside).items()},
        upstream=[text.stage] if text.stage else [],
        # What is used stays, also where it came without an entry.
        files=[] if usable else [glob.escape(str(path.relative_to(workspace.data)))],
        force=True,
    )
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


def keep_report(
    workspace: Workspace,
    name: str,
    write: Callable[[], Sequence[Path]],
    *,
    config: Mapping[str, Any],
    inputs: Mapping[str, Path],
    index: Index,
) -> tuple[Path, ...]:
    """Writes a report, always anew, and records it; returns its files."""
    made_from = index_stage(workspace.data, index.path)
    known = made_from is not None and workspace.manifest.done(made_from) is not None
    files: list[Path] = []

    def body(run: StageRun) -> Mapping[str, Any]:
        files.extend(write())
        run.keep(files)
        return {}

    stage = f"{FOLDER}/{name}"
    workspace.forget(stage)
    endings = (".json", ".html", ".hits.parquet", ".contaminated.jsonl")
    workspace.stage(
        stage,
        body,
        config={**config, "index": index.facts["digest"]},
        inputs=inputs,
        upstream=[made_from] if made_from is not None and known else [],
        files=[f"{FOLDER}/{glob.escape(name)}{ending}" for ending in endings],
    )
    return tuple(files)


def check_kept(workspace: Workspace, path: Path, **options: Any) -> dict[str, Any]:
    """`check_index` of an index, whose entry in the manifest then has the new file's digest."""
    path = path.resolve()
    index = Index(path)
    record = measure_index(index, **options)
    stages = workspace.manifest.stages
    file = f"{FOLDER}/{path.name}"
    entry = stages.get(index_stage(workspace.data, path) or "")
    if entry is None or file not in entry.outputs:
        index.core.store_check(*record)
        return measured(record)
    # The file changes in place: from here until its digest is known the entry is not done. After a
    # kill between, the next check or report finishes it.
    entry.state = "running"
    workspace.manifest.save()
    index.core.store_check(*record)
    entry.outputs[file] = file_facts(path)
    entry.state = "done"
    workspace.manifest.save()
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
            name = str(index_stage(data, target))
            workspace.forget(name)

            def body(run: StageRun) -> Mapping[str, Any]:
                scratch.replace(target)
                flush(target.parent)
                run.keep([target])
                return _counts(Index(target))

            workspace.stage(
                name,
                body,
                config={"merged": True},
                inputs={short: path for path, short in input_names(parts).items()},
            )
        finally:
            scratch.unlink(missing_ok=True)
    return Index(out)


def _counts(index: Index) -> dict[str, Any]:
    return {key: index.facts[key] for key in ("documents", "words", "ngrams", "distinct")}
