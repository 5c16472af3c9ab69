"""What a stage is: it declares its name, what it depends on, its files, its body, its check.

A stage is a class of its own package; `pipeline.py` and the commands are lists of them, and
`workspace.Workspace` runs them. The body hands steps of tasks to `workspace.Steps`; what a step
made is the handle that the next step takes.
"""

import platform
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from glob import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webtext_py import _core

if TYPE_CHECKING:
    from webtext_py.workspace import Steps


class Files:
    """A kind of file below the data directory, named here once for whoever writes or reads it.

    `pattern` holds `{}` where the number or name of a file goes: `links/part-{}.parquet`.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def name(self, key: int | str = "") -> str:
        """The name of one file, relative to the data directory."""
        return self.pattern.replace("{}", f"{key:05d}" if isinstance(key, int) else key)

    def key(self, name: str) -> str:
        """The number or name in the name of such a file."""
        before, after = self.pattern.split("{}")
        return name[len(before) : len(name) - len(after)]

    @property
    def glob(self) -> str:
        """The pattern as a glob."""
        return "*".join(map(escape, self.pattern.split("{}")))

    def among(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are such files, in order."""
        return sorted(name for name in names if fnmatchcase(name, self.glob))

    def there(self, data: Path) -> list[Path]:
        """Those in the directory `data`, in order."""
        return sorted(data.glob(self.glob))


class Stage(ABC):
    """One stage: a pure function from inputs and the stages before it to files.

    `rules` is raised by whoever changes a result, so that results of older rules are stale;
    `libraries` name what else decides one (see `library_version`). Options that change no result,
    such as memory, are fields of the stage and no part of `config`.
    """

    name: str
    rules: int
    after: tuple[str, ...] = ()  # the stages whose files are read
    files: tuple[Files, ...] = ()  # its own: removed before it is redone
    libraries: tuple[str, ...] = ()

    def config(self) -> Mapping[str, Any]:
        """All of the configuration that the outputs depend on."""
        return {}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """Files from outside by their short names."""
        return {}

    @abstractmethod
    def body(self, steps: "Steps") -> Mapping[str, Any]:
        """Makes the outputs and returns the counts."""

    def check(self, counts: Mapping[str, Any]) -> None:  # noqa: B027 (most have nothing to say)
        """Raises `InputError` where nothing is left to go on with."""


@cache
def library_version(name: str) -> str:
    """The version of a library, or of a table of Unicode, as a stage's record has it.

    `unicode` is Python's table, `words` the core's definition of a word.
    """
    if name == "unicode":
        return unicodedata.unidata_version
    if name == "words":
        return str(_core.NORMALISER_VERSION)
    return platform.python_version() if name == "python" else version(name)
