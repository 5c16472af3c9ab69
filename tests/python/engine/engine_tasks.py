"""Task functions of the engine's tests, where worker processes can import them."""

import os
import signal
from pathlib import Path
from typing import Any

from webtext_py.engine import advance
from webtext_py.errors import InputError


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
