"""What a node does with an attempt: it refuses where it differs, and does not talk much."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from webtext_py.engine import advance, cluster
from webtext_py.engine.cluster import Failed, attempt
from webtext_py.engine.task import Done, Job, Task
from webtext_py.versions import here


def steady(inputs: list[Path], outputs: list[Path]) -> None:
    for _ in range(200):
        advance(1)
        time.sleep(0.002)
    outputs[0].touch()


def job(folder: Path, **versions: str) -> Job:
    task = Task("t", steady, (), (folder / "out",), weight=200)
    found = Job(task, folder, folder / "t.json", "print", folder / "state", attempt="a")
    return replace(found, versions={**here(["ada-url"]), **versions})


@pytest.mark.parametrize(
    "name", ["webtext", "the core", "python", "pyarrow", "numpy", "ada-url", "none-such"]
)
def test_a_node_that_differs_refuses(tmp_path: Path, name: str) -> None:
    outcome = attempt(job(tmp_path, **{name: "0.0.1"}), lambda units: None)
    assert isinstance(outcome, Failed)
    assert str(outcome.error).startswith(f"this node has {name} ")
    assert str(outcome.error).endswith(", not 0.0.1")
    assert not (tmp_path / "out").exists()


def test_progress_is_said_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_SAY_S", 0.1)
    said: list[Any] = []
    assert isinstance(attempt(job(tmp_path), said.append), Done)
    assert said == sorted(set(said))
    assert 2 <= len(said) <= 10 < 200
