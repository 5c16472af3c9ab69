"""Which capture a link takes, against a slow twin; pages of a container in slices."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.columns import partition_of
from webtext_py.records import CAPTURES, GOOD
from webtext_py.stages.extract.documents import rows_of
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
    with Shuffle(folder / "seekers", 3, SEEKERS) as shuffle:
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
    assert good.schema.equals(GOOD)


def test_slices_are_the_container_in_order(tmp_path: Path) -> None:
    rows = []
    for number in range(40):
        place = {"file": "ab"[number % 2], "offset": 1000 - number // 4, "length": 1}
        place["skip"] = [None, None, 5, 7][number % 4]
        empty = dict.fromkeys(GOOD.names) | {"redirects": [], "http_headers": []}
        text = {"url": "u", "final_url": "u", "source": "archive", "container": "warc"}
        own = {"url_key": f"http://a.example/{number * 7 % 40:02d}", "location": place}
        known = {"outcome": "good", "karma": 3, "created_utc": _START}
        rows.append({**empty, **text, **own, **known})
    assert set(CAPTURES.names) <= set(rows[0])
    paths = [tmp_path / "good-0", tmp_path / "good-1"]
    for part, path in enumerate(paths):
        held = pa.Table.from_pylist(rows[part::2], GOOD)
        write_table(held, path, row_group_rows=3)
    wanted = sorted(
        (row for row in rows if row["location"]["file"] == "a"),
        key=lambda r: (r["location"]["offset"], r["location"]["skip"] or 0, r["url_key"]),
    )
    sliced = [rows_of(paths, "a", first, 7) for first in range(0, 20, 7)]
    assert [len(part) for part in sliced] == [7, 7, 6]
    assert [r["url_key"] for part in sliced for r in part] == [r["url_key"] for r in wanted]
    assert [r["location"] for part in sliced for r in part] == [r["location"] for r in wanted]
