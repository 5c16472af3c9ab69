"""Tables, JSON and progress: stdout carries data, everything else goes to stderr."""

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from webtext_py.manifest import Entry

_LINE_SECONDS = 10.0  # how often a plain log says how far a step is


def print_json(document: dict[str, Any]) -> None:
    """One JSON object on stdout, keys in the order given."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    click.echo(text.encode("utf-8", "backslashreplace").decode())  # names need not be UTF-8


def print_passed(counts: "Mapping[str, Mapping[str, int]]", *, err: bool = True) -> None:
    """A line about what readers passed over, if anything."""
    from webtext_py.reader.passed import passed_said

    if said := passed_said(counts):
        click.echo(said, err=err)


def console() -> "Console":
    """Where tables for people go: stdout, in colour only on a terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


class Progress:
    """An observer: bars on a terminal, plain lines elsewhere, nothing when `quiet`.

    A context manager. Units that are `bytes` are shown as sizes.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stage = ""
        self._bars: RichProgress | None = None
        self._step: Any = None
        self._name = ""
        self._unit = ""
        self._total = self._done = 0
        self._started = self._said = self._noted = 0.0

    def __enter__(self) -> "Progress":
        if not self._quiet and sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def stage_started(self, stage: str) -> None:
        """Remembers the stage for the bars' labels."""
        self._stage = stage

    def step_started(self, step: str, total: int, unit: str) -> None:
        """A new bar, in place of the last step's."""
        self._name, self._unit, self._total, self._done = step, unit, total, 0
        self._started = self._said = time.monotonic()
        if self._bars is not None:
            if self._step is not None:
                self._bars.remove_task(self._step)
            label = f"{self._stage}: {step}"
            self._step = self._bars.add_task(label, total=total, shown=self._shown())

    def advanced(self, units: int) -> None:
        """Moves the bar; in a plain log says so now and then."""
        self._done += units
        if self._bars is not None:
            self._bars.update(self._step, advance=units, shown=self._shown())
        elif not self._quiet and time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            spent = self._said - self._started
            line = f"{self._stage}: {self._name} {self._shown()}"
            if 0 < self._done < self._total:
                left = spent * (self._total - self._done) / self._done
                line += f", about {left:.0f} s left"
            click.echo(line, err=True)

    def note(self, text: str) -> None:
        """What is waited for: beside the bar, or with the next plain line."""
        if self._bars is not None:
            self._bars.update(self._step, description=f"{self._stage}: {self._name} ({text})")
        elif not self._quiet and time.monotonic() - self._noted >= _LINE_SECONDS:
            self._noted = time.monotonic()
            click.echo(f"{self._stage}: {text}", err=True)

    def stage_ended(self, stage: str, entry: "Entry", fresh: bool) -> None:
        """One line a stage."""
        if self._bars is not None and self._step is not None:
            self._bars.remove_task(self._step)
            self._step = None
        if not self._quiet:
            said = f"{entry.seconds:.1f} s" if fresh else "done before"
            line = f"{stage}: {said}"
            if self._bars is not None:
                self._bars.console.print(line, highlight=False)
            else:
                click.echo(line, err=True)

    def _shown(self) -> str:
        spent = max(1e-9, time.monotonic() - self._started)
        rate = self._done / spent
        if self._unit == "bytes" and self._total == 0:  # of standard input nobody knows the end
            return f"{size(self._done)}, {size(rate)}/s"
        if self._unit == "bytes":
            return f"{size(self._done)} of {size(self._total)}, {size(rate)}/s"
        return f"{self._done:,} of {self._total:,} {self._unit}, {rate:,.1f}/s"


def _bars() -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[shown]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def size(count: float) -> str:
    """Bytes for people: 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
