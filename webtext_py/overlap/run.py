"""What `webtext overlap` does: index if need be, query, evidence, reports, lists, clean shards."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import _core
from webtext_py.columns import text_column
from webtext_py.defaults import INDEX_MEMORY
from webtext_py.engine import Engine, ThreadEngine
from webtext_py.engine.commit import write_bytes, write_json
from webtext_py.errors import ConfigError, InputError
from webtext_py.manifest import input_names
from webtext_py.observer import SILENT, Observer
from webtext_py.overlap import spread
from webtext_py.overlap.drop import drop_overlapping
from webtext_py.overlap.evidence import Evidence, find_evidence
from webtext_py.overlap.index import Index, IndexConfig, check_index
from webtext_py.overlap.page import render
from webtext_py.overlap.report import Answer, Layout, SetReport, document
from webtext_py.overlap.scores import compare, read_scores
from webtext_py.overlap.spread import spread_evidence
from webtext_py.overlap.stage import (
    FOLDER,
    INDEX,
    Report,
    check_kept,
    data_of,
    index_path,
    index_stage,
    make_index,
)
from webtext_py.overlap.testsets import TestSet, TextAs, find_test_sets, read_test_set
from webtext_py.overlap.training import TrainingText
from webtext_py.reader import Passed, passed_said
from webtext_py.shards import training_shards
from webtext_py.workspace import Workspace


@dataclass(frozen=True)
class OverlapConfig:
    """What a report is asked for."""

    test: tuple[str, ...] = ()  # files and folders; the demo's where none
    train: tuple[str, ...] = ()  # the last build's training shards where none
    text_field: str = "text"
    fields: tuple[str, ...] = ()
    text_as: TextAs | None = None
    index: IndexConfig = field(default_factory=IndexConfig)
    index_file: Path | None = None
    own_train: tuple[str, ...] = ()
    scores: tuple[Path, ...] = ()
    evidence: bool = True
    write_list: bool = False
    drop: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """A test set's report and where it was written."""

    document: dict[str, Any]
    files: tuple[Path, ...]


def overlap(
    data: Path,
    config: OverlapConfig,
    *,
    memory: int = INDEX_MEMORY,
    threads: int = 1,
    engine: Engine | None = None,
    observer: Observer = SILENT,
    say: Callable[[str], None] = lambda line: None,
) -> list[Outcome]:
    """Measures how much of each test set is in the training text and writes the reports to
    `overlap/` in `data`.

    `say` hears lines for the user. Raises `InputError` and `FormatError` for wrong inputs.
    """
    passed = Passed()  # of the folders of test sets and training text
    found, lines = find_test_sets(config.test, passed)
    for line in lines:
        say(line)
    _check(config, len(found), data)
    tests = [_read(name, path, config, say) for name, path in found]
    if not config.train and config.index_file is None:
        training_shards(data, "--train")  # before anything is written
    with Workspace(data, engine or ThreadEngine(threads), observer) as workspace:
        how: dict[str, Any] = {"memory": memory, "threads": threads, "say": say}
        index, text = _index_and_text(workspace, config, passed, **how)
        observer.stage_started("overlap")
        layout = Layout(tests, index.facts["n"], index.facts["ascii"])
        bloom, evidence = _ask(layout, index, text, threads, workspace)
        if said := passed_said(passed.document()):
            say(said)
        own_sets = find_test_sets(config.own_train)[0] if config.own_train else []
        own = _own_train(layout, own_sets, threads)
        answer = bloom if evidence is None else Answer.of(layout, evidence.documents > 0)
        outcomes = []
        for place, texts in enumerate(layout.sets):
            test, report = tests[place], SetReport(layout, texts, answer)
            inputs = [test.path, *(path for _, path in own_sets)]
            scores = None
            if config.scores:
                inputs.append(config.scores[place])
                read = read_scores(config.scores[place], test)
                scores = compare(read, report.shares, report.clusters())
            facts = _index_facts(index)
            made = document(report, bloom, evidence, own_train=own, scores=scores, index=facts)
            made["passed_over"] = Passed(test.passed_over).update(passed.document()).document()
            write = partial(_write, data / FOLDER, report, made, evidence, config.write_list)
            files = _keep(workspace, config, index, test, inputs, write)
            outcomes.append(Outcome(made, files))
        if config.drop is not None and text is not None and evidence is not None:
            counts = drop_overlapping(text, evidence, config.drop, workspace)
            say(f"{config.drop}: {counts['kept']:,} of {counts['in']:,} documents kept")
    return outcomes


def _read(name: str, path: Path, config: OverlapConfig, say: Callable[[str], None]) -> TestSet:
    """A test set; what it holds is said."""
    test = read_test_set(path, name, fields=config.fields, text_as=config.text_as)
    fields = ", ".join(test.fields)
    say(f"{name}: {test.form}; {len(test.examples):,} examples; text in {fields}")
    if said := passed_said(test.passed_over):
        say(f"{name}: {said}")
    return test


def _ask(
    layout: Layout, index: Index, text: TrainingText | None, threads: int, workspace: Workspace
) -> tuple[Answer, Evidence | None]:
    """What the filter says, and what the text itself does, where it is to be read."""
    bloom = Answer.by_filter(layout, index.core)
    if text is None:
        return bloom, None
    observer = workspace.observer
    if text.size() > spread.TASK_BYTES:
        evidence = spread_evidence(layout, text, workspace.data, workspace.engine, observer)
    else:
        evidence = find_evidence(layout.core, text, threads=threads, observer=observer)
    missed = int(((evidence.documents > 0) & ~bloom.found).sum())
    if missed:
        raise InputError(
            f"{missed} n-grams of the training text are not in `{index.path}`",
            "`--force` makes the index again; the file is not the one that was written",
        )
    return bloom, evidence


def _keep(
    workspace: Workspace,
    config: OverlapConfig,
    index: Index,
    test: TestSet,
    inputs: Sequence[Path],
    write: Callable[[], Sequence[Path]],
) -> tuple[Path, ...]:
    """Writes a report as a stage of the directory; returns its files."""
    data = workspace.data
    made_by = index_stage(data, index.path)
    settings = {"fields": test.fields, "form": test.form, "evidence": config.evidence}
    settings |= {"index": index.facts["digest"]}
    given = {short: path for path, short in input_names(inputs).items()}
    known = made_by if made_by and workspace.manifest.done(made_by) else None
    stage = Report(test.name, write, settings, given, known)
    workspace.run(stage, again=True)
    return tuple(path for kind in stage.files for path in kind.there(data))


def build(
    data: Path,
    config: OverlapConfig,
    *,
    threads: int = 1,
    engine: Engine | None = None,
    observer: Observer = SILENT,
    say: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> Index:
    """The index that `overlap` would ask, made if it is missing; `memory` as for that."""
    if not config.train:
        training_shards(data, "--train")  # before anything is written
    with Workspace(data, engine or ThreadEngine(threads), observer) as workspace:
        observer.stage_started("overlap index")
        passed, how = Passed(), {"threads": threads, "say": say, **options}
        index, _ = _index_and_text(workspace, config, passed, **how)
        if said := passed_said(passed.document()):
            say(said)
    return index


def check(
    data: Path, path: Path | None, *, observer: Observer = SILENT, **options: Any
) -> tuple[Index, dict[str, Any]]:
    """Measures the index at `path` (default: the shards' 8-grams) and stores the result in it;
    `options` are those of `check_index`."""
    path = path or data / INDEX.name("ngram8")
    index = Index(path)
    observer.stage_started("overlap check")
    options["observer"] = observer
    home = data_of(path)
    if home is None:
        return index, check_index(index, **options)
    with Workspace(home, observer=observer) as workspace:
        return index, check_kept(workspace, path, **options)


def _check(config: OverlapConfig, tests: int, data: Path) -> None:
    if config.scores and len(config.scores) != tests:
        raise ConfigError(
            f"{len(config.scores)} files of scores for {tests} test sets; one each, in the same "
            "order, was expected"
        )
    if config.drop is not None and not config.evidence:
        raise ConfigError("`--drop` needs the evidence pass, and `--no-evidence` was given")
    if config.drop is None:
        return
    if config.drop.exists() and any(config.drop.iterdir()):
        raise InputError(f"`{config.drop}` is not empty", "name a new folder with `--drop`")
    for path in [data, *([config.index_file] if config.index_file else [])]:
        if path.resolve().is_relative_to(config.drop.resolve()):
            raise InputError(
                f"`{config.drop}` is or holds `{path}`, which is written too",
                "name a folder of its own with `--drop`",
            )


def _index_and_text(
    workspace: Workspace,
    config: OverlapConfig,
    passed: Passed,
    *,
    say: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> tuple[Index, TrainingText | None]:
    """The index to ask, and the text for the evidence pass (None where it is not wanted)."""
    given = config.index_file
    if given is not None and not config.train and not config.evidence:
        # The portable use: the filter without the text that it was made from.
        index, text = Index(given), None
        has = index.facts["n"], index.facts["ascii"]
        asked = config.index.n, config.index.ascii
        if has != asked:
            kinds = [f"{n}-grams of {'ASCII' if a else 'Unicode'} words" for n, a in (has, asked)]
            hint = f"ask with `-n {has[0]}`" + (" `--ascii`" if has[1] else "")
            raise InputError(f"`{given}` has {kinds[0]}; {kinds[1]} were asked for", hint)
    else:
        if config.train:
            text = TrainingText.of(config.train, config.text_field, passed, workspace)
        else:  # the last build's
            text = TrainingText.shards(workspace.data, workspace)
        path = given or index_path(workspace.data, text, config.index)
        index = make_index(
            workspace, text, path, config.index, force=config.force, say=say, **options
        )
    return index, text if config.evidence else None


def _own_train(layout: Layout, sets: Sequence[tuple[str, Path]], threads: int) -> Answer | None:
    """Which n-grams the test sets' own training split has: read as a test set, asked exactly."""
    if not sets:
        return None
    shared = {name for texts in layout.sets for name in texts.test.fields}
    own = (read_test_set(path, name) for name, path in sets)
    texts = {t for test in own for e in test.examples for n, t in e.texts.items() if n in shared}
    scanner = _core.NgramScanner(layout.core)
    scanner.scan_rows(*text_column(pa.array(sorted(texts), pa.large_string())), threads)
    return Answer.of(layout, np.frombuffer(memoryview(scanner.documents()), np.uint32) > 0)


def _index_facts(index: Index) -> dict[str, Any]:
    facts = index.describe()
    keys = ("file", "rate", "digest", "bits", "k", "capacity", "distinct", "ngrams", "documents")
    return {key: facts[key] for key in (*keys, "expected_rate", "measured")}


def _write(
    folder: Path, report: SetReport, made: dict[str, Any], evidence: Evidence | None, listed: bool
) -> tuple[Path, ...]:
    name = report.texts.test.name
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.json", folder / f"{name}.html"]
    write_json(files[0], made)
    write_bytes(files[1], render(made, report, evidence).encode("utf-8", "replace"))
    if evidence is not None:
        files.append(folder / f"{name}.hits.parquet")
        sink = pa.BufferOutputStream()
        pq.write_table(report.hit_table(evidence), sink, compression="zstd")
        write_bytes(files[-1], sink.getvalue().to_pybytes())
    if listed:
        files.append(folder / f"{name}.contaminated.jsonl")
        write_bytes(files[-1], contaminated(report).encode())
    return tuple(files)


def contaminated(report: SetReport) -> str:
    """Lines `{"id", "share", "found", "ngrams"}` of the examples with any overlap, in order."""
    lines = []
    for place, example in enumerate(report.texts.test.examples):
        counts = report.overlap_of(place)
        if counts["found"]:
            own = {} if example.own_id is None else {"own_id": example.own_id}
            order = ("share", "found", "ngrams")
            row = {"id": example.id, **own, **{name: counts[name] for name in order}}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)
