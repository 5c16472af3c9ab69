"""The stage's tasks and their order."""

from typing import Any

from webtext_py.config import BuildConfig
from webtext_py.engine import Task
from webtext_py.ledger import balance
from webtext_py.stage import StageRun
from webtext_py.stages.dedup import exact

FILES = ("duplicates/*.parquet", "ledger/urls-dedup-*.parquet")


def run_dedup(run: StageRun, config: BuildConfig) -> dict[str, Any]:
    """Runs the stage on the documents; returns its counts."""
    documents = run.outputs_of("extract", "documents")
    parts = range(config.partitions)
    digested = run.tasks(
        "digest",
        [
            Task(
                f"digest-{i:05d}",
                exact.digest,
                (path,),
                tuple(run.work / f"digest-{i:05d}-{p:05d}.parquet" for p in parts),
                weight=path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    grouped = run.tasks(
        "group",
        [
            Task(
                f"group-{p:05d}",
                exact.group,
                tuple(run.work / f"digest-{i:05d}-{p:05d}.parquet" for i in range(len(documents))),
                (
                    run.data / "duplicates" / f"part-{p:05d}.parquet",
                    run.data / "ledger" / f"urls-dedup-{p:05d}.parquet",
                ),
            )
            for p in parts
        ],
    )
    taken = sum(done.counts["rows"] for done in digested)
    removed = sum(done.counts["removed"] for done in grouped)
    return balance("dedup", taken, taken - removed, {exact.REASON: removed} if removed else {})
