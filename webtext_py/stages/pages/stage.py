"""The stage's tasks and their order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webtext_py.config import BuildConfig
from webtext_py.engine import Done, Task
from webtext_py.ledger import add_up, balance
from webtext_py.stage import StageRun
from webtext_py.stages.pages import resolve, scan

FILES = ("pages/index-*.parquet", "pages/good-*.parquet", "ledger/urls-pages-*.parquet")


def run_pages(
    run: StageRun,
    config: BuildConfig,
    files: Mapping[str, Path],
    sources: Mapping[str, str] | None = None,
    fetched: Path | None = None,
) -> dict[str, Any]:
    """Runs the stage on the containers `files` (name to path); returns its counts.

    `sources` says where a container came from (default: archive); `fetched` is the table of
    what was asked for over the network.
    """
    scanned = _index(run, config.partitions, files, sources or {})
    links, rounds = _resolve(run, config.partitions)
    parts = range(config.partitions)
    collected = run.tasks(
        "collect",
        [
            Task(
                f"collect-{p:05d}",
                resolve.collect,
                tuple(run.work / f"good-{r:02d}-{p:05d}.parquet" for r in range(rounds)),
                (run.data / "pages" / f"good-{p:05d}.parquet",),
            )
            for p in parts
        ],
    )
    ended = run.tasks(
        "end",
        [
            Task(
                f"end-{p:05d}",
                resolve.end,
                (
                    *(run.work / f"ended-{r:02d}-{p:05d}.parquet" for r in range(rounds)),
                    *([fetched] if fetched is not None else []),
                ),
                (run.data / "ledger" / f"urls-pages-{p:05d}.parquet",),
                {"fetched": True} if fetched is not None else {},
            )
            for p in parts
        ],
    )
    containers = add_up([done.counts["containers"] for done in collected])
    counts = balance(
        "pages",
        links,
        sum(containers.values()),
        add_up([done.counts["dropped"] for done in ended]),
    )
    counts["captures"] = dict(sorted(add_up([d.counts["captures"] for d in scanned]).items()))
    counts["damage"] = {
        name: done.counts["damage"]
        for name, done in zip(sorted(files), scanned, strict=True)
        if done.counts["damage"]
    }
    counts["containers"] = dict(sorted(containers.items()))
    counts["shared"] = dict(sorted(add_up([d.counts["shared"] for d in collected]).items()))
    return counts


def _index(
    run: StageRun, partitions: int, files: Mapping[str, Path], sources: Mapping[str, str]
) -> list[Done]:
    """Scans the containers and joins revisits to what they stand for."""
    parts = range(partitions)
    scans = tuple(run.work / f"scan-{i:05d}.arrow" for i in range(len(files)))
    resolved = tuple(run.work / f"resolved-{p:05d}.arrow" for p in parts)
    scanned = run.tasks(
        "scan",
        [
            Task(
                f"scan-{i:05d}",
                scan.scan,
                (path,),
                (scans[i],),
                {"partitions": partitions, "name": name, "source": sources.get(name, "archive")},
                max(1, path.stat().st_size),
            )
            for i, (name, path) in enumerate(sorted(files.items()))
        ],
        "bytes",
    )
    run.tasks(
        "revisits",
        [
            Task(
                f"revisits-{p:05d}",
                scan.resolve_revisits,
                scans,
                (resolved[p],),
                {"partition": p, "partitions": partitions},
            )
            for p in parts
        ],
    )
    run.tasks(
        "index",
        [
            Task(
                f"index-{p:05d}",
                scan.index,
                (*scans, *resolved),
                (
                    run.work / f"rows-{p:05d}.parquet",
                    run.data / "pages" / f"index-{p:05d}.parquet",
                ),
                {"partition": p},
            )
            for p in parts
        ],
    )
    return scanned


def _resolve(run: StageRun, partitions: int) -> tuple[int, int]:
    """Follows every link to a capture; returns how many links, and how many rounds it took."""
    parts = range(partitions)
    started = run.tasks(
        "start",
        [
            Task(
                f"start-{p:05d}",
                resolve.start,
                (run.data / "links" / f"part-{p:05d}.parquet",),
                (run.work / f"seekers-00-{p:05d}.arrow",),
                {"partitions": partitions},
            )
            for p in parts
        ],
    )
    for number in range(resolve.MAX_REDIRECTS + 1):
        # In round 0 a link lies in the partition of its own key; later ones come from everywhere.
        seekers = {
            p: tuple(
                run.work / f"seekers-{number:02d}-{q:05d}.arrow"
                for q in (parts if number else (p,))
            )
            for p in parts
        }
        done = run.tasks(
            f"round-{number:02d}",
            [
                Task(
                    f"round-{number:02d}-{p:05d}",
                    resolve.round_of,
                    (run.work / f"rows-{p:05d}.parquet", *seekers[p]),
                    (
                        run.work / f"good-{number:02d}-{p:05d}.parquet",
                        run.work / f"ended-{number:02d}-{p:05d}.parquet",
                        run.work / f"seekers-{number + 1:02d}-{p:05d}.arrow",
                    ),
                    {"partition": p, "partitions": partitions},
                )
                for p in parts
            ],
        )
        if not sum(result.counts["onward"] for result in done):
            return sum(result.counts["links"] for result in started), number + 1
    raise AssertionError("a link was followed further than the limit")
