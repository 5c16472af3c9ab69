"""Options and groups that the commands share."""

import functools
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from .config_file import config_options


class ManyOption(click.Option):
    """An option that takes all values up to the next option, and may be repeated.

    So that a shell's unquoted globs work: `--submissions dumps/RS_*.zst --before 2018`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["multiple"] = True
        super().__init__(*args, **kwargs)


class WebTextCommand(click.Command):
    """A command whose `ManyOption`s are greedy."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Rewrites `--many a b` to `--many a --many b`, then parses as usual."""
        many = {
            name
            for parameter in self.get_params(ctx)
            if isinstance(parameter, ManyOption)
            for name in parameter.opts
        }
        return super().parse_args(ctx, spread(args, many))


def spread(args: Sequence[str], many: set[str]) -> list[str]:
    """`--many a b` as `--many a --many b`, for the options named in `many`."""
    spread: list[str] = []
    current: str | None = None  # the greedy option whose further values we are in
    for position, word in enumerate(args):
        if word == "--":
            return [*spread, *args[position:]]
        if word in many:
            current, first = word, True
            spread.append(word)
        elif word.startswith("-") and word != "-":
            current = None
            spread.append(word)
        elif current is not None:
            if not first:
                spread.append(current)
            spread.append(word)
            first = False
        else:
            spread.append(word)
    return spread


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    `lazy` maps a command's name to `(module, attribute, short help)`: the group's help needs no
    import.
    """

    def __init__(
        self, *args: Any, lazy: dict[str, tuple[str, str, str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the recipe, not of the alphabet."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module."""
        if cmd_name in self.lazy:
            module, attribute, _ = self.lazy[cmd_name]
            command = getattr(import_module(module, __package__), attribute)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands from the table, without importing them."""
        rows = [(name, short) for name, (_, _, short) in self.lazy.items()]
        rows += [(n, c.get_short_help_str()) for n, c in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every command takes: `--data`, `--json`, `--quiet`, `--config`, `--show-config`."""
    return data_options(config_options(function))


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--data`, `--json` and `--quiet`."""
    for decorate in (
        click.option("--quiet", is_flag=True, help="No progress; errors only."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
        click.option(
            "--data",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("webtext-data"),
            show_default=True,
            envvar="WEBTEXT_DATA",
            help="The working directory.",
        ),
    ):
        function = decorate(function)
    return function


def workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--workers`: how many processes or threads; never changes a result."""
    decorate = click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=None,
        envvar="WEBTEXT_WORKERS",
        help="Processes or threads [default: the machine's CPUs].",
    )
    decorated: Callable[..., Any] = decorate(function)
    return decorated


class Size(click.ParamType[int]):
    """Bytes, at least 4 MiB, with a unit if wanted: `500M`, `2G`."""

    name = "size"
    least = 4 << 20  # what the index can be made in

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        if isinstance(value, int):
            size = value
        else:
            found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", str(value), re.IGNORECASE)
            if found is None:
                self.fail(f"{value!r} is no size; 500M or 2G was expected", param, ctx)
            power = "kmgt".find(found[2].lower()) + 1 if found[2] else 0
            size = int(float(found[1]) * 1024**power)
        if size < self.least:
            self.fail(
                f"{value!r} is too little; at least {self.least >> 20}M is needed", param, ctx
            )
        return size


class Threshold(click.ParamType["float | None"]):
    """A number, or `off` for None."""

    name = "threshold"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | None:
        """The number of `value`."""
        if value is None or value == "off":
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"`{value}` is neither a number nor `off`", param, ctx)


def extract_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--extractor`, `--lang` and `--min-words`: what becomes of a page."""
    for decorate in (
        click.option(
            "--min-words",
            type=click.IntRange(min=0),
            default=50,
            show_default=True,
            help="Least words of a document.",
        ),
        click.option("--lang", metavar="CODE", help="Keep one language only (ISO 639-1)."),
        click.option(
            "--extractor",
            default="rules",
            show_default=True,
            metavar="NAME",
            help="rules, trafilatura, or MODULE:CLASS of your own.",
        ),
    ):
        function = decorate(function)
    return function


def near_dup_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--near-dup` and `--shingle`: what counts as a near-duplicate."""
    for decorate in (
        click.option(
            "--shingle",
            type=click.IntRange(1, 64),
            default=5,
            show_default=True,
            help="Words of an n-gram in near-duplicate search.",
        ),
        click.option(
            "--near-dup",
            type=Threshold(),
            default=0.8,
            show_default=True,
            metavar="J|off",
            help="Jaccard similarity of near-duplicates.",
        ),
    ):
        function = decorate(function)
    return function


command = functools.partial(click.command, cls=WebTextCommand)
