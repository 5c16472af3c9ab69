"""Options and groups that the commands share."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webtext_py import defaults

from .config_file import config_options
from .output import Progress, echo, print_json
from .parameters import FOLDER, NATURAL, POSITIVE, THRESHOLD, ManyOption, option, several

if TYPE_CHECKING:
    from webtext_py.engine import Engine
    from webtext_py.engine.choose import Where


class WebTextCommand(click.Command):
    """A command whose `ManyOption`s are greedy, and whose help lists options by group."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Rewrites `--many a b` to `--many a --many b`, then parses as usual."""
        many = [p for p in self.get_params(ctx) if isinstance(p, ManyOption)]
        return super().parse_args(ctx, spread(args, {name for p in many for name in p.opts}))

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
    current: str | None = None  # the greedy option that we are in
    for position, word in enumerate(args):
        if word == "--":
            return [*spread, *args[position:]]
        if word.startswith("-") and word != "-":
            current = word if word in many else None
        elif current is not None and spread[-1] != current:
            spread.append(current)
        spread.append(word)
    return spread


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    `lazy` maps a command's name to `(module, attribute, short help)`: the group's help needs no
    import.
    """

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the recipe, not of the alphabet."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module."""
        if cmd_name not in self.lazy:
            return None
        module, attribute, _ = self.lazy[cmd_name]
        command: click.Command = getattr(import_module(module, __package__), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, _, short) in self.lazy.items()])


data_option = option(
    "--data",
    type=FOLDER,
    default=Path("webtext-data"),
    envvar="WEBTEXT_DATA",
    help="The working directory.",
)


@dataclass(frozen=True)
class Call:
    """What every command is given: the data directory, and how and where to work and answer."""

    data: Path
    as_json: bool
    quiet: bool
    where: "Where | None" = None  # of a command with `engine_options`

    def engine(self, *, threads: bool = False) -> "Engine":
        """Where tasks run; on this machine with processes, or with `threads`."""
        assert self.where is not None
        return self.where.make(threads=threads)

    @property
    def threads(self) -> int:
        """Threads for what the command does itself."""
        assert self.where is not None
        return self.where.threads

    def progress(self) -> Progress:
        """What draws the bars."""
        return Progress(quiet=self.quiet)

    def tell(self, line: str) -> None:
        """A line beside the answer."""
        if not self.quiet:
            echo(line, err=True)

    def answer(self, document: dict[str, Any], *lines: str | None, err: bool = False) -> None:
        """The answer: its JSON object, or the lines that are not None, unless quiet."""
        if self.as_json:
            print_json(document)
        elif not self.quiet:
            for line in lines:
                if line is not None:
                    echo(line, err=err)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the options that all share as one `call`."""

    @functools.wraps(function)
    def run(*args: Any, data: Path, as_json: bool, quiet: bool, **kwargs: Any) -> Any:
        where = None
        if "engine" in kwargs:
            from webtext_py.engine.choose import Where

            where = Where(*(kwargs.pop(name) for name in ("engine", "address", "workers")))
        return function(*args, call=Call(data, as_json, quiet, where), **kwargs)

    return run


_print_options = several(
    option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
    option("--quiet", is_flag=True, help="No progress; errors only."),
)
# `--json`, `--quiet`, `--config`, `--show-config`.
output_options = several(_print_options, _called, config_options)
# What every command takes; `data_options` are for one that reads its own table of the file.
shared_options = several(data_option, output_options)
data_options = several(data_option, _print_options, _called)

# How many processes or threads; never changes a result.
workers_option = option(
    "--workers",
    type=POSITIVE,
    envvar="WEBTEXT_WORKERS",
    help="Processes or threads [default: the machine's CPUs].",
)
# None of them changes a result; the command has them in its `Call`.
engine_options = several(
    option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        envvar="WEBTEXT_ENGINE",
        help="Where tasks run: on this machine, or by Ray.",
    ),
    option(
        "--address",
        metavar="HOST:PORT|auto",
        envvar="WEBTEXT_ADDRESS",
        help="A Ray cluster [default: Ray is started here].",
    ),
    workers_option,
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
        "--min-words", type=NATURAL, default=defaults.MIN_WORDS, help="Least words of a document."
    ),
)


# What counts as a near-duplicate.
near_dup_options = several(
    option(
        "--near-dup",
        type=THRESHOLD,
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
    help="Parts of each shuffle; more need less memory [default: by the bytes of input].",
)
force_option = option("--force", is_flag=True, help="Redo what other inputs or options made.")

command = functools.partial(click.command, cls=WebTextCommand)
