"""F1 of the extractors by set of labelled pages, and the 95 % interval of what they gain.

    python benches/extract_quality.py --html HTML --cache DIR [--engine NAME]... [--record FILE]

HTML is the folder `html` of the shared test data. Texts of slow engines (trafilatura) are kept in
DIR, outside the repository. The first engine is what the others are compared with: the interval
is a paired bootstrap of F1 less the first one's.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "python" / "text"))

from labelled_pages import all_pages  # noqa: E402
from page_scores import difference_interval, f1, page_sets, page_values  # noqa: E402
from page_texts import ENGINES, texts_of  # noqa: E402


def commit() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--engine", action="append", choices=ENGINES, dest="engines")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    engines = options.engines or list(ENGINES)

    pages = all_pages(options.html)
    values = {
        engine: page_values(pages, texts_of(engine, pages, options.cache)) for engine in engines
    }
    first, *others = engines
    rows = []
    for part in page_sets(pages):
        row = {"set": part.name, "pages": len(part.at)}
        row |= {engine: round(f1(values[engine], part), 4) for engine in engines}
        for engine in others:
            low, high = difference_interval(values[engine], values[first], part)
            row[f"{engine} less {first}"] = [round(low, 4), round(high, 4)]
        rows.append(row)

    print(f"{'set':32} {'pages':>5} " + " ".join(f"{engine:>22}" for engine in engines))
    for row in rows:
        cells = [f"{row[first]:22.4f}"]
        for engine in others:
            low, high = row[f"{engine} less {first}"]
            cells.append(f"{row[engine]:.4f} {low:+.3f} {high:+.3f}".rjust(22))
        print(f"{row['set']:32} {row['pages']:5} " + " ".join(cells))
    if options.record:
        result = {
            "what": "F1 by set; intervals of 95 % by paired bootstrap",
            "command": "python benches/extract_quality.py --html HTML --cache DIR --record FILE",
            "commit": commit(),
            "engines": engines,
            "sets": rows,
        }
        options.record.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
