"""`webtext bpe train` and `webtext bpe encode` as stages of a data directory."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.bpe import counts, texts
from webtext_py.bpe.train import TrainConfig, count_files, learn, load_counts
from webtext_py.bpe.vocabulary import FILES, Vocabulary, write_vocabulary
from webtext_py.errors import InputError
from webtext_py.manifest import Entry, Manifest, input_names
from webtext_py.stage import Observer, Silent, StageRun, Workspace

TOKENIZER = "tokenizer"


def shards_stage(manifest: Manifest) -> str:
    """The finished stage that left `shards/`."""
    for name, entry in manifest.stages.items():
        if entry.state == "done" and any(path.startswith("shards/") for path in entry.outputs):
            return name
    raise InputError(
        f"`{manifest.path.parent}` has no finished shards and no input was given",
        "run `webtext build` first, or name text with `--input`",
    )


def shard_files(manifest: Manifest, stage: str) -> list[Path]:
    """The shards, in the order of their names."""
    data = manifest.path.parent
    paths = sorted(path for path in manifest.stages[stage].outputs if path.startswith("shards/"))
    return [data / path for path in paths if path.endswith(".parquet")]


def training_shards(data: Path) -> list[Path]:
    """The shards of the last build without the validation shards, which no vocabulary sees."""
    manifest = Manifest(data)
    shards = shard_files(manifest, shards_stage(manifest))
    return [path for path in shards if path.name.startswith("train-")]


def make_vocabulary(
    config: TrainConfig,
    *,
    inputs: Sequence[str | Path] = (),
    from_counts: Sequence[Path] = (),
    save_counts: Path | None = None,
    text_field: str = "text",
    threads: int | None = None,
    observer: Observer | None = None,
) -> tuple[Vocabulary, dict[str, Any]]:
    """A vocabulary from texts or from files of counts, and the numbers of its making."""
    observer = observer or Silent()
    observer.stage_started(TOKENIZER)
    if from_counts:
        pieces, size = load_counts(from_counts, config), 0
    else:
        files = texts.sources(inputs)
        pieces, size = count_files(
            files, config, text_field=text_field, threads=threads, observer=observer
        )
    distinct = len(pieces)
    if save_counts is not None:
        counts.write_counts(pieces, config.pattern, save_counts)
    vocabulary = learn(pieces, config, observer=observer)
    facts = {
        "text_bytes": size,
        "pieces": distinct,
        "vocab_size": len(vocabulary),
        "merges": len(vocabulary.merges),
    }
    return vocabulary, facts


def train_stage(
    workspace: Workspace,
    config: TrainConfig,
    *,
    inputs: Sequence[str | Path] = (),
    from_counts: Sequence[Path] = (),
    save_counts: Path | None = None,
    text_field: str = "text",
    threads: int | None = None,
    force: bool = False,
) -> Entry:
    """Trains into `tokenizer/` of the data directory, from the last shards or from `inputs`."""
    data = workspace.data
    upstream: list[str] = []
    outside: dict[str, Path] = {}
    if from_counts:
        outside = {name: path for path, name in input_names(from_counts).items()}
        given: Sequence[str | Path] = ()
    elif inputs:
        given = inputs
        files = [file.path for file in texts.sources(inputs) if file is not None]
        if not files:
            raise InputError(
                "standard input cannot be remembered in a data directory",
                "name a folder for the vocabulary with `--out`",
            )
        outside = {name: path for path, name in input_names(files).items()}
    else:
        upstream = [shards_stage(workspace.manifest)]
        given = training_shards(data)

    def body(run: StageRun) -> Mapping[str, Any]:
        vocabulary, facts = make_vocabulary(
            config,
            inputs=given,
            from_counts=from_counts,
            save_counts=save_counts,
            text_field=text_field,
            threads=threads,
            observer=workspace.observer,
        )
        run.keep(write_vocabulary(vocabulary, data / TOKENIZER))
        return facts

    return workspace.stage(
        TOKENIZER,
        body,
        config={**asdict(config), "text_field": text_field},
        inputs=outside,
        upstream=upstream,
        files=[f"{TOKENIZER}/{name}" for name in FILES],
        force=force,
    )
