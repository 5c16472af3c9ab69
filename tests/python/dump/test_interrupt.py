"""Ctrl-C reaches a reader that waits for a slow file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

READ = """
import sys
from pathlib import Path
from webtext_py.dump import SubmissionReader
reader = SubmissionReader(Path(sys.argv[1]))
try:
    print("reading", flush=True)
    next(reader)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_interrupt_while_waiting(tmp_path: Path) -> None:
    path = tmp_path / "slow"
    os.mkfifo(path)
    # Open for both ways: opening does not wait, and the end of the file never comes.
    pipe = os.open(path, os.O_RDWR)
    try:
        os.write(pipe, b'{"id":"a","url":"http://x.example/"}\n')
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", READ, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child:
            assert child.stdout.readline() == "reading\n"
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n"
            assert child.wait(timeout=60) == 0
    finally:
        os.close(pipe)
