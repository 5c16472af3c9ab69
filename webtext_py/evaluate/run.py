"""What `webtext eval` does: opens what is to be evaluated, makes indexes, runs the stage."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from webtext_py.digests import STATE
from webtext_py.engine import LocalEngine
from webtext_py.engine.commit import sha256_file
from webtext_py.errors import ConfigError, InputError
from webtext_py.extras import require
from webtext_py.layout import plain_name
from webtext_py.observer import SILENT, Observer
from webtext_py.workspace import Workspace

from .stage import FOLDER, Evaluate, Settings, Test

_NGRAMS = (8, 13)  # GPT-2 report, section 4; GPT-3, appendix C


def evaluate(
    data: Path,
    model: str | None = None,
    tests: Sequence[Test] = (),
    settings: Settings | None = None,
    *,
    overlap: bool = False,
    out: str | None = None,
    workers: int | None = None,
    force: bool = False,
    observer: Observer = SILENT,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, Any], Path]:
    """The JSON object of a result and its file; made, resumed or found done.

    `model` is a run or a folder, the last run where none; `tests` are the demo's where none; `out`
    is the result's name, the model's where none. Raises `InputError` for what cannot be opened,
    read or asked.
    """
    require("eval")
    tests = list(tests) or _demo(say)
    settings = settings or Settings()
    _check(tests, settings)
    folder, facts = find_model(data, model)
    settings, processes = _fitted(settings)
    out = plain_name(out or facts["name"], "`--out`")
    with Workspace(data, LocalEngine(workers or processes), observer) as workspace:
        indexes = _indexes(workspace, say) if overlap else {}
        stage = Evaluate(out, folder, tests, settings, facts, indexes)
        old = workspace.manifest.stages.get(stage.name)
        begun = old is not None and old.state != "done"  # no result that could be lost
        workspace.run(stage, force=force or begun)
    path = data / FOLDER / f"{out}.json"
    return json.loads(path.read_bytes()), path


def find_model(data: Path, name: str | None) -> tuple[Path, dict[str, Any]]:
    """A folder of `transformers`, and what to say of it: of a run by name or folder, of the last
    run, or a folder of the user's.

    A run is exported to a folder that its checkpoint names, and stays there for the next time.
    """
    from webtext_py.runs.folder import find_run, need_causal

    from .open_model import check_causal

    if name is None:
        run = last_run(data)
    else:
        run = find_run(data, name)
        if not (run / "run.json").is_file():
            if not run.is_dir():
                raise InputError(
                    f"there is neither a run nor a folder `{name}`",
                    f"`webtext train` makes runs in `{data / 'runs'}`",
                )
            check_causal(run)
            return run, {"name": run.resolve().name, "kind": "folder", "overlap_with": _THERE}
    need_causal(run, "eval")
    return _exported(data, run)


_HERE = "this model's training text"
_THERE = "this build's text"


def _exported(data: Path, run: Path) -> tuple[Path, dict[str, Any]]:
    from webtext_py.runs.folder import export_run
    from webtext_py.train import checkpoint

    step, newest = checkpoint.newest(run)
    digest = sha256_file(newest / "manifest.json")[:16]
    folder = data / STATE / "models" / f"{run.name}-{digest}"
    if not folder.is_dir():
        for older in folder.parent.glob(f"{run.name}-*"):
            shutil.rmtree(older, ignore_errors=True)
        export_run(run, folder, force=False)
    text = _HERE if trained_here(data, run) else _THERE
    return folder, {"name": run.name, "kind": "run", "step": step, "overlap_with": text}


def trained_here(data: Path, run: Path) -> bool:
    """Whether a run learnt from the tokens of this data directory."""
    from webtext_py.runs.folder import read_run
    from webtext_py.tokens import TokenSet

    files = sorted((data / "tokens").glob("train-*.parquet"))
    learnt = (read_run(run).get("data") or {}).get("training")
    return bool(files) and TokenSet.open(files).fingerprint == learnt


def last_run(data: Path) -> Path:
    """The run whose checkpoint is the newest."""
    from webtext_py.train import checkpoint

    runs = [path.parent for path in sorted((data / "runs").glob("*/run.json"))]
    dated = [
        (newest[-1][1].stat().st_mtime_ns, run)
        for run in runs
        if (newest := checkpoint.folders(run)) and not run.name.startswith(".")
    ]
    if not dated:
        raise InputError(
            f"`{data}` has no run with a checkpoint",
            "run `webtext train` first, or name a folder that `transformers` opens",
        )
    return max(dated)[1]


def _check(tests: Sequence[Test], settings: Settings) -> None:
    names = [test.name for test in tests]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"task `{name}` is named twice", "give each its own name: NAME=FILE")
        plain_name(name, "a task")
    for path in [path for t in tests for path in (t.path, t.shots_from) if path]:
        if not path.is_file():
            what = "is a folder, expected a file" if path.is_dir() else "does not exist"
            raise InputError(f"test set `{path}` {what}")
    if len(set(settings.shots)) != len(settings.shots):
        raise ConfigError(f"`--shots` names a number twice: {settings.shots}")


def _fitted(settings: Settings) -> tuple[Settings, int]:
    """Settings with a device, and how many processes it has: one for each GPU; on a CPU one, whose
    threads are torch's."""
    import torch

    device = settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no GPU that torch can use", "leave `--device cuda` out")
    processes = torch.cuda.device_count() if device == "cuda" else 1
    return replace(settings, device=device), processes


def _indexes(workspace: Workspace, say: Callable[[str], None]) -> dict[int, tuple[str, Path]]:
    """The filters of the build's text, made where they are missing."""
    from webtext_py.engine.local import available_cpus
    from webtext_py.overlap.index import IndexConfig
    from webtext_py.overlap.stage import index_path, index_stage, make_index
    from webtext_py.overlap.training import TrainingText

    text = TrainingText.shards(workspace.data, workspace)
    made = {}
    for n in _NGRAMS:
        config = IndexConfig(n=n)
        path = index_path(workspace.data, text, config)
        make_index(workspace, text, path, config, threads=available_cpus(), say=say)
        made[n] = (index_stage(workspace.data, path) or "", path)
    return made


def _demo(say: Callable[[str], None]) -> list[Test]:
    from webtext_py import demo

    say("no --tasks given: using the demo's own items")
    return [Test(name, path) for name, path in demo.tasks().items()]
