"""Writes `dump_fields.json`: what the fields of real submission lines look like, by era.

For each field its JSON types with their shares and, for each type, the nine deciles of its length
as it stands in the line. No text of anybody's is kept. `dump_maker.py` makes dumps from the table.

Usage: dump_statistics.py FOLDER_OF_REAL_DUMPS
"""

import io
import json
import lzma
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import zstandard

TABLE = Path(__file__).with_name("dump_fields.json")

# Era -> file, and the year whose lines count (None: all).
ERAS = {
    "2005": ("RS_v2_2005-07.xz", None),
    "2014": ("mixed_eras_submissions.ndjson", 2014),
    "2019": ("RS_2019-10.AskWomen.zst", None),
    "2020": ("mixed_eras_submissions.ndjson", 2020),
    "2024": ("mixed_eras_submissions.ndjson", 2024),
}


def lines_of(path: Path) -> list[bytes]:
    """The lines of a small dump."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix == ".zst":
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        data = decoder.stream_reader(io.BytesIO(data), read_across_frames=True).read()
    return data.splitlines()


def kind_of(value: object) -> str:
    """The JSON type, with the two booleans apart."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = {str: "string", int: "int", float: "float", dict: "object", list: "array"}
    return kinds[type(value)]


def deciles(lengths: list[int]) -> list[int]:
    """Nine deciles; of a single value that one."""
    if len(set(lengths)) == 1:
        return lengths[:1]
    return [round(value) for value in statistics.quantiles(lengths, n=10, method="inclusive")]


def era(path: Path, year: int | None) -> dict[str, Any]:
    """The table of one era."""
    lengths: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    count = total = escapes = 0
    slash = space = False
    for line in lines_of(path):
        record = json.loads(line)
        created = int(float(record["created_utc"]))
        if year is not None and 1970 + created // 31_556_952 != year:
            continue
        count += 1
        total += len(line)
        escapes += line.count(b"\\")
        slash |= b"\\/" in line
        space |= b'": ' in line and b'", "' in line
        for name, value in record.items():
            text = json.dumps(value, separators=(", ", ": ") if space else (",", ":"))
            if slash:
                text = text.replace("/", "\\/")
            quotes = 2 if isinstance(value, str) else 0
            lengths[name][kind_of(value)].append(len(text) - quotes)
    fields = {
        name: {
            kind: {"share": round(len(found) / count, 4), "lengths": deciles(sorted(found))}
            for kind, found in sorted(kinds.items())
        }
        for name, kinds in lengths.items()
    }
    figures = {"lines": count, "mean_bytes": round(total / count)}
    figures["escapes"] = round(escapes / count, 1)
    return {**figures, "slash": slash, "space": space, "fields": fields}


def main() -> None:
    """Writes the table."""
    folder = Path(sys.argv[1])
    table = {name: era(folder / file, year) for name, (file, year) in ERAS.items()}
    lines = [f'"{name}": {json.dumps(value)}' for name, value in table.items()]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print({name: (value["lines"], value["mean_bytes"]) for name, value in table.items()})


if __name__ == "__main__":
    main()
