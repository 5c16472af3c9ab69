"""The journal of attempts: what was begun where, and what became of it, also after the driver died.

`.state/attempts.jsonl` has a line for each moment of an attempt. From it a later driver knows how
often a task has crashed already; people see what a cluster did.
"""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

NAME = "attempts.jsonl"


class Attempts:
    """The journal of a data directory, appended to. A context manager."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        path = state / NAME
        self._crashes: Counter[str] = Counter()
        self._stream = path.open("a+b")
        self._stream.seek(0)
        line = b"\n"
        for line in self._stream:
            self._read(line)
        if not line.endswith(b"\n"):  # a kill cut the last one
            self._stream.write(b"\n")

    def __enter__(self) -> "Attempts":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def crashes(self, task: str, fingerprint: str) -> int:
        """How often an attempt at this task died under drivers that died before they gave it up."""
        return self._crashes[f"{task} {fingerprint}"]

    def write(self, what: str, task: str, fingerprint: str, **facts: Any) -> None:
        """Appends a line: `what` became of an attempt, or of its task."""
        row = {"at": round(time.time(), 3), "what": what, "task": task, **facts}
        line = json.dumps({**row, "fingerprint": fingerprint}, ensure_ascii=False)
        self._stream.write(line.encode("utf-8", "backslashreplace") + b"\n")
        self._stream.flush()

    def _read(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            key = f"{row['task']} {row['fingerprint']}"
        except (ValueError, KeyError, TypeError):
            return  # torn by a kill
        if row.get("what") in ("crashed", "out of memory"):
            self._crashes[key] += 1
        elif row.get("what") in ("done", "named"):
            self._crashes.pop(key, None)
