"""Pages to documents, everything included, against a loop over trafilatura in the same run.

    python benches/documents.py --html HTML [--record benches/record/documents.json]

HTML is the folder `html` of the shared test data. Its 486 pages of article-extraction-benchmark and
trafilatura's evaluation are repeated under other URLs and lie in one Parquet file and, a gzip
member each, in one .warc.gz. Measured are CPU seconds of whole processes, imports included:
`webtext build` with one worker on the table (near-duplicates off) and on the archive, and of its
stages; the peer is `trafilatura.extract` on the same bytes, text only. Before a figure counts every
page must have an end, and the same texts must come out of table and archive.
"""

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import trafilatura
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "python" / "text"))

from labelled_pages import article_benchmark, snippet_benchmark  # noqa: E402

_STAGES = """
import json, sys, time
from pathlib import Path
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import Build, Sources
from webtext_py.observer import Observer
class Clock(Observer):
    seconds = {}
    def stage_started(self, stage):
        self.begun = time.process_time()
    def stage_ended(self, stage, entry, fresh):
        self.seconds[stage] = time.process_time() - self.begun
folder, pages, extractor = sys.argv[1:]
config = BuildConfig(near_dup=None, extractor=extractor, before="2020")
sources = Sources(links=Path(folder) / "links.csv", pages=(pages,))
entries = Build(Path(folder) / "data", sources, config).run(LocalEngine(1), Clock())
print(json.dumps({"seconds": Clock.seconds, "extract": entries["extract"].counts}))
"""


def children_cpu() -> float:
    """CPU seconds of the processes that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write_inputs(folder: Path, bodies: list[bytes], count: int) -> None:
    """The table, the archive and the links."""
    urls = [f"https://site{n % 97}.example.org/page/{n}" for n in range(count)]
    repeated = [bodies[n % len(bodies)] for n in range(count)]
    pq.write_table(pa.table({"url": urls, "html": repeated}), folder / "pages.parquet")
    with (folder / "pages.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for url, body in zip(urls, repeated, strict=True):
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(
                    url, "response", payload=io.BytesIO(body), http_headers=head
                )
            )
    lines = ["url,karma,created_utc", *(f"{url},10,1500000000" for url in urls)]
    (folder / "links.csv").write_text("\n".join(lines) + "\n")


def build(folder: Path, pages: str, extractor: str) -> tuple[float, dict[str, Any], list[str]]:
    """CPU seconds of a build's process, what it says, and its texts in order."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        (Path(work) / "links.csv").symlink_to(folder / "links.csv")
        before = children_cpu()
        said = subprocess.check_output(
            [sys.executable, "-P", "-c", _STAGES, work, str(folder / pages), extractor], text=True
        )
        seconds = children_cpu() - before
        parts = sorted((Path(work) / "data" / "documents").glob("part-*.parquet"))
        table = pa.concat_tables([pq.read_table(p, columns=["url_key", "text"]) for p in parts])
    return seconds, json.loads(said), table.sort_by("url_key")["text"].to_pylist()


def middle(
    folder: Path, pages: str, options: argparse.Namespace
) -> tuple[float, dict[str, Any], list[str]]:
    """`build` of the run with the median CPU seconds."""
    runs = [build(folder, pages, options.extractor) for _ in range(options.runs)]
    return sorted(runs, key=lambda run: run[0])[len(runs) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--extractor", default="rules")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()

    labelled = article_benchmark(options.html) + snippet_benchmark(options.html)
    bodies = [page.body for page in labelled]
    start = time.process_time()
    for body in bodies:
        trafilatura.extract(body)
    peer = len(bodies) / (time.process_time() - start)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder, bodies, options.pages)
        size = (folder / "pages.warc.gz").stat().st_size
        table_s, table, texts = middle(folder, "pages.parquet", options)
        archive_s, archive, same = middle(folder, "pages.warc.gz", options)
    assert texts == same, "table and archive give different texts"
    for counts in (table["extract"], archive["extract"]):
        assert counts["in"] == options.pages == counts["kept"] + sum(counts["dropped"].values())
    extract_s = archive["seconds"]["extract"]
    record = {
        "command": f"python benches/documents.py --html HTML --extractor {options.extractor}",
        "commit": subprocess.check_output(
            ["git", "rev-parse", "--short", "HEAD"], text=True
        ).strip(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "extractor": options.extractor,
        "pages": options.pages,
        "runs, medians by the whole": options.runs,
        "mean_bytes": round(sum(map(len, bodies)) / len(bodies)),
        "outcomes": table["extract"],
        "pages_per_cpu_second": {
            f"trafilatura.extract {trafilatura.__version__}, loop": round(peer, 1),
            "build, table": round(options.pages / table_s, 1),
            "build, archive": round(options.pages / archive_s, 1),
            "extract stage, table": round(options.pages / table["seconds"]["extract"], 1),
            "extract stage, archive": round(options.pages / extract_s, 1),
        },
        "archive_mb_per_cpu_second": round(size / extract_s / 1e6, 1),
        "build_times_peer": round(options.pages / table_s / peer, 2),
        "cpu_seconds_by_stage": {
            "table": {stage: round(s, 2) for stage, s in table["seconds"].items()},
            "archive": {stage: round(s, 2) for stage, s in archive["seconds"].items()},
        },
    }
    text = json.dumps(record, indent=1)
    print(text)
    if options.record:
        options.record.write_text(text + "\n")


if __name__ == "__main__":
    main()
