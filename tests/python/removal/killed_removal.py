"""Removals that are killed, each at another moment at which they change something on disk.

Arguments: a data directory, a folder for copies of it, a `doc_id`, and how many moments before the
commit and from it on are tried, spread evenly. Prints a JSON object for each
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
        self.begins = 0  # the moment at which the journal was there

    def after(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            self.count += 1
            if not self.begins and arguments[-1].name == JOURNAL:
                self.begins = self.count
            if self.count == self.last:
                print(name, arguments[0], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return watched


def removal(data: Path, doc_id: str, last: int) -> tuple[int, int]:
    """A removal that dies after its `last` change; else the moment of the commit, and how many
    there were."""
    watch = Watch(last)
    for name in ("replace", "unlink", "rmdir"):
        setattr(Path, name, watch.after(name, getattr(Path, name)))
    shutil.rmtree = watch.after("rmtree", shutil.rmtree)  # type: ignore[assignment]
    commit.flush = journal.flush = watch.after("flush", commit.flush)  # type: ignore[assignment]
    remove(data, asked_for(doc_ids=[doc_id]), engine=LocalEngine(1))
    return watch.begins, watch.count


def spread(first: int, end: int, count: int) -> list[int]:
    """Numbers from `first` to `end - 1`, both among them, at most `count`."""
    return sorted({first + (end - 1 - first) * i // (count - 1) for i in range(count)})


def look(data: Path, doc_id: str) -> dict[str, Any]:
    """The state after a kill, and after asking again."""
    begun = (data / REMOVAL / JOURNAL).exists()
    found: dict[str, Any] = {"committed": begun, "now": digests(data), "refused": False}
    try:
        verify(data)
    except InputError:
        found["refused"] = True
    remove(data, asked_for(doc_ids=[doc_id]), engine=LocalEngine(1))
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
    data = folder / "data"
    shutil.copytree(before, data)
    assert child(partial(removal, data, doc_id, 0), folder / "out") == 0
    shutil.rmtree(data)
    begins, total = json.loads((folder / "out").read_text())
    for last in [
        *spread(1, begins, int(sys.argv[4])),
        *spread(begins, total + 1, int(sys.argv[5])),
    ]:
        shutil.copytree(before, data)
        status = child(partial(removal, data, doc_id, last), folder / "out")
        moment = (folder / "out").read_text().strip()
        assert os.WIFSIGNALED(status), moment
        status = child(partial(look, data, doc_id), folder / "out")
        assert status == 0, moment
        print(json.dumps({"moment": moment, **json.loads((folder / "out").read_text())}))
        shutil.rmtree(data)


if __name__ == "__main__":
    main()
