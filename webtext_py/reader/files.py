"""The one listing of files: a value names a file, a folder or a glob.

A folder is searched to its depth, links followed, each real folder once. What is hidden (its name
or a folder's below the one given begins with `.` or `_`) or not wanted is counted.
"""

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from webtext_py.errors import ConfigError, InputError
from webtext_py.reader.packed import ENDINGS
from webtext_py.reader.passed import Passed

Unwanted = Callable[[Path], "str | None"]
Claim = Callable[[Path, list[str]], bool]


def named_files(given: str | Path) -> list[Path]:
    """The files and folders behind one value: itself, or what a glob matches, sorted.

    Raises `InputError` for what does not exist, pipes, and a glob that matches nothing.
    """
    found = [Path(given)]
    if not found[0].exists():
        if not any(sign in str(given) for sign in "*?["):
            raise InputError(f"`{shown(given)}` does not exist")
        found = sorted(map(Path, glob.glob(str(given), recursive=True)))  # noqa: PTH207 (absolute ones too)
        if not found:
            raise InputError(f"`{shown(given)}` matches no file")
    for path in found:
        if not (path.is_file() or path.is_dir()):  # a pipe gives once what is read twice
            said = f"`{shown(path)}` is no regular file and no folder"
            raise InputError(said, "write what it holds to a file")
    return found


def need_apart(out: Path, given: Iterable[str | Path]) -> None:
    """Raises `ConfigError` where a result would lie in a folder that is read."""
    for value in given:
        if Path(value).is_dir() and out.resolve().is_relative_to(Path(value).resolve()):
            raise ConfigError(
                f"`{shown(out)}` lies in `{shown(value)}`, which is read",
                "choose a folder beside it: another run would read the result as well",
            )


def files_at(given: str | Path, unwanted: Unwanted, passed: Passed, what: str) -> list[Path]:
    """The files behind one value, of folders those that are not `unwanted`.

    Raises `InputError` for a folder without any, which `holds no` such `what`.
    """
    found: list[Path] = []
    for path in named_files(given):
        inside = files_in(path, unwanted, passed) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"`{shown(path)}` holds no {what}")
        found += inside
    return found


def shown(path: str | Path) -> str:
    """A path as messages have it: bytes that are no UTF-8 as `?`."""
    return str(path).encode("utf-8", "replace").decode()


def files_in(
    folder: Path, unwanted: Unwanted, passed: Passed, claim: Claim = lambda _, __: False
) -> list[Path]:
    """The files of a folder, sorted, for which `unwanted` gives no reason to pass them over.

    A folder for whose names `claim` is true stands for itself; what lies in it is not looked at.
    Raises `OSError` for a folder that cannot be read.
    """
    found = []
    for path in _walk(folder, set(), passed, claim):
        reason = unwanted(path)
        if reason is None:
            found.append(path)
        else:
            passed.add("files", reason)
    return sorted(found)


def _walk(folder: Path, seen: set[tuple[int, int]], passed: Passed, claim: Claim) -> Iterable[Path]:
    facts = folder.stat()
    if (facts.st_dev, facts.st_ino) in seen:
        return  # a link back, or a second one to the same
    seen.add((facts.st_dev, facts.st_ino))
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    if claim(folder, names):
        yield folder
        return
    for name in names:
        path = folder / name
        if path.is_dir() and not name.startswith((".", "_")):
            yield from _walk(path, seen, passed, claim)
        elif name.startswith((".", "_")):
            passed.add("files", "hidden", sum(1 for _ in _all(path)))
        elif path.is_file():
            yield path
        else:
            broken = path.is_symlink() and not path.exists()
            passed.add("files", "a link to nothing" if broken else "no regular file")


def _all(path: Path) -> Iterable[Path]:
    """A file, or every file below a folder."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for parent, _, files in os.walk(path):
        yield from (Path(parent) / name for name in files)


def plain_name(path: Path) -> str:
    """The file's name in lower case without the endings of compression."""
    name = path.name.lower()
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name


def ending_of(path: Path) -> str:
    """`.json.gz` of `a.json.gz`, for counts; `no ending` where there is none."""
    name = path.name.lower()
    packed = next((ending for ending in ENDINGS if name.endswith(ending)), "")
    stem, dot, last = name.removesuffix(packed).rpartition(".")
    inner = f".{last}" if dot and stem and len(last) <= 12 else ""
    return shown(inner + packed) or "no ending"
