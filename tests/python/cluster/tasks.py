"""Task functions of the cluster's tests, where the nodes' workers can import them."""

import json
import os
import resource
import signal
import time
from pathlib import Path

from webtext_py.errors import InputError


def write(inputs: list[Path], outputs: list[Path], number: int, folder: str) -> None:
    outputs[0].write_text(str(number))


def die(inputs: list[Path], outputs: list[Path], number: int, folder: str) -> None:
    """The third task kills itself, always."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    outputs[0].write_text(str(number))


def fail(inputs: list[Path], outputs: list[Path], number: int, folder: str) -> None:
    """The third task raises."""
    if number == 3:
        raise InputError("`x` is bad", "do better")
    outputs[0].write_text(str(number))


def hog(inputs: list[Path], outputs: list[Path], number: int, folder: str) -> None:
    """The third task wants more memory than it may have; every task says when it ran, and where."""
    began = time.time()
    try:
        if number == 3:
            _take_too_much()
        time.sleep(0.3)
        outputs[0].write_text(str(number))
    finally:
        row = {"number": number, "began": began, "ended": time.time(), "node": _node()}
        with (Path(folder) / "ran.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")


def _take_too_much() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
    try:
        bytearray(512 << 20)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())
