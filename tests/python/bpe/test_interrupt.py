"""Ctrl-C while counting, merging and encoding: exit 130, and nothing half-written is left."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import Tokenizer, _core


def interrupted(program: str, command: list[str]) -> str:
    """What a command said that was interrupted by its own program."""
    words = [sys.executable, "-P", "-c", program, *command]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 130, done.stderr
    return done.stderr


def test_counting_stops(tmp_path: Path) -> None:
    text = np.frombuffer(b"some words and some more " * (12 << 20), np.uint8)
    offsets = np.arange(0, len(text) + 1, 25 << 10)
    counter = _core.BpeCounter("gpt2", False, [])

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, stop)
    try:
        signal.setitimer(signal.ITIMER_PROF, 0.02)  # CPU time, of which other processes take none
        with pytest.raises(KeyboardInterrupt):
            counter.count(offsets, text, 1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# Ctrl-C comes once the file of counts is there, which is when merging begins. Looked for by this
# process's own CPU time, of which merging takes more than a minute.
MERGING = """
import os, signal, sys
from pathlib import Path
from webtext_py.cli.main import main

def look(*_):
    if Path(sys.argv[-1]).exists():
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGPROF, look)
signal.setitimer(signal.ITIMER_PROF, 0.02, 0.02)
main()
"""


def test_merging_stops(tmp_path: Path) -> None:
    letters = bytes(b"abcdefgh"[byte % 8] for byte in range(256))
    text = random.Random(1).randbytes(12 << 20).translate(letters)
    (tmp_path / "text.txt").write_bytes(text)
    command = ["bpe", "train", "--input", str(tmp_path / "text.txt"), "--quiet"]
    command += ["--out", str(tmp_path / "out"), "--counts", str(tmp_path / "counts.parquet")]
    assert interrupted(MERGING, command).strip() == "interrupted"
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


# Ctrl-C comes when a task says for the first time how far it is, and no task goes on before that
# has reached it.
ENCODING = """
import itertools, os, signal, sys, time
from pathlib import Path
from webtext_py.cli.main import main
from webtext_py.engine import progress

attach, count = progress.attach, itertools.count(1)

def held(report):
    def wait(units):
        if next(count) == 1:
            assert list(Path(sys.argv[4], "tokens").glob(".tmp-*"))
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(6000):
            report(0)  # raises once the task is to stop
            time.sleep(0.01)
    attach(report and wait)

progress.attach = held
main()
"""


def test_encoding_stops_and_is_taken_up_again(tmp_path: Path) -> None:
    Tokenizer.train(["a b"], vocab_size=257).save(tmp_path / "vocabulary")
    paths = [tmp_path / f"{number}.parquet" for number in range(3)]
    text = "some words and some more " * 4000
    for path in paths:
        pq.write_table(pa.table({"text": [text] * 60}), path, compression="zstd")
    tokens = tmp_path / "data" / "tokens"
    command = ["bpe", "encode", "--data", str(tmp_path / "data"), "--quiet", "--workers", "2"]
    command += ["--tokenizer", str(tmp_path / "vocabulary"), "--input", *map(str, paths)]
    assert interrupted(ENCODING, command).strip() == "interrupted"
    assert not list(tokens.iterdir())
    done = [sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()", *command]
    assert subprocess.run(done, check=False).returncode == 0
    assert len(list(tokens.iterdir())) == len(paths)
