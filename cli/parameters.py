"""Kinds of options and of their values."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

MOST = 2**63 - 1  # what the core and tables hold


class _Path(click.Path):
    """A path; nothing, which a variable that is not set gives, is none, and not `.`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("'' is no path", param, ctx)
        return super().convert(value, param, ctx)


class _Whole(click.IntRange):
    """A whole number of 64 bits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number > MOST:
            self.fail(f"{number} is more than {MOST}", param, ctx)
        return number


FILE = _Path(path_type=Path, dir_okay=False)
FOLDER = _Path(path_type=Path, file_okay=False)
PATH = _Path(path_type=Path)
NATURAL = _Whole(min=0)
POSITIVE = _Whole(min=1)


class ManyOption(click.Option):
    """An option that takes all values up to the next option, and may be repeated.

    So that a shell's unquoted globs work: `--submissions dumps/RS_*.zst --before 2018`.
    """


def several(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Options as one decorator, in the order in which the help lists them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate


def grouped(title: str, *options: Callable[..., Any]) -> Callable[..., Any]:
    """Options as one decorator; the help lists them below `title` (see `WebTextCommand`)."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        before = list(getattr(function, "__click_params__", ()))
        function = several(*options)(function)
        for parameter in getattr(function, "__click_params__", ()):
            if parameter not in before:
                parameter.group = title
        return function

    return decorate


def option(*names: str, many: bool = False, **attributes: Any) -> Callable[..., Any]:
    """A click option that shows its default; with `many` all values up to the next option."""
    if many:
        attributes |= {"cls": ManyOption, "multiple": True}
    shown = attributes.get("default") not in (None, "", ()) and not attributes.get("is_flag")
    attributes.setdefault("show_default", shown)
    return click.option(*names, **attributes)


class Kind(click.ParamType):  # type: ignore[type-arg]  # no parameter before click 8.4
    """A kind of values: `read` gives one from its text, or raises `ValueError` saying why not."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; one that is none of text has been read before."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


LEAST_SIZE = 4 << 20  # what the index can be made in


def _size(text: str) -> int:
    """Bytes, at least 4 MiB, with a unit if wanted: `500M`, `2G`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", text, re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is no size; 500M or 2G was expected")
    size = int(float(found[1]) * 1024 ** (" kmgt".find(found[2].lower()) if found[2] else 0))
    if size < LEAST_SIZE:
        raise ValueError(f"{text!r} is too little; at least {LEAST_SIZE >> 20}M is needed")
    if size > MOST:
        raise ValueError(f"{text!r} is more than {MOST} bytes")
    return size


def _threshold(text: str) -> float | None:
    """A number, or `off` for None."""
    try:
        return None if text == "off" else float(text)
    except ValueError:
        raise ValueError(f"`{text}` is neither a number nor `off`") from None


def _names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise ValueError(f"{text!r} is no list of names; question,context was expected")
    return names


def _days(text: str) -> float:
    """`180d` or `180` in days."""
    try:
        return float(text.removesuffix("d"))
    except ValueError:
        raise ValueError(f"`{text}` is no number of days such as 180d") from None


def _pair(text: str) -> tuple[str, str]:
    """Both sides of `NAME=VALUE`."""
    name, _, rest = text.partition("=")
    if not name or not rest:
        raise ValueError(f"`{text}` is not NAME=VALUE")
    return name, rest


def _shots(text: str) -> tuple[int, ...]:
    """Numbers with commas between them."""
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise ValueError(f"`{text}` is no list of numbers; 0,1,8 was expected")
    return tuple(map(int, words))


SIZE, THRESHOLD, NAMES = Kind("size", _size), Kind("threshold", _threshold), Kind("names", _names)
DAYS, PAIR, SHOTS = Kind("days", _days), Kind("pair", _pair), Kind("shots", _shots)
