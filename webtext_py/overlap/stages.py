"""The index and the reports of a data directory as entries of its manifest.

So `webtext verify` covers them, names what was made from shards that were redone since, and a run
that was killed leaves an entry that says so. An index or a report in another place has none.
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.engine.commit import file_facts
from webtext_py.errors import FormatError, InputError
from webtext_py.manifest import input_names
from webtext_py.overlap.index import (
    DEFAULT_MEMORY,
    Index,
    IndexConfig,
    build_index,
    check_index,
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
        facts = Index(path).facts
        return {key: facts[key] for key in ("documents", "words", "ngrams", "distinct")}

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
    found = check_index(Index(path), **options)
    name = index_stage(workspace.data, path)
    entry = workspace.manifest.done(name) if name is not None else None
    if entry is not None:
        entry.outputs[f"{FOLDER}/{path.name}"] = file_facts(path)
        workspace.manifest.save()
    return found
