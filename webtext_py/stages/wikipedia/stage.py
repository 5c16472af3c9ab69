"""The stage's tasks and their order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from webtext_py.config import BuildConfig
from webtext_py.engine import Task
from webtext_py.ledger import balance
from webtext_py.stage import StageRun
from webtext_py.stages.wikipedia import content, hosts

FILES = ("ledger/urls-wikipedia-*.parquet", "wikipedia/*.parquet")
DEFAULT_MEMORY = 1 << 30  # our choice: half of what the other steps may take


def run_wikipedia(
    run: StageRun, config: BuildConfig, given: Mapping[str, Path], memory: int
) -> dict[str, Any]:
    """Runs the stage; `given` are files of articles, `memory` bytes for the index in the making.
    Returns its counts."""
    documents = run.outputs_of("extract", "documents")
    removed = _ledger(run, "dedup")
    ends = [run.data / "ledger" / f"urls-wikipedia-{i:05d}.parquet" for i in range(len(documents))]
    by_host = [run.work / f"hosts-{i:05d}.parquet" for i in range(len(documents))]
    done = run.tasks(
        "hosts",
        [
            Task(
                f"hosts-{i:05d}",
                hosts.hosts,
                (path, *removed),
                ((by_host if given else ends)[i],),
            )
            for i, path in enumerate(documents)
        ],
    )
    taken = sum(result.counts["in"] for result in done)
    dropped = {hosts.REASON: sum(result.counts["dropped"] for result in done)}
    counts: dict[str, Any] = {}
    if given:
        dropped[content.REASON], counts = _content(
            run,
            config,
            list(given.values()),
            memory,
            documents,
            [*removed, *by_host],
            by_host,
            ends,
        )
    dropped = {reason: count for reason, count in dropped.items() if count}
    return {**balance("wikipedia", taken, taken - sum(dropped.values()), dropped), **counts}


def _content(
    run: StageRun,
    config: BuildConfig,
    given: Sequence[Path],
    memory: int,
    documents: Sequence[Path],
    removed: Sequence[Path],
    by_host: Sequence[Path],
    ends: Sequence[Path],
) -> tuple[int, dict[str, Any]]:
    texts = [run.work / f"articles-{i:05d}.parquet" for i in range(len(given))]
    read = run.tasks(
        "articles",
        [
            Task(
                f"articles-{i:05d}",
                content.articles,
                (path,),
                (texts[i],),
                weight=path.stat().st_size,
            )
            for i, path in enumerate(given)
        ],
        "bytes",
    )
    filter_ = run.work / "articles.bloom"
    # The memory is no argument of the result: it may change between a kill and the rest.
    (made,) = run.tasks(
        "index", [Task("index", content.index, tuple(texts), (filter_,), {"memory": memory})]
    )
    shares = [run.work / f"shares-{i:05d}.parquet" for i in range(len(documents))]
    grams = [run.work / f"ngrams-{i:05d}.parquet" for i in range(len(documents))]
    run.tasks(
        "shares",
        [
            Task(
                f"shares-{i:05d}",
                content.shares,
                (path, filter_, *removed),
                (shares[i], grams[i]),
                {"share": config.wikipedia_share},
                path.stat().st_size,
            )
            for i, path in enumerate(documents)
        ],
        "bytes",
    )
    matched = [run.work / f"matches-{i:05d}.parquet" for i in range(len(given))]
    run.tasks(
        "matches",
        [
            Task(f"matches-{i:05d}", content.matches, (path, *grams), (matched[i],))
            for i, path in enumerate(texts)
        ],
    )
    judged = run.tasks(
        "judge",
        [
            Task(
                f"judge-{i:05d}",
                content.judge,
                (shares[i], *matched, by_host[i]),
                (run.data / "wikipedia" / f"part-{i:05d}.parquet", ends[i]),
                {"files": len(given)},
            )
            for i in range(len(documents))
        ],
    )
    counts = {
        "articles": {
            name: sum(int(result.counts.get(name, 0)) for result in read)
            for name in ("articles", "damaged_streams", "damaged_pages", "lost_bytes")
        },
        "index": made.counts,
    }
    return sum(result.counts["dropped"] for result in judged), counts


def _ledger(run: StageRun, stage: str) -> Sequence[Path]:
    return [p for p in run.outputs_of(stage, "ledger") if p.name.startswith(f"urls-{stage}-")]
