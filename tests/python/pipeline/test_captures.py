"""Which capture a link takes, against a slow twin; pages of a container in slices."""

import datetime as dt
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.columns import partition_of
from webtext_py.pages.cut import cut, rows_of
from webtext_py.records import GOOD_CAPTURES
from webtext_py.stages.pages import gather
from webtext_py.stages.pages.gather import collect
from webtext_py.stages.pages.resolve import ENDED, SEEKERS, round_of
from webtext_py.stages.pages.scan import ROWS
from webtext_py.tables import Shuffle, read_partition, read_tables, write_table

_KEYS = [f"http://{letter}.example/" for letter in "abcd"]
_START = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)


def _moment(days: int) -> dt.datetime:
    return _START + dt.timedelta(days=days)


def twin(seeker: dict[str, Any], captures: list[dict[str, Any]]) -> tuple[str, str | None]:
    """The outcome and the place of the capture, one seeker at a time."""
    rows = [row for row in captures if row["url_key"] == seeker["at_key"]]
    if not rows:
        return "redirect_target_missing" if seeker["passed_keys"] else "no_capture", None

    def distance(row: dict[str, Any]) -> tuple[bool, float]:
        if row["fetched_at"] is None:
            return True, 0.0
        return False, abs((row["fetched_at"] - seeker["created_utc"]).total_seconds())

    rows = sorted(rows, key=distance)
    for row in rows:
        if row["outcome"] == "good":
            return "good", row["url"]
    passed = [*seeker["passed_keys"], seeker["at_key"]]
    onward = [row for row in rows if row["outcome"] == "redirect" and row["next_key"]]
    new = [row for row in onward if row["next_key"] not in passed]
    if new:
        return ("too_many_redirects", None) if len(passed) > 10 else ("redirect", new[0]["url"])
    if onward:
        return "redirect_loop", None
    first = rows[0]["outcome"]
    return "redirect_without_target" if first == "redirect" else first, None


_captures = st.lists(
    st.fixed_dictionaries(
        {
            "url_key": st.sampled_from(_KEYS),
            "fetched_at": st.none() | st.integers(0, 6).map(_moment),
            "outcome": st.sampled_from(["good", "redirect", "redirect", "http_error", "not_html"]),
            "next_key": st.none() | st.sampled_from(_KEYS),
        }
    ),
    max_size=25,
)
_passed = st.one_of(
    st.lists(st.sampled_from(_KEYS), max_size=3, unique=True),
    st.just([f"http://{i}.example/" for i in range(10)]),
)
_seekers = st.lists(
    st.tuples(st.sampled_from(_KEYS), st.integers(0, 6), _passed), min_size=1, max_size=12
)


@given(_captures, _seekers)
def test_a_round_agrees_with_the_slow_twin(
    tmp_path_factory: pytest.TempPathFactory,
    captures: list[dict[str, Any]],
    seekers: list[tuple[str, int, list[str]]],
) -> None:
    folder = tmp_path_factory.mktemp("round")
    rows = []
    ordered = sorted(
        captures, key=lambda r: (r["url_key"], r["fetched_at"] is None, r["fetched_at"] or _START)
    )
    for number, capture in enumerate(ordered):
        place = {"file": "a", "offset": number, "length": 1, "skip": None}
        url = f"http://capture.example/{number}"
        empty = dict.fromkeys(ROWS.names) | {"redirects": [], "http_headers": []}
        more = {"url": url, "final_url": url, "source": "archive", "container": "warc"}
        next_key = capture["next_key"] if capture["outcome"] == "redirect" else None
        rows.append({**empty, **more, **capture, "next_key": next_key, "location": place})
    write_table(pa.Table.from_pylist(rows, ROWS), folder / "rows")
    looking = [
        {
            "url_key": f"http://link.example/{number}",
            "karma": number,
            "subreddit": None,
            "created_utc": _moment(day),
            "at_key": key,
            "passed_keys": [passed for passed in before if passed != key],
            "redirects": [],
        }
        for number, (key, day, before) in enumerate(seekers)
    ]
    with Shuffle(folder / "seekers", SEEKERS) as shuffle:
        shuffle.add(pa.Table.from_pylist(looking, SEEKERS), np.ones(len(looking), np.int64))
    outputs = [folder / name for name in ("good", "ended", "onward")]
    counts = round_of([folder / "rows", folder / "seekers"], outputs, 1, 2)
    good = read_tables(outputs[:1])
    found = {row["url_key"]: ("good", row["final_url"]) for row in good.to_pylist()}
    for row in read_tables(outputs[1:2]).cast(ENDED).to_pylist():
        found[row["url_key"]] = (row["outcome"], None)
    onward = [read_partition(outputs[2:], p, SEEKERS) for p in range(2)]
    for part, row in ((p, row) for p, table in enumerate(onward) for row in table.to_pylist()):
        assert part == partition_of(pa.array([row["at_key"]]), 2)[0]
        found[row["url_key"]] = ("redirect", row["redirects"][-1])
        capture = rows[int(row["redirects"][-1].rpartition("/")[2])]
        assert (row["at_key"], row["passed_keys"][-1]) == (
            capture["next_key"],
            capture["url_key"],
        )
    assert found == {s["url_key"]: twin(s, rows) for s in looking}
    assert sum(counts.values()) == len(looking)
    assert good.schema.equals(GOOD_CAPTURES)


def _good(number: int, file: str, offset: int, skip: int | None) -> dict[str, Any]:
    empty = dict.fromkeys(GOOD_CAPTURES.names) | {"redirects": [], "http_headers": []}
    return {
        **empty,
        "url": "u",
        "final_url": "u",
        "source": "archive",
        "container": "warc",
        "outcome": "good",
        "karma": 3,
        "created_utc": _START,
        "url_key": f"http://a.example/{number * 7 % 4000:04d}",
        "location": {"file": file, "offset": offset, "length": 1, "skip": skip},
    }


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    place = row["location"]
    return place["file"], place["offset"], place["skip"] or 0, row["url_key"]


def test_good_captures_are_gathered_in_the_order_of_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "MARK_ROWS", 16)
    monkeypatch.setattr(gather, "RANGE_ROWS", 100)
    rows = [_good(n, "abc"[n % 3], 1000 - n // 8, [None, None, 5, 7][n % 4]) for n in range(1000)]
    rows += [_good(n, "shared", 0, n) for n in range(1000, 1400)]
    random.Random(5).shuffle(rows)
    parts = 4
    collected, marks = [], []
    for part in range(parts):
        write_table(pa.Table.from_pylist(rows[part::parts], GOOD_CAPTURES), tmp_path / f"in-{part}")
        collected.append(tmp_path / f"collected-{part}")
        marks += collect([tmp_path / f"in-{part}"], [collected[-1]])["marks"]
    begins = gather.bounds(marks, 8)
    assert 4 <= len(begins) <= 7
    ranges = [tmp_path / f"ranges-{part}" for part in range(parts)]
    for path, out in zip(collected, ranges, strict=True):
        gather.distribute([path], [out], begins)
    found: list[dict[str, Any]] = []
    pieces = []
    for number in range(len(begins) + 1):
        out = tmp_path / f"good-{number}"
        gather.gather(ranges, [out], number)
        table = read_tables([out])
        assert table.schema.equals(GOOD_CAPTURES)
        found += table.to_pylist()
        for file, first, count in cut([out], [], 32)["pieces"]:
            piece = rows_of(out, first, count, GOOD_CAPTURES.names).to_pylist()
            assert {row["location"]["file"] for row in piece} == {file}
            pieces.append(piece)
    assert [_place(row) for row in found] == sorted(map(_place, rows))
    assert [row for piece in pieces for row in piece] == [
        {name: row[name] for name in pieces[0][0]} for row in found
    ]
    # A member is in one piece, and pieces are of about the size asked for.
    members = [{(r["location"]["file"], r["location"]["offset"]) for r in p} for p in pieces]
    assert sum(map(len, members)) == len(set().union(*members))
    assert sorted(map(len, pieces))[-1] == 400
    assert sorted(map(len, pieces))[-2] < 48


def test_a_member_of_very_many_pages_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webtext_py.pages.cut.MOST_SHARED", 40)
    rows = [_good(n, "a", 0, n) for n in range(100)]
    write_table(pa.Table.from_pylist(rows, GOOD_CAPTURES), tmp_path / "good")
    pieces = cut([tmp_path / "good"], [], 32)["pieces"]
    assert pieces == [["a", 0, 40], ["a", 40, 40], ["a", 80, 20]]
