"""Links and attempts on disk: what is left for a source, in whose turn, without memory for them."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from webtext_py.fetch.crawl import Link, turn_of
from webtext_py.fetch.journal import Attempt, journal_line, journal_of
from webtext_py.fetch.state import FetchState

SOURCES = ["live", "wayback"]


def link(host: str, number: int) -> Link:
    url = f"http://{host}/{number}"
    return Link(url.removeprefix("http://"), url, float(number))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[FetchState]:
    with FetchState(tmp_path) as made:
        yield made


def ended(folder: Path, *attempts: tuple[str, str, str]) -> None:
    for key, source, outcome in attempts:
        attempt = Attempt(key, f"http://{key}", source, outcome)
        with journal_of(folder, attempt.group).open("ab") as file:
            file.write(journal_line(attempt))


def test_a_site_has_its_links_in_the_order_given(state: FetchState) -> None:
    links = [link(host, n) for n in range(5) for host in ("www.b.com", "a.com", "b.com")]
    assert state.add(links) == 15
    left = state.left("live", SOURCES, (), turn_of)
    assert len(left) == 15
    assert left.names() == [("b.com", 0, 10), ("a.com", 1, 5)]
    first = left.take("b.com", 0, 3)
    assert [one.url for _, one in first] == [links[n].url for n in (0, 2, 3)]
    again = left.take("b.com", first[-1][0] + 1, 99)
    assert [one.url for _, one in first + again] == [k.url for k in links if "b.com" in k.url]
    assert [name for name, _ in left] == ["a.com"] * 5 + ["b.com"] * 10


def test_what_is_left_for_a_source(state: FetchState, tmp_path: Path) -> None:
    state.add(link("a.test", n) for n in range(6))
    keys = [f"a.test/{n}" for n in range(6)]
    ended(
        tmp_path,
        (keys[0], "live", "good"),
        (keys[1], "live", "timeout"),
        (keys[1], "wayback", "no_capture"),
        (keys[2], "wayback", "good"),  # another source's is good for all
        (keys[3], "live", "http_error"),
        ("", "live", "robots.txt"),
        ("gone.test/", "live", "good"),  # of a link that is none any more
    )
    with journal_of(tmp_path, 3).open("ab") as file:
        file.write(b'{"url_key": "a.test/4", ')  # torn

    def numbers(source: str, *retry: str) -> list[int]:
        return [int(one.created) for _, one in state.left(source, SOURCES, retry, turn_of)]

    state.read(tmp_path)
    assert numbers("live") == [4, 5]
    assert numbers("live", "timeout") == [1, 4, 5]
    assert numbers("live", "all") == [1, 3, 4, 5]
    assert numbers("wayback") == [3, 4, 5]
    found = [[(a.url_key, a.source, a.outcome) for a in some] for some in state.attempts(SOURCES)]
    assert found == [
        [(keys[0], "live", "good")],
        [(keys[1], "live", "timeout"), (keys[1], "wayback", "no_capture")],
        [(keys[2], "wayback", "good")],
        [(keys[3], "live", "http_error")],
    ]
    assert state.only([keys[1], keys[5], "gone.test/"]) == 2
    assert numbers("live", "all") == [1, 5]


def test_a_later_line_counts(state: FetchState, tmp_path: Path) -> None:
    state.add([link("a.test", 0)])
    ended(tmp_path, ("a.test/0", "live", "timeout"))
    state.read(tmp_path)
    ended(tmp_path, ("a.test/0", "live", "good"))
    state.read(tmp_path)
    assert not state.left("live", SOURCES, ("all",), turn_of)
    assert [a.outcome for some in state.attempts(SOURCES) for a in some] == ["good"]


def test_each_journal_is_read_on_from_where_it_was_left(state: FetchState, tmp_path: Path) -> None:
    keys = [f"http://host{n}.test/" for n in range(40)]
    state.add(Link(key, key, 0.0) for key in keys)

    def left() -> list[str]:
        state.read(tmp_path)
        return sorted(one.url_key for _, one in state.left("live", SOURCES, (), turn_of))

    assert left() == sorted(keys)
    ended(tmp_path, *((key, "live", "good") for key in keys[:20]))
    assert left() == sorted(keys[20:])
    read = {path: path.stat().st_size for path in tmp_path.glob("fetch-journal-*")}
    assert len(read) > 8
    for path, size in read.items():  # what was read once is not looked at again
        path.write_bytes(b"#" * size)
    ended(tmp_path, *((key, "live", "good") for key in keys[20:39]))
    assert left() == keys[39:]


def test_memory_holds_no_links(state: FetchState) -> None:
    """Three times as many links take no more of it."""

    def peak(start: int, count: int) -> int:
        tracemalloc.start()
        state.add(link(f"{n % 50}.test", n) for n in range(start, start + count))
        left = state.left("wayback", SOURCES, (), turn_of)
        assert len(left.names()) == 50
        assert sum(1 for _ in left) == start + count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(0, 1000)  # what is made once
    small, large = peak(1000, 8000), peak(9000, 24000)
    assert large < 1.3 * small, (small, large)
