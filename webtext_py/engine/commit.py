"""How a task's files appear: written beside, flushed, renamed; the done-marker comes last.

After `kill -9` at any moment an output is either absent or whole, and a marker stands only over
whole outputs.
"""

import contextlib
import hashlib
import json
import os
import resource
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from webtext_py.engine.task import Done, Job
from webtext_py.errors import FencedError, WebTextError

TEMPORARY = ".tmp-"
PART = ".part-"  # begins the name of a folder that is not whole yet


def run_job(job: Job) -> Done:
    """Runs one task in this process and commits what it wrote.

    An attempt beside others gives the marker that another one has left, and commits nothing.
    """
    task = job.task
    started = time.monotonic()
    if job.attempt and (before := _of_another(job)):
        return before
    temporaries = [_temporary(path, job.attempt) for path in task.outputs]
    for path in temporaries:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        given = {**task.arguments, **task.options}
        counts = task.function(list(task.inputs), temporaries, **given) or {}
        outputs = {}
        for temporary, final in zip(temporaries, task.outputs, strict=True):
            outputs[str(final.relative_to(job.root))] = file_facts(temporary)
            flush(temporary)
        _check_fences(job)
        if job.attempt and (before := _of_another(job)):
            return before
        for temporary, final in zip(temporaries, task.outputs, strict=True):
            if job.attempt:
                _create(task.name, temporary, final)
            else:
                temporary.replace(final)
    finally:
        for path in temporaries:
            path.unlink(missing_ok=True)
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
    if job.marker is not None:
        write_json(job.marker, asdict(done), durable=False)
    return done


def _of_another(job: Job) -> Done | None:
    """What another attempt has committed."""
    return None if job.marker is None else read_marker(job.marker, job.root, job.fingerprint)


def _check_fences(job: Job) -> None:
    """Raises `FencedError` where this attempt is no longer wanted: it was given up, or another
    webtext has the directory."""
    for fence in job.fences:
        if fence.exists():
            raise FencedError(f"task `{job.task.name}` was given up before it ended")


def _create(task: str, temporary: Path, final: Path) -> None:
    """Gives a whole file its name, unless another attempt was faster with the same bytes."""
    try:
        os.link(temporary, final)
    except FileExistsError:
        if file_facts(final) != file_facts(temporary):
            raise WebTextError(
                f"task `{task}` is not deterministic: another attempt wrote other bytes to "
                f"`{final}`"
            ) from None


def read_marker(
    marker: Path, root: Path, fingerprint: str, known: Done | None = None
) -> Done | None:
    """The finished task of a marker, or None if it is absent, of other inputs, or if an output
    is gone or of another length. `known` is what `read_markers` has of the task."""
    done = known
    if done is None or done.fingerprint != fingerprint:
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


def write_markers(folder: Path, done: Sequence[Done]) -> None:
    """Puts the markers of a finished step, those in `folder`, into one file beside it."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in done]
    content = "".join(lines).encode("utf-8", "backslashreplace")
    # What takes long to make again is worth a flush, before the single markers go.
    write_bytes(_together(folder), content, durable=sum(each.seconds for each in done) > 1)
    shutil.rmtree(folder, ignore_errors=True)


def read_markers(folder: Path) -> dict[str, Done]:
    """What `write_markers` left for the step whose markers lie in `folder`, by task."""
    found = {}
    try:
        with _together(folder).open("rb") as lines:
            for line in lines:
                with contextlib.suppress(ValueError, TypeError):  # torn: its task runs again
                    done = Done(**json.loads(line))
                    found[done.name] = done
    except FileNotFoundError:
        pass
    return found


def _together(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.jsonl")


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


def _temporary(path: Path, attempt: str = "") -> Path:
    # The process id keeps a worker that outlives its parent for a moment from our file; machines
    # that share a folder may have the same ids, so the machine and the attempt have their marks.
    mark = f"{_machine()}{os.getpid()}-" + (f"{attempt}-" if attempt else "")
    return path.with_name(f"{TEMPORARY}{mark}{path.name}")


@cache
def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6] + "-"
