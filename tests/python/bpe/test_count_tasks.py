"""A text longer than a task counts is counted by tasks: the same vocabulary, and no count twice."""

import json
import random
from pathlib import Path

import pytest

from webtext_py.bpe import train_stage
from webtext_py.bpe.train import BpeConfig
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.engine import Engine, LocalEngine, ThreadEngine
from webtext_py.errors import InputError


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    choose = random.Random(3)
    words = ["".join(choose.choices("abcdefg", k=choose.randint(2, 7))) for _ in range(200)]
    paths = [tmp_path / "in" / f"{n}.jsonl" for n in range(5)]
    paths[0].parent.mkdir()
    for path in paths:
        lines = [json.dumps({"text": " ".join(choose.choices(words, k=60))}) for _ in range(9)]
        path.write_text("\n".join(lines) + "\n")
    return paths


def tree(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "tokenizer").iterdir()}


def asked(texts: list[Path]) -> Asked:
    return Asked(BpeConfig(vocab_size=400), tuple(map(str, texts)))


@pytest.mark.parametrize("engine", [LocalEngine(1), LocalEngine(2), ThreadEngine(2)])
def test_tasks_give_the_same_vocabulary(
    tmp_path: Path, texts: list[Path], monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    whole = train_vocabulary(tmp_path / "whole", asked(texts))
    size = texts[0].stat().st_size
    monkeypatch.setattr(train_stage, "COUNT_BYTES", 2 * size)
    facts = train_vocabulary(tmp_path / "tasks", asked(texts), engine=engine)
    assert facts == whole
    assert tree(tmp_path / "tasks") == tree(tmp_path / "whole")


def test_what_is_counted_stays_counted(
    tmp_path: Path, texts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_stage, "COUNT_BYTES", texts[0].stat().st_size)
    learn = train_stage.learn

    def stop(*_: object, **__: object) -> None:
        raise InputError("stop")

    monkeypatch.setattr(train_stage, "learn", stop)
    with pytest.raises(InputError, match="stop"):
        train_vocabulary(tmp_path / "data", asked(texts))
    monkeypatch.setattr(train_stage, "learn", learn)
    made = tmp_path / "data" / ".state" / "work" / "tokenizer"
    assert len(list(made.glob("counts-*"))) >= 3
    monkeypatch.setattr(train_stage, "count_files", stop)
    assert train_vocabulary(tmp_path / "data", asked(texts))["vocab_size"] == 400
