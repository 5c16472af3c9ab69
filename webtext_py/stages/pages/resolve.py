"""Links to captures: rounds of joins by key, one more for each redirect on the way."""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import partition_of
from webtext_py.ledger import url_ends
from webtext_py.records import GOOD, LINKS
from webtext_py.stages.pages.scan import GOOD as GOOD_OUTCOME
from webtext_py.stages.pages.scan import REDIRECT
from webtext_py.tables import Shuffle, read_tables, write_table

MAX_REDIRECTS = 10

# A link that is looking for its capture: where it looks now and what it passed.
SEEKERS = pa.schema(
    [
        *(LINKS.field(n) for n in ("url_key", "karma", "subreddit", "created_utc")),
        pa.field("at_key", pa.string(), False),
        pa.field("passed_keys", pa.list_(pa.string()), False),
        pa.field("redirects", pa.list_(pa.string()), False),
    ]
)
ENDED = pa.schema([SEEKERS.field("url_key"), pa.field("outcome", pa.string(), False)])


def start(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a part of the links as seekers at their own key."""
    links = pq.read_table(inputs[0])
    empty = pa.array([[]] * links.num_rows, pa.list_(pa.string()))
    columns = [links[n] for n in ("url_key", "karma", "subreddit", "created_utc", "url_key")]
    seekers = pa.table([*columns, empty, empty], schema=SEEKERS)
    write_table(seekers, outputs[0])
    return {"links": links.num_rows}


def round_of(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: seekers of one partition (all but the first input) against its captures (the first).

    Outputs: good captures, ended seekers, then those that go on, by partition of their next key.
    """
    seekers = read_tables(inputs[1:]).sort_by("at_key").to_pylist()
    wanted = pa.array(sorted({s["at_key"] for s in seekers}), pa.string())
    rows = _captures(inputs[0], wanted) if seekers else {}
    good: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []
    onward: list[dict[str, Any]] = []
    for seeker in seekers:
        capture, outcome = _choose(seeker, rows.get(seeker["at_key"], []))
        if outcome == GOOD_OUTCOME:
            assert capture is not None
            good.append(_good(seeker, capture))
        elif outcome == REDIRECT:
            assert capture is not None
            onward.append(
                {
                    **seeker,
                    "at_key": capture["next_key"],
                    "passed_keys": [*seeker["passed_keys"], seeker["at_key"]],
                    "redirects": [*seeker["redirects"], capture["url"]],
                }
            )
        else:
            ended.append({"url_key": seeker["url_key"], "outcome": outcome})
    write_table(pa.Table.from_pylist(good, GOOD), outputs[0])
    write_table(pa.Table.from_pylist(ended, ENDED), outputs[1])
    going = pa.Table.from_pylist(onward, SEEKERS)
    with Shuffle(outputs[2:], SEEKERS) as shuffle:
        shuffle.add(going, partition_of(going["at_key"], len(outputs) - 2))
    return {"good": len(good), "ended": len(ended), "onward": len(onward)}


def _captures(path: Path, wanted: pa.Array) -> dict[str, list[dict[str, Any]]]:
    """The captures of the wanted keys, each key's in their order on disk."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(use_threads=False):
            found = batch.filter(pc.is_in(batch["url_key"], wanted))
            for key, group in groupby(found.to_pylist(), key=lambda row: row["url_key"]):
                rows.setdefault(key, []).extend(group)
    return rows


def _choose(
    seeker: dict[str, Any], captures: list[dict[str, Any]]
) -> tuple[dict[str, Any] | None, str]:
    """The capture that a seeker takes or follows, and the outcome."""
    if not captures:
        return None, "redirect_target_missing" if seeker["passed_keys"] else "no_capture"
    nearest = sorted(captures, key=lambda row: _distance(row, seeker))
    for row in nearest:
        if row["outcome"] == GOOD_OUTCOME:
            return row, GOOD_OUTCOME
    passed = {*seeker["passed_keys"], seeker["at_key"]}
    turned_back = False
    for row in nearest:
        if row["outcome"] == REDIRECT and row["next_key"] is not None:
            if row["next_key"] in passed:
                turned_back = True
            elif len(seeker["passed_keys"]) >= MAX_REDIRECTS:
                return None, "too_many_redirects"
            else:
                return row, REDIRECT
    if turned_back:
        return None, "redirect_loop"
    first = nearest[0]["outcome"]
    return None, "redirect_without_target" if first == REDIRECT else first


def _distance(row: dict[str, Any], seeker: dict[str, Any]) -> tuple[int, float]:
    """Seconds between capture and submission; captures without a date come last. Sorting is
    stable, so that of equal ones the first in the index's order wins."""
    if row["fetched_at"] is None:
        return 1, 0.0
    return 0, abs((row["fetched_at"] - seeker["created_utc"]).total_seconds())


def _good(seeker: dict[str, Any], capture: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: capture[name] for name in GOOD.names if name in capture},
        **{name: seeker[name] for name in ("url_key", "karma", "subreddit", "created_utc")},
        "final_url": capture["url"],
        "redirects": seeker["redirects"],
    }


def collect(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: all rounds' good captures of one partition, in order of container and place, so that
    extraction reads each container once through. Returns their number by
    container, and that of those which share a compressed member with others."""
    rows = read_tables(inputs).to_pylist()
    rows.sort(key=lambda row: (row["location"]["file"], *place_of(row)))
    write_table(pa.Table.from_pylist(rows, GOOD), outputs[0], row_group_rows=8192)
    files = [row["location"]["file"] for row in rows]
    shared = [row["location"]["file"] for row in rows if row["location"]["skip"] is not None]
    return {
        "containers": dict(sorted(Counter(files).items())),
        "shared": dict(sorted(Counter(shared).items())),
    }


def place_of(row: dict[str, Any]) -> tuple[int, int, str]:
    """Sort key of pages inside their container."""
    place = row["location"]
    return place["offset"], place["skip"] or 0, row["url_key"]


def end(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: one partition's ended seekers of all rounds as ledger rows."""
    rows = read_tables(inputs)
    write_table(url_ends("pages", rows["url_key"], rows["outcome"]), outputs[0])
    return {"dropped": dict(sorted(Counter(rows["outcome"].to_pylist()).items()))}
