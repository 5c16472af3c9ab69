"""Options and groups that the commands share."""

import functools
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from webtext_py import defaults

from .config_file import config_options
from .parameters import FOLDER, ManyOption, Threshold, option, several


class WebTextCommand(click.Command):
    """A command whose `ManyOption`s are greedy, and whose help lists options by group."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Rewrites `--many a b` to `--many a --many b`, then parses as usual."""
        many = {
            name
            for parameter in self.get_params(ctx)
            if isinstance(parameter, ManyOption)
            for name in parameter.opts
        }
        return super().parse_args(ctx, spread(args, many))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A list for each group, in the order of their first options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


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


data_option = option(
    "--data",
    type=FOLDER,
    default=Path("webtext-data"),
    envvar="WEBTEXT_DATA",
    help="The working directory.",
)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`, `--quiet`, `--config`, `--show-config`."""
    decorated: Callable[..., Any] = _print_options(config_options(function))
    return decorated


_print_options = several(
    option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
    option("--quiet", is_flag=True, help="No progress; errors only."),
)

# What every command takes; `data_options` are for one that reads its own table of the file.
shared_options = several(data_option, output_options)
data_options = several(data_option, _print_options)


# How many processes or threads; never changes a result.
workers_option = option(
    "--workers",
    type=click.IntRange(min=1),
    envvar="WEBTEXT_WORKERS",
    help="Processes or threads [default: the machine's CPUs].",
)


# What becomes of a page.
extract_options = several(
    option(
        "--extractor",
        default=defaults.EXTRACTOR,
        metavar="NAME",
        help="webtext, rules, trafilatura, or MODULE:CLASS.",
    ),
    option("--lang", metavar="CODE", help="Keep one language only (ISO 639-1)."),
    option(
        "--min-words",
        type=click.IntRange(min=0),
        default=defaults.MIN_WORDS,
        help="Least words of a document.",
    ),
)


# What counts as a near-duplicate.
near_dup_options = several(
    option(
        "--near-dup",
        type=Threshold(),
        default=defaults.NEAR_DUP,
        metavar="J|off",
        help="Jaccard similarity of near-duplicates.",
    ),
    option(
        "--shingle",
        type=click.IntRange(1, 64),
        default=defaults.SHINGLE,
        help="Words of an n-gram in near-duplicate search.",
    ),
)


text_field_option = option(
    "--text-field", default=defaults.TEXT_FIELD, help="Column or key of the text."
)
partitions_option = option(
    "--partitions",
    type=click.IntRange(1, defaults.MOST_PARTITIONS),
    default=defaults.PARTITIONS,
    help="Parts of each shuffle; more need less memory.",
)
force_option = option("--force", is_flag=True, help="Redo what other inputs or options made.")

command = functools.partial(click.command, cls=WebTextCommand)
