"""Options of fetching: what is refused, with which exit, and what a changed option makes stale."""

from pathlib import Path

import pytest

from webtext_py.cli.main import run
from webtext_py.errors import InputError
from webtext_py.fetch.config import FetchConfig
from webtext_py.manifest import Manifest

from .server import Server
from .worlds import CONTACT, live, urls, world, write_hosts, write_links


def build(folder: Path, *words: str) -> int:
    """The exit of a build over `folder/links.csv`."""
    links = str(folder / "links.csv")
    return run(["build", "--quiet", "--data", str(folder / "data"), "--links", links, *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_links(tmp_path / "links.csv", ["http://host0.test/"])
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["live"], "`--pages live` was given without `--contact`"),
        (["live", "--contact", "me"], "`me` is no e-mail address and no URL"),
        (["live", *CONTACT, "--allow-network", "127.0.0.1/8"], "is no network such as"),
        (["live", *CONTACT, "--retry", "laziness"], "`--retry laziness` is no reason"),
        (["live", *CONTACT, "--delay", "-1"], "--delay"),
        (["live", *CONTACT, "--connections", "0"], "--connections"),
        (["wayback", "--capture-window", "soon"], "is no number of days"),
        (["wayback", "--capture-window", "-3d"], "not below 0 expected"),
        (["wayback", "--capture-window", "nan"], "capture window (days) is nan"),
        (["wayback", "--capture-window", "inf"], "capture window (days) is inf"),
        (["live", *CONTACT, "--delay", "nan"], "delay (seconds) is nan"),
        (["live", *CONTACT, "--delay", "inf"], "delay (seconds) is inf"),
        (["wayback", "--archive-rate", "0"], "--archive-rate"),
        (["wayback", "--archive-rate", "100000"], "requests a minute"),
        (["wayback", "--cdx", "archive.test"], "`--cdx archive.test` is no http or https URL"),
        (["wayback", "--cdx", "http://u:p@archive.test/"], "`--cdx` has a user name or password"),
        (["wayback", "--memento", "/web"], "`--memento /web` is no http or https URL"),
        (["commoncrawl"], "has no index"),
        (["commoncrawl", "--cc-index", "a.parquet", "--cc-data", "ftp://a/"], "`--cc-data ftp:"),
        (["live", *CONTACT, "--cdx", "http://archive.test/cdx"], "is for `--pages wayback`"),
        (["wayback", "--no-probe"], "`--no-probe` is for `--pages live`"),
        (["some.warc.gz", "--retry", "dns"], "`--retry` is for `--pages live or wayback or"),
    ],
)
def test_a_bad_command_line_is_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert build(folder, "--pages", *words) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["live", *CONTACT, "--hosts", "nowhere"], "cannot read `nowhere`"),
        (["commoncrawl", "--cc-index", "nowhere.parquet"], "`nowhere.parquet` does not exist"),
    ],
)
def test_data_that_cannot_be_read_is_exit_1(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert build(folder, "--pages", *words) == 1
    assert message in capsys.readouterr().err


SOURCES = ("live", "wayback", "commoncrawl")


@pytest.mark.parametrize(
    "changed",
    [
        {"any_port": True},
        {"allow_network": ("127.0.0.0/8",)},
        {"probe": False},
        {"cdx": "http://archive.test/cdx"},
        {"memento": "http://archive.test/web"},
        {"capture_window_days": 30.0},
        {"cc_index": ("other.parquet",)},
        {"cc_data": "http://archive.test/"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_the_pages_is_in_the_record(changed: dict[str, object]) -> None:
    plain = FetchConfig(cc_index=("index.parquet",)).record(SOURCES)
    values = {"cc_index": ("index.parquet",), **changed}
    assert FetchConfig(**values).record(SOURCES) != plain  # type: ignore[arg-type]


def test_the_hosts_file_counts_by_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.write_text("127.0.0.1 a.test\n")
    records = [FetchConfig(hosts=path).record(SOURCES) for path in (first, second)]
    assert records[0] == records[1]
    second.write_text("127.0.0.2 a.test\n")
    assert FetchConfig(hosts=second).record(SOURCES) != records[0]
    with pytest.raises(InputError, match="cannot read"):
        FetchConfig(hosts=tmp_path / "none").record(SOURCES)


@pytest.mark.parametrize(
    "changed", [{"contact": "a@b.org"}, {"archive_per_minute": 5.0}, {"retry": ("dns",)}]
)
def test_what_changes_only_the_way_is_not(changed: dict[str, object]) -> None:
    assert FetchConfig(**changed).record(SOURCES) == FetchConfig().record(SOURCES)  # type: ignore[arg-type]


def test_a_changed_option_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_hosts(tmp_path / "hosts", 1)
    with Server(world(), address="0.0.0.0") as server:
        write_links(tmp_path / "links.csv", urls(server.port, 1, 3))
        words = live(tmp_path, "data")
        words = words[words.index("build") :]
        assert run(words) == 0
        assert Manifest(tmp_path / "data").stages["fetch"].config["probe"] is True
        before = len(server.requests)
        assert run([*words, "--no-probe"]) == 1
        message = capsys.readouterr().err
        assert "probe" in message
        assert "--force" in message
        assert run([*words, "--no-probe", "--force"]) == 0
        # What was fetched stays: nothing is asked for twice.
        assert len(server.requests) == before
