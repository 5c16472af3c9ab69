"""A stage and task functions of the engine's tests, where worker processes can import them."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py.engine import advance
from webtext_py.errors import InputError
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
