"""The blocks of docs/python.md run as they stand, in their order, in one empty directory."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docs")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(BLOCKS[number], f"{PAGE.name}, block {number + 1}", "exec"), {})


def test_each_call_has_its_block() -> None:
    for name in ("extract(", "Tokenizer.train(", "minhashes(", "build_index(", "TokenSet.open(",
                 " Build("):  # fmt: skip
        assert any(name in block for block in BLOCKS), name
    assert all(block.count("\n") <= 18 for block in BLOCKS)
