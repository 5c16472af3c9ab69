"""Makes a submission dump of any size from the statistics of real ones (`dump_fields.json`).

Deterministic: the same size and seed give the same bytes. The lines of the eras 2005 to 2024 follow
each other in blocks, as in a folder of dumps; the text is made of invented words.

Usage: dump_maker.py OUT [--megabytes 600] [--level 3] [--window-log 31] [--seed 1]
OUT ends in .zst, .gz, .bz2, .xz or .ndjson.
"""

import argparse
import bz2
import gzip
import json
import lzma
import random
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

TABLE = Path(__file__).with_name("dump_fields.json")

# Lines of one era before the next comes, and how many of the lines are of each.
BLOCK_LINES = 2000
SHARES = {"2005": 1, "2014": 4, "2019": 2, "2020": 2, "2024": 1}

SYLLABLES = [
    *("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru"),
    *("sta", "tri", "ver", "wen", "xo", "yar", "ka", "lin", "mor", "net"),
]
ESCAPED = ["\\n\\n", '\\"', "\\u2019", "&amp;", "\\u00e9", "\\ud83d\\ude00"]
WIDE = ["é", "中文", "’", "😀", "\\n\\n"]


class Era:
    """Makes the lines of one era."""

    def __init__(self, name: str, table: dict[str, Any], words: list[str]) -> None:
        self.name = name
        self.words = words
        self.slash = "\\/" if table["slash"] else "/"
        self.space = " " if table["space"] else ""
        self.plain_utf8 = name == "2024"
        self.fields = [
            (field, f'"{field}":{self.space}', list(kinds.items()))
            for field, kinds in table["fields"].items()
        ]
        # Bytes of each mean line that are escapes, beyond those of the slashes.
        self.escape_rate = min(0.05, table["escapes"] / table["mean_bytes"] / 4)

    def line(self, random: random.Random, number: int) -> str:
        """One line."""
        parts = []
        for field, key, kinds in self.fields:
            pick = random.random()
            for kind, figures in kinds:
                pick -= figures["share"]
                if pick < 0:
                    length = random.choice(figures["lengths"])
                    parts.append(key + self.value(random, field, kind, length, number))
                    break
        return "{" + f",{self.space}".join(parts) + "}\n"

    def value(self, random: random.Random, field: str, kind: str, length: int, number: int) -> str:
        """A value of about `length` bytes."""
        if kind in ("null", "true", "false"):
            return kind
        if kind == "int":
            if field == "created_utc":
                return str(1_119_552_233 + 37 * number)
            return str(random.randrange(10 ** max(0, length - 1), 10**length))
        if kind == "float":
            return f"{random.randrange(10 ** max(1, length - 2))}.{random.randrange(10)}"
        if kind == "string":
            return f'"{self.string(random, field, length, number)}"'
        if kind == "array":
            return "[]" if length < 20 else "[" + self.container(random, length - 2, number) + "]"
        return "{}" if length < 20 else self.container(random, length, number)

    def container(self, random: random.Random, length: int, number: int) -> str:
        """An object of about `length` bytes that has keys named like those outside."""
        members = []
        left = length - 2
        while left > 0:
            kind = random.randrange(4)
            if kind == 0:
                text = f'"url":{self.space}"{self.string(random, "url", 60, number)}"'
            elif kind == 1:
                text = f'"score":{self.space}{random.randrange(1000)}'
            elif kind == 2:
                text = f'"resolutions":{self.space}[{{"width":{self.space}640,"height":108}},null]'
            else:
                text = f'"id":{self.space}"{number:x}"'
            members.append(text)
            left -= len(text) + 1
        return "{" + f",{self.space}".join(members) + "}"

    def string(self, random: random.Random, field: str, length: int, number: int) -> str:
        """A string's text as it stands between the quotes."""
        if field == "created_utc":
            return str(1_388_534_400 + 7 * number)
        if field in ("id", "name"):
            return f"t3_{number:x}" if field == "name" else f"{number:x}"
        if field in ("url", "permalink", "thumbnail", "full_link"):
            host = f"http://www.{random.choice(self.words)}.example/"
            path = "-".join(random.choices(self.words, k=max(1, (length - len(host)) // 6)))
            query = f"?id={number}&amp;p=2" if random.random() < 0.05 else ""
            return (host + path + query).replace("/", self.slash)
        if length < 24:
            return "".join(random.choices(self.words, k=length // 5 + 1))[:length]
        pieces = []
        left = length
        while left > 0:
            word = random.choice(self.words)
            if random.random() < self.escape_rate * 6:
                word = random.choice(WIDE if self.plain_utf8 else ESCAPED)
            pieces.append(word)
            left -= len(word) + 1
        return " ".join(pieces)


def lines(megabytes: float, seed: int) -> Iterator[str]:
    """Lines of at least that many bytes together."""
    generator = random.Random(seed)
    # Zipf's law by repetition: the first words come far more often.
    stems = ["".join(generator.choices(SYLLABLES, k=1 + i % 4)) for i in range(4000)]
    words = [stem for rank, stem in enumerate(stems, 1) for _ in range(max(1, 4000 // (8 * rank)))]
    table = json.loads(TABLE.read_text())
    eras = [Era(name, table[name], words) for name, share in SHARES.items() for _ in range(share)]
    left = int(megabytes * 1e6)
    number = 0
    while left > 0:
        line = eras[number // BLOCK_LINES % len(eras)].line(generator, number)
        yield line
        left -= len(line.encode())
        number += 1


def opened(out: Path, level: int, window_log: int) -> IO[bytes]:
    """A compressing file for the name's ending."""
    if out.suffix == ".zst":
        parameters = zstandard.ZstdCompressionParameters.from_level(
            level, window_log=window_log, write_checksum=True, write_content_size=False
        )
        return zstandard.ZstdCompressor(compression_params=parameters).stream_writer(
            out.open("wb"), closefd=True
        )
    if out.suffix == ".gz":
        return gzip.GzipFile(out, "wb", compresslevel=6, mtime=0)
    if out.suffix == ".bz2":
        return bz2.BZ2File(out, "wb", compresslevel=9)
    if out.suffix == ".xz":
        return lzma.LZMAFile(out, "wb", preset=3)
    return out.open("wb")


def make(
    out: Path, megabytes: float, *, level: int = 3, window_log: int = 31, seed: int = 1
) -> None:
    """Writes the dump."""
    with opened(out, level, window_log) as file:
        block: list[str] = []
        for line in lines(megabytes, seed):
            block.append(line)
            if len(block) == 1000:
                file.write("".join(block).encode())
                block.clear()
        file.write("".join(block).encode())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=600)
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--window-log", type=int, default=31)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    make(
        options.out,
        options.megabytes,
        level=options.level,
        window_log=options.window_log,
        seed=options.seed,
    )


if __name__ == "__main__":
    main()
