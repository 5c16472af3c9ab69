"""What links and documents are counted by: month, domain, subreddit, length, language, dates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.report.tally import Tally
from webtext_py.tables import iterate
from webtext_py.url.host import bought_domain

FIRST_YEAR = 1990  # of a web page: what claims to be older is one bin
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*:/*(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]*)"


def count_links(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: some of `links/` to sums."""
    columns = ["url_key", "karma", "submissions", "created_utc", "subreddit"]
    with Tally(outputs[0]) as sums:
        for batch in iterate(inputs, columns):
            ones = pa.repeat(pa.scalar(1), batch.num_rows)
            measures = {"links": ones, "submissions": batch["submissions"], "karma": batch["karma"]}
            sums.count("month", months(batch["created_utc"]), **measures)
            sums.count("karma", doublings(batch["karma"]), **measures)
            sums.count("domain", domains(batch["url_key"]), **measures)
            sums.count("subreddit", batch["subreddit"], **measures)


def count_documents(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Task: some shards to sums."""
    columns = [
        "url", "language", "published", "karma", "subreddit", "created_utc", "fetched_at", "bytes",
        "words",
    ]  # fmt: skip
    with Tally(outputs[0]) as sums:
        for path in inputs:
            split = path.name.partition("-")[0]
            for batch in iterate([path], columns):
                ones = pa.repeat(pa.scalar(1), batch.num_rows)
                measures = {"documents": ones, "words": batch["words"], "bytes": batch["bytes"]}
                for kind, keys in (
                    ("split", pa.repeat(split, batch.num_rows)),
                    ("month", months(batch["created_utc"])),
                    ("karma", doublings(batch["karma"])),
                    ("domain", domains(batch["url"])),
                    ("subreddit", batch["subreddit"]),
                    ("language", batch["language"]),
                    ("words", doublings(batch["words"])),
                    ("fetched", months(batch["fetched_at"])),
                    ("published", years(batch["published"])),
                ):
                    sums.count(kind, keys, **measures)


def months(times: pa.Array) -> pa.Array:
    """`2016-03` of each time, null of null."""
    return pc.utf8_slice_codeunits(times.cast(pa.timestamp("ms")).cast(pa.string()), 0, 7)


def years(dates: pa.Array) -> pa.Array:
    """The year of each date; all before `FIRST_YEAR` are the year before it."""
    return pc.max_element_wise(pc.year(dates), FIRST_YEAR - 1, skip_nulls=False)


def doublings(numbers: pa.Array) -> pa.Array:
    """The greatest power of two that each number reaches; 0 below 1."""
    values: npt.NDArray[np.int64] = numbers.to_numpy(zero_copy_only=False)
    exponents = np.frexp(np.maximum(values, 1).astype(np.float64))[1] - 1
    return pa.array(np.where(values < 1, 0, np.int64(1) << exponents.astype(np.int64)))


def domains(urls: pa.Array) -> pa.Array:
    """The domain that was bought of each URL, `blogspot.com` of `a.blogspot.com`; null where a URL
    has no host."""
    found = pc.struct_field(pc.extract_regex(urls, _HOST), "host")
    hosts = pc.utf8_lower(found).dictionary_encode()
    names: list[Any] = [
        bought_domain(host) if host else None for host in hosts.dictionary.to_pylist()
    ]
    return pa.array(names, pa.string()).take(hosts.indices)
