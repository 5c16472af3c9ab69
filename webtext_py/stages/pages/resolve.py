"""Links to captures: rounds of joins by key, one more for each redirect on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.columns import partition_of
from webtext_py.ledger import count_values, url_ends
from webtext_py.pages.capture import GOOD
from webtext_py.records import CAPTURES, GOOD_CAPTURES, LINKS, table
from webtext_py.stages.pages.nearest import Nearest
from webtext_py.stages.pages.scan import REDIRECT
from webtext_py.tables import Shuffle, iterate, numbered, read_partition, read_tables, write_table

MAX_REDIRECTS = 10
NO_CAPTURE = "no_capture"

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

# What the choice of a capture needs; the rest is read for the chosen alone.
_JUDGED = ["url_key", "outcome", "fetched_at", "next_key", "url"]


def start(inputs: list[Path], outputs: list[Path], partitions: int) -> dict[str, Any]:
    """Task: a part of the links as seekers at their own key, which lies in the same partition."""
    links = pq.read_table(inputs[0])
    empty = pa.array([[]] * links.num_rows, pa.list_(pa.string()))
    columns = [links[n] for n in ("url_key", "karma", "subreddit", "created_utc", "url_key")]
    seekers = pa.table([*columns, empty, empty], schema=SEEKERS)
    with Shuffle(outputs[0], SEEKERS) as shuffle:
        shuffle.add(seekers, partition_of(seekers["at_key"], partitions))
    return {"links": links.num_rows}


def round_of(
    inputs: list[Path], outputs: list[Path], partition: int, partitions: int
) -> dict[str, Any]:
    """Task: seekers of one partition (all but the first input) against its captures (the first).

    Outputs: good captures, ended seekers, and those that go on, by partition of their next key.
    """
    seekers = read_partition(inputs[1:], partition, SEEKERS).sort_by("at_key")
    found = _Captures(inputs[0], seekers)
    chosen, outcomes = found.choose(seekers)
    good = outcomes == GOOD
    onward = outcomes == REDIRECT
    ended = ~(good | onward)
    write_table(_good(seekers.filter(good), found, chosen[good]), outputs[0])
    names = pa.array(outcomes[ended], pa.string())
    ends = pa.table([seekers["url_key"].filter(ended), names], schema=ENDED)
    write_table(ends, outputs[1])
    going = _onward(seekers.filter(onward), found, chosen[onward])
    with Shuffle(outputs[2], SEEKERS) as shuffle:
        shuffle.add(going, partition_of(going["at_key"], partitions))
    return {"good": int(good.sum()), "ended": int(ended.sum()), "onward": int(onward.sum())}


class _Captures:
    """The captures of a partition whose key some seeker looks at, in their order on disk."""

    def __init__(self, path: Path, seekers: pa.Table) -> None:
        self._path = path
        self._wanted = pc.unique(seekers["at_key"])
        numbers: list[npt.NDArray[np.int64]] = []
        parts = []
        for first, batch in numbered(iterate([path], _JUDGED) if seekers.num_rows else ()):
            hits = pc.is_in(batch["url_key"], self._wanted)
            numbers.append(first + np.flatnonzero(hits.to_numpy(zero_copy_only=False)))
            parts.append(batch.filter(hits))
        self._numbers = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
        empty = pq.read_schema(path).empty_table().select(_JUDGED)
        self.rows = pa.Table.from_batches(parts) if parts else empty

    def choose(
        self, seekers: pa.Table
    ) -> tuple[npt.NDArray[np.int64], "np.ndarray[Any, np.dtype[np.object_]]"]:
        """For each seeker the capture that it takes or follows, a row of `rows` (-1: none), and
        its outcome: `good`, `redirect`, or the reason why it ends here."""
        group = self._groups(self.rows["url_key"])
        at = self._groups(seekers["at_key"])
        moment = seekers["created_utc"].cast(pa.int64()).to_numpy()
        captured = self.rows["fetched_at"].cast(pa.int64())
        outcome = self.rows["outcome"]

        def nearest(these: "pa.ChunkedArray | None") -> Nearest:
            which = None if these is None else np.asarray(these.fill_null(False))
            return Nearest(group, captured, which)

        first_good = nearest(pc.equal(outcome, GOOD)).find(at, moment)
        onward = pc.and_(pc.equal(outcome, REDIRECT), pc.is_valid(self.rows["next_key"]))
        redirects = nearest(onward)
        first_redirect = redirects.find(at, moment)
        first = nearest(None).find(at, moment)

        chosen = first_good.copy()
        outcomes = np.full(seekers.num_rows, GOOD, object)
        on_the_way = np.asarray(pc.list_value_length(seekers["passed_keys"])) > 0
        missing = first < 0
        outcomes[missing] = np.where(
            on_the_way[missing], "redirect_target_missing", NO_CAPTURE
        ).astype(object)
        targets: dict[int, set[str]] = {}  # of a key, where its redirects lead
        for number in np.flatnonzero(~missing & (first_good < 0) & (first_redirect >= 0)).tolist():
            key, when = int(at[number]), int(moment[number])
            if key not in targets:
                targets[key] = {self._next(row) for row in redirects.outward(key, when)}
            order = redirects.outward(key, when)
            outcomes[number], chosen[number] = self._follow(
                seekers.slice(number, 1), targets[key], order
            )
        rest = ~missing & (first_good < 0) & (first_redirect < 0)
        reasons = outcome.take(pa.array(first[rest])).to_pylist()
        without = "redirect_without_target"
        outcomes[rest] = [without if r == REDIRECT else r for r in reasons]
        return chosen, outcomes

    def _follow(
        self, seeker: pa.Table, targets: set[str], redirects: Iterator[int]
    ) -> tuple[str, int]:
        """The outcome of a seeker whose key leads to `targets`, and the nearest of its `redirects`
        that leads to a key it has not passed (-1: none)."""
        passed = {*seeker["passed_keys"][0].as_py(), seeker["at_key"][0].as_py()}
        if targets <= passed:
            return "redirect_loop", -1
        if len(passed) > MAX_REDIRECTS:
            return "too_many_redirects", -1
        return REDIRECT, next(row for row in redirects if self._next(row) not in passed)

    def _next(self, row: int) -> str:
        key: str = self.rows["next_key"][row].as_py()
        return key

    def _groups(self, keys: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        codes = pc.index_in(keys, self._wanted)
        return np.asarray(codes.fill_null(-1)).astype(np.int64)

    def whole(self, chosen: npt.NDArray[np.int64]) -> pa.Table:
        """The captures at these rows of `rows`, in the order given, with all their columns."""
        numbers = self._numbers[chosen]
        wanted = np.unique(numbers)
        parts = []
        for first, batch in numbered(iterate([self._path], CAPTURES.names) if len(wanted) else ()):
            low, high = np.searchsorted(wanted, (first, first + batch.num_rows))
            if high > low:
                parts.append(batch.take(pa.array(wanted[low:high] - first)))
        if not parts:
            return pq.read_schema(self._path).empty_table().select(CAPTURES.names)
        return pa.Table.from_batches(parts).take(pa.array(np.searchsorted(wanted, numbers)))


def _good(seekers: pa.Table, found: _Captures, chosen: npt.NDArray[np.int64]) -> pa.Table:
    captures = found.whole(chosen)
    columns = {name: captures[name] for name in CAPTURES.names}
    columns |= {name: seekers[name] for name in ("url_key", "karma", "subreddit", "created_utc")}
    columns |= {"final_url": captures["url"], "redirects": seekers["redirects"]}
    return table(GOOD_CAPTURES, columns)


def _onward(seekers: pa.Table, found: _Captures, chosen: npt.NDArray[np.int64]) -> pa.Table:
    """Seekers at the key that their redirect leads to; lists are short, so rows do."""
    followed = found.rows.take(pa.array(chosen))
    at_keys, urls = followed["next_key"].to_pylist(), followed["url"].to_pylist()
    rows = [
        {
            **seeker,
            "at_key": at_key,
            "passed_keys": [*seeker["passed_keys"], seeker["at_key"]],
            "redirects": [*seeker["redirects"], url],
        }
        for seeker, at_key, url in zip(seekers.to_pylist(), at_keys, urls, strict=True)
    ]
    return pa.Table.from_pylist(rows, SEEKERS)


def left(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the links of one partition that ended without a good capture in any round."""
    rows = read_tables(inputs).select(["url_key"]).sort_by("url_key")
    write_table(rows, outputs[0])
    return {"left": rows.num_rows}


def end(inputs: list[Path], outputs: list[Path], fetched: bool = False) -> dict[str, Any]:
    """Task: one partition's ended seekers of all rounds as ledger rows.

    With `fetched` the last input is `pages/fetched.parquet`: a link that was asked for ends with
    the reason that it was not had.
    """
    rows = read_tables(inputs[:-1] if fetched else inputs)
    keys, outcomes = rows["url_key"], rows["outcome"]
    if fetched:
        reasons = _reasons(inputs[-1], keys)
        pairs = zip(keys.to_pylist(), outcomes.to_pylist(), strict=True)
        outcomes = pa.array([reasons.get(key, other) for key, other in pairs], pa.string())
    write_table(url_ends("pages", keys, outcomes), outputs[0])
    return {"dropped": count_values(outcomes)}


def _reasons(path: Path, keys: pa.ChunkedArray) -> dict[str, str]:
    """Why links could not be fetched: of several sources the first that said more than that it
    has nothing."""
    found: dict[str, str] = {}
    for batch in iterate([path], ["url_key", "outcome"]):
        mine = batch.filter(pc.is_in(batch["url_key"], keys.combine_chunks()))
        for row in mine.to_pylist():
            known = found.get(row["url_key"], NO_CAPTURE)
            if known == NO_CAPTURE and row["outcome"] != GOOD:
                found[row["url_key"]] = row["outcome"]
    return found
