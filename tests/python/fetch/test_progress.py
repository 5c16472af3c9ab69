"""What a fetch says on its way: pages done and per second, waiting hosts, reasons, time left."""

import re
from pathlib import Path

import pytest

from webtext_py.cli import output
from webtext_py.cli.main import run as command_line
from webtext_py.fetch import run as run_module

from .archives import Memory
from .server import Server
from .worlds import article, command, live, urls, world, write_hosts, write_links


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every state is said, not one a second or one in ten."""
    monkeypatch.setattr(run_module, "_SAY_S", 0.0)
    monkeypatch.setattr(output, "_LINE_SECONDS", 0.0)


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of stderr about fetching, of a build that is not quiet."""
    words = [word for word in words[words.index("build") :] if word != "--quiet"]
    assert command_line(words) == 0
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("fetch: ")]


def test_a_live_fetch_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hosts(tmp_path / "hosts", 3)
    with Server(world(), address="0.0.0.0") as server:
        write_links(tmp_path / "links.csv", urls(server.port, 3, 10))
        words = live(tmp_path, "data")
        words[words.index("--delay") + 1] = "0.05"
        lines = said(words, capsys)
    steps = [
        re.fullmatch(r"fetch: live (\d+) of 30 pages, ([\d.,]+)/s(?:, about (\d+) s left)?", line)
        for line in lines
    ]
    found_steps = [step for step in steps if step is not None]
    assert [int(step[1]) for step in found_steps] == list(range(1, 31))  # pages done, per second
    assert all(step[3] is not None for step in found_steps[:-1])  # time left, while some is
    states = [
        re.fullmatch(r"fetch: (\d+) hosts wait, at most (\d+) pages left at one(?:; (.*))?", line)
        for line in lines
    ]
    found = [state for state in states if state is not None]
    assert found
    assert any(int(state[1]) > 0 for state in found)  # waiting hosts
    most = [int(state[2]) for state in found]
    assert most == sorted(most, reverse=True)
    assert most[0] in (9, 10)  # one may be on its way
    assert most[-1] == 0
    assert found[-1][3] == "27 good, 3 http_error"  # reasons so far


def test_an_archive_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    memory = Memory()
    names = [f"http://dead.test/{n}" for n in range(5)]
    for url in names[:3]:
        memory.add(url, "20160101000000", article(url))
    write_links(tmp_path / "links.csv", names)
    with Server(memory) as server:
        lines = said(
            command(
                tmp_path, "data", "--pages", "wayback", "--archive-rate", "6000", "--any-port",
                "--allow-network", "127.0.0.0/8",
                "--cdx", f"http://127.0.0.1:{server.port}/cdx/search/cdx",
            ),
            capsys,
        )  # fmt: skip
    assert sum(line.startswith("fetch: wayback ") for line in lines) == 5
    assert "fetch: 3 good, 2 no_capture" in lines
