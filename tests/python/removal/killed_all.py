"""Removals that are killed, one at each moment at which they change something on disk.

Arguments: a data directory, a folder for copies of it, a `doc_id`. Prints a JSON object for each
moment: what was done there, whether it was committed and unfinished, the files that were there;
then what came of asking again. Each removal is a process of its own, forked before any thread is
begun here.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from webtext_py.engine import LocalEngine, commit, journal
from webtext_py.engine.journal import JOURNAL
from webtext_py.errors import InputError
from webtext_py.manifest import REMOVAL
from webtext_py.removal import asked_for, remove
from webtext_py.verify import verify

from .planted import digests


class Watch:
    """Counts the moments, and dies at number `last`."""

    def __init__(self, last: int) -> None:
        self.last, self.count = last, 0

    def after(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            self.count += 1
            if self.count == self.last:
                print(name, arguments[0], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return watched


def removal(data: Path, doc_id: str, last: int) -> None:
    """A removal that dies after its `last` change."""
    watch = Watch(last)
    for name in ("replace", "unlink", "rmdir"):
        setattr(Path, name, watch.after(name, getattr(Path, name)))
    shutil.rmtree = watch.after("rmtree", shutil.rmtree)  # type: ignore[assignment]
    commit.flush = journal.flush = watch.after("flush", commit.flush)  # type: ignore[assignment]
    remove(data, asked_for(doc_ids=[doc_id]), promote=True, engine=LocalEngine(1))


def look(data: Path, doc_id: str) -> dict[str, Any]:
    """The state after a kill, and after asking again."""
    begun = (data / REMOVAL / JOURNAL).exists()
    found: dict[str, Any] = {"committed": begun, "now": digests(data), "refused": False}
    try:
        verify(data)
    except InputError:
        found["refused"] = True
    remove(data, asked_for(doc_ids=[doc_id]), promote=True, engine=LocalEngine(1))
    return {**found, "after": digests(data), "problems": verify(data).problems}


def child(work: Callable[[], Any], out: Path) -> int:
    """Runs `work` in a process of its own, which writes to `out`; returns how it ended."""
    process = os.fork()
    if process == 0:
        with out.open("w") as file:
            os.dup2(file.fileno(), 1)
            result = work()
            if result is not None:
                print(json.dumps(result), flush=True)
        os._exit(0)
    return os.waitpid(process, 0)[1]


def main() -> None:
    before, folder, doc_id = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    last = 0
    while True:
        last += 1
        data = folder / "data"
        shutil.copytree(before, data)
        status = child(partial(removal, data, doc_id, last), folder / "out")
        moment = (folder / "out").read_text().strip()
        if not os.WIFSIGNALED(status):
            assert status == 0, moment
            return
        status = child(partial(look, data, doc_id), folder / "out")
        assert status == 0, moment
        print(json.dumps({"moment": moment, **json.loads((folder / "out").read_text())}))
        shutil.rmtree(data)


if __name__ == "__main__":
    main()
