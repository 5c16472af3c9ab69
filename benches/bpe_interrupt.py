"""Seconds from Ctrl-C to the end of the process, while counting, merging and encoding.

Runs the commands on the whole corpus as processes and sends SIGINT in the middle of each. The exit
code (130) and that nothing half-written is left are checked before the time counts.

Usage: bpe_interrupt.py [--runs 3] [--data DIR] [--record FILE]
"""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bpe_corpus import SHARED, record

COMMAND = [sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()", "bpe"]


def stopped(command: list[str], begun: Callable[[], bool], wait_s: float) -> float:
    """Seconds that a command takes to end when it is interrupted `wait_s` after `begun`."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not begun():
        assert process.poll() is None, "it ended before it was interrupted"
        time.sleep(0.001)
    time.sleep(wait_s)
    started = time.perf_counter()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130, f"exit {process.returncode}"
    return time.perf_counter() - started


def reading(corpus: Path) -> Callable[[], bool]:
    """Whether one of our children has a file of the corpus open."""

    def begun() -> bool:
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            try:
                if link.readlink().is_relative_to(corpus):
                    return True
            except OSError:
                continue
        return False

    return begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    corpus = (options.data / "corpus").resolve()
    seconds: dict[str, list[float]] = {"counting": [], "merging": [], "encoding": []}
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            train = [*COMMAND, "train", "--input", str(corpus), "--out", str(folder / "out")]
            seconds["counting"].append(stopped(train, reading(corpus), 0.3))
            counts = folder / "counts"
            command = [*train, "--counts", str(counts)]
            seconds["merging"].append(stopped(command, counts.exists, 0.5))
            assert not (folder / "out").exists()
            data = folder / "data"
            encode = [*COMMAND, "encode", "--data", str(data), "--input", str(corpus)]
            encode += ["--tokenizer", str(options.data / "gpt2" / "encoder.json")]
            tokens = data / "tokens"
            begun = lambda tokens=tokens: any(tokens.glob(".tmp-*"))  # noqa: E731
            seconds["encoding"].append(stopped(encode, begun, 0.3))
            assert not list(tokens.glob(".tmp-*"))
    figures = {
        f"{what}_s": {"median": round(statistics.median(all_), 3), "max": round(max(all_), 3)}
        for what, all_ in seconds.items()
    }
    document = {"command": " ".join(["bpe_interrupt.py", *sys.argv[1:]]), "runs": options.runs}
    record(options.record, document | figures, ["pyarrow"])


if __name__ == "__main__":
    main()
