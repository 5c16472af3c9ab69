"""Who may write in a data directory, on whichever machine: a lease with a number.

`.state/lease/` holds one file, named by the number of the newest lease; the next one is created
beside it, and creating a file that is there fails everywhere, also on NFS. The holder writes a beat
into its file; one whose process is gone, or that has not beaten for `SILENT_S`, has lost the lease.
What was begun under a number commits nothing once the next number is there: `next_lease` is its
fence. No clock of one machine is compared with another's.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError

BEAT_S = 5.0  # our choice
SILENT_S = 30.0  # of watching a holder on another machine: six beats, our choice


def revoked(state: Path, attempt: str) -> Path:
    """The fence of one attempt at a task: once it is there, the attempt commits nothing."""
    return state / "revoked" / attempt


class Lease:
    """A lease that was taken; it beats until `release`."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        self._stop = threading.Event()
        self._beats = 0
        self._write()
        self._thread = threading.Thread(target=self._beat, name="webtext-lease", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, state: Path, say: Callable[[str], None] = lambda line: None) -> "Lease":
        """The next lease of the directory with the folder `state`. Raises `InputError` where
        another holds it.

        A holder that was killed on this machine costs nothing; one on another machine is watched
        for `SILENT_S` first.
        """
        folder = state / "lease"
        folder.mkdir(parents=True, exist_ok=True)
        newest = _newest(folder)
        if newest:
            _wait_for_end(folder / str(newest), say)
        try:
            os.close(os.open(folder / str(newest + 1), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            raise _taken(folder, "") from None
        lease = cls(folder, newest + 1)
        if _newest(folder) != lease.number:  # somebody slow took a number that had passed
            lease.release()
            (folder / str(lease.number)).unlink(missing_ok=True)
            raise _taken(folder, "")
        for path in folder.iterdir():
            if path.name.isdigit() and int(path.name) < lease.number:
                path.unlink(missing_ok=True)
        # Attempts of the leases before have a fence in this one.
        for path in revoked(folder.parent, "").glob("*"):
            path.unlink(missing_ok=True)
        return lease

    @property
    def fence(self) -> Path:
        """The file whose presence says that this lease is no more."""
        return self.folder / str(self.number + 1)

    def check(self) -> None:
        """Raises `InputError` where somebody else has taken over."""
        if self.fence.exists():
            raise InputError(
                f"another webtext took over `{self.folder.parent.parent}`, as this one was silent",
                "let that one finish",
            )

    def release(self) -> None:
        """Gives the lease back."""
        self._stop.set()
        self._thread.join()
        self._write(released=True)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            self._beats += 1
            self._write()

    def _write(self, released: bool = False) -> None:
        # In place: the file's name is the lease. Closing it shows it to other machines.
        holder = {**_process(), "beats": self._beats, "released": released}
        # A full disk or a lost mount: another webtext may take over, and the fence says so.
        with contextlib.suppress(OSError):
            (self.folder / str(self.number)).write_text(json.dumps(holder))


def _newest(folder: Path) -> int:
    return max((int(path.name) for path in folder.iterdir() if path.name.isdigit()), default=0)


def _wait_for_end(path: Path, say: Callable[[str], None]) -> None:
    """Returns once the holder of a lease is known to be gone; raises `InputError` if it is not."""
    holder = _read(path)
    here = _process()
    if holder.get("released"):
        return
    where = f" on `{holder['host']}`" if holder.get("host", here["host"]) != here["host"] else ""
    if holder.get("machine") == here["machine"]:
        if _begun(int(holder["pid"])) == holder["begun"]:
            raise _taken(path.parent, where)
        return
    say(f"the last webtext here{where} did not end: {SILENT_S:.0f} s to see whether it lives")
    until = time.monotonic() + SILENT_S
    while time.monotonic() < until:
        time.sleep(min(1.0, SILENT_S / 5))
        if _read(path) != holder:
            raise _taken(path.parent, where)


def _taken(folder: Path, where: str) -> InputError:
    return InputError(
        f"another webtext is at work in `{folder.parent.parent}`{where}",
        "wait for it, or use another directory with `--data`",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(path.read_bytes())
    except (ValueError, FileNotFoundError):
        return {}  # being written
    return holder if isinstance(holder, dict) else {}


def _process() -> dict[str, Any]:
    """What tells this process from all others, also after its number is used again."""
    machine = [socket.gethostname()]
    for name in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(name)
        if path.is_symlink():
            machine.append(str(path.readlink()))
        elif path.exists():
            machine.append(path.read_text().strip())
    pid = os.getpid()
    return {"host": machine[0], "machine": machine, "pid": pid, "begun": _begun(pid)}


def _begun(pid: int) -> str | None:
    """When a process began, in the kernel's own count; None where there is no such process."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]  # dead, though nobody has asked for its end yet
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"  # no /proc here: the number alone tells
