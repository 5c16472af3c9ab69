"""A driver in a process of its own, for tests that kill it, want its engine impatient, or have much
to run over one connection, whose workers stay.

Arguments: the cluster's address (`local` for one worker here), the data directory, and what to run:
`build` (the demo, by the slow extractor; then perhaps the seconds after which a node is silent),
`commands` (every command of a cluster, one after the other), `texts` (a test set and texts, by
passes of one process here and of a task a file elsewhere), or `tasks` with functions of `tasks`,
each over eight tasks in a directory of its own below (behind a colon, a library that decides its
result). Of these it prints a JSON list: the stage's counts, or the error with its hint and notes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import tasks
from engine_tasks import OUT, Simple

from webtext_py import digests, recount
from webtext_py.bpe import train_stage
from webtext_py.bpe.train import BpeConfig
from webtext_py.cli.main import run as cli
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine, ray_cluster
from webtext_py.engine.driver import ClusterEngine
from webtext_py.engine.ray_cluster import RayCluster
from webtext_py.engine.task import Engine
from webtext_py.errors import WebTextError
from webtext_py.overlap import OverlapConfig, overlap, spread
from webtext_py.pages import cut
from webtext_py.pipeline import Build, Sources
from webtext_py.workspace import Steps, Work, Workspace

COMMANDS = (
    "build",
    "bpe train --vocab-size 500",
    "bpe encode",
    "overlap",
    "dedup {data}/shards/train-00000-of-00001.parquet",
    "verify",
    "remove --domain kitchenledger.example --promote",
    "report",
)


class Kept(RayCluster):
    """A connection that ends with the process."""

    def close(self) -> None:
        """Kept."""


def main() -> None:
    address, data, what, *more = sys.argv[1:]
    if what == "build":
        silent_s = float(more[0]) if more else 60.0
        build(address, Path(data), silent_s)
    elif what == "commands":
        commands(address, data)
    elif what == "texts":
        texts(address, Path(data), *more)
    else:
        engine = ClusterEngine(Kept(address))
        print(json.dumps([run(engine, Path(data) / each, each) for each in more]))


def build(address: str, data: Path, silent_s: float) -> None:
    engine: Engine = LocalEngine(1)
    if address != "local":
        engine = ClusterEngine(RayCluster(address), silent_s=silent_s)
    cut.LEAST = 32  # so that each node has some of the demo's pages
    config = BuildConfig(extractor="slow_extractor:Slow", min_words=5)
    Build(data, Sources(), config).run(engine)


def commands(address: str, data: str) -> None:
    where = ["--workers", "1"]
    if address != "local":
        where = ["--engine", "ray", "--address", address]
        digests.TASK_BYTES = recount.TASK_BYTES = 1 << 16  # the demo is small
        kept = Kept(address)
        ray_cluster.RayCluster = lambda *_: kept  # type: ignore
    for command in COMMANDS:
        words = command.format(data=data).split(" ")
        code = cli([*words, "--quiet", "--data", data, *where])
        assert code == 0, (command, code)


def texts(address: str, data: Path, test: str, *train: str) -> None:
    engine: Engine = LocalEngine(1)
    if address != "local":
        engine = ClusterEngine(RayCluster(address))
        spread.TASK_BYTES = train_stage.COUNT_BYTES = 1
    config = OverlapConfig(test=(test,), train=train, drop=data / "dropped")
    overlap(data, config, engine=engine)
    asked = train_stage.Asked(BpeConfig(vocab_size=300), train)
    train_stage.train_vocabulary(data, asked, engine=engine)


def run(engine: Engine, data: Path, what: str) -> dict[str, Any]:
    name, *libraries = what.split(":")

    def body(steps: Steps) -> dict[str, Any]:
        work = [Work(number=number) for number in range(8)]
        function = getattr(tasks, name)
        made = steps.each("step", function, work, [OUT], folder=str(data.absolute()))
        return {"done": len(made.done)}

    try:
        with Workspace(data, engine) as workspace:
            return dict(workspace.run(Simple(body, libraries=tuple(libraries))).counts)
    except WebTextError as error:
        notes = getattr(error, "__notes__", [])
        return {"error": str(error), "hint": getattr(error, "hint", ""), "notes": notes}


if __name__ == "__main__":
    main()
