"""Line rules: which lines of a dump are outbound links inside the dates.

Each line ends in exactly one outcome, the first rule that holds; the rest are `kept` for the merge.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import partition_of
from webtext_py.dump import Status, SubmissionReader
from webtext_py.engine import advance
from webtext_py.errors import DamageError, InputError
from webtext_py.ledger import KEPT, count_values
from webtext_py.reader import Passed
from webtext_py.sample import line_places, lowest
from webtext_py.stages.links.sample import Sample
from webtext_py.stages.links.table import read_links
from webtext_py.tables import Shuffle, numbered, write_table
from webtext_py.url.escape import html_unescape

# Seconds since 1970 of the years 1 to 9999: no calendar of ours has others.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799
# A submission that passed the line rules, on its way through the shuffles.
SUBMISSIONS = pa.schema(
    [
        pa.field("submission_id", pa.string(), False),
        pa.field("url", pa.string(), False),
        pa.field("karma", pa.int64(), False),
        pa.field("created_utc", pa.int64(), False),
        pa.field("subreddit", pa.string()),
        pa.field("over_18", pa.bool_(), False),
        pa.field("file", pa.string(), False),
    ]
)


def scan(
    inputs: list[Path],
    outputs: list[Path],
    partitions: int,
    file: str,
    kind: str,
    before: int,
    after: int,
    nsfw: bool,
    allow_damaged: bool,
) -> dict[str, Any]:
    """Task: one dump (or table of links) to submissions by partition of their id (first output),
    and ten lines of each reason (second).

    Returns `lines` (outcome to count) and `damage`: offset, bytes of the file lost, and what.
    """
    outcomes: Counter[str] = Counter()
    lost: dict[str, Any] = {}
    passed = Passed()
    path, sample = inputs[0], Sample()
    batches = read_links(path, passed) if kind == "links" else _dump(path, allow_damaged, lost)
    with Shuffle(outputs[0], SUBMISSIONS) as shuffle:
        for first, batch in numbered(batches):
            names = judge(batch, before, after, nsfw)
            outcomes.update(count_values(names))
            rows = submissions(batch, file, first)
            _sample(sample, file, names, batch, rows)
            kept = rows.filter(pc.equal(names, KEPT))
            shuffle.add(kept, partition_of(kept["submission_id"], partitions))
    write_table(sample.rows, outputs[1])
    outcomes["blank"] += lost.get("blank", 0)
    return {
        "lines": dict(sorted((+outcomes).items())),
        "damage": lost.get("damage", []),
        "passed_over": passed.document(),
    }


def _sample(
    sample: Sample, file: str, outcomes: pa.Array, batch: pa.RecordBatch, rows: pa.Table
) -> None:
    """Adds the lines of a batch that ended here, as `submissions` has them."""
    place = line_places(file, batch["line"].to_numpy())
    few = lowest(outcomes, place.to_numpy())
    few = few.filter(pc.not_equal(outcomes.take(few), KEPT))
    given, rows = batch.take(few), rows.take(few)
    sample.add(
        outcomes.take(few),
        place.take(few),
        file=rows["file"],
        line=given["line"],
        url=rows["url"],
        karma=given["score"],
        subreddit=given["subreddit"],
        created_utc=given["created_utc"],
        text=given["begins"],
    )


def _dump(path: Path, allow_damaged: bool, lost: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    reader = SubmissionReader(path, allow_damaged=allow_damaged)
    said = 0
    try:
        for batch in reader:
            yield batch
            read = reader.stats.compressed_bytes
            advance(read - said)
            said = read
    except DamageError as error:
        raise InputError(str(error), "`--allow-damaged` keeps what can be read") from error
    lost["blank"] = reader.stats.blank
    lost["damage"] = [[d.compressed_offset, d.lost_bytes, d.message] for d in reader.stats.damages]


def judge(batch: pa.RecordBatch, before: int, after: int, nsfw: bool) -> pa.Array:
    """The outcome of each line: `kept` or the first reason that holds."""
    url, created = batch["url"], batch["created_utc"]
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(url)), 0)
    no_url = pc.or_kleene(pc.is_null(url), blank)
    web = pc.match_substring_regex(url, r"^\s*https?:", ignore_case=True)
    rules = [
        ("damaged", pc.equal(batch["status"], Status.DAMAGED)),
        ("comment", pc.equal(batch["status"], Status.COMMENT)),
        ("advertisement", batch["promoted"]),
        ("self_post", pc.or_kleene(batch["is_self"], pc.starts_with(batch["domain"], "self."))),
        ("over_18", pa.array(np.zeros(batch.num_rows, bool)) if nsfw else batch["over_18"]),
        ("no_date", pc.is_null(created)),
        ("bad_date", pc.or_(pc.less(created, _FIRST_S), pc.greater(created, _LAST_S))),
        ("too_late", pc.greater_equal(created, before)),
        ("too_early", pc.less(created, after)),
        ("no_url", no_url),
        ("not_http", pc.invert(web)),
        ("no_karma", pc.is_null(batch["score"])),
    ]
    conditions = [pc.fill_null(condition, False) for _, condition in rules]
    flags = pa.StructArray.from_arrays(conditions, [name for name, _ in rules])
    return pc.case_when(flags, *[pa.scalar(name) for name, _ in rules], pa.scalar(KEPT))


def submissions(batch: pa.RecordBatch, name: str, first: int) -> pa.Table:
    """All lines of a batch in `SUBMISSIONS`' columns; `first` is the number of its first line.

    A line without an id is its own submission, named by file and line.
    """
    ids = batch["id"]
    if ids.null_count:
        own = pa.array([f"{name}:{first + i}" for i in range(batch.num_rows)])
        ids = pc.coalesce(ids, own)
    columns = {
        "submission_id": ids,
        "url": pc.fill_null(html_unescape(batch["url"]), ""),
        "karma": pc.fill_null(batch["score"], 0),
        "created_utc": pc.fill_null(batch["created_utc"], 0),
        "subreddit": batch["subreddit"],
        "over_18": pc.fill_null(batch["over_18"], False),
        "file": pa.repeat(name, batch.num_rows),
    }
    return pa.table(list(columns.values()), names=list(columns))
