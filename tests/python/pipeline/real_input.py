"""Makes real input for a whole build: real dump lines that point at real pages.

Lines of the shared dumps, each with its own era's fields and types, are pointed at the URLs of the
labelled pages and of good captures in the shared archives.
"""

import csv
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.url.key import url_key
from webtext_py.url.rules import UrlRules

FETCHED = "2016-05-01T00:00:00Z"
ARCHIVES = ("aut-example.warc.gz", "dolma-sample-0000.warc.gz", "resiliparse-warcfile.warc")


@dataclass
class RealInput:
    """What was written, and what must come of it."""

    dumps: list[Path] = field(default_factory=list)
    pages: list[Path] = field(default_factory=list)
    karma: dict[str, int] = field(default_factory=dict)  # by key, `max` inside the dates
    refused: dict[str, str] = field(default_factory=dict)  # by key, the URL rule's reason
    captured: set[str] = field(default_factory=set)  # keys with a good capture in an archive
    lines: int = 0


def make(shared: Path, folder: Path, pages: list[tuple[str, bytes]]) -> RealInput:
    """Writes dumps and pages below `folder`. `pages`: URL and body of each labelled page."""
    made = RealInput()
    half = len(pages) // 2
    _write_table(folder / "pages.parquet", pages[:half])
    _write_folder(folder / "html", pages[half:])
    made.pages = [folder / "pages.parquet", folder / "html"]
    urls = [url for url, _ in pages]
    for name in ARCHIVES:
        path = shared / "warc" / name
        made.pages.append(path)
        for capture in scan_container(list_containers([str(path)])[0]):
            key = url_key(capture.url)
            if capture.outcome == "good" and key is not None and key not in made.captured:
                made.captured.add(key)
                urls.append(capture.url)
    lines = list(_lines(made, _templates(shared), urls))
    made.lines = len(lines)
    cut = len(lines) // 3
    parts = {
        "RS_a.zst": _zstd(b"".join(lines[:cut])),
        "RS_b.xz": lzma.compress(b"".join(lines[cut : 2 * cut])),
        "RS_c.ndjson": b"".join(lines[2 * cut :]),
    }
    for name, content in parts.items():
        (folder / name).write_bytes(content)
        made.dumps.append(folder / name)
    return made


def usable(url: str) -> str:
    """The page's URL, or one made of its label: 16 labels are no URLs (`hard::...`)."""
    return url if url_key(url) is not None else f"https://labels.example/{url.split(':')[-1]}"


def _zstd(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    ).compressobj()  # a long window and no content size, like the published files
    return compressor.compress(data) + compressor.flush()


def _write_table(path: Path, pages: list[tuple[str, bytes]]) -> None:
    columns = {
        "url": pa.array([url for url, _ in pages]),
        "html": pa.array([body for _, body in pages], pa.binary()),
        "fetched_at": pa.array([FETCHED] * len(pages)),
    }
    pq.write_table(pa.table(columns), path)


def _write_folder(folder: Path, pages: list[tuple[str, bytes]]) -> None:
    folder.mkdir()
    with (folder / "urls.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "url", "fetched_at"])
        for number, (url, body) in enumerate(pages):
            (folder / f"{number}.html").write_bytes(body)
            writer.writerow([f"{number}.html", url, FETCHED])


def _templates(shared: Path) -> list[dict[str, Any]]:
    """Real submissions of many eras that the line rules keep."""
    reddit = shared / "reddit"
    lines = (reddit / "mixed_eras_submissions.ndjson").read_bytes().splitlines()
    lines += lzma.decompress((reddit / "RS_v2_2005-07.xz").read_bytes()).splitlines()[:60]
    rows = [json.loads(line) for line in lines]
    return [
        row
        for row in rows
        if not row.get("is_self") and not row.get("promoted") and not row.get("over_18")
        if not str(row.get("domain")).startswith("self.")
    ]


def _lines(made: RealInput, templates: list[dict[str, Any]], urls: list[str]) -> Iterator[bytes]:
    rules = UrlRules.default()
    for number, url in enumerate(urls):
        key = url_key(url)
        assert key is not None
        reason = rules.reason(url)
        if reason is not None:
            made.refused[key] = reason
        # Every fifth URL too little; some posted twice, once after the date, which must not count.
        karma = [2, 3, 17, 480, 3][number % 5]
        posts = [(karma, 1_300_000_000 + number)]
        if number % 3 == 0:
            posts += [(1, 1_310_000_000), (9000, 1_520_000_000)]
        made.karma[key] = max(made.karma.get(key, 0), karma)
        for count, (score, created) in enumerate(posts):
            row = dict(templates[(number + count) % len(templates)])
            kind = type(row["created_utc"])  # the era's own: int, str or float
            row |= {"id": f"x{number}z{count}", "url": url.replace("&", "&amp;"), "score": score}
            row["created_utc"] = kind(created)
            yield json.dumps(row).encode() + b"\n"
