"""`kill -9` twenty times during 10,000 fetches: the archive and the shards are an unkilled run's.

    python tests/soak/kill_fetch.py PAGES_DIR [--pages 10000] [--hosts 200] [--kills 20] [--seed 1]
        [--documents 10000] [--folder DIR] [--record NOTE.md]

Not part of the test run: minutes of work. The server, the pages and the fetch are those of
`benches/fetch.py` (no delay, 64 connections). One fetch runs to its end; another is killed at
random moments until it was killed often enough, and then runs to its end. Then every page must be
in the archive exactly once, whole, with the bytes that were sent; nothing that was finished before
a kill may have been asked for after it (by the server's log). From both archives `webtext build`
makes shards of the first `--documents` links: index and WARC files must agree, the captures
chosen and the shards must be the same but for the time of each page, `verify` must find nothing.
Exit 1 at the first difference; the directory stays for a look.
"""

import argparse
import datetime as dt
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator, WarcRecordType

from webtext_py.fetch.journal import Attempt, journals
from webtext_py.verify import verify

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benches"))
import fetch as bench  # noqa: E402 - benches/fetch.py: its server, its command, its check

_POLL_S = 0.02


@dataclass
class Killed:
    """What the kills found."""

    at: list[int] = field(default_factory=list)  # pages finished at each
    torn: int = 0  # bytes that a restart cut off
    finished: list[tuple[float, set[str]]] = field(default_factory=list)  # by time: what was done


def kill_often(command: list[str], archive: Path, pages: int, kills: int, seed: int) -> Killed:
    """Starts the build and kills it, over and over, at moments spread over all pages."""
    draw = random.Random(seed)
    found = Killed()
    for n in range(kills):
        # One in every stretch, so that the last one still has something to interrupt.
        enough = int(pages * (n + draw.random()) / (kills + 1))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and _lines(archive) < enough:
            time.sleep(_POLL_S)
        time.sleep(draw.uniform(0.0, 0.2))
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise SystemExit(f"kill {n + 1} came too late: exit {process.returncode}")
        done = bench.attempts(archive)
        found.at.append(sum(bool(a.url_key) for a in done))
        found.torn += _unvouched(archive, done)
        found.finished.append((time.monotonic(), {a.url for a in done if a.url_key}))
        print(f"kill {n + 1} with {found.at[-1]} pages finished", flush=True)
    return found


def _lines(archive: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in journals(archive))


def _unvouched(archive: Path, done: list[Attempt]) -> int:
    """Bytes of open files that no line of a journal vouches for: torn records."""
    ends = dict(sorted((a.file, a.offset + a.length) for a in done if a.file is not None))
    parts = archive.glob("*.part")
    return sum(p.stat().st_size - ends.get(p.name.removesuffix(".part"), 0) for p in parts)


def check_server(log: list[tuple[str, str, float]], killed: Killed) -> int:
    """Nothing finished was asked for again; returns how many pages were asked for twice because
    a kill came before they were finished."""
    again = 0
    asked: Counter[str] = Counter()
    finished: set[str] = set()
    moments = iter([*killed.finished, (float("inf"), set())])
    until, then = next(moments)
    for host, target, at in log:
        while at > until:
            finished = then
            until, then = next(moments)
        if target.startswith("/p/"):
            if f"{host}{target}" in finished:
                raise SystemExit(f"{host}{target} was asked for after it was finished")
            asked[host + target] += 1
            again += asked[host + target] == 2
    return again


def check_index(archive: Path, data: Path) -> int:
    """The index of the build `data` has the responses of `archive` at their places; returns how
    many."""
    held = set()
    for path in sorted(archive.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response):
                held.add((path.name, record.stream_pos, record.headers["WARC-Target-URI"]))
    rows = [
        (row["location"]["file"], row["location"]["offset"], row["url"])
        for path in sorted((data / "pages").glob("index-*.parquet"))
        for row in pq.read_table(path, columns=["location", "url"]).to_pylist()
    ]
    if len(rows) != len(set(rows)) or set(rows) != held:
        raise SystemExit(f"index and WARC files differ: {len(rows)} rows, {len(held)} records")
    return len(rows)


def shards(data: Path) -> list[dict[str, Any]]:
    """Every row of the shards, in order, but for the times of fetching."""
    rows = [
        {"shard": path.name, **row}
        for path in sorted((data / "shards").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    for row in rows:
        del row["fetched_at"]
    return rows


def offline(folder: Path, name: str, documents: int) -> Path:
    """A build of the first links from the archive `name`, without network; its directory."""
    lines = (folder / "links.csv").read_text().splitlines(keepends=True)
    table = folder / "links-offline.csv"
    table.write_text("".join(lines[: documents + 1]))
    data = folder / f"{name}-offline"
    main = "from webtext_py.cli.main import main; main()"
    words = ["--links", str(table), "--pages", str(folder / name / "pages"), "--quiet"]
    run([sys.executable, "-P", "-c", main, "build", "--data", str(data), *words])
    if problems := verify(data).problems:
        raise SystemExit(f"verify found {problems}")
    return data


def run(command: list[str]) -> None:
    """A command that must come to its end."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"exit {done.returncode}\n{done.stderr}")


def soak(folder: Path, given: argparse.Namespace) -> str:
    """Both builds and all checks; returns what was found, in words."""
    began = time.monotonic()
    with bench.Running(given.pages_dir, folder, given.hosts) as server:
        server.write_links(given.pages)
        run(bench.fetch_command(folder, "whole"))
        print(f"uninterrupted: {time.monotonic() - began:.0f} s", flush=True)
    whole_log = server.log
    # The same port, so the same URLs.
    with bench.Running(given.pages_dir, folder, given.hosts, server.port) as server:
        command = bench.fetch_command(folder, "killed")
        data = folder / "killed"
        killed = kill_often(command, data / "pages", given.pages, given.kills, given.seed)
        run(command)
    again = check_server(server.log, killed)
    bodies = bench.read_bodies(Path(given.pages_dir))
    kept = [a.url for a in bench.attempts(folder / "whole" / "pages") if a.outcome == "good"]
    total = bench.check(data / "pages", bodies, kept)
    built = offline(folder, "killed", given.documents)
    rows = check_index(data / "pages", built)
    documents = shards(built)
    if documents != shards(offline(folder, "whole", given.documents)):
        raise SystemExit("the shards differ")
    if left := list(folder.rglob("*.part")):
        raise SystemExit(f"left behind: {left[0]}")
    seconds = time.monotonic() - began
    return f"""\
{given.kills} kills (`kill -9`) while fetching from {given.hosts} hosts without a delay, with this many pages
finished: {", ".join(f"{n:,}" for n in killed.at)}.

- The restarts cut off {killed.torn:,} bytes that no line of the journal vouched for.
- The server saw {len(whole_log):,} requests of the uninterrupted fetch and {len(server.log):,} of the killed one: {again:,}
  pages were on their way at a kill and asked for once more, and what is asked once a host and start;
  no page that was finished was asked for again.
- Each of the {len(kept):,} good pages ({total / 1e6:,.0f} MB) is in the archive exactly once with the bytes sent.
- The index's {rows:,} rows are the WARC files' responses at their places.
- The shards built of the first {given.documents:,} links ({len(documents):,} documents; equal pages are removed) are
  those of the uninterrupted fetch, times of fetching apart; `verify` finds nothing in either.

Everything took {seconds:.0f} s on a machine that did other work too.
"""  # noqa: E501 - a note's lines, wrapped as they come out


def main() -> None:
    """Runs it and writes the dated note."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages_dir")
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--documents", type=int, default=10_000, help="links to build shards of")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to build [default: a temporary one]")
    parser.add_argument("--record", type=Path, metavar="NOTE.md", help="write the dated note here")
    parser.add_argument("--machine", default=platform.machine(), help="named in the note")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="webtext-soak-"))
    found = soak(folder, given)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    text = f"""\
# Random kills during {given.pages:,} fetches, {dt.date.today()}

`python tests/soak/kill_fetch.py PAGES_DIR --kills {given.kills} --seed {given.seed} \
--documents {given.documents}`
(PAGES_DIR: `html/article-extraction-benchmark` of the shared data),
commit {commit}, {given.machine}, Python {platform.python_version()}.

{found}
"""
    print(text)
    if given.record is not None:
        given.record.write_text(text, encoding="utf-8")
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
