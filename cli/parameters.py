"""Kinds of options and of their values."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
PATH = click.Path(path_type=Path)
NATURAL = click.IntRange(min=0)
POSITIVE = click.IntRange(min=1)


class ManyOption(click.Option):
    """An option that takes all values up to the next option, and may be repeated.

    So that a shell's unquoted globs work: `--submissions dumps/RS_*.zst --before 2018`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["multiple"] = True
        super().__init__(*args, **kwargs)


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
        attributes["cls"] = ManyOption
    shown = attributes.get("default") not in (None, "", ()) and not attributes.get("is_flag")
    attributes.setdefault("show_default", shown)
    return click.option(*names, **attributes)


class Size(click.ParamType):  # type: ignore[type-arg]  # no parameter before click 8.4
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


class Threshold(click.ParamType):  # type: ignore[type-arg]  # as above
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


class Names(click.ParamType):  # type: ignore[type-arg]  # as above
    """Names with commas between them."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names."""
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names) or len(set(names)) != len(names):
            self.fail(f"{value!r} is no list of names; question,context was expected", param, ctx)
        return names
