"""`kill -9` at every moment of a removal: the old state or the new one, never one between."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from webtext_py.engine import LocalEngine
from webtext_py.removal import asked_for, remove

from .planted import build, digests, write_world

TESTS = Path(__file__).parents[1]


def test_killed_at_any_moment(tmp_path: Path) -> None:
    before, whole, copies = (tmp_path / name for name in ("before", "whole", "copies"))
    copies.mkdir()
    build(before, write_world(tmp_path))
    rows = [
        r for p in sorted((before / "duplicates").iterdir()) for r in pq.read_table(p).to_pylist()
    ]
    kept = next(row["kept_doc_id"] for row in rows if row["kind"] == "exact")
    shutil.copytree(before, whole)
    remove(whole, asked_for(doc_ids=[kept]), engine=LocalEngine(1))
    old, new = digests(before), digests(whole)
    done = subprocess.run(
        [sys.executable, "-m", "removal.killed_removal", before, copies, kept, "5", "10"],
        cwd=TESTS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    moments = [json.loads(line) for line in done.stdout.splitlines()]
    for found in moments:
        # Nobody reads what is between: it says that it is to be finished.
        assert found["refused"] == found["committed"], found["moment"]
        assert found["committed"] or found["now"] in (old, new), found["moment"]
        assert found["after"] == new, found["moment"]
        assert found["problems"] == [], found["moment"]
    # Before the commit, between its renames, and at its end.
    assert sum(found["committed"] for found in moments) >= 6
    assert sum(found["now"] == old for found in moments) >= 4
    assert sum(found["now"] == new for found in moments) >= 1
