"""`webtext dedup` as a command: where its results go, and the bounds it shares with `build`."""

import json
from pathlib import Path

import click
import pytest

from webtext_py import defaults
from webtext_py.cli.commands.build import build
from webtext_py.cli.commands.dedup import dedup
from webtext_py.cli.main import run
from webtext_py.config import BuildConfig, partitions_for
from webtext_py.dedup import DedupConfig
from webtext_py.defaults import FEWEST_PARTITIONS, MOST_PARTITIONS, PARTITIONS
from webtext_py.errors import ConfigError


def partitions(command: click.Command) -> click.IntRange:
    """The type of the option `--partitions`."""
    (kind,) = [o.type for o in command.params if o.name == "partitions"]
    assert isinstance(kind, click.IntRange)
    return kind


def test_without_out_the_data_directory_takes_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "in.txt"
    text.write_text("one text\ntwo texts\none text\n")
    data = tmp_path / "data"
    assert run(["dedup", str(text), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(data / "dedup")
    assert (data / "dedup" / "manifest.json").is_file()
    assert [path.name for path in data.iterdir()] == ["dedup"]
    assert run(["dedup", str(text), "--data", str(data), "--out", str(tmp_path / "x")]) == 0
    assert list((tmp_path / "x").glob("part-*.parquet"))


def test_build_and_dedup_take_the_same_partitions() -> None:
    for command in (build, dedup):
        assert (partitions(command).min, partitions(command).max) == (1, MOST_PARTITIONS)
    for config in (BuildConfig, DedupConfig):
        assert config(partitions=MOST_PARTITIONS).partitions == MOST_PARTITIONS
        for number in (0, MOST_PARTITIONS + 1):
            with pytest.raises(ConfigError, match=f"{number} partitions; 1 to 4096 were expected"):
                config(partitions=number)


def test_partitions_follow_the_bytes_of_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(40):
        (tmp_path / "folder" / str(number)).write_bytes(bytes(1000))
    (tmp_path / "file").write_bytes(bytes(999))
    both = [tmp_path / "file", tmp_path / "folder"]
    assert partitions_for(both) == FEWEST_PARTITIONS
    monkeypatch.setattr(defaults, "SMALL_PARTITION_BYTES", 6000)
    assert partitions_for(both) == 7
    monkeypatch.setattr(defaults, "SMALL_PARTITION_BYTES", 100)
    assert partitions_for(both) == PARTITIONS
    monkeypatch.setattr(defaults, "PARTITION_BYTES", 2000)
    assert partitions_for(both) == 21
    assert partitions_for(both[:1]) == 10
    monkeypatch.setattr(defaults, "PARTITION_BYTES", 10)
    assert partitions_for(both) == MOST_PARTITIONS
