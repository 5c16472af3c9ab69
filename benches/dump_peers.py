"""The core's scan of dump lines against JSON libraries, in CPU seconds, verdicts compared.

Three texts: all lines of the real dumps, a made dump (`dump_maker.py`), and real lines with a few
bytes changed. The readers are in `peers/src/bin/json.rs`; each fills the same columns. All is
built twice: for any x86-64, as the package is, and for this machine alone.

Usage: dump_peers.py [--data DIR] [--megabytes 200] [--runs 5] [--record FILE]
"""

import argparse
import gzip
import hashlib
import json
import lzma
import os
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import dump_maker
import zstandard
from bpe_corpus import REPOSITORY, SHARED

PEERS = Path(__file__).with_name("peers")
REAL = [
    *("RS_v2_2005-06.xz", "RS_v2_2005-07.xz", "RS_2019-10.AskWomen.zst", "RC_2005-12.zst"),
    *("mixed_eras_submissions.ndjson", "mixed_eras_comments.ndjson", "listing_t3_lines.zst"),
    *("RC_2019-10.head1000.ndjson.gz", "derived/top2013.ndjson.zst"),
]
BYTES = b'"\\{}[]:,u0e-. \t\x00\x01\x7f\x80\xc3\xa9\xff'


def text_of(path: Path) -> bytes:
    """The lines of a dump, the last with its end."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        data = decoder.stream_reader(data, read_across_frames=True).read()
    return data.rstrip(b"\n") + b"\n"


def damaged(text: bytes) -> bytes:
    """The lines, each with one to three bytes changed, put in or cut out."""
    generator = random.Random(1)
    lines = []
    for line in text.split(b"\n"):
        changed = bytearray(line)
        for _ in range(generator.randint(1, 3)):
            at = generator.randrange(len(changed) + 1)
            length = generator.choice([1, 1, 2, 9])
            match generator.randrange(3):
                case 0:
                    changed[at : at + 1] = bytes([generator.choice(BYTES)])
                case 1:
                    del changed[at : at + length]
                case _:
                    changed[at:at] = bytes([generator.choice(BYTES)])
        lines.append(bytes(changed).replace(b"\n", b""))
    return b"\n".join(lines)


def built(flags: str) -> Path:
    """The program, compiled with `flags`."""
    target = REPOSITORY / "target" / ("peers-native" if flags else "peers")
    command = ["cargo", "build", "-q", "--release", "--locked", "--bin", "json"]
    command += ["--manifest-path", str(PEERS / "Cargo.toml"), "--target-dir", str(target)]
    subprocess.run(command, check=True, env={**os.environ, "RUSTFLAGS": flags})
    return target / "release" / "json"


def run(program: Path, runs: int, *arguments: str | Path) -> dict[str, Any]:
    """What the program prints."""
    command = [str(program), str(runs), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--record", type=Path, help="write the figures there, as JSON")
    options = parser.parse_args()
    programs = {"x86-64": built(""), "native": built("-C target-cpu=native")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = b"".join(text_of(options.data / "reddit" / file) for file in REAL)
        texts = {"real": folder / "real.ndjson", "damaged": folder / "damaged.ndjson"}
        texts["made"] = folder / "made.ndjson"
        texts["real"].write_bytes(real)
        texts["damaged"].write_bytes(damaged(real))
        dump_maker.make(texts["made"], options.megabytes)
        packed = folder / "made.zst"
        dump_maker.make(packed, options.megabytes)
        lines, path = {}, {}
        for build, program in programs.items():
            answer = run(program, options.runs, *texts.values())
            lines[build] = {name: answer[str(text)] for name, text in texts.items()}
            path[build] = run(program, options.runs, "--whole", packed)["readers"]
        digests = {
            name: hashlib.sha256(text.read_bytes()).hexdigest() for name, text in texts.items()
        }
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    record = {
        "command": "python benches/dump_peers.py",
        "commit": commit.stdout.strip(),
        "machine": "AMD EPYC, 2 cores",
        "runs": options.runs,
        "load_average_at_end": os.getloadavg()[0],
        "sha256": digests,
        "lines": lines,
        "made.zst, decompressing too": path,
    }
    print(json.dumps(record, indent=1))
    if options.record:
        options.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
