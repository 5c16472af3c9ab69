"""Makes the pictures of README: the report and the overlap page of the demo, in docs/.

    python tools/make_pictures.py

Needs `chromium` on PATH, Pillow (which matplotlib brings) and Roboto, so that they look the same
wherever they are made.
"""

import sys
import tempfile
from pathlib import Path

from browser import Browser, find
from PIL import Image

from webtext_py import demo
from webtext_py.bpe.encode_stage import encode
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.overlap import OverlapConfig, overlap
from webtext_py.pipeline import Build, Sources
from webtext_py.report import report

DOCS = Path(__file__).resolve().parents[1] / "docs"
MOST_BYTES = 100_000
WIDTH = 1120
COLOURS = 64
# Of each page: picture, where it begins, how high it is.
PARTS = (
    ("report/index.html", "report.png", 0, 940),
    ("report/index.html", "report_duplicates.png", None, 500),
    ("overlap/squad.html", "overlap.png", None, 640),
)
# What the pictures that begin lower begin with.
BEGINS = {
    "report_duplicates.png": "#duplicates h3",
    "overlap.png": "figure",
}


def _shrink(path: Path) -> None:
    """Few colours, as a page has."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def main() -> int:
    """Builds the demo in a folder of its own and takes the pictures."""
    command = find()
    if command is None:
        print("chromium is not on PATH", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        Build(data, Sources(), BuildConfig()).run(LocalEngine(1))
        train_vocabulary(data, Asked())
        encode(data)
        overlap(data, OverlapConfig(test=(str(demo.test_set()),)))
        report(data, engine=LocalEngine(1))
        with Browser(command) as browser:
            for page, name, top, height in PARTS:
                browser.open(data / page, width=WIDTH)
                browser.evaluate("document.body.style.fontFamily = 'Roboto'")
                if top is None:
                    place = f"document.querySelector('{BEGINS[name]}').getBoundingClientRect().top"
                    top = max(0, int(browser.evaluate(place)) - 20)
                browser.picture(DOCS / name, top=top, height=height, scale=1.4)
                _shrink(DOCS / name)
    sizes = {name: (DOCS / name).stat().st_size for _, name, _, _ in PARTS}
    print(sizes)
    return 1 if max(sizes.values()) > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
