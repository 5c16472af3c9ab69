"""Runs as pictures: PNG to look at, SVG to print."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webtext_py.engine.commit import write_bytes
from webtext_py.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Lines = Sequence[dict[str, Any]]  # of metrics.jsonl
LOSS = "loss (nats per token)"
PANELS = {
    "loss": LOSS,
    "val_bits_per_byte": "validation, bits per byte",
    "lr": "learning rate",
    "grad_norm": "gradient norm",
    "noise_scale": "noise scale, and batch (tokens)",
}
LOGARITHMIC = ("grad_norm", "noise_scale")


def plot_loss(lines: Lines, path: Path, title: str) -> None:
    """A PNG of training and validation loss against tokens."""
    figure, (axes,) = figure_of(1)
    _panel(axes, "loss", {"training": lines})
    axes.set(title=title)
    _save(figure, path)


def plot_runs(runs: Mapping[str, Lines], stem: Path) -> list[Path]:
    """`stem.png` and `stem.svg`: loss, bits per byte, rate, norm, noise scale of runs by name.

    Raises `InputError` for a run that has no step yet.
    """
    for name, lines in runs.items():
        if not lines:
            raise InputError(f"run `{name}` has no step to draw yet")
    panels = [key for key in PANELS if any(key in line for x in runs.values() for line in x)]
    figure, axes = figure_of(len(panels))
    for each, key in zip(axes, panels, strict=True):
        _panel(each, key, runs)
    return save_both(figure, stem)


def figure_of(count: int) -> tuple["Figure", list["Axes"]]:
    """A figure with `count` panels, two in a row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across, down = min(2, count), -(-count // 2)
    figure = Figure(figsize=(7 * across, 4.2 * down), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(down, across, i + 1) for i in range(count)]


def save_both(figure: "Figure", stem: Path) -> list[Path]:
    """The figure as `stem.png` and `stem.svg`."""
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    for path in paths:
        _save(figure, path)
    return paths


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "webtext"}):  # or ids would differ from time to time
        dated = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(content, format=path.suffix[1:], metadata=dated)
    write_bytes(path, content.getvalue())


def _panel(axes: "Axes", key: str, runs: Mapping[str, Lines]) -> None:
    """One number of all runs against tokens; validation and the batch beside what they explain."""
    for i, (name, lines) in enumerate(runs.items()):
        colour = f"C{i}" if len(runs) > 1 or key != "loss" else None
        dotted = {"marker": "o", "ms": 3} if key == "val_bits_per_byte" else {"lw": 0.8}
        _line(axes, lines, key, label=name, color=colour, **dotted)
        if key == "loss":
            label = "validation" if len(runs) == 1 else None
            _line(axes, lines, "val_loss", marker="o", ms=3, label=label, color=colour)
        if key == "noise_scale":
            tokens = [0, *(line["tokens"] for line in lines)]
            sizes = [after - before for before, after in pairwise(tokens)]
            axes.plot(tokens[2:], sizes[1:], ls="--", lw=0.8, color=colour)
    if key in LOGARITHMIC:
        axes.set_yscale("log")
    axes.set(xlabel="tokens", ylabel=PANELS[key])
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend()


def _line(axes: "Axes", lines: Lines, key: str, **look: Any) -> None:
    seen = [line for line in lines if line.get(key) is not None]
    if seen:
        axes.plot([line["tokens"] for line in seen], [line[key] for line in seen], **look)
