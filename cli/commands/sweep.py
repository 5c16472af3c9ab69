"""`webtext sweep`, `plot`: several sizes, and runs as pictures."""

from pathlib import Path

import click

from ..options import Call, command, shared_options
from ..parameters import PAIR, PATH, POSITIVE, option
from .train import Training, read_settings


@command(
    epilog="""\b
Examples:
  webtext sweep --presets nano,micro,mini --tokens 300000
  webtext sweep --presets gpt2,gpt2-medium --tokens 2000000000 doc_mask=true
"""
)
@shared_options
@option("--presets", default="nano,micro,mini", help="Sizes, with commas between them.")
@option("--tokens", type=POSITIVE, required=True, help="What each is trained on.")
@option("--name", default="sweep", help="Runs are NAME-PRESET, the result sweeps/NAME.json.")
@option("--tasks", many=True, type=PAIR, metavar="NAME=FILE...", help="Test sets for each run.")
@option("--force", is_flag=True, help="Begin the runs anew.")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
def sweep(
    call: Call,
    presets: str,
    tokens: int,
    name: str,
    tasks: tuple[tuple[str, str], ...],
    force: bool,
    pairs: tuple[str, ...],
) -> None:
    """Train one run a size, and fit how the loss falls.

    Each run is what `webtext train --preset PRESET` makes of the same settings;
    runs that have begun go on. Loss is fitted as a power of parameters and of
    compute, with intervals of 95 %, and drawn. With `--tasks` each run is
    evaluated as well, as `webtext eval` does.
    """
    from webtext_py.extras import require

    require("train")
    from webtext_py.runs.command import Request
    from webtext_py.runs.sweep import sweep as carry_out

    settings = read_settings(click.get_current_context(), pairs, {})
    sizes = [word.strip() for word in presets.split(",") if word.strip()]
    with Training(quiet=call.quiet) as progress:
        request = Request(data=call.data, settings=settings, force=force, observer=progress)
        files = {task: Path(file) for task, file in tasks}
        how = (tokens, name, files, progress.tell, progress.line)
        document, drawn = carry_out(request, sizes, *how)
    lines = [
        f"{row['preset']}: {row['parameters']:,} parameters, loss {row['val_loss']:.4f}"
        for row in document["runs"]
    ]
    for x in ("parameters", "flops"):
        fit = document["fits"][x]
        interval = fit["interval"]
        between = f", 95 %: {interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        lines.append(f"loss falls as {x} ^ -{fit['exponent']:.3f}{between}")
    call.answer(document, *lines, *map(str, drawn))


@command(
    epilog="""\b
Examples:
  webtext plot nano
  webtext plot small large --out both
"""
)
@shared_options
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@option("--out", type=PATH, help="OUT.png and OUT.svg [default: plot in the first run].")
def plot(call: Call, runs: tuple[str, ...], out: Path | None) -> None:
    """Draw loss, bits per byte, rate, norm and noise scale.

    RUN is a name below DATA/runs or a folder. One picture as PNG and as SVG;
    dashed beside the noise scale is the batch.
    """
    from webtext_py.extras import require

    require("train")
    from webtext_py.runs.folder import find_run, read_run
    from webtext_py.runs.plot import plot_runs
    from webtext_py.train.metrics import read_metrics

    folders = [find_run(call.data, name) for name in runs]
    for folder in folders:
        read_run(folder)  # raises for what is no run
    lines = {folder.name: read_metrics(folder / "metrics.jsonl") for folder in folders}
    paths = [str(path) for path in plot_runs(lines, out or folders[0] / "plot")]
    call.answer({"runs": list(lines), "pictures": paths}, *paths)
