"""A demo build with one worker that kills its whole process group at a planned moment.

Arguments: data directory, place (a stage, or `stage/step`), moment, count; then nothing,
`wikipedia` and files of articles, or `dedup` and files of text, which are then deduplicated instead
of a build. The moments of a task's commit, in order: `written`
(before fsync), `flushed` (before rename), `renamed` (before the marker), `marked` (after it); and
`manifest` (after the stage's entry was written). Dies at the `count`-th such moment of that place;
a build that ends before exits 0.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from webtext_py import manifest
from webtext_py.config import BuildConfig
from webtext_py.dedup import run_dedup
from webtext_py.engine import LocalEngine, commit
from webtext_py.observer import Observer
from webtext_py.pipeline import Build, Sources


class Watch(Observer):
    """Knows which stage and step run, and dies when its moment has come."""

    def __init__(self, place: str, moment: str, count: int) -> None:
        self.wanted = (place, moment)
        self.count = count
        self.stage = self.step = ""

    def stage_started(self, stage: str) -> None:
        self.stage = stage

    def step_started(self, step: str, total: int, unit: str) -> None:
        self.step = f"{self.stage}/{step}"

    def moment(self, name: str) -> None:
        if self.wanted in ((self.stage, name), (self.step, name)):
            self.count -= 1
            if self.count == 0:
                os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    data, place, moment, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    what, files = sys.argv[5:6], sys.argv[6:]
    watch = Watch(place, moment, count)
    flush, replace, write_json = commit.flush, Path.replace, commit.write_json

    def watched_flush(path: Path) -> None:
        if path.name.startswith(commit.TEMPORARY):
            watch.moment("written")
        flush(path)
        if path.name.startswith(commit.TEMPORARY):
            watch.moment("flushed")

    def watched_replace(self: Path, target: Path) -> Path:
        result = replace(self, target)
        watch.moment("renamed")
        return result

    def watched_json(path: Path, document: Any, **options: Any) -> None:
        write_json(path, document, **options)
        watch.moment("manifest" if path.name == "manifest.json" else "marked")

    commit.flush, commit.write_json = watched_flush, watched_json
    manifest.write_json = watched_json
    Path.replace = watched_replace  # type: ignore[assignment, method-assign]
    if what == ["dedup"]:
        run_dedup(files, data, engine=LocalEngine(1), observer=watch)
    else:
        Build(data, Sources(wikipedia=tuple(files)), BuildConfig()).run(LocalEngine(1), watch)


if __name__ == "__main__":
    main()
