"""Page functions with planted faults, run by the sandbox's child in the tests."""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from webtext_py.text import page_task


def make(settings: bytes) -> Callable[[bytes], bytes]:
    served = 0

    def run(payload: bytes) -> bytes:
        nonlocal served
        served += 1
        command, _, argument = payload.decode().partition(":")
        if command == "echo":
            return settings + argument.encode()
        if command == "served":
            return str(served).encode()
        if command == "only-first":
            if served > 1:
                raise ValueError("not the first payload of this child")
            return b"first"
        if command == "environment":
            return f"{os.environ['PYTHONHASHSEED']} {os.environ['TZ']}".encode()
        if command == "pid":
            return f"{os.getppid()} {os.getpid()}".encode()
        if command == "fault":
            FAULTS[argument]()
        if command == "once":
            mark = Path(argument)
            if not mark.exists():
                mark.write_text("was here")
                os.abort()
            return b"second time"
        if command == "sleep":
            time.sleep(float(argument))
            return b"slept"
        if command == "all of the environment":
            return b"\n".join(b"%s=%s" % pair for pair in sorted(os.environb.items()))
        if command == "size":
            return bytes(int(argument))
        raise ValueError(command)

    return run


def deadly_core(settings: bytes) -> Callable[[bytes], bytes]:
    """The core's rules, which end their process at a word."""
    run = page_task.make(b"rules")

    def deadly(payload: bytes) -> bytes:
        if b"millers" in payload:
            os.abort()
        return run(payload)

    return deadly


def broken(settings: bytes) -> Callable[[bytes], bytes]:
    raise RuntimeError("this factory is broken")


def _hang() -> None:
    while True:
        pass


def _hang_in_c() -> None:
    # One call that holds the interpreter and takes minutes: no Python signal handler can run.
    sum(range(10**12))


def _segfault() -> None:
    ctypes.string_at(8)


def _bomb() -> None:
    pieces = []
    while True:
        pieces.append(bytearray(1 << 20))


def _swallowed_bomb() -> None:
    """What a library does that catches everything: the answer would look like any other."""
    pieces = []
    try:
        while True:
            pieces.append(bytearray(1 << 20))
    except MemoryError:
        pieces.clear()


def _recursion() -> None:
    def deeper(level: int) -> int:
        return deeper(level + 1)

    deeper(0)


FAULTS: dict[str, Callable[[], None]] = {
    "hang": _hang,
    "hang in C": _hang_in_c,
    "segfault": _segfault,
    "bomb": _bomb,
    "swallowed bomb": _swallowed_bomb,
    "recursion": _recursion,
    "exit": lambda: os._exit(7),
    "system exit": lambda: sys.exit(0),
    "exception": lambda: _raise(),
}


def _raise() -> None:
    raise KeyError("planted")
