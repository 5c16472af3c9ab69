"""Starts `webtext` processes quickly: imports torch once, then forks for every command line.

Reads one JSON object a line: `words`, `environment`, `out` and `err` (files); answers the new
process id, and `[id, status]` when asked with `{"wait": id}`. Nothing of torch has run before a
fork, so the children are as good as fresh ones.
"""

import json
import os
import sys

import matplotlib.backends.backend_agg
import rich.progress
import torch
import torch._dynamo

import webtext_py.cli.commands.train
import webtext_py.runs.command
from webtext_py.cli.main import main

# Everything that a first step would import otherwise, which takes seconds.
PRELOADED = (
    matplotlib.backends.backend_agg,
    rich.progress,
    torch._dynamo,
    webtext_py.cli.commands.train,
    webtext_py.runs.command,
)


def child(words: list[str], environment: dict[str, str], out: str, err: str) -> None:
    """Becomes `webtext WORDS...`; never returns."""
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
