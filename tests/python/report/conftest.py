"""A demo build with all that a report shows, its page taken apart, and a browser."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from webtext_py import demo
from webtext_py.bpe.encode_stage import encode
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.overlap import OverlapConfig, overlap
from webtext_py.pipeline import Build, Sources
from webtext_py.report import report

ROOT = Path(__file__).resolve().parents[3]


def tool(name: str) -> Any:
    """A module of `tools/`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page:
    """A page taken apart: cells of tables and counts of charts by their id."""

    def __init__(self, path: Path) -> None:
        self.html = path.read_text(encoding="utf-8")
        self.tree = lxml.html.document_fromstring(self.html.encode())
        self.tables = {
            table.get("id"): [
                [cell.text_content() for cell in row.iter("td")] for row in table.find("tbody")
            ]
            for table in self.tree.iter("table")
        }
        self.charts = {figure.get("id"): self._bars(figure) for figure in self.tree.iter("figure")}

    @staticmethod
    def _bars(figure: Any) -> dict[str, tuple[int, ...]]:
        """The counts of each bar that has any, by its label."""
        found = {}
        for said in figure.iter("title"):
            label, _, counts = said.text.rpartition(": ")
            numbers = tuple(int(part.split()[-1].replace(",", "")) for part in counts.split(";"))
            if any(numbers):
                found[label] = numbers
        return found


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a demo build with vocabulary, tokens, overlap and report; or the one
    that `WEBTEXT_REPORTED` names, of benches/report.py."""
    if given := os.environ.get("WEBTEXT_REPORTED"):
        return Path(given)
    data = tmp_path_factory.mktemp("reported") / "data"
    Build(data, Sources(), BuildConfig()).run(LocalEngine(1))
    train_vocabulary(data, Asked())
    encode(data)
    overlap(data, OverlapConfig(test=(str(demo.test_set()),)))
    report(data, engine=LocalEngine(1))
    return data


@pytest.fixture(scope="session")
def figures(reported: Path) -> dict[str, Any]:
    """The figures of that report."""
    found: dict[str, Any] = json.loads((reported / "report" / "report.json").read_bytes())
    return found


@pytest.fixture(scope="session")
def page(reported: Path) -> Page:
    """The page of that report."""
    return Page(reported / "report" / "index.html")


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium; skips where there is none, which in CI is a failure."""
    module = tool("browser")
    command = module.find()
    if command is None:
        if os.environ.get("WEBTEXT_REQUIRE_BROWSER"):
            pytest.fail("Chromium is required here and is not on PATH")
        pytest.skip("no Chromium on PATH")
    with module.Browser(command) as opened:
        yield opened
