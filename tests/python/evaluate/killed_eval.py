"""Runs `webtext eval` in children of one process, which imports once: ten are killed, one is not.

Usage: killed_eval.py MARKS ARGUMENT...: the folder of done-markers, and the command's arguments.
"""

import os
import signal
import sys
import time
from pathlib import Path

import sacrebleu.metrics.bleu  # noqa: F401
import torch  # noqa: F401
import transformers.models.gpt2.modeling_gpt2  # noqa: F401

import webtext_py.evaluate.model  # noqa: F401
from webtext_py.cli.main import run

KILLS = 10


def main() -> int:
    marks, args = Path(sys.argv[1]), sys.argv[2:]
    seen = 0
    for kill in range(KILLS):
        child = _start(args)
        began = time.monotonic()
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            done = len(list(marks.glob("*.json"))) if marks.is_dir() else 0
            # The first while files are read and the model is opened, the rest after a further task.
            early = kill < 3 and time.monotonic() - began > 0.1 * (kill + 1)
            if early or done > seen:
                seen = max(seen, done)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                print("killed", flush=True)
                break
            time.sleep(0.001)
    return os.waitstatus_to_exitcode(os.waitpid(_start(args), 0)[1])


def _start(args: list[str]) -> int:
    child = os.fork()
    if child == 0:
        os._exit(run(args))
    return child


if __name__ == "__main__":
    sys.exit(main())
