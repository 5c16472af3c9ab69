"""One build of the demo data, shared by the tests that only look at it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from webtext_py import demo
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import Build, Sources


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a finished demo build with one worker. Not to be changed."""
    data = tmp_path_factory.mktemp("demo") / "data"
    Build(data, Sources(), BuildConfig()).run(LocalEngine(1))
    return data


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """Copies a data directory to a place where a test may change it."""
    return lambda data: Path(shutil.copytree(data, tmp_path / "copy"))


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """What must come of each line and link of the demo data."""
    document: dict[str, Any] = json.loads(demo.expected().read_bytes())
    return document
