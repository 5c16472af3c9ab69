"""Versions of what decides a result: libraries, tables of Unicode, and this code itself.

A stage's record names the libraries that its result depends on. A worker on another machine must
have the same ones, the same Python and the same webtext, down to the bytes of its modules.
"""

import hashlib
import platform
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from webtext_py import _core


@cache
def library_version(name: str) -> str:
    """The version of a library, or of a table of Unicode, as a stage's record has it.

    `unicode` is Python's table, `words` the core's definition of a word.
    """
    if name == "unicode":
        return unicodedata.unidata_version
    if name == "words":
        return str(_core.NORMALISER_VERSION)
    if name == "python":
        return platform.python_version()
    from importlib.metadata import version  # here: commands without a data directory start sooner

    return version(name)


@cache
def code() -> Mapping[str, str]:
    """Version and digest of webtext's modules, and the digest of its core."""
    modules = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(set(folder.rglob("*.py")) - set(folder.glob("cli/**/*"))):
        modules.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        modules.update(path.read_bytes())
    core = hashlib.sha256(Path(_core.__file__).read_bytes())
    return {
        "webtext": f"{_core.__version__} ({modules.hexdigest()[:12]})",
        "the core": core.hexdigest()[:12],
    }


def here(libraries: Iterable[str]) -> dict[str, str]:
    """What decides a result in this process: webtext, its core, Python, pyarrow, numpy and
    `libraries`."""
    names = dict.fromkeys(("python", "pyarrow", "numpy", *libraries))
    return {**code(), **{name: library_version(name) for name in names}}


def differing(wanted: Mapping[str, str]) -> list[str]:
    """What of `here` on another machine is otherwise in this process, a line each."""
    from importlib.metadata import PackageNotFoundError

    lines = []
    for name, there in wanted.items():
        try:
            found = code().get(name) or library_version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != there:
            lines.append(f"{name} {found}, not {there}")
    return lines
