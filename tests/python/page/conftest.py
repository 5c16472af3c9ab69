"""The labelled pages with all that is known around their text."""

import base64
import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# The twins of this folder are imported by name.
HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)


@dataclass(frozen=True)
class LabelledPage:
    name: str
    url: str | None
    body: bytes | None = None  # one of the two: bytes, with the charset of a header, or text
    charset: str | None = None
    html: str | None = None
    gold: str | None = None
    lang: str | None = None

    @property
    def content_type(self) -> str | None:
        return f"text/html; charset={self.charset}" if self.charset else None


def _article_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / "article-extraction-benchmark"
    return [
        LabelledPage(
            f"A:{name}",
            entry["url"],
            gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()),
            gold=entry["articleBody"],
        )
        for name, entry in json.loads((folder / "ground-truth.json").read_text("utf-8")).items()
    ]


def _snippet_benchmark(html: Path) -> list[LabelledPage]:
    folder = html / "trafilatura-eval"
    return [
        LabelledPage(
            f"B:{entry['file']}",
            url,
            gzip.decompress((folder / "pages" / f"{entry['file']}.gz").read_bytes()),
        )
        for url, entry in json.loads((folder / "evaldata.json").read_text("utf-8")).items()
    ]


def _more(html: Path) -> list[LabelledPage]:
    pages = []
    for file in sorted((html / "more").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                coded = row.get("html_b64")
                pages.append(
                    LabelledPage(
                        row["id"],
                        row["url"],
                        base64.b64decode(coded) if coded else None,
                        row.get("charset"),
                        row.get("html"),
                        row.get("gold"),
                        row.get("lang"),
                    )
                )
    return pages


@pytest.fixture(scope="session")
def labelled_pages(shared_data: Path) -> list[LabelledPage]:
    """All 3,494 of them: both benchmarks, then `html/more`."""
    html = shared_data / "html"
    pages = [*_article_benchmark(html), *_snippet_benchmark(html), *_more(html)]
    assert len(pages) == 3494
    return pages
