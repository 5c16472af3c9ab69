"""A driver in a process of its own, for tests that kill it or want its engine impatient.

Arguments: the cluster's address (`local` for one worker here), the data directory, and what to run:
`build` (the demo, by the slow extractor; then perhaps the seconds after which a node is silent),
`texts` (a test set and texts, by passes of one process here and of a task a file elsewhere), or
a function of `tasks` over eight tasks (then the libraries that decide its result). Prints one JSON
object: the stage's counts, or the error with its hint and notes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import tasks
from engine_tasks import OUT, Simple

from webtext_py.bpe import train_stage
from webtext_py.bpe.train import BpeConfig
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.engine.driver import ClusterEngine
from webtext_py.engine.ray_cluster import RayCluster
from webtext_py.engine.task import Engine
from webtext_py.errors import WebTextError
from webtext_py.overlap import OverlapConfig, overlap, spread
from webtext_py.pages import cut
from webtext_py.pipeline import Build, Sources
from webtext_py.workspace import Steps, Work, Workspace


def main() -> None:
    address, data, what, *more = sys.argv[1:]
    engine: Engine = LocalEngine(1)
    if address != "local":
        silent_s = float(more[0]) if what == "build" and more else 60.0
        engine = ClusterEngine(RayCluster(address), silent_s=silent_s)
    if what == "build":
        cut.LEAST = 32  # so that each node has some of the demo's pages
        config = BuildConfig(extractor="slow_extractor:Slow", min_words=5)
        Build(Path(data), Sources(), config).run(engine)
        print(json.dumps({}))
        return

    if what == "texts":
        if address != "local":
            spread.TASK_BYTES = train_stage.COUNT_BYTES = 1
        test, *train = more
        overlap(Path(data), OverlapConfig(test=(test,), train=tuple(train)), engine=engine)
        asked = train_stage.Asked(BpeConfig(vocab_size=300), train)
        print(json.dumps(train_stage.train_vocabulary(Path(data), asked, engine=engine)))
        return

    def body(steps: Steps) -> dict[str, Any]:
        work = [Work(number=number) for number in range(8)]
        function = getattr(tasks, what)
        made = steps.each("step", function, work, [OUT], folder=str(Path(data).absolute()))
        return {"done": len(made.done)}

    try:
        with Workspace(Path(data), engine) as workspace:
            stage = Simple(body, libraries=tuple(more))
            print(json.dumps(dict(workspace.run(stage).counts)))
    except WebTextError as error:
        notes = getattr(error, "__notes__", [])
        print(json.dumps({"error": str(error), "hint": getattr(error, "hint", ""), "notes": notes}))


if __name__ == "__main__":
    main()
