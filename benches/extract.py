"""Pages per CPU second of extraction on the 486 labelled pages, sandbox and rules included,
against a plain loop over trafilatura that does less.

    python benches/extract.py --html HTML [--record benches/record/extract.json]

HTML is the folder `html` of the shared test data. Before anything is timed the texts must be at
the floors of tests/floors/extraction.json. Figures are CPU seconds of all processes concerned
(wall clocks of a busy machine say little), the median of `--rounds`; the ways take turns.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "python" / "text"))

import trafilatura  # noqa: E402
from labelled_pages import article_benchmark, scores, snippet_benchmark  # noqa: E402
from test_gate import whole_path_texts  # noqa: E402

from webtext_py.text.extract import ExtractSettings, Page, PageExtractor  # noqa: E402
from webtext_py.text.main_text import TrafilaturaExtractor  # noqa: E402
from webtext_py.text.page_task import extract_page  # noqa: E402

FETCHED = datetime(2024, 1, 1, tzinfo=UTC)


def sandboxed(pages: list[Page], extractor: PageExtractor) -> float:
    """CPU seconds of the parent and of the sandbox's child."""
    before, parent = extractor.cpu_seconds, time.process_time()
    for page in pages:
        extractor.extract(page)
    return extractor.cpu_seconds - before + time.process_time() - parent


def timed(pages: list[Page], work: Callable[[Page], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    for page in pages:
        work(page)
    return time.process_time() - start


def start_seconds() -> float:
    """CPU seconds that starting a sandbox costs, its first page included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with PageExtractor() as extractor:
        extractor.extract(Page("https://example.org/", b"<p>a page</p>"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commit() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()

    floors = json.loads((ROOT / "tests" / "floors" / "extraction.json").read_text("utf-8"))
    quality = scores(options.html, whole_path_texts)
    for corpus, floor in floors["floors"]["whole path"].items():
        assert quality[corpus] >= floor, f"{corpus}: F1 {quality[corpus]}, floor {floor}"

    labelled = [*article_benchmark(options.html), *snippet_benchmark(options.html)]
    pages = [Page(page.url, page.body, None, (), FETCHED) for page in labelled]
    digest = hashlib.sha256(b"".join(page.body for page in pages)).hexdigest()
    here, minimum = TrafilaturaExtractor(), ExtractSettings().min_words
    ways: dict[str, list[float]] = {}
    with PageExtractor() as extractor:
        contenders: dict[str, Callable[[], float]] = {
            "webtext, sandboxed": lambda: sandboxed(pages, extractor),
            "webtext, same process": lambda: timed(
                pages, lambda page: extract_page(page, here, minimum, None)
            ),
            "trafilatura.extract (text only)": lambda: timed(
                pages,
                lambda page: trafilatura.extract(page.body, url=page.url, include_comments=False),
            ),
            "trafilatura.extract_with_metadata": lambda: timed(
                pages,
                lambda page: trafilatura.extract_with_metadata(
                    page.body, url=page.url, include_comments=False
                ),
            ),
        }
        for work in contenders.values():
            work()  # warm: first use loads models and patterns
        for _ in range(options.rounds):
            for name, work in contenders.items():
                ways.setdefault(name, []).append(work())
    reference = statistics.median(ways["trafilatura.extract (text only)"])
    result = {
        "what": "pages per CPU second, one core",
        "command": "python benches/extract.py --html HTML --record benches/record/extract.json",
        "commit": commit(),
        "machine": f"AMD EPYC, {os.cpu_count()} cores, Python {platform.python_version()}",
        "input": {
            "pages": len(pages),
            "bytes": sum(len(page.body) for page in pages),
            "sha256": digest,
        },
        "quality, whole path F1": {name: round(f1, 4) for name, f1 in quality.items()},
        "rounds": options.rounds,
        "versions": {
            name: version(name) for name in ("trafilatura", "lxml", "htmldate", "py3langid")
        },
        "pages per CPU second": {
            name: {
                "median": round(len(pages) / statistics.median(seconds), 1),
                "lowest": round(len(pages) / max(seconds), 1),
                "highest": round(len(pages) / min(seconds), 1),
                "time relative to trafilatura.extract": round(
                    statistics.median(seconds) / reference, 3
                ),
            }
            for name, seconds in ways.items()
        },
        "CPU seconds to start a sandbox": round(start_seconds(), 2),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.record:
        options.record.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
