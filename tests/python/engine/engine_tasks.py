"""A stage and task functions of the engine's tests, where worker processes can import them."""

import importlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py import _core
from webtext_py.engine import advance
from webtext_py.errors import InputError, WebTextError
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Steps

OUT = Files("out/{}.txt")


@dataclass(frozen=True)
class Simple(Stage):
    """A stage whose every part is given."""

    do: Callable[[Steps], Mapping[str, Any]]
    given: Mapping[str, Path] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = "out"
    rules: int = 1
    after: tuple[str, ...] = ()
    files: tuple[Files, ...] = (OUT,)
    libraries: tuple[str, ...] = ()

    def config(self) -> Mapping[str, Any]:
        return self.settings

    def inputs(self, data: Path) -> Mapping[str, Path]:
        return self.given

    def body(self, steps: Steps) -> Mapping[str, Any]:
        return self.do(steps)


def double(inputs: list[Path], outputs: list[Path], add: int = 0) -> dict[str, Any]:
    value = int(inputs[0].read_text())
    advance(1)
    outputs[0].write_text(str(2 * value + add))
    return {"value": value}


def who(inputs: list[Path], outputs: list[Path], seconds: float) -> dict[str, Any]:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    outputs[0].touch()
    return {"process": os.getpid()}


def fail(inputs: list[Path], outputs: list[Path]) -> None:
    outputs[0].write_text("half")
    raise InputError("`x` is bad", "do better")


def die_once(inputs: list[Path], outputs: list[Path], token: str) -> None:
    if not Path(token).exists():
        Path(token).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    outputs[0].write_text("survived")


def die_always(inputs: list[Path], outputs: list[Path]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_it(inputs: list[Path], outputs: list[Path], name: str, late: bool) -> None:
    """Raises the error of this name; `late`, a while after the others."""
    if late:
        time.sleep(0.3)
    raise error_called(name, "late" if late else "early")


def error_called(name: str, said: str) -> BaseException:
    """An error of a kind: by its class where it takes one text, else as it comes about."""
    if name in COME_ABOUT:
        try:
            COME_ABOUT[name]()
        except BaseException as error:
            return error
    module, _, kind = name.rpartition(".")
    error: BaseException = getattr(importlib.import_module(module), kind)(f"`{said}` is bad")
    if isinstance(error, InputError):
        error.hint = "do better"
    return error


class TwoPartsError(WebTextError):
    """An error that cannot be made again from its text."""

    def __init__(self, thing: str, what: str) -> None:
        super().__init__(f"{thing} is {what}")


def _two_parts() -> None:
    raise TwoPartsError("`x`", "bad")


# How errors come about that no text makes.
COME_ABOUT: dict[str, Callable[[], object]] = {
    "a missing file": lambda: Path("/missing/file").read_bytes(),
    "a missing dump": lambda: _core.DumpReader("/missing/RS", allow_damaged=False, batch_lines=9),
    "a folder": lambda: Path("/").read_bytes(),
    "no UTF-8": lambda: b"\xff".decode(),
    "no such option": lambda: _core.DumpReader("/", allow_damaged=False, batch_lines=9, level="x"),
    "two parts": _two_parts,
}
