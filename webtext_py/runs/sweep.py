"""`webtext sweep`: one run a size, and how loss falls with parameters and compute.

Sources: GPT-2 report, figure 4 (larger models still underfit WebText); GPT-3 paper, figure 3.1, and
Kaplan et al. 2020 (loss as a power of parameters, of compute).
"""

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from webtext_py.engine.commit import write_json
from webtext_py.errors import ConfigError, InputError
from webtext_py.train.metrics import LineReport, read_metrics

from .command import Request, carry_out, prepare
from .folder import run_settings
from .plot import LOSS, figure_of, save_both
from .presets import PRESETS

FOLDER = "sweeps"
# Student's t, two-sided 95 %, for 1 to 10 degrees of freedom; beyond, the last is a little wide.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True)
class Power:
    """`loss = factor * x ** -exponent`, by least squares of the logarithms."""

    exponent: float
    interval: tuple[float, float] | None  # 95 %, of the exponent; `None` from two points
    factor: float


def fit_power(xs: Sequence[float], losses: Sequence[float]) -> Power:
    """The power of x that losses follow; raises `InputError` for fewer than two different x."""
    x, y = np.log(np.asarray(xs, float)), np.log(np.asarray(losses, float))
    if len(set(xs)) < 2:
        raise InputError("a power is fitted to at least two sizes", hint="name more `--presets`")
    wide = x - x.mean()
    slope = float((wide * y).sum() / (wide**2).sum())
    start = float(y.mean() - slope * x.mean())
    free = len(x) - 2
    if free == 0:
        return Power(-slope, None, math.exp(start))
    left = float(((y - start - slope * x) ** 2).sum())
    error = T95[min(free, len(T95)) - 1] * math.sqrt(left / free / float((wide**2).sum()))
    return Power(-slope, (-slope - error, -slope + error), math.exp(start))


def sweep(
    request: Request,
    presets: Sequence[str],
    tokens: int,
    name: str,
    tasks: Mapping[str, Path],
    tell: Callable[[str], None],
    report: LineReport,
) -> tuple[dict[str, Any], list[Path]]:
    """Trains each preset on `tokens` tokens and fits a power; the JSON object, and what was drawn.

    `tasks` are test sets, by name, on which each run is evaluated as `webtext eval` does.
    Runs are `NAME-PRESET`, each what `webtext train --preset PRESET --steps ...` makes; those begun
    before go on, unless `request.force`. Raises `ConfigError` for unknown presets.
    """
    for preset in presets:
        if preset not in PRESETS:
            raise ConfigError(
                f"preset `{preset}` is unknown, expected some of {', '.join(PRESETS)}"
            )
    request.folder(name)  # raises for what is no name
    stem = request.data / FOLDER / name
    rows, curves = [], {}
    for preset in presets:
        run = _train(request, preset, tokens, f"{name}-{preset}", tell, report)
        lines = read_metrics(run / "metrics.jsonl")
        row = {**_row(run, preset, lines), "scores": _scores(request, run, tasks)}
        rows.append(row)
        each = row["flops"] / lines[-1]["tokens"]
        seen = [line for line in lines if "val_loss" in line]
        curves[preset] = [(each * line["tokens"], line["val_loss"]) for line in seen]
    losses = [row["val_loss"] for row in rows]
    fits = {x: fit_power([row[x] for row in rows], losses) for x in ("parameters", "flops")}
    powers = {x: asdict(fit) for x, fit in fits.items()}
    document = {"tokens": tokens, "runs": rows, "fits": powers}
    write_json(stem.with_name(f"{name}.json"), document)
    return json.loads(json.dumps(document)), _draw(rows, curves, fits, stem)


def _train(
    request: Request,
    preset: str,
    tokens: int,
    name: str,
    tell: Callable[[str], None],
    report: LineReport,
) -> Path:
    """A run of a preset on so many tokens: made, gone on with, or found done."""
    settings = copy.deepcopy(request.settings)
    settings.set("preset", preset, "command line")
    asked = replace(request, settings=settings, run=name)
    run = request.folder(name)
    if (run / "run.json").exists() and not request.force:
        asked = replace(asked, resume=True)
        batch = run_settings(run).config().run.batch_tokens
    else:
        # The batch that suits the tokens there are, before anything is asked of the steps.
        seen = replace(asked, settings=copy.deepcopy(settings))
        batch = prepare(seen, lambda note: None)[1].values["batch_tokens"]
    settings.set("steps", max(1, tokens // batch), "command line")
    tell(f"run {name}: {max(1, tokens // batch):,} steps of {batch:,} tokens")
    _, last, config = carry_out(asked, tell, report)
    if last["step"] < config.run.steps:
        raise KeyboardInterrupt
    return run


def _row(run: Path, preset: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What a sweep keeps of a run that is done."""
    last, model = lines[-1], run_settings(run).config().model
    if "val_loss" not in last:
        raise InputError(
            f"run `{run.name}` has no validation loss, of which a sweep is made",
            hint="hold tokens out with `val_fraction=0.01`",
        )
    return {
        "run": run.name,
        "preset": preset,
        "parameters": model.parameters(),
        "tokens": last["tokens"],
        "flops": model.flops_per_token() * last["tokens"],
        "loss": last["loss"],
        "val_loss": last["val_loss"],
        "val_bits_per_byte": last.get("val_bits_per_byte"),
    }


def _scores(request: Request, run: Path, tasks: Mapping[str, Path]) -> dict[str, Any] | None:
    """What `webtext eval` says of a run, by task; `None` where nothing is asked."""
    if not tasks:
        return None
    from webtext_py.evaluate.run import evaluate
    from webtext_py.evaluate.stage import Test

    tests = [Test(task, path) for task, path in tasks.items()]
    how: dict[str, Any] = {"force": request.force, "observer": request.observer}
    document, _ = evaluate(request.data, run.name, tests, **how)
    results: dict[str, Any] = document["results"]
    return results


def _draw(
    rows: list[dict[str, Any]],
    curves: dict[str, list[tuple[float, float]]],
    fits: dict[str, Power],
    stem: Path,
) -> list[Path]:
    """Loss over parameters, of training and validation text, and over compute, each run a curve."""
    figure, (left, right) = figure_of(2)
    sizes = [row["parameters"] for row in rows]
    for key, label in (("val_loss", "validation"), ("loss", "training")):
        left.plot(sizes, [row[key] for row in rows], "o", label=label)
    for preset, points in curves.items():
        right.plot(*zip(*points, strict=True), lw=0.8, label=preset)
    for axes, (x, fit) in zip((left, right), fits.items(), strict=True):
        ends = np.array(sorted(row[x] for row in rows))
        label = f"{fit.factor:.3g} x^-{fit.exponent:.3f}"
        axes.plot(ends, fit.factor * ends**-fit.exponent, "k--", lw=0.8, label=label)
        axes.set(xscale="log", yscale="log", ylabel=LOSS)
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    left.set(xlabel="parameters")
    right.set(xlabel="compute (FLOPs)")
    return save_both(figure, stem)
