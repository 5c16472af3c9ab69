"""Many files that change together: all of them or none, after a kill at any moment.

What is to come is written below the work folder, in `new/`, under the names that it will have. Then
the journal names all of it: from that moment on the change is made, and `finish` renames. Whoever
takes the data directory next does what is left of that; a reader that finds a journal refuses.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from webtext_py.engine.commit import flush, write_json

JOURNAL = "journal.json"  # in the work folder
NEW = "new"


def commit_together(root: Path, work: Path, gone: Iterable[str]) -> None:
    """Puts the files below `work/new` in their places below `root`, removes those named `gone`, and
    last of all the folder `work`."""
    for path in (work / NEW).rglob("*"):
        flush(path)
    names = sorted(str(p.relative_to(work / NEW)) for p in (work / NEW).rglob("*") if p.is_file())
    write_json(work / JOURNAL, {"files": names, "gone": sorted(gone)})
    finish(root, work)


def finish(root: Path, work: Path) -> bool:
    """Does what is left of a commit; without a journal there is none, and what stands in `work` was
    given up: it goes. Returns whether there was one."""
    try:
        document = json.loads((work / JOURNAL).read_bytes())
    except FileNotFoundError:
        shutil.rmtree(work, ignore_errors=True)
        return False
    folders = set()
    for name in document["files"]:
        target = root / name
        folders.add(target.parent)
        if (work / NEW / name).exists():  # else an earlier run renamed it
            target.parent.mkdir(parents=True, exist_ok=True)
            (work / NEW / name).replace(target)
    for name in document["gone"]:
        (root / name).unlink(missing_ok=True)
        folders.add((root / name).parent)
    for folder in filter(Path.is_dir, folders):
        flush(folder)
    # The journal goes last: as long as anything else is there, somebody has to come back.
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != JOURNAL:
            path.unlink()
    (work / JOURNAL).unlink()
    work.rmdir()
    return True
