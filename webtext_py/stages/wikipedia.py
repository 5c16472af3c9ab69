"""Stage 5, wikipedia: no page of Wikipedia stays, under whatever host it was reached.

Takes `documents/` less what dedup removed. Gives ledger rows of what it drops: documents whose
final URL, after redirects, is Wikipedia's (the link's own URL was judged before anything was
fetched). WebText holds no Wikipedia because most test sets are made from it (GPT-2 report, section
2.1).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.config import BuildConfig
from webtext_py.engine import Task
from webtext_py.ledger import balance, url_ends
from webtext_py.stage import StageRun
from webtext_py.stages.removed import Removed
from webtext_py.tables import read_tables, write_table
from webtext_py.wikipedia.hosts import is_wikipedia

FILES = ("ledger/urls-wikipedia-*.parquet",)
REASON = "wikipedia_host"


def run_wikipedia(run: StageRun, config: BuildConfig) -> dict[str, Any]:
    """Runs the stage; returns its counts."""
    documents = run.outputs_of("extract", "documents")
    removed = _ledger(run, "dedup")
    done = run.tasks(
        "hosts",
        [
            Task(
                f"hosts-{i:05d}",
                hosts,
                (path, *removed),
                (run.data / "ledger" / f"urls-wikipedia-{i:05d}.parquet",),
            )
            for i, path in enumerate(documents)
        ],
    )
    taken = sum(result.counts["in"] for result in done)
    dropped = sum(result.counts["dropped"] for result in done)
    return balance("wikipedia", taken, taken - dropped, {REASON: dropped} if dropped else {})


def _ledger(run: StageRun, stage: str) -> Sequence[Path]:
    return [p for p in run.outputs_of(stage, "ledger") if p.name.startswith(f"urls-{stage}-")]


def hosts(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: one part of the documents (first input) judged by final URL; the other inputs are the
    ledger rows of what was removed before."""
    rows = read_tables(inputs[:1], ["url_key", "url", "doc_id"])
    rows = Removed(inputs[1:]).keep(rows)
    found = pa.array([is_wikipedia(url) for url in rows["url"].to_pylist()], pa.bool_())
    gone = rows.filter(found)
    reasons = pa.repeat(REASON, gone.num_rows)
    write_table(url_ends("wikipedia", gone["url_key"], reasons, gone["doc_id"]), outputs[0])
    return {"in": rows.num_rows, "dropped": gone.num_rows}
