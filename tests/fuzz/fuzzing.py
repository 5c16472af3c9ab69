"""What the fuzzers share: the loop with its seeds, bounds of time and memory, and damage.

An item is a function of its seed: `NAME.py --seconds 0 --seed N` runs item N alone.
"""

import argparse
import faulthandler
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

# Of one item. Inputs are small, so either bound is far above what any of them may cost.
CPU_S = 5
MEMORY_BYTES = 1 << 30

FRAGMENTS = [b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\n", b"\r\n", b" ", b"\0", b"\xff"]
FRAGMENTS += [b"-1", b"4294967296", b"1e999", b"\xed\xa0\x80", b"%", b"<", b">", b"\x1b["]


class TooSlow(Exception):  # noqa: N818 - not caught as an error anywhere
    """An item took more than `CPU_S` of CPU time."""


def damaged(
    generator: random.Random,
    data: bytes,
    changes: Sequence[int] = (1, 1, 2, 8),
    fragments: Sequence[bytes] = FRAGMENTS,
) -> bytes:
    """The bytes with a few changes: flipped, overwritten, cut out, doubled, put in, cut off."""
    changed = bytearray(data)
    for _ in range(generator.choice(changes)):
        at = generator.randrange(len(changed) + 1)
        until = min(len(changed), at + generator.choice([1, 1, 3, 40, 1000]))
        match generator.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << generator.randrange(8)
            case 1:
                changed[at:until] = generator.randbytes(until - at)
            case 2:
                del changed[at:until]
            case 3:
                changed[at:at] = changed[at:until]
            case 4:
                changed[at:at] = generator.choice(fragments) * generator.choice([1, 1, 30])
            case 5 if generator.randrange(4) == 0:
                del changed[at:]
            case _:
                # A number somewhere, larger or smaller.
                digits = [place for place, byte in enumerate(changed) if 48 <= byte <= 57]
                if digits:
                    changed[generator.choice(digits)] = generator.randrange(48, 58)
    return bytes(changed)


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {CPU_S} s of CPU")


def _bounded(one: Callable[[random.Random, Path], str], seed: int, folder: Path) -> str:
    # What no signal reaches, such as a loop in the core, ends the process with a traceback.
    faulthandler.dump_traceback_later(60 * CPU_S, exit=True)
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        return one(random.Random(seed), folder)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def _kind(error: BaseException) -> str:
    """Where an error came from: its type, and the last line of this project that it passed."""
    frames = list(traceback.extract_tb(error.__traceback__))
    frames = [f for f in frames if f.name != "_too_slow"]
    ours = [f for f in frames if "webtext_py" in f.filename or "fuzz" in f.filename]
    place = (ours or frames)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno} ({place.line})"


def run(
    description: str,
    one: Callable[[random.Random, Path], str],
    reserved_bytes: int = 0,
) -> None:
    """The command: `one` gives the outcome of an item, whose files lie in a folder of its own.

    `reserved_bytes` of address space may be taken beside what is used.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--all", action="store_true", help="go on, and name each kind of fault once"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGPROF, _too_slow)
    counts: Counter[str] = Counter()
    faults: dict[str, tuple[int, int]] = {}
    end = time.monotonic() + options.seconds
    seed = options.seed
    with tempfile.TemporaryDirectory() as name:
        # The first item loads what all need; from then on memory is bounded.
        bound = False
        while True:
            folder = Path(name) / str(seed)
            folder.mkdir()
            try:
                counts[_bounded(one, seed, folder)] += 1
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                print(f"seed {seed}: {_kind(error)}: {str(error)[:300]}", file=sys.stderr)
                if not options.all:
                    raise
                first, times = faults.get(_kind(error), (seed, 0))
                faults[_kind(error)] = (first, times + 1)
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            if not bound:
                size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                limit = size + MEMORY_BYTES + reserved_bytes
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
                bound = True
            seed += 1
            if time.monotonic() >= end:
                break
    print(f"{seed - options.seed} items: {dict(sorted(counts.items()))}")
    for kind, (first, times) in sorted(faults.items()):
        print(f"{times} times, first with seed {first}: {kind}")
    if faults:
        raise SystemExit(1)
