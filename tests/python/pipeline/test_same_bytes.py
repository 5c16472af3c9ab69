"""The same inputs and configuration give the same bytes: any workers, any order of inputs."""

import shutil
from pathlib import Path

import pytest

from webtext_py import demo
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import Build, Sources

from . import trees


@pytest.mark.parametrize("workers", [2, 5])
def test_any_number_of_workers(built: Path, tmp_path: Path, workers: int) -> None:
    data = tmp_path / "data"
    Build(data, Sources(), BuildConfig()).run(LocalEngine(workers))
    assert trees.digests(data) == trees.digests(built)


def test_other_partitions_give_the_same_shards(built: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    Build(data, Sources(), BuildConfig(partitions=3)).run(LocalEngine(1))
    mine, theirs = trees.digests(data), trees.digests(built)
    for name in theirs:
        if name.startswith("shards/") and name.endswith(".parquet"):
            assert mine[name] == theirs[name]


def test_order_and_place_of_inputs_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = demo.submissions()
    names = ["b.zst", "a.zst"]
    for name in names:  # the same dump twice: each submission counts once
        shutil.copy(lines, tmp_path / "in" / name)
    shutil.copytree(tmp_path / "in", tmp_path / "elsewhere")
    trees_found = []
    for number, given in enumerate((("in/b.zst", "in/a.zst"), ("elsewhere",))):
        data = tmp_path / f"data{number}"
        paths = tuple(str(tmp_path / path) for path in given)
        Build(data, Sources(paths, None, (str(demo.pages()),)), BuildConfig()).run(LocalEngine(1))
        trees_found.append(trees.digests(data))
    assert trees_found[0] == trees_found[1]
