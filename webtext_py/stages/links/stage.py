"""The stage's tasks and their order."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Task
from webtext_py.ledger import KEPT, add_up, balance
from webtext_py.records import LEDGER_LINES, table
from webtext_py.stage import StageRun
from webtext_py.stages.links.lines import scan
from webtext_py.stages.links.urls import merge, unique
from webtext_py.tables import write_table

FILES = ("links/*.parquet", "ledger/lines.parquet", "ledger/urls-links-*.parquet")


def run_links(
    run: StageRun, config: BuildConfig, files: Mapping[str, Path], kind: str
) -> dict[str, Any]:
    """Runs the stage on `files` (name to path), of kind `dumps` or `links`; returns its counts."""
    parts = range(config.partitions)
    scanned = run.tasks("scan", _scans(run, config, files, kind), "bytes")
    made = run.tasks(
        "unique",
        [
            Task(
                f"unique-{p:05d}",
                unique,
                tuple(run.work / f"scan-{i:05d}.arrow" for i in range(len(files))),
                (run.work / f"unique-{p:05d}.arrow",),
                {"partition": p, "partitions": config.partitions},
            )
            for p in parts
        ],
    )
    excluded = (config.exclude_domains,) if config.exclude_domains else ()
    merged = run.tasks(
        "merge",
        [
            Task(
                f"merge-{q:05d}",
                merge,
                (*(run.work / f"unique-{p:05d}.arrow" for p in parts), *excluded),
                (
                    run.data / "links" / f"part-{q:05d}.parquet",
                    run.data / "ledger" / f"urls-links-{q:05d}.parquet",
                ),
                {
                    "partition": q,
                    "karma_rule": config.karma_rule,
                    "min_karma": config.min_karma,
                    "exclude_domains": bool(excluded),
                },
            )
            for q in parts
        ],
    )
    lines = _line_outcomes(list(files), scanned, made)
    run.tasks(
        "ledger",
        [
            Task(
                "lines",
                write_lines,
                (),
                (run.data / "ledger" / "lines.parquet",),
                {"lines": lines},
            )
        ],
    )
    total = Counter[str]()
    for outcomes in lines.values():
        total.update(outcomes)
    read = sum(sum(done.counts["lines"].values()) for done in scanned)
    kept = total.pop(KEPT, 0)
    assert kept == sum(done.counts["submissions"] for done in merged), "a submission got lost"
    urls = add_up([done.counts["dropped"] for done in merged])
    return {
        "lines": balance("links", read, kept, total),
        "urls": balance(
            "links",
            sum(done.counts["in"] for done in merged),
            sum(done.counts["kept"] for done in merged),
            urls,
        ),
        "damage": {
            name: done.counts["damage"]
            for name, done in zip(sorted(files), scanned, strict=True)
            if done.counts["damage"]
        },
    }


def _scans(run: StageRun, config: BuildConfig, files: Mapping[str, Path], kind: str) -> list[Task]:
    return [
        Task(
            f"scan-{i:05d}",
            scan,
            (path,),
            (run.work / f"scan-{i:05d}.arrow",),
            {
                "partitions": config.partitions,
                "name": name,
                "kind": kind,
                "before": config.before_utc,
                "after": config.after_utc,
                "nsfw": config.nsfw,
                "allow_damaged": config.allow_damaged,
            },
            max(1, path.stat().st_size),
        )
        for i, (name, path) in enumerate(sorted(files.items()))
    ]


def _line_outcomes(
    names: list[str], scanned: list[Done], made: list[Done]
) -> dict[str, dict[str, int]]:
    """Each file's lines by outcome; what ended in the merge is taken off its `kept`."""
    lines = {}
    for name, done in zip(sorted(names), scanned, strict=True):
        lines[name] = Counter[str](done.counts["lines"])
    for done in made:
        for name, ended in done.counts["lines"].items():
            lines[name].update(ended)
            lines[name][KEPT] -= sum(ended.values())
    return {name: dict(sorted(counts.items())) for name, counts in lines.items()}


def write_lines(inputs: list[Path], outputs: list[Path], lines: dict[str, dict[str, int]]) -> None:
    """Task: `ledger/lines.parquet` from the counts."""
    rows = [(f, o, n) for f, counts in lines.items() for o, n in counts.items() if n]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    names = LEDGER_LINES.names
    arrays = [pa.array(list(column)) for column in columns]
    if not rows:
        arrays = [pa.array([], field.type) for field in LEDGER_LINES]
    write_table(table(LEDGER_LINES, dict(zip(names, arrays, strict=True))), outputs[0])
