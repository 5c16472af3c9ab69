"""Index and evidence by tasks: what one pass gives, for any engine and any cut into tasks."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import overlap as lib
from webtext_py.engine import Engine, LocalEngine, ThreadEngine
from webtext_py.overlap import run, spread, stage
from webtext_py.overlap.spread import spread_keys

from .conftest import Write


@pytest.fixture
def given(tmp_path: Path, write: Write) -> tuple[Path, list[str]]:
    """A test set, and training text in five files of several kinds that has much of it."""
    choose = random.Random(5)
    words = [f"w{n}" for n in range(30)]
    texts = [" ".join(choose.choices(words, k=choose.randint(1, 300))) for _ in range(50)]
    test = write("set.jsonl", [{"text": text[: 40 * n]} for n, text in enumerate(texts[:25])])
    paths = []
    for number in range(5):
        mine = texts[number * 10 : number * 10 + 10]
        rows = {"id": [f"{number}-{n}" for n in range(10)], "text": mine, "url": ["http://x/"] * 10}
        path = tmp_path / f"train{number}.parquet"
        pq.write_table(pa.table(rows), path)
        paths.append(str(path))
    paths[3] = str(write("train\u00e9.jsonl", [{"text": text} for text in texts[30:40]]))
    return test, paths


def outcome(data: Path, given: tuple[Path, list[str]], engine: Engine | None) -> dict[str, Any]:
    config = lib.OverlapConfig(
        test=(str(given[0]),),
        train=tuple(given[1]),
        index=lib.IndexConfig(n=3),
        drop=data.with_name(f"{data.name}-clean"),
    )
    [made] = lib.overlap(data, config, engine=engine)
    found = {path.name: path.read_bytes() for path in made.files}
    folder = data.with_name(f"{data.name}-clean")
    found |= {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    assert not left(data)
    return found


def left(data: Path) -> list[Path]:
    """Working files that should be gone."""
    return [path for path in data.glob(".state/work/**/*") if path.is_file()]


@pytest.mark.parametrize("tasks", [2, 5])
@pytest.mark.parametrize("named", [False, True])
def test_an_index_made_by_tasks_is_that_of_one_process(
    tmp_path: Path,
    given: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tasks: int,
    named: bool,
) -> None:
    def made(data: Path) -> bytes:
        index = tmp_path / f"{data.name}.bloom" if named else None
        config = lib.OverlapConfig(
            train=tuple(given[1]), index=lib.IndexConfig(n=3), index_file=index
        )
        path = run.build(data, config, engine=LocalEngine(2)).path
        assert not left(data)
        return path.read_bytes()

    whole = made(tmp_path / "whole")
    sizes = [Path(path).stat().st_size for path in given[1]]
    monkeypatch.setattr(spread, "TASK_BYTES", sum(sizes[:3]) if tasks == 2 else 1)
    begun = []
    keys = spread_keys
    monkeypatch.setattr(stage, "spread_keys", lambda *args: begun.append(keys(*args)) or begun[-1])
    assert made(tmp_path / "tasks") == whole
    assert [len(files) for files in begun if files is not None] == [tasks]


@pytest.mark.parametrize("engine", [LocalEngine(1), LocalEngine(2), ThreadEngine(2)])
@pytest.mark.parametrize("size", [1, 8_000])
def test_tasks_find_what_one_pass_finds(
    tmp_path: Path,
    given: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    size: int,
) -> None:
    whole = outcome(tmp_path / "whole", given, None)
    monkeypatch.setattr(spread, "TASK_BYTES", size)
    monkeypatch.setattr(run, "find_evidence", None)
    assert outcome(tmp_path / "tasks", given, engine) == whole
