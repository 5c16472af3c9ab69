"""How a task's files appear: written beside, flushed, renamed; the done-marker comes last.

After `kill -9` at any moment an output is either absent or whole, and a marker stands only over
whole outputs.
"""

import hashlib
import json
import os
import resource
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.engine.task import Done, Job

TEMPORARY = ".tmp-"
PART = ".part-"  # begins the name of a folder that is not whole yet


def run_job(job: Job) -> Done:
    """Runs one task in this process and commits what it wrote."""
    task = job.task
    started = time.monotonic()
    temporaries = [_temporary(path) for path in task.outputs]
    for path in temporaries:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        given = {**task.arguments, **task.options}
        counts = task.function(list(task.inputs), temporaries, **given) or {}
        outputs = {}
        for temporary, final in zip(temporaries, task.outputs, strict=True):
            outputs[str(final.relative_to(job.root))] = file_facts(temporary)
            flush(temporary)
        for temporary, final in zip(temporaries, task.outputs, strict=True):
            temporary.replace(final)
    except BaseException:
        for path in temporaries:
            path.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in task.outputs}:
        flush(folder)
    done = Done(
        task.name,
        job.fingerprint,
        outputs,
        counts,
        round(time.monotonic() - started, 3),
        peak_memory_bytes(),
    )
    # Not flushed: a marker that a power cut takes or tears costs that its task runs again, and two
    # flushes fewer for every task are felt where steps are small.
    write_json(job.marker, asdict(done), durable=False)
    return done


def read_marker(marker: Path, root: Path, fingerprint: str) -> Done | None:
    """The finished task of a marker, or None if it is absent, of other inputs, or if an output
    is gone or of another length."""
    try:
        done = Done(**json.loads(marker.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None  # not one of ours: the task runs again and writes it anew
    if done.fingerprint != fingerprint:
        return None
    for name, facts in done.outputs.items():
        try:
            if (root / name).stat().st_size != facts["bytes"]:
                return None
        except FileNotFoundError:
            return None
    return done


def file_facts(path: Path) -> dict[str, Any]:
    """Length and SHA-256 of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256_file(path)}


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, document: Any, *, durable: bool = True) -> None:
    """Writes a JSON document as `write_bytes` does."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    # Names of files need not be UTF-8: what is none is spelled as JSON spells it.
    content = text.encode("utf-8", "backslashreplace") + b"\n"
    write_bytes(path, content, durable=durable)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes a file so that it appears whole or not at all; unless `durable`, a power cut (no kill)
    may undo it or leave it torn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        temporary.write_bytes(content)
        if durable:
            flush(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        flush(path.parent)


def flush(path: Path) -> None:
    """fsync of a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def part_folder(final: Path) -> Path:
    """A new, empty folder beside `final`, to be filled and handed to `commit_folder`."""
    part = final.with_name(f"{PART}{final.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def commit_folder(part: Path, final: Path, replace: bool = False) -> None:
    """Makes a written folder appear: files and folder flushed, then renamed.

    With `replace` a folder in its place is renamed `.part-old-NAME`, and removed once the new one
    stands.
    """
    for path in (*part.rglob("*"), part):
        flush(path)
    old = final.with_name(f"{PART}old-{final.name}")
    if replace and final.exists():
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    part.rename(final)
    flush(final.parent)
    if replace:
        shutil.rmtree(old, ignore_errors=True)


def clean(folder: Path) -> None:
    """Removes what a killed run left half-written below `folder`."""
    if folder.is_dir():
        for path in folder.rglob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)


def peak_memory_bytes() -> int:
    """Largest resident size that this process has had."""
    if sys.platform == "linux":
        # Linux's `ru_maxrss` begins with that of the process which started this one.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _temporary(path: Path) -> Path:
    # The process id keeps a worker that outlives its parent for a moment from our file.
    return path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
