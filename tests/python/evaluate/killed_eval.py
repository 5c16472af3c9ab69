"""Runs `webtext eval` in children of one process, which imports once: ten kill themselves, the last
one does not.

Arguments: the command's. Each kill comes at another moment of a task's commit: before its file is
flushed, before its marker is written, or after that; the first in the step that reads items, the
last in the one that writes the results, the others each a task further in the step between.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import sacrebleu.metrics.bleu  # noqa: F401
import torch  # noqa: F401
import transformers.models.gpt2.modeling_gpt2  # noqa: F401

import webtext_py.evaluate.model  # noqa: F401
from webtext_py.cli.main import run
from webtext_py.engine import commit

SCORED = ("answers.jsonl", "score/")  # in the paths of a score task's file and of its marker
KILLS = [
    ("flush", "items.jsonl"),
    *(("flush", SCORED[0]), ("write_json", SCORED[1]), ("wrote_json", SCORED[1])) * 2,
    *(("wrote_json", SCORED[1]),) * 2,
    ("flush", "small.json"),
]


def main() -> int:
    for moment, part in KILLS:
        status = _start(moment, part)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            return 1
        print("killed", flush=True)
    return os.waitstatus_to_exitcode(_start("", ""))


def _start(moment: str, part: str) -> int:
    """Exit status of a child that dies at the first such moment."""
    child = os.fork()
    if child == 0:
        flush, write_json = commit.flush, commit.write_json

        def now(name: str, path: Path) -> None:
            if name == moment and part in str(path):
                os.kill(os.getpid(), signal.SIGKILL)

        def watched_flush(path: Path) -> None:
            now("flush", path)
            flush(path)

        def watched_json(path: Path, *arguments: Any, **options: Any) -> None:
            now("write_json", path)
            write_json(path, *arguments, **options)
            now("wrote_json", path)

        commit.flush, commit.write_json = watched_flush, watched_json
        os._exit(run(sys.argv[1:]))
    return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    sys.exit(main())
