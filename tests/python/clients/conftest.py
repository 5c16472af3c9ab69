"""One small data directory that every client opens."""

from pathlib import Path

import pytest

from webtext_py.cli.main import run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's shards, a vocabulary of 600 and flat tokens; never written to."""
    data = tmp_path_factory.mktemp("made") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(data.parent)
        for words in (
            ["build", "--min-karma", "3", "--before", "2018", "--workers", "1"],
            ["bpe", "train", "--vocab-size", "600"],
            ["bpe", "encode", "--format", "bin"],
        ):
            assert run([*words, "--quiet", "--data", str(data)]) == 0
    return data
