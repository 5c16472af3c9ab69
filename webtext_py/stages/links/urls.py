"""Submissions to one row per canonical URL, and the URL rules.

The merge sees all submissions of a key inside the dates, so that `--min-karma` is applied to the
URL, not to a submission.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import partition_of
from webtext_py.ledger import KEPT, url_ends
from webtext_py.records import LINKS, table
from webtext_py.sample import places
from webtext_py.stages.links.lines import SUBMISSIONS
from webtext_py.stages.links.sample import Sample
from webtext_py.tables import Shuffle, group_starts, read_partition, write_table
from webtext_py.url.domain_list import load_domain_list
from webtext_py.url.key import url_keys
from webtext_py.url.rules import UrlRules

KEYED = SUBMISSIONS.append(pa.field("url_key", pa.string(), False))

_KNOWN = ("url", "karma", "subreddit", "created_utc")  # of what ends here

# Highest karma first; the rest makes the order total, so that input order never shows.
_BEST = [("karma", "descending"), ("created_utc", "ascending"), ("submission_id", "ascending")]
_TOTAL = [*_BEST, ("url", "ascending"), ("subreddit", "ascending"), ("file", "ascending")]


def unique(
    inputs: list[Path], outputs: list[Path], partition: int, partitions: int
) -> dict[str, Any]:
    """Task: submissions of one id partition, each id once, to partitions of their URL key (first
    output), and ten of each reason (second).

    Of lines with one id the one with the highest karma stands (dumps of other days differ in it).
    Returns `lines`: file to outcome to count, for lines that end here.
    """
    rows = read_partition(inputs, partition, SUBMISSIONS)
    rows = rows.sort_by([("submission_id", "ascending"), *_TOTAL])
    starts = group_starts(rows["submission_id"])
    first = np.zeros(rows.num_rows, bool)
    first[starts] = True
    again, rows = rows.filter(~first), rows.filter(pa.array(first))
    keys = url_keys(rows["url"].combine_chunks())
    bad = pc.is_null(keys)
    ended = Counter[tuple[str, str]]()
    sample = Sample()
    for outcome, gone in (("repeated", again), ("bad_url", rows.filter(bad))):
        ended.update((file, outcome) for file in gone["file"].to_pylist())
        known = {name: gone[name] for name in _KNOWN}
        reasons = pa.repeat(outcome, gone.num_rows)
        named = pc.binary_join_element_wise(gone["file"], gone["submission_id"], " ")
        sample.add(reasons, places(named), file=gone["file"], **known)
    write_table(sample.rows, outputs[1])
    rows = rows.append_column("url_key", keys).filter(pc.invert(bad))
    with Shuffle(outputs[0], KEYED) as shuffle:
        shuffle.add(rows, partition_of(rows["url_key"], partitions))
    lines: dict[str, dict[str, int]] = {}
    for (file, outcome), count in sorted(ended.items()):
        lines.setdefault(file, {})[outcome] = count
    return {"lines": lines}


def merge(
    inputs: list[Path],
    outputs: list[Path],
    partition: int,
    karma_rule: str,
    min_karma: int,
    exclude_domains: bool,
) -> dict[str, Any]:
    """Task: one key partition to links (first output), ends in the ledger (second), and ten of
    each reason (third).

    With `exclude_domains` the last input is the list of domains.
    """
    excluded = load_domain_list(inputs.pop()) if exclude_domains else frozenset()
    links = merge_submissions(read_partition(inputs, partition, KEYED), karma_rule)
    outcomes = judge(links, min_karma, UrlRules.default(exclude_domains=excluded))
    kept = pc.equal(outcomes, KEPT)
    write_table(links.filter(kept), outputs[0])
    dropped = links.filter(pc.invert(kept))
    reasons = outcomes.filter(pc.invert(kept))
    write_table(url_ends("links", dropped["url_key"], reasons), outputs[1])
    sample = Sample()
    known = {name: dropped[name] for name in ("url_key", *_KNOWN)}
    known["created_utc"] = dropped["created_utc"].cast(pa.timestamp("s", "UTC"))
    sample.add(reasons, places(dropped["url_key"]), **known)
    write_table(sample.rows, outputs[2])
    return {
        "in": links.num_rows,
        "kept": links.num_rows - dropped.num_rows,
        "dropped": dict(sorted(Counter(reasons.to_pylist()).items())),
        "submissions": int(pc.sum(links["submissions"]).as_py() or 0),
    }


def merge_submissions(rows: pa.Table, karma_rule: str) -> pa.Table:
    """One row of `LINKS` for each `url_key`, in its order."""
    rows = rows.sort_by([("url_key", "ascending"), *_TOTAL])
    starts = group_starts(rows["url_key"])
    if not len(starts):
        return LINKS.empty_table()
    created = rows["created_utc"].to_numpy()
    first = pa.array(np.minimum.reduceat(created, starts), pa.timestamp("s", tz="UTC"))
    best = rows.take(pa.array(starts))
    columns = {name: best[name] for name in ("url_key", "url", "submission_id", "subreddit")}
    columns |= {
        "karma": _karma(karma_rule, rows["karma"].to_numpy(), created, starts),
        "submissions": np.append(starts[1:], rows.num_rows) - starts,
        "created_utc": first,
        "over_18": np.logical_or.reduceat(rows["over_18"].to_numpy(), starts),
    }
    return table(LINKS, columns)


def _karma(rule: str, karma: Any, created: Any, starts: Any) -> Any:
    """A group's karma; within a group the rows lie by karma, then time, then id."""
    if rule == "max":
        return karma[starts]
    if rule == "sum":
        return _saturated_sums(karma, starts)
    # The earliest submission's; of several in one second the best, which lies first.
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(karma))))
    by_time = np.lexsort((np.arange(len(karma)), created, group))
    return karma[by_time[starts]]


def _saturated_sums(values: Any, starts: Any) -> Any:
    """Sums of groups of int64, at most and at least what an int64 holds.

    The halves are summed apart, which no number of rows in memory can overflow.
    """
    low = np.add.reduceat(values & 0xFFFFFFFF, starts)
    high = np.add.reduceat(values >> 32, starts) + (low >> 32)
    sums = (np.clip(high, -(1 << 31), (1 << 31) - 1) << 32) | (low & 0xFFFFFFFF)
    sums[high >= 1 << 31] = np.iinfo(np.int64).max
    sums[high < -(1 << 31)] = np.iinfo(np.int64).min
    return sums


def judge(links: pa.Table, min_karma: int, rules: UrlRules) -> pa.Array:
    """The outcome of each link: `kept`, `low_karma`, or the URL rule's reason."""
    low = pc.less(links["karma"].combine_chunks(), min_karma)
    reasons = rules.reasons(links["url_key"].combine_chunks())
    return pc.if_else(low, "low_karma", pc.fill_null(reasons, KEPT))
