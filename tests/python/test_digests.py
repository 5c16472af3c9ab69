"""Digests of inputs: short files plain, long ones by blocks, records of before as they were."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine_tasks import double

from webtext_py import digests
from webtext_py.digests import Digests, hash_pieces, whole
from webtext_py.engine import LocalEngine, ThreadEngine
from webtext_py.observer import Observer
from webtext_py.stage import Files, Stage
from webtext_py.workspace import Steps, Work, Workspace

OUT = Files("out/{}.txt")


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks of 1,000 bytes, two of them a task."""
    monkeypatch.setattr(digests, "_BLOCK_BYTES", 1000)
    monkeypatch.setattr(digests, "TASK_BYTES", 2000)
    return 1000


def twin(content: bytes, block: int) -> str:
    parts = [content[i : i + block] for i in range(0, len(content), block)]
    leaves = b"".join(hashlib.sha256(part).digest() for part in parts)
    return "tree64m:" + hashlib.sha256(f"{len(content)}\n".encode() + leaves).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000, 7777])
def test_a_long_file_is_the_tree_of_its_blocks(tmp_path: Path, blocks: int, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(i * i % 251 for i in range(size)))
    plain = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = plain if size <= blocks else twin(path.read_bytes(), blocks)
    assert Digests(tmp_path).of_input(path) == expected
    by_tasks = Digests(tmp_path)
    by_tasks.prepare({path: None}, ThreadEngine(2))
    assert by_tasks.of_input(path) == expected
    assert Digests(tmp_path).of_input(path, like=plain) == plain
    assert Digests(tmp_path).of(path) == plain


def test_what_is_prepared_is_not_read_again(
    tmp_path: Path, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in "abcdef"]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 3000)
    known = Digests(tmp_path)
    likes = dict.fromkeys(paths) | {paths[0]: "0" * 64, paths[1]: "tree64m:" + "0" * 64}
    known.prepare(likes, ThreadEngine(2))
    known.prepare({paths[5]: None}, ThreadEngine(2), plain=True)
    monkeypatch.setattr(digests, "hash_bundle", None)
    monkeypatch.setattr(digests, "sha256_file", None)
    found = [known.of_input(path, likes[path]) for path in paths]
    assert [digest.startswith("tree64m:") for digest in found] == [False] + [True] * 4 + [False]


def test_pieces_by_every_engine(tmp_path: Path, blocks: int) -> None:
    paths = []
    for number in range(9):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(bytes([number]) * 700 * number)
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    for engine in (LocalEngine(1), LocalEngine(2), ThreadEngine(2)):
        found = hash_pieces([whole(path) for path in paths], tmp_path, engine, Observer())
        assert found == expected
        engine.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [p.name for p in paths]


@dataclass(frozen=True)
class Doubles(Stage):
    source: Path
    name = "out"
    rules = 1
    files = (OUT,)

    def inputs(self, data: Path) -> Mapping[str, Path]:
        return {"source": self.source}

    def body(self, steps: Steps) -> dict[str, Any]:
        steps.each("double", double, [Work(self.source)], [OUT])
        return {}


def test_a_record_of_before_still_compares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, data = tmp_path / "source", tmp_path / "data"
    source.write_text("21".rjust(3000))
    with Workspace(data) as workspace:
        assert not workspace.run(Doubles(source)).inputs["source"].startswith("tree")
    (data / ".state" / "digests.json").unlink()
    monkeypatch.setattr(digests, "_BLOCK_BYTES", 1000)
    with Workspace(data) as workspace:
        before = workspace.manifest.stages["out"]
        assert workspace.run(Doubles(source)) == before
        entry = workspace.run(Doubles(source), again=True)
        assert not entry.inputs["source"].startswith("tree"), "as long as it is known so"
    other = tmp_path / "other"
    with Workspace(other) as workspace:
        entry = workspace.run(Doubles(source))
    assert entry.inputs["source"].startswith("tree64m:")
    with Workspace(other) as workspace:
        assert workspace.run(Doubles(source)) == entry
    recorded = json.loads((other / "manifest.json").read_bytes())
    assert recorded["stages"]["out"]["inputs"] == entry.inputs
