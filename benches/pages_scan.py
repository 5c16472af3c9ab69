"""Scan speed of WARC archives: ours against zlib alone, fastwarc and warcio, on the same file.

    python -P benches/pages_scan.py ../shared/data/warc/resiliparse-warcfile.warc.gz

The input is the given archive, repeated to about `--megabytes`. First the record counts of all
readers must agree; then each runs `--runs` times in turn. CPU seconds of this process, medians.
Prints one JSON object; `--out FILE` keeps it.
"""

import argparse
import hashlib
import importlib.metadata
import json
import resource
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import fastwarc
import warcio

from webtext_py.pages.archive import list_containers, scan_container


def ours(path: Path) -> int:
    [container] = list_containers([str(path)])
    scan = scan_container(container)
    for _ in scan:
        pass
    assert scan.damage == []
    return sum(scan.records.values())


def inflate(path: Path) -> int:
    """Members inflated and thrown away: what no reader over zlib can beat."""
    data = memoryview(path.read_bytes())
    place = members = 0
    while place < len(data):
        stream = zlib.decompressobj(31)
        while not stream.eof:
            piece = data[place : place + 65536]
            stream.decompress(piece, 1 << 20)
            place += len(piece) - len(stream.unused_data) - len(stream.unconsumed_tail)
        members += 1
    return members


def by_fastwarc(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for record in fastwarc.ArchiveIterator(file) if record.reader.read(0) == b"")


def by_warcio(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in warcio.ArchiveIterator(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    source = options.archive.read_bytes()
    readers: dict[str, Callable[[Path], int]] = {
        "webtext": ours, "zlib alone": inflate, "fastwarc": by_fastwarc, "warcio": by_warcio
    }  # fmt: skip
    if not source.startswith(b"\x1f\x8b"):
        del readers["zlib alone"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / options.archive.name
        repeats = max(1, options.megabytes * 1_000_000 // len(source))
        path.write_bytes(source * repeats)
        size = path.stat().st_size
        counts = {name: reader(path) for name, reader in readers.items()}
        if len(set(counts.values())) != 1:
            raise SystemExit(f"the readers do not agree on the number of records: {counts}")
        seconds: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(options.runs):
            for name, reader in readers.items():
                begun = time.process_time()
                reader(path)
                seconds[name].append(time.process_time() - begun)
    records = counts["webtext"]
    result = {
        "input": options.archive.name,
        "sha256": hashlib.sha256(source).hexdigest(),
        "repeated": repeats,
        "bytes": size,
        "records": records,
        "peers": {name: importlib.metadata.version(name) for name in ("fastwarc", "warcio")},
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "readers": {
            name: {
                "cpu_s": round(statistics.median(times), 3),
                "spread_s": [round(min(times), 3), round(max(times), 3)],
                "file_mb_per_s": round(size / statistics.median(times) / 1e6, 1),
                "records_per_s": round(records / statistics.median(times)),
            }
            for name, times in seconds.items()
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
