"""`webtext bpe train`: a vocabulary from shards or any text, as a stage of a data directory."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from webtext_py import _core
from webtext_py.bpe import counts, texts
from webtext_py.bpe.train import BpeConfig, count_files, learn, load_counts
from webtext_py.bpe.vocabulary import FILES, write_vocabulary
from webtext_py.bundled import bundled
from webtext_py.config import bytes_of
from webtext_py.engine import Engine, ThreadEngine
from webtext_py.errors import InputError
from webtext_py.layout import TOKENIZER, TRAIN_SHARDS
from webtext_py.manifest import input_names
from webtext_py.observer import SILENT, Observer
from webtext_py.reader import Passed, recognise
from webtext_py.shards import shards_stage, training_shards
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Made, Steps, Work, Workspace

# Our choice, of text: what one task counts. Less is counted in the command's own process, whose
# threads share one table of pieces.
COUNT_BYTES = 2 << 30


@dataclass(frozen=True)
class Asked:
    """What a vocabulary is to be made from, and how."""

    settings: BpeConfig = field(default_factory=BpeConfig)
    inputs: Sequence[str | Path] = ()  # of text; the last training shards where none
    from_counts: Sequence[Path] = ()  # files of counts instead of text
    save_counts: Path | None = None
    text_field: str = "text"
    threads: int | None = None  # for what this process does itself


@dataclass(frozen=True)
class TrainVocabulary(Stage):
    """From the shards that `upstream` left, or from the files asked for, to `tokenizer/`."""

    asked: Asked
    upstream: str | None = None

    name = "tokenizer"
    rules = 2
    files = tuple(Files(TOKENIZER.name(name)) for name in FILES)

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The stage that left the shards."""
        return (self.upstream,) if self.upstream else ()

    def config(self) -> Mapping[str, Any]:
        """The settings."""
        return {**asdict(self.asked.settings), "text_field": self.asked.text_field}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The files of text or counts."""
        if self.upstream:
            return {}
        files = list(self.asked.from_counts)
        if not files:
            found = texts.sources(self.asked.inputs, self.asked.text_field)
            files = [file.path for file in found if file is not None]
        if not files:
            raise InputError(
                "standard input cannot be remembered in a data directory",
                "name a folder for the vocabulary with `--out`",
            )
        return {name: path for path, name in input_names(files).items()}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Counts, learns, writes."""
        given = steps.before(TRAIN_SHARDS) if self.upstream else None
        passed = Passed()
        counted = None if self.asked.from_counts else self._count(steps, given, passed)
        asked = replace(self.asked, from_counts=counted.files()) if counted else self.asked
        vocabulary, facts = make_vocabulary(asked, given, steps.observer)
        if counted is not None:
            size = counted.total("text_bytes")
            for done in counted.done:  # markers of before say nothing of it
                passed.update(done.counts.get("passed_over", {}))
            facts |= {"text_bytes": size, "passed_over": passed.document()}
        steps.keep(write_vocabulary(vocabulary, steps.data / TOKENIZER.name()))
        return facts

    def _count(self, steps: Steps, given: Sequence[Path] | None, passed: Passed) -> Made | None:
        """Piece counts by tasks, where the text is longer than `COUNT_BYTES`."""
        asked = self.asked
        files = texts.sources(asked.inputs if given is None else given, asked.text_field, passed)
        sizes = [texts.estimated_bytes([file], asked.text_field) for file in files]
        if sum(sizes) <= COUNT_BYTES or None in files:
            return None
        sized = ((file.path, size) for file, size in zip(files, sizes, strict=True) if file)
        bundles = [
            [path for path, _ in bundle] for bundle in bundled(sized, itemgetter(1), COUNT_BYTES)
        ]
        return steps.each(
            "count",
            count_bundle,
            [Work(*bundle, weight=bytes_of(bundle)) for bundle in bundles],
            ["counts-{}.parquet"],
            unit="bytes",
            options={"threads": asked.threads if len(bundles) == 1 else 1},
            settings=asdict(asked.settings),
            text_field=asked.text_field,
        )


def count_bundle(
    inputs: list[Path],
    outputs: list[Path],
    settings: Mapping[str, Any],
    text_field: str,
    threads: int | None,
) -> dict[str, Any]:
    """Task: piece counts of some files of text."""
    config = BpeConfig(**{**settings, "special": tuple(settings["special"])})
    files = [recognise(path) for path in inputs]
    passed = Passed()
    how: dict[str, Any] = {"text_field": text_field, "threads": threads, "passed": passed}
    pieces, size = count_files(files, config, **how)
    counts.write_counts(pieces, config.pattern, outputs[0])
    return {"text_bytes": size, "passed_over": passed.document()}


def train_vocabulary(
    data: Path,
    asked: Asked,
    *,
    out: Path | None = None,
    force: bool = False,
    engine: Engine | None = None,
    observer: Observer = SILENT,
) -> Mapping[str, Any]:
    """Trains into `tokenizer/` of the data directory, or into the folder `out`, which is written
    whole and remembers nothing. Returns the numbers of its making."""
    shards = not asked.inputs and not asked.from_counts
    if out is None:
        with Workspace(data, engine or ThreadEngine(), observer) as workspace:
            upstream = shards_stage(workspace.manifest) if shards else None
            return workspace.run(TrainVocabulary(asked, upstream), force=force).counts
    there = [out / name for name in FILES if (out / name).exists()]
    if there and not force:
        raise InputError(f"`{there[0]}` exists already", "`--force` replaces it")
    given = training_shards(data)[1] if shards else None
    observer.stage_started(TrainVocabulary.name)
    vocabulary, facts = make_vocabulary(asked, given, observer)
    write_vocabulary(vocabulary, out)
    return facts


def make_vocabulary(
    asked: Asked, given: Sequence[Path] | None = None, observer: Observer = SILENT
) -> tuple[_core.BpeEncoder, dict[str, Any]]:
    """A vocabulary from the files `given`, else from those asked for, and the numbers of its
    making."""
    settings, passed = asked.settings, Passed()
    if asked.from_counts:
        pieces, size = load_counts(asked.from_counts, settings), 0
    else:
        pieces, size = count_files(
            texts.sources(asked.inputs if given is None else given, asked.text_field, passed),
            settings,
            text_field=asked.text_field,
            threads=asked.threads,
            observer=observer,
            passed=passed,
        )
    distinct = len(pieces)
    if asked.save_counts is not None:
        counts.write_counts(pieces, settings.pattern, asked.save_counts)
    vocabulary = learn(pieces, settings, observer=observer)
    facts = {
        "text_bytes": size,
        "pieces": distinct,
        "vocab_size": vocabulary.id_limit,
        "merges": vocabulary.merge_count,
        "passed_over": passed.document(),
    }
    return vocabulary, facts
