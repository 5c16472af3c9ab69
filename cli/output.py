"""Tables, JSON and progress: stdout carries data, everything else goes to stderr."""

import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import click

from webtext_py.observer import Observer
from webtext_py.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from webtext_py.manifest import Entry

_LINE_SECONDS = 10.0  # how often a plain log says how far a step is


# What moves a terminal's cursor, colours, titles or keyboard, or turns the direction of writing.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_C1 = re.compile("[\x7f-\x9f]")


def shown(text: str) -> str:
    """`text` as a terminal may have it: what would command the terminal is spelt out.

    Names of columns, ids, URLs and messages come from strangers' files.
    """
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def echo(text: object, *, err: bool = False) -> None:
    """The one way of a line to stdout (data) or stderr (the rest).

    A stderr that nobody reads any more is no reason to stop.
    """
    try:
        click.echo(shown(str(text)), err=err)
    except OSError:
        if not err:
            raise
        silence(2)


def silence(descriptor: int) -> None:
    """Sends what is still written to stdout or stderr nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def print_json(document: dict[str, Any]) -> None:
    """One JSON object on stdout, keys in the order given."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # JSON escapes the other controls itself; names need not be UTF-8.
    text = _C1.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def dropped_said(dropped: "Mapping[str, int]") -> str:
    """What was dropped, by reason; 0 where nothing was."""
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "0"


def damage_said(damage: "Mapping[str, Iterable[tuple[int, int, str]]]") -> "Iterator[str]":
    """A line for each place of a file that gave nothing: offset, bytes lost, and what."""
    for name, places in damage.items():
        for offset, lost, what in places:
            yield f"damaged: {name} at byte {offset}: {what} ({size(lost)} lost)"


def print_table(
    title: str,
    names: "Sequence[str]",
    rows: "Iterable[Sequence[str]]",
    words: int = 1,
    whole: int = 0,
) -> None:
    """A table; the first columns are `words`, the others numbers; the `whole` first do not wrap."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if place < words else "right", no_wrap=place < whole)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def console(*, stderr: bool = False, quiet: bool = False) -> "Console":
    """Where tables for people go, in colour only on a terminal; text is no markup."""
    from rich.console import Console, RenderHook
    from rich.segment import Segment

    class Shown:
        """What a renderable gives, its texts `shown`."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __rich_console__(self, console: Console, options: Any) -> Any:
            for text, style, control in console.render(self.inner, options):
                yield Segment(text if control else shown(text), style, control)

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[Any]) -> list[Any]:
            return [Shown(each) for each in renderables]

    made = Console(stderr=stderr, quiet=quiet, highlight=False, markup=False, emoji=False)
    made.push_render_hook(Hook())
    return made


class Progress(Observer):
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

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
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
            label = shown(f"{self._stage}: {step}")  # a bar is drawn past the console's hook
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
            echo(line, err=True)

    def note(self, text: str) -> None:
        """What is waited for: beside the bar, or with the next plain line."""
        if self._bars is not None and self._step is None:
            self._bars.console.print(shown(text), highlight=False, markup=False)
        elif self._bars is not None:
            label = shown(f"{self._stage}: {self._name} ({text})")
            self._bars.update(self._step, description=label)
        elif not self._quiet and time.monotonic() - self._noted >= _LINE_SECONDS:
            self._noted = time.monotonic()
            echo(f"{self._stage}: {text}", err=True)

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
                echo(line, err=True)

    def _shown(self) -> str:
        spent = max(1e-9, time.monotonic() - self._started)
        rate = self._done / spent
        if self._unit == "bytes" and self._total == 0:  # of standard input nobody knows the end
            return f"{size(self._done)}, {size(rate)}/s"
        if self._unit == "bytes":
            return f"{size(self._done)} of {size(self._total)}, {size(rate)}/s"
        return f"{self._done:,} of {self._total:,} {self._unit}, {rate:,.1f}/s"


def _bars() -> "RichProgress":
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[shown]}", markup=False),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
