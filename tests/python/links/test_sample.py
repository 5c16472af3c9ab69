"""Ten of each that `links` drops, by a keyed hash, with what is known of them."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.layout import LEDGER_SAMPLE
from webtext_py.stages.links.stage import Links
from webtext_py.workspace import Workspace

MASK = (1 << 64) - 1


def place(name: str) -> int:
    """The hash by which a row is chosen."""
    return int.from_bytes(hashlib.sha256(f"webtext report 1 {name}".encode()).digest()[:8], "big")


def line_place(file: str, line: int) -> int:
    """The same of a line: SplitMix64 of its number and a hash of the file's name."""
    number = (line + place(file)) * 0x9E3779B97F4A7C15 & MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & MASK
    return number ^ number >> 31


def lines_of(file: int) -> list[tuple[str, str]]:
    """Lines of a dump in a mixed order, each with its outcome."""
    found = []
    for n in range(300):
        kind = ("self_post", "damaged", "too_late", "no_karma", "low_karma", "kept")[n % 7 % 6]
        row: dict[str, Any] = {"id": f"{file}x{n}", "url": f"http://{kind}{n}.example/?a&amp;{n}"}
        row |= {"title": "t", "score": 9, "created_utc": 1400000000 + n, "subreddit": f"s{n % 9}"}
        row |= {
            "self_post": {"is_self": True},
            "too_late": {"created_utc": 1600000000, "url": "http://a.example/" + "x" * 9000},
            "no_karma": {"score": None},
            "low_karma": {"score": 1},
        }.get(kind, {})
        line = json.dumps(row)
        found.append(("{" + "é<b>" * 1000 if kind == "damaged" else line, kind))
        if n % 5 == 0 and kind in ("kept", "low_karma"):
            found += [(line, "repeated")] * 2
    return found


def made(data: Path, given: dict[str, Path], partitions: int, workers: int) -> bytes:
    """The sample that the stage writes."""
    config = BuildConfig(partitions=partitions)
    with Workspace(data, LocalEngine(workers)) as workspace:
        workspace.run(Links(config, given, "dumps"))
    return (data / LEDGER_SAMPLE.name()).read_bytes()


def test_ten_of_each(tmp_path: Path) -> None:
    given = {}
    expected: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for file in range(2):
        name = f"RS_{file}"
        lines = lines_of(file)
        given[name] = tmp_path / name
        given[name].write_text("".join(f"{line}\n" for line, _ in lines))
        for n, (_, kind) in enumerate(lines):
            expected[kind].append((line_place(name, n), name, n))
    sample = made(tmp_path / "one", given, 3, 1)
    assert made(tmp_path / "two", given, 8, 2) == sample
    rows = defaultdict(list)
    for row in pq.read_table(tmp_path / "one" / LEDGER_SAMPLE.name()).to_pylist():
        rows[row["outcome"]].append(row)
    assert set(rows) == set(expected) - {"kept"}
    for kind in ("self_post", "damaged", "too_late", "no_karma"):
        found = [(row["place"], row["file"], row["line"]) for row in rows[kind]]
        assert found == sorted(expected[kind])[:10], kind
    assert all(len(row["url"]) == 2000 for row in rows["too_late"])
    assert all(row["karma"] is None and row["subreddit"] for row in rows["no_karma"])
    assert all(row["text"] is None and "/?a&" in row["url"] for row in rows["self_post"])
    assert all(
        row["text"].startswith("{é<b>é") and len(row["text"]) < 1000 for row in rows["damaged"]
    )
    assert len(rows["repeated"]) == 10
    urls = [(row["place"], row["karma"], row["file"]) for row in rows["low_karma"]]
    assert urls == sorted((place(row["url_key"]), 1, None) for row in rows["low_karma"])
    assert len(urls) == 10
