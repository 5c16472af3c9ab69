"""The loss of a run as a picture."""

import io
from pathlib import Path
from typing import Any

from webtext_py.engine.commit import write_bytes


def plot_loss(lines: list[dict[str, Any]], path: Path, title: str) -> None:
    """A PNG of training and validation loss against tokens."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    tokens = [line["tokens"] for line in lines]
    axes.plot(tokens, [line["loss"] for line in lines], lw=0.8, label="training")
    seen = [line for line in lines if "val_loss" in line]
    if seen:
        xs, ys = [line["tokens"] for line in seen], [line["val_loss"] for line in seen]
        axes.plot(xs, ys, marker="o", ms=3, label="validation")
    axes.set(xlabel="tokens", ylabel="loss (nats per token)", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    content = io.BytesIO()
    figure.savefig(content, format="png")
    write_bytes(path, content.getvalue())
