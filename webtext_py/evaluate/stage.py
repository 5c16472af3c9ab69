"""`webtext eval` as a stage of the data directory: resumed after a kill, covered by `verify`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from webtext_py.stage import Files, Stage
from webtext_py.versions import library_version
from webtext_py.workspace import Made, Steps, Work

from .forms import files_of
from .report import write_results
from .work import answer, prepare

FOLDER = "eval"


@dataclass(frozen=True)
class Test:
    """A test set of the user's: the task's name, its file, its form where it was named, and the
    file that shots come from where it is not the set itself."""

    __test__ = False  # not a test class

    name: str
    path: Path
    form: str | None = None
    shots_from: Path | None = None


@dataclass(frozen=True)
class Settings:
    """How a model is asked; all of it decides results."""

    shots: tuple[int, ...] = (0,)
    fields: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    dtype: str = "fp32"
    device: str = "cpu"
    stride: int = 0


@dataclass(frozen=True)
class Evaluate(Stage):
    """From test sets and a model to `eval/NAME.json`, `.html` and the samples of each task."""

    out: str
    model: Path
    tests: Sequence[Test]
    settings: Settings
    facts: Mapping[str, Any]  # of the model, for the report
    indexes: Mapping[int, tuple[str, Path]] = field(default_factory=dict)  # n -> stage and file

    rules = 3
    libraries = ("torch", "transformers", "sacrebleu", "rouge-score", "words")

    @property
    def name(self) -> str:  # type: ignore[override]
        """`eval/` and the result's name."""
        return f"{FOLDER}/{self.out}"

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The stages that made the indexes of overlap."""
        return tuple(stage for stage, _ in self.indexes.values())

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """All that a result consists of."""
        return (
            Files(f"{FOLDER}/{self.out}.json"),
            Files(f"{FOLDER}/{self.out}.html"),
            Files(f"{FOLDER}/{self.out}/samples-{{}}.jsonl"),
        )

    def config(self) -> Mapping[str, Any]:
        """The settings, and the forms that were named."""
        settings = {**vars(self.settings), "shots": list(self.settings.shots)}
        forms = {test.name: test.form for test in self.tests if test.form}
        return {**settings, "forms": forms, "tasks": [test.name for test in self.tests]}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The weights, the test sets and their files of shots."""
        found = {"model": self.model}
        for test in self.tests:
            given = {"task": test.path, "shots of": test.shots_from}
            for what, path in given.items():
                for number, file in enumerate(files_of(path) if path else [], 1):
                    name = f"{what} {test.name}"
                    found[name if number == 1 else f"{name}, reference"] = file
        return found

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Items, answers, results."""
        settings = self.settings
        asked = [(test, count) for test in self.tests for count in settings.shots]
        made = steps.each(
            "items", prepare, [self._items(*one) for one in asked], ["{}.items.jsonl"]
        )
        runs = self._runs(asked, made)
        scored = steps.each(
            "score",
            answer,
            [work for run in runs for work in run["works"]],
            ["{}.answers.jsonl"],
            unit="characters",
            dtype=settings.dtype,
            device=settings.device,
            stride=settings.stride,
        )
        files = iter(scored.files())
        inputs = [p for run in runs for p in [run["items"], *islice(files, len(run["works"]))]]
        described = [
            {**{k: run[k] for k in ("key", "task", "form", "protocol", "shots", "passed")},
             "files": 1 + len(run["works"])}
            for run in runs
        ]  # fmt: skip
        libraries = {name: library_version(name) for name in self.libraries}
        results = [*self.files[:2], *(Files(self.files[2].name(run["key"])) for run in runs)]
        steps.one(
            "results",
            write_results,
            [*(path for _, path in self.indexes.values()), *inputs],
            results,
            runs=described,
            indexes=list(self.indexes),
            config={**self.config(), "model": dict(self.facts), "libraries": libraries},
        )
        return {"items": {run["key"]: run["count"] for run in runs}}

    def _items(self, test: Test, shots: int) -> Work:
        own = files_of(test.path)
        pool = files_of(test.shots_from) if test.shots_from and shots else []
        return Work(
            *own,
            *pool,
            pool=len(own) if pool else None,
            name=key_of(test.name, shots),
            form=test.form,
            shots=shots,
            fields=dict(self.settings.fields),
            task=test.name,
            seed=self.settings.seed,
            device=self.settings.device,
        )

    def _runs(self, asked: Sequence[tuple[Test, int]], made: Made) -> list[dict[str, Any]]:
        """What there is to ask: of running text once, whatever the shots."""
        runs = []
        for (test, shots), done, path in zip(asked, made.done, made.files(), strict=True):
            counts = done.counts
            text = counts["protocol"] == "text"
            if text and shots != self.settings.shots[0]:
                continue
            given = 0 if text else shots
            key = key_of(test.name, given)
            works = [
                Work(path, self.model, name=f"{key}-{number:05d}", weight=max(1, size),
                     chunk=number, protocol=counts["protocol"])
                for number, size in enumerate(counts["chunks"])
            ]  # fmt: skip
            runs.append({"key": key, "task": test.name, "items": path, "works": works,
                         "shots": given, "count": counts["items"],
                         **{k: counts[k] for k in ("form", "protocol", "passed")}})  # fmt: skip
        return runs


def key_of(task: str, shots: int) -> str:
    """A task's name in the results: `lambada`, `lambada_15shot`."""
    return f"{task}_{shots}shot" if shots else task
