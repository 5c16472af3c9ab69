"""`webtext.toml`: the one configuration file of all commands, read and written.

A table a command, `[build]`, `[bpe.train]`, `[overlap]`, with the names of its options; `data` and
`workers` above all tables hold for every command. What is in a table is the command's matter; the
names of tables and the form of values are settled here.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from webtext_py.errors import ConfigError

SHARED = ("data", "workers")


def read_settings(path: Path, commands: Iterable[str]) -> dict[str, Any]:
    """All of the file; raises `ConfigError` for what is neither a command's table nor shared."""
    document = load_toml(path)
    commands = tuple(commands)
    for name, value in document.items():
        if isinstance(value, dict) != (name in commands) or name not in (*commands, *SHARED):
            if name in commands:
                raise ConfigError(f"`{name}` in `{path}` is {value!r}, expected a table")
            raise unknown(name, (*commands, *SHARED), f"`{path}`", "table or setting")
    return document


def load_toml(path: Path) -> dict[str, Any]:
    """All of a TOML file, unchecked; raises `ConfigError` where it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{path}` is not TOML: {error}") from error


def unknown(
    name: str, known: Iterable[str], where: str, what: str = "setting", meant: str | None = None
) -> ConfigError:
    """The error for a name that means nothing; its hint is `meant`, else the nearest that does."""
    near = [meant] if meant else difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean `{near[0]}`?" if near else "`--show-config` prints every setting"
    return ConfigError(f"no {what} `{name}` ({where})", hint)


def toml_lines(rows: Iterable[tuple[str, Any, str]], table: str) -> Iterable[str]:
    """A TOML table of `(key, value, source)`, the source as a comment; unset keys as comments."""
    yield f"[{table}]"
    for key, value, source in rows:
        if value is None:
            yield f"# {key} is not set"
        else:
            yield f"{key} = {toml_value(value)}  # {source}"


def toml_value(value: Any) -> str:
    """A flag, number, text, path, or list of these, as TOML writes it."""
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        raise TypeError("a setting is a flag, a number, a text or a list of these")
    return json.dumps(str(value), ensure_ascii=False)
