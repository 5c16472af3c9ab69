"""`webtext report` on a build of made pages: CPU seconds, peak memory, and the page in a browser.

    python benches/report.py DIR [--documents 200000] [--domains 0]
        [--record benches/record/report.json]

Makes links and pages once below DIR (words, domains and subreddits by Zipf's law; copies, nearly
copies, pages too short, links without a page, of little karma, of media hosts; with `--domains` so
many further domains with one link each and no page), builds them, trains a vocabulary and encodes.
Then each round makes the report anew in a process of its own with one worker: CPU seconds and
greatest memory are that process's, libraries included. The page is opened in Chromium, and the test
that asks DuckDB for every count on the page is run on this build.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tools"))

from browser import Browser, find  # noqa: E402

from webtext_py import demo  # noqa: E402
from webtext_py.bpe.encode_stage import encode  # noqa: E402
from webtext_py.bpe.train import BpeConfig  # noqa: E402
from webtext_py.bpe.train_stage import Asked, train_vocabulary  # noqa: E402
from webtext_py.config import BuildConfig  # noqa: E402
from webtext_py.engine import LocalEngine  # noqa: E402
from webtext_py.overlap import OverlapConfig, overlap  # noqa: E402
from webtext_py.pipeline import Build, Sources  # noqa: E402
from webtext_py.workspace import Workspace  # noqa: E402

_FULL = 8_000_000  # documents of WebText, GPT-2 report, section 2.1
_PAGES = 20_000  # of a file


def make(folder: Path, documents: int, domains: int) -> None:
    """`links.parquet` and `pages/` for about so many documents, and links to further domains."""
    draw = np.random.default_rng(1)
    links = int(documents * 2.1)
    site = draw.zipf(1.3, links) % 60_000
    numbers = np.arange(links)
    urls = [f"http://www.site{s}.example/{n}/story" for s, n in zip(site, numbers, strict=True)]
    for n in np.flatnonzero(draw.random(links) < 0.06).tolist():
        urls[n] = f"http://i.imgur.com/{n}.jpg"
    months = np.sort(draw.beta(3, 1.2, links)) * 11.9 * 365.25 * 86400 + 1_136_073_600
    table = {
        "url": urls,
        "karma": np.minimum(draw.zipf(1.25, links), 90_000),
        "created_utc": draw.permutation(months).astype(np.int64),
        "subreddit": [f"sub{n}" for n in draw.zipf(1.4, links) % 9000],
    }
    more = {
        "url": [f"http://only{n}.example/" for n in range(domains)],
        "karma": np.full(domains, 5),
        "created_utc": np.full(domains, 1_400_000_000),
        "subreddit": [f"sub{n % 9000}" for n in range(domains)],
    }
    both = pa.concat_tables([pa.table(table), pa.table(more)], promote_options="permissive")
    pq.write_table(both, folder / "links.parquet")
    (folder / "pages").mkdir()
    words = np.array(_words(draw))
    last = words[:300]
    for first in range(0, links, _PAGES):
        rows = []
        for n in range(first, min(first + _PAGES, links)):
            share = draw.random()
            if share < 0.1:
                continue  # no page
            if share > 0.1 + 0.06:
                last = words[(draw.zipf(1.2, int(draw.lognormal(5.6, 0.9)) + 20) - 1) % len(words)]
            elif share > 0.13:
                last = last.copy()  # nearly the one before
                last[len(last) // 2] = f"changed{n}"
            rows.append({"url": urls[n], "html": _page(n, last)})
        path = folder / "pages" / f"pages-{first:09d}.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000, compression="zstd")


def _words(draw: np.random.Generator) -> list[str]:
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    return ["".join(draw.choice(syllables, draw.integers(1, 5))) for _ in range(20_000)]


def _page(number: int, words: npt.NDArray[Any]) -> str:
    year = 1995 + number % 23
    lines = [" ".join(words[i : i + 60]) for i in range(0, len(words), 60)]
    body = "".join(f"<p>{line}.</p>" for line in lines)
    meta = f'<meta property="article:published_time" content="{year}-03-04">'
    return f"<html><head><title>Story {number}</title>{meta}</head><body><article>{body}</article>"


def build(folder: Path) -> None:
    """Builds what was made, with vocabulary, tokens and overlap."""
    data = folder / "data"
    given = Sources(links=folder / "links.parquet", pages=(str(folder / "pages"),))
    Build(data, given, BuildConfig(validation=0.005)).run(LocalEngine(2))
    train_vocabulary(data, Asked(BpeConfig(vocab_size=8000)))
    encode(data)
    overlap(data, OverlapConfig(test=(str(demo.test_set()),)))


def measure(data: Path) -> dict[str, float]:
    """One report made anew in a process of its own."""
    with Workspace(data) as workspace:
        workspace.forget("report")
    # The greatest memory as the kernel knows it of this program: what `wait4` says holds the
    # memory of whoever started it.
    code = (
        "import atexit, re, sys\nfrom webtext_py.cli.main import main\n"
        "status = lambda: open('/proc/self/status').read()\n"
        "atexit.register(lambda: print(re.search(r'VmHWM:\\s*(\\d+)', status())[1]))\nmain()"
    )
    options = ["report", "--data", str(data), "--workers", "1", "--quiet"]
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-P", "-c", code, *options], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read().split()
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, status
    return {
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mib": round(int(said[-1]) / 1024),
    }


def opened(path: Path) -> dict[str, Any]:
    """What a browser says of the page, which must be nothing."""
    command = find()
    if command is None:
        raise SystemExit("chromium is not on PATH; install it to open the page")
    with Browser(command) as browser:
        started = time.monotonic()
        browser.open(path)
        took = time.monotonic() - started
        assert browser.complaints() == [], browser.complaints()
        assert len(browser.requests()) == 1, browser.requests()
    return {"page_kb": round(path.stat().st_size / 1000), "open_seconds": round(took, 2)}


def counts_agree(data: Path) -> None:
    """Runs the test that asks another database for every count, on this build."""
    test = ROOT / "tests" / "python" / "report" / "test_counts.py"
    pytest = Path(sys.executable).with_name("pytest")
    command = [str(pytest), "-q", "-x", "-p", "no:cacheprovider", str(test)]
    subprocess.run(command, check=True, env={**os.environ, "WEBTEXT_REPORTED": str(data)})


def main() -> None:
    """Builds, measures, checks, records."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--domains", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", type=Path)
    args = parser.parse_args()
    folder = args.folder / f"{args.documents}-{args.domains}"
    data = folder / "data"
    if not folder.exists():
        folder.mkdir(parents=True)
        make(folder, args.documents, args.domains)
    if not (data / "overlap").exists():
        build(folder)
    runs = [measure(data) for _ in range(args.rounds)]
    figures = json.loads((data / "report" / "report.json").read_bytes())
    found = figures["documents"]
    cpu = statistics.median(run["cpu_seconds"] for run in runs)
    result = {
        "documents": found,
        "links": figures["stages"][1]["in"],
        "urls": figures["stages"][0]["in"],
        "text_bytes": figures["bytes"],
        "tokens": figures["tokens"]["tokens"],
        "duplicates": figures["duplicates"]["removed"],
        "domains": figures["domains"]["of_links"],
        "cpu_seconds": cpu,
        "peak_memory_mib": max(run["peak_memory_mib"] for run in runs),
        "minutes_of_8_million_in_proportion": round(cpu * _FULL / found / 60, 1),
        "runs": runs,
        **opened(data / "report" / "index.html"),
    }
    print(json.dumps(result, indent=1))
    counts_agree(data)
    result["counts"] = "all equal to DuckDB's"
    if args.record:
        known = json.loads(args.record.read_text()) if args.record.exists() else {}
        known["machine"] = (
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        )
        known["command"] = "python benches/report.py DIR --documents N"
        more = f", {args.domains} further domains" if args.domains else ""
        known[f"{args.documents} documents asked for{more}"] = result
        args.record.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
