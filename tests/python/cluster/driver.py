"""A driver in a process of its own, for tests that kill it or want its engine impatient.

Arguments: the cluster's address (`local` for one worker here), the data directory, and what to run:
`build` (the demo, by the slow extractor; then perhaps the seconds after which a node is silent), or
a function of `tasks` over eight tasks (then the libraries that decide its result). Prints one JSON
object: the stage's counts, or the error with its hint and notes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import tasks
from engine_tasks import OUT, Simple

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.engine.driver import ClusterEngine
from webtext_py.engine.ray_cluster import RayCluster
from webtext_py.engine.task import Engine
from webtext_py.errors import WebTextError
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
