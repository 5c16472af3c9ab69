"""Starts `webtext` processes quickly: imports torch once, then forks for every command line.

Reads one JSON object a line: `words`, `environment`, `out` and `err` (files), perhaps `kill`, the
arguments of `dies`; answers the new process id, and its exit code when asked with `{"wait": id}`.
Nothing of torch has run before a fork, so the children are as good as fresh ones.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import matplotlib.backends.backend_agg
import rich.progress
import torch
import torch._dynamo

import webtext_py.cli.commands.train
import webtext_py.runs.command
from webtext_py.cli.main import main
from webtext_py.engine import commit
from webtext_py.train import checkpoint
from webtext_py.train.metrics import Log

# Everything that a first step would import otherwise, which takes seconds.
PRELOADED = (
    matplotlib.backends.backend_agg,
    rich.progress,
    torch._dynamo,
    webtext_py.cli.commands.train,
    webtext_py.runs.command,
)


def dies(step: int, moments: int) -> None:
    """Has this process kill itself, `moments` moments after the line of `step` was written.

    A moment: a line was asked for, tensors were saved, or a file or folder was flushed.
    """
    begun, left = False, moments + 1

    def after(function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            nonlocal begun, left
            result = function(*arguments, **options)
            begun = begun or (isinstance(log := arguments[0], Log) and log.last["step"] >= step)
            left -= begun
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return watched

    Log.read = after(Log.read)  # type: ignore[method-assign]
    checkpoint.save_tensors = after(checkpoint.save_tensors)
    commit.flush = after(commit.flush)


def child(
    words: list[str],
    environment: dict[str, str],
    out: str,
    err: str,
    kill: tuple[int, int] | None,
) -> None:
    """Becomes `webtext WORDS...`; never returns."""
    if kill:
        dies(*kill)
    for number, path in ((0, os.devnull), (1, out), (2, err)):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(path, flags, 0o644), number)
    os.environ.update(environment)
    torch.set_num_threads(1)
    sys.argv = ["webtext", *words]
    code = 3
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Until standard input ends."""
    assert all(PRELOADED)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)
            continue
        number = os.fork()
        if number == 0:
            child(**request)
        print(json.dumps(number), flush=True)


if __name__ == "__main__":
    serve()
