"""Ctrl-C while counting, merging and encoding: exit 130, and nothing half-written is left."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import Tokenizer, _core

COMMAND = [sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()", "bpe"]


def interrupted(command: list[str], begun: Path, pattern: str) -> str:
    """Runs a command, sends SIGINT when a file appears; what it said."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    deadline = time.monotonic() + 120
    while not any(begun.glob(pattern)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130, said
    return said


def test_counting_stops(tmp_path: Path) -> None:
    text = np.frombuffer(b"some words and some more " * (12 << 20), np.uint8)
    offsets = np.arange(0, len(text) + 1, 25 << 10)
    counter = _core.BpeCounter("gpt2", False, [])

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            counter.count(offsets, text, 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_merging_stops(tmp_path: Path) -> None:
    letters = bytes(b"abcdefgh"[byte % 8] for byte in range(256))
    text = random.Random(1).randbytes(12 << 20).translate(letters)
    (tmp_path / "text.txt").write_bytes(text)
    command = [*COMMAND, "train", "--input", str(tmp_path / "text.txt"), "--quiet"]
    command += ["--out", str(tmp_path / "out"), "--counts", str(tmp_path / "counts.parquet")]
    # The counts are saved when merging begins.
    assert interrupted(command, tmp_path, "counts.parquet").strip() == "interrupted"
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_encoding_stops_and_is_taken_up_again(tmp_path: Path) -> None:
    Tokenizer.train(["a b"], vocab_size=257).save(tmp_path / "vocabulary")
    paths = [tmp_path / f"{number}.parquet" for number in range(3)]
    text = "some words and some more " * 4000
    for path in paths:
        pq.write_table(pa.table({"text": [text] * 600}), path, compression="zstd")
    data = tmp_path / "data"
    command = [*COMMAND, "encode", "--data", str(data), "--quiet", "--workers", "2"]
    command += ["--tokenizer", str(tmp_path / "vocabulary"), "--input", *map(str, paths)]
    assert interrupted(command, data / "tokens", ".tmp-*").strip() == "interrupted"
    left = [path.name for path in (data / "tokens").iterdir()]
    assert not [name for name in left if name.startswith(".")], left
    assert len(left) < len(paths)
    assert subprocess.run(command, check=False).returncode == 0
    assert len(list((data / "tokens").iterdir())) == len(paths)
