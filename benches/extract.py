"""Pages per CPU second of the extractors on the 486 labelled pages, against loops over trafilatura.

    python benches/extract.py --html HTML [--record benches/record/extract.json]

HTML is the folder `html` of the shared test data. Before anything is timed each engine of the
core must be as good as trafilatura on both sets of pages, or as `ROOM` allows. Figures are CPU
seconds of this process (wall clocks of a busy machine say little), the median of `--rounds`; the
ways take turns. An engine of the core starts from the bytes of a response; trafilatura's loops do
too.
"""

import argparse
import hashlib
import json
import os
import platform
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
from labelled_pages import LabelledPage, article_benchmark, scores, snippet_benchmark  # noqa: E402
from page_texts import by_model, by_rules, by_trafilatura  # noqa: E402

from webtext_py.text.main_text import TrafilaturaExtractor  # noqa: E402
from webtext_py.text.page import Page  # noqa: E402
from webtext_py.text.page_task import by_extractor  # noqa: E402

FETCHED = datetime(2024, 1, 1, tzinfo=UTC)
PEER = "trafilatura.extract (text only)"
# What an engine's F1 may be below trafilatura's before its speed means nothing.
ROOM = 0.002
# The model has seen these pages: its F1 here guards against a broken one, no more.
ENGINES: dict[str, Callable[[list[LabelledPage]], list[str]]] = {
    "rules": by_rules,
    "webtext": by_model,
}


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def commit() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()

    quality = {"trafilatura": scores(options.html, by_trafilatura)}
    for engine, texts in ENGINES.items():
        quality[engine] = scores(options.html, texts)
        for name, f1 in quality["trafilatura"].items():
            assert quality[engine][name] >= f1 - ROOM, f"{engine}, {name}: {quality}"

    labelled = [*article_benchmark(options.html), *snippet_benchmark(options.html)]
    pages = [Page(page.url, page.body, None, (), FETCHED) for page in labelled]
    extractor = TrafilaturaExtractor()
    contenders: dict[str, Callable[[], object]] = {
        engine: lambda texts=texts: texts(labelled) for engine, texts in ENGINES.items()
    }
    contenders |= {
        "trafilatura in webtext: title, language and date too": lambda: [
            by_extractor(extractor, page) for page in pages
        ],
        PEER: lambda: [
            trafilatura.extract(page.body, url=page.url, include_comments=False) for page in pages
        ],
    }
    seconds: dict[str, list[float]] = {}
    for work in contenders.values():
        work()  # warm: first use loads models and patterns
    for _ in range(options.rounds):
        for name, work in contenders.items():
            seconds.setdefault(name, []).append(cpu_seconds(work))
    reference = statistics.median(seconds[PEER])
    result = {
        "what": "pages per CPU second, one core",
        "command": "python benches/extract.py --html HTML --record benches/record/extract.json",
        "commit": commit(),
        "machine": f"AMD EPYC, {os.cpu_count()} cores, Python {platform.python_version()}",
        "input": {
            "pages": len(pages),
            "bytes": sum(len(page.body) for page in pages),
            "sha256": hashlib.sha256(b"".join(page.body for page in pages)).hexdigest(),
        },
        "F1": {
            engine: {name: round(f1, 4) for name, f1 in sets.items()}
            for engine, sets in quality.items()
        },
        "rounds": options.rounds,
        "versions": {name: version(name) for name in ("trafilatura", "lxml", "htmldate")},
        "pages per CPU second": {
            name: {
                "median": round(len(pages) / statistics.median(times), 1),
                "lowest": round(len(pages) / max(times), 1),
                "highest": round(len(pages) / min(times), 1),
                f"times {PEER}": round(reference / statistics.median(times), 2),
            }
            for name, times in seconds.items()
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.record:
        options.record.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
