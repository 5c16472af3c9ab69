"""Tokens that are stale, gone or of unknown origin: what is said is what helps."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from webtext_py.cli.main import run

from .conftest import TINY, Command


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's shards, a vocabulary and tokens, and another vocabulary in `other/`."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (
            "build --min-karma 3 --before 2018 --workers 1 --quiet --data data",
            "bpe train --vocab-size 400 --quiet --data data",
            "bpe encode --quiet --data data",
            "bpe train --vocab-size 300 --quiet --data data --out other",
        ):
            assert run(line.split()) == 0
    return folder


@pytest.fixture
def place(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the current folder; returns its data directory."""
    shutil.copytree(built, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Path("data")


def follow(webtext: Command, hint: str) -> None:
    """Runs the command of a hint."""
    (line,) = re.findall("^hint: run `webtext ([^`]*)`$", hint, re.MULTILINE)
    assert webtext(*shlex.split(line), "--data", "data").code == 0


def test_another_vocabulary_names_the_command_that_encodes_with_it(
    webtext: Command, place: Path
) -> None:
    words = ("train", "--data", place, *TINY, "steps=1", "--tokenizer", "other")
    for force in ((), ("--force",)):
        ran = webtext(*words, *force)
        assert (ran.code, "`tokens` was made from something else" in ran.err) == (1, True), ran.err
        assert "hint: run `webtext bpe encode --tokenizer other --force`\n" in ran.err
    follow(webtext, ran.err)
    assert webtext(*words).code == 0


def test_a_vocabulary_made_anew_does_too(webtext: Command, place: Path) -> None:
    again = ("bpe", "train", "--vocab-size", "350", "--force", "--data", place)
    assert webtext(*again).code == 0
    ran = webtext("train", "--data", place, *TINY, "steps=1")
    assert ran.code == 1
    follow(webtext, ran.err)
    assert webtext("train", "--data", place, *TINY, "steps=1").code == 0


def test_tokens_that_are_gone_are_made_again(webtext: Command, place: Path) -> None:
    whole = {path.name: path.read_bytes() for path in (place / "tokens").iterdir()}
    for command in (("bpe", "encode"), ("train", *TINY, "steps=1")):
        shutil.rmtree(place / "tokens")
        ran = webtext(*command, "--data", place)
        assert ran.code == 0, ran.err
        assert {path.name: path.read_bytes() for path in (place / "tokens").iterdir()} == whole


def test_a_lost_manifest_is_named(webtext: Command, place: Path) -> None:
    (place / "manifest.json").unlink()
    assert webtext("train", "--data", place, *TINY, "steps=1").code == 0  # of the tokens there
    shutil.rmtree(place / "tokens")
    ran = webtext("train", "--data", place, *TINY, "steps=1", "--run", "other")
    assert ran.code == 1
    assert "`data` has neither tokens nor the manifest.json that says what" in ran.err
    assert "hint: put it back, run `webtext build`, or name tokens or text" in ran.err
    ran = webtext("train", "--data", place, *TINY, "--tokens", "nowhere")
    assert (ran.code, "error: `nowhere` does not exist" in ran.err) == (1, True), ran.err
