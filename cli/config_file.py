"""`--config` and `--show-config`: `webtext.toml` as the defaults of a command's options.

Precedence: command line, `WEBTEXT_*` variable, the file, default: click's own order for a context's
`default_map`. Nothing is imported or read where there is no file.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from .parameters import option

NAME = "webtext.toml"
# What one call asks for is no configuration.
_ONE_CALL = ("config", "show-config", "json", "force", "dry-run", "from", "help", "version")
_STAGES = "shows_stages"  # attribute of a command's function
_FILE, _SHOW = "webtext.config", "webtext.show"  # keys of a context's `meta`


def config_options(function: Callable[..., Any], own_table: bool = True) -> Callable[..., Any]:
    """Adds `--config` and `--show-config`.

    Without `own_table` the command reads its own table and shows its own settings: `chosen_file`
    and `show_wanted` say what was asked. One that `shows_stages` returns, with `--dry-run`, what it
    would do by stage, and shows nothing itself, where `show_wanted`.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        context = click.get_current_context()
        if not own_table or not show_wanted(context) or context.invoked_subcommand:
            return function(*args, **kwargs)
        table = ".".join(str(level.info_name) for level in _levels(context))
        stages = (
            _planned(functools.partial(function, *args), kwargs)
            if _STAGES in vars(function)
            else ()
        )
        return show(list(_rows(context)), table, bool(context.params.get("as_json")), stages)

    for decorate in (
        option(
            "--show-config",
            is_flag=True,
            expose_value=False,
            callback=lambda context, _, value: value and context.meta.update({_SHOW: value}),
            help="Print every setting and its source; do nothing.",
        ),
        option(
            "--config",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            is_eager=True,  # the options after it take their defaults from it
            expose_value=False,
            callback=functools.partial(_read, own_table=own_table),
            help="TOML file of settings [default: ./webtext.toml].",
        ),
    ):
        run = decorate(run)
    return run


def _planned(
    function: Callable[..., Sequence[tuple[str, str]]], kwargs: dict[str, Any]
) -> Sequence[tuple[str, str]]:
    """What a run would do by stage, or the error that it would end with."""
    from webtext_py.errors import WebTextError

    try:
        return function(**kwargs | {"dry_run": True})
    except (WebTextError, OSError) as error:
        return [("error", str(error))]


def shows_stages(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a command whose `--show-config` says what a run would do by stage."""
    setattr(function, _STAGES, True)
    return function


def chosen_file(context: click.Context) -> tuple[Path | None, bool]:
    """The configuration file, if there is one, and whether all of it is the command's own table."""
    found: tuple[Path | None, bool] = context.meta.get(_FILE, (None, False))
    return found


def show_wanted(context: click.Context) -> bool:
    """Whether `--show-config` was given."""
    return bool(context.meta.get(_SHOW))


def show(
    rows: list[tuple[str, Any, str]],
    table: str,
    as_json: bool,
    stages: Sequence[tuple[str, str]] = (),
) -> None:
    """Prints `(key, value, source)` of every setting as a TOML table or as JSON, and what a run
    with them would do by stage."""
    from webtext_py.settings_file import toml_lines

    from .output import echo, print_json

    if as_json:
        plain = (bool, int, float, str, type(None))
        shown: dict[str, Any] = {
            key: {"value": _plain(value) if not isinstance(value, plain) else value,
                  "source": source}
            for key, value, source in rows
        }  # fmt: skip
        print_json({**shown, "stages": dict(stages)} if stages else shown)
    else:
        echo("\n".join([*toml_lines(rows, table), *(f"# {n}: {what}" for n, what in stages)]))


def _plain(value: Any) -> Any:
    return [str(item) for item in value] if isinstance(value, list | tuple) else str(value)


def _levels(context: click.Context) -> list[click.Context]:
    """The contexts of `bpe` and `train` for `webtext bpe train`."""
    levels = []
    while context.parent is not None:
        levels.append(context)
        context = context.parent
    return levels[::-1]


def _read(context: click.Context, _: click.Parameter, value: Path | None, own_table: bool) -> None:
    path = chosen_file(context)[0]
    if value is not None:
        path = value
    elif path is None and Path(NAME).is_file():
        path = Path(NAME)
    if path is None:
        return
    context.meta[_FILE] = path, False
    from webtext_py.errors import ConfigError
    from webtext_py.settings_file import SHARED, load_toml, read_settings, unknown

    from .commands import COMMANDS

    try:
        document = read_settings(path, COMMANDS)
    except ConfigError:
        # A file that was named may be a command's own table from top to bottom.
        if own_table or value is None or str(context.info_name) in load_toml(path):
            raise
        context.meta[_FILE] = path, True
        return
    options = {_key(o): o for o in _options(context.command)}
    found = {name: document[name] for name in SHARED if name in document and name in options}
    table, where = document, ""
    for level in _levels(context) if own_table else ():
        table = table.get(str(level.info_name), {})
        where = f"{where}.{level.info_name}".lstrip(".")
        if not isinstance(table, dict):
            raise ConfigError(f"`{where}` in `{path}` is {table!r}, expected a table")
        # What stands in `[overlap]` is for its verbs too, where they have that option.
        verbs = dict(getattr(level.command, "commands", {}))
        known = {_key(o) for c in (level.command, *verbs.values()) for o in _options(c)}
        for name, item in table.items():
            key = name.replace("_", "-")
            if name in verbs and isinstance(item, dict):
                continue
            if key in _ONE_CALL:
                raise ConfigError(f"`{name}` belongs on the command line, not in `[{where}]`")
            if key not in known:
                raise unknown(name, known, f"`[{where}]` in `{path}`")
            if key in options:
                found[key] = item
    context.default_map = {
        str(options[key].name): _default(context, options[key], item, f"`{key}` in `{path}`")
        for key, item in found.items()
    }


def _options(command: click.Command) -> Iterator[click.Option]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter


def _key(option: click.Option) -> str:
    """`min-karma` for `--min-karma`: the name that a file has for an option."""
    return max(option.opts, key=len).lstrip("-")


def _default(context: click.Context, option: click.Option, value: Any, where: str) -> Any:
    """`value` as click takes a default; raises `ConfigError` for one of another type."""
    from webtext_py.errors import ConfigError

    if option.is_flag:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} is {value!r}, expected true or false")
        return value
    items = value if option.multiple and isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, str | int | float) for item in items):
        many = " or a list of these" if option.multiple else ""
        raise ConfigError(f"{where} is {value!r}, expected a number or text{many}")
    words = [str(item) for item in items]
    try:
        for word in words:
            option.type.convert(word, option, context)
    except click.BadParameter as error:
        raise ConfigError(f"{where} is {value!r}: {error.message.rstrip('.')}") from error
    return words if option.multiple else words[0]


def _rows(context: click.Context) -> Iterable[tuple[str, Any, str]]:
    path, _ = chosen_file(context)
    sources = {
        click.core.ParameterSource.COMMANDLINE: "command line",
        click.core.ParameterSource.ENVIRONMENT: "environment",
        click.core.ParameterSource.DEFAULT_MAP: f"`{path}`",
    }
    for parameter in _options(context.command):
        key, name = _key(parameter), str(parameter.name)
        if key in _ONE_CALL or name not in context.params:
            continue
        value, source = context.params[name], context.get_parameter_source(name)
        if value is None and parameter.type.name == "threshold":
            value = "off"
        if value is not None and parameter.type.name == "names":
            value = ",".join(value)  # as the option and a file take them
        yield key, value, sources.get(source, "default") if source else "default"
