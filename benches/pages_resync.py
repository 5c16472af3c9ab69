"""CPU seconds to find records again in archives made to cost as much as they can, at two sizes.

    python -P benches/pages_resync.py

Each archive is a pattern that repeats; 1.9 kB of gzip can hold 2 MB of it. What counts is the ratio
of twice the size to once: 2 is linear, 4 quadratic. Prints one JSON object; `--out FILE` keeps it.
"""

import argparse
import gzip
import json
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from webtext_py.pages.archive import list_containers, scan_container


def _starts(size: int) -> bytes:
    """Headers that begin everywhere and end nowhere."""
    return b"WARC/1.0\nA: " * (size // 12)


def _one_end(size: int) -> bytes:
    """Headers that begin everywhere, with one end for all."""
    return _starts(size) + b"\n\n"


def _false_lengths(size: int) -> bytes:
    """Records that each claim the next ones."""
    record = b"WARC/1.0\nWARC-Type: response\nContent-Length: %d\n\nx\n" % min(900_000, size // 2)
    return record * (size // len(record))


def _nested(size: int) -> bytes:
    """Records that all end in one place, but for the innermost, which ends behind it."""
    head = b"WARC/1.0\nWARC-Type: response\nContent-Length: %09d\n\n"
    width = len(head % 0)
    count = size // width
    parts = [head % ((count - 1 - i) * width) for i in range(count - 1)]
    return b"".join(parts) + head % 100 + b"\r\n\r\n" + b"x" * 400


def _stairs(size: int) -> bytes:
    """Records that each end behind another record's beginning, the first of them last."""
    head = b"WARC/1.0\nWARC-Type: response\nContent-Length: %09d\n\n"
    width, step = len(head % 0), len(head % 0) + 12
    count = size // (width + step)
    parts = []
    for i in range(count):  # ends inside stair number `count - 1 - i`, behind its header
        stop = count * width + (count - 1 - i) * step + width
        parts.append(head % (stop - (i + 1) * width))
    stair = head % 8 + b"\r\n\r\nabcdefgh"  # ends behind what claims to end before it
    return b"".join(parts) + stair * count


def _stray(size: int) -> bytes:
    """One header with blank lines inside."""
    return b"WARC/1.0\nA: b" + b"\n\nContent-Type: x" * (size // 17)


def _folded(size: int) -> bytes:
    """One header of many continuation lines."""
    return b"WARC/1.0\nA: b" + b"\n x" * (size // 3) + b"\n\n"


def _blanks(size: int) -> bytes:
    """One field name followed by blanks."""
    return b"WARC/1.0\nA" + b" " * size + b"\n\n"


def _http(size: int) -> bytes:
    """A response whose headers are continuation lines."""
    block = b"HTTP/1.1 200 OK\nA: b" + b"\n x" * (size // 3) + b"\n\n"
    head = b"WARC/1.0\nWARC-Type: response\nContent-Length: %d\n\n" % len(block)
    return head + block + b"\r\n\r\n"


def _arc(size: int) -> bytes:
    """ARC records that each claim the next ones."""
    line = b"http://a/ 1.1.1.1 20000101000000 text/html %d\n" % min(900_000, size // 2)
    return line * (size // len(line))


ATTACKS: dict[str, Callable[[int], bytes]] = {
    name.strip("_"): make
    for name, make in {
        "starts": _starts,
        "one end": _one_end,
        "false lengths": _false_lengths,
        "nested": _nested,
        "stairs": _stairs,
        "stray blank lines": _stray,
        "folded": _folded,
        "blanks": _blanks,
        "folded HTTP": _http,
        "ARC": _arc,
    }.items()
}


def scan_seconds(path: Path, data: bytes) -> float:
    """CPU seconds to scan an archive of `data`."""
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    begun = time.process_time()
    for container in list_containers([str(path)]):
        for _ in scan_container(container):
            pass
    return time.process_time() - begun


class _Late(Exception):  # noqa: N818 - ends a measurement
    pass


def _stop(*_: object) -> None:
    raise _Late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--limit-s", type=float, default=20.0, help="an attack is ended then")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGPROF, _stop)
    found: dict[str, dict[str, float | str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in ATTACKS.items():
            kind = "arc" if name == "ARC" else "warc"
            for packing in (kind, f"{kind}.gz"):
                seconds = []
                for size in (options.bytes, 2 * options.bytes):
                    signal.setitimer(signal.ITIMER_PROF, options.limit_s)
                    try:
                        seconds.append(scan_seconds(Path(folder) / f"a.{packing}", make(size)))
                    except _Late:
                        break
                    finally:
                        signal.setitimer(signal.ITIMER_PROF, 0)
                row: dict[str, float | str] = {}
                for size, value in zip(("once_cpu_s", "twice_cpu_s"), seconds, strict=False):
                    row[size] = round(value, 3)
                if len(seconds) < 2:
                    row["ended"] = f"after {options.limit_s} CPU s"
                found[f"{name}, {packing}"] = row
                print(f"{name}, {packing}: {row}", flush=True)
    text = json.dumps({"bytes": options.bytes, "attacks": found}, indent=2)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
