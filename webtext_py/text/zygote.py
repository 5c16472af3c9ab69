"""The child side of `sandbox`: a clean process that imports once and forks a child on demand.

Started by `Sandbox` as `python -c "... main(fd)"` with one socket, on which the parent gives one
command at a time:

- `F` with a socket attached: fork a child that serves pages on it; answered by its process id;
- `W`: wait for the child's end; answered by its wait status;
- `K`: kill the child, then as `W`.

The zygote has one thread and touches no page, so forking it is safe and its children all begin
alike. It leaves when the parent is gone: the socket closes, or its parent process changes (a
sibling that the parent forked may still hold the socket open). A child dies with the zygote.
"""

import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable

# What a page function factory returns: the payload of a request to the payload of its answer.
PageFunction = Callable[[bytes], bytes]

# A frame: length of the payload, one byte of kind, CPU microseconds spent; then the payload.
FRAME = struct.Struct("<QcQ")
# `UNFIT`: the child could not set its own limits, whatever the page is.
OK, FAILED, MEMORY, UNFIT = b"=", b"!", b"m", b"u"

# How often the zygote looks whether its parent still lives.
PARENT_CHECK_S = 1.0

_PR_SET_PDEATHSIG = 1


def main(
    control_fd: int,
    parent_pid: int,
    target: str,
    settings: bytes,
    cpu_seconds: float,
    memory_bytes: int,
) -> None:
    """Serve the parent's commands until it is gone; never returns to the caller's caller."""
    # Ctrl-C goes to the whole process group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    control = socket.socket(fileno=control_fd)
    try:
        module, _, name = target.partition(":")
        function: PageFunction = getattr(importlib.import_module(module), name)(settings)
    except BaseException:
        control.sendall(b"!" + traceback.format_exc().encode("utf-8", "replace"))
        return
    _quieten()
    # Children share what is loaded by now; the collector must not touch, and so copy, it.
    gc.collect()
    gc.freeze()
    control.sendall(b"=")
    child = 0
    while True:
        if not select.select([control], [], [], PARENT_CHECK_S)[0]:
            if os.getppid() != parent_pid:
                return
            continue
        command, fds, _, _ = socket.recv_fds(control, 1, 1)
        if command == b"F" and fds:
            mine = os.getpid()
            child = os.fork()
            if child == 0:
                control.close()
                _die_with(mine)
                _serve(fds[0], function, cpu_seconds, memory_bytes)
                os._exit(0)
            os.close(fds[0])
            control.sendall(struct.pack("<i", child))
        elif command in (b"W", b"K") and child:
            if command == b"K":
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            child = 0
            control.sendall(struct.pack("<i", status))
        else:
            # The parent closed its end.
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            return


def receive_frame(connection: socket.socket, limit: int) -> tuple[bytes, int, bytes] | None:
    """Kind, CPU microseconds and payload of the next frame; None where the peer is gone.

    Raises OverflowError for a payload longer than `limit` bytes.
    """
    head = _receive(connection, FRAME.size)
    if head is None:
        return None
    length, kind, micros = FRAME.unpack(head)
    if length > limit:
        raise OverflowError(length)
    payload = _receive(connection, length)
    return None if payload is None else (kind, micros, bytes(payload))


def _receive(connection: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view = memoryview(buffer)
    done = 0
    while done < size:
        try:
            count = connection.recv_into(view[done:])
        except (ConnectionResetError, BrokenPipeError):
            return None
        if count == 0:
            return None
        done += count
    return buffer


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _serve(fd: int, function: PageFunction, cpu_seconds: float, memory_bytes: int) -> None:
    """Answer frames on `fd` until it closes. Runs in the forked child only."""
    # Its default action ends the process, wherever it is: no Python handler has to run.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    start = _address_space()
    connection = socket.socket(fileno=fd)
    # The limit proper is on what was used at the peak, looked at after the page. This one only
    # stops a bomb; it is twice as high because an allocation that fails may be swallowed by a
    # library, and then the peak has to tell.
    hard = start + 2 * memory_bytes
    try:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    except (OSError, ValueError) as error:
        allowed = resource.getrlimit(resource.RLIMIT_AS)[1]
        said = f"{error}: it needs {hard >> 20} MiB of address space, {allowed >> 20} are allowed"
        if receive_frame(connection, 1 << 62) is not None:
            connection.sendall(FRAME.pack(len(said), UNFIT, 0) + said.encode())
        return
    while (frame := receive_frame(connection, 1 << 62)) is not None:
        before = resource.getrusage(resource.RUSAGE_SELF)
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        try:
            kind, answer = OK, function(frame[2])
        except MemoryError:
            kind, answer = MEMORY, b""
        except BaseException as error:
            kind, answer = FAILED, _name(error)
        signal.setitimer(signal.ITIMER_PROF, 0)
        del frame
        if _peak_address_space() - start > memory_bytes:
            kind, answer = MEMORY, b""
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        connection.sendall(FRAME.pack(len(answer), kind, int(spent * 1e6)))
        connection.sendall(answer)


def _name(error: BaseException) -> bytes:
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {where[0].name}" if where else ""
    return f"{type(error).__name__}{place}".encode("utf-8", "replace")


def _status_kib(field: bytes) -> int:
    with open("/proc/self/status", "rb") as status:  # noqa: PTH123 -- in a hot loop
        for line in status:
            if line.startswith(field):
                return int(line.split()[1])
    return 0


def _address_space() -> int:
    if sys.platform == "linux":
        return _status_kib(b"VmSize:") << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _peak_address_space() -> int:
    if sys.platform == "linux":
        return _status_kib(b"VmPeak:") << 10
    # Bytes on macOS, where address space says nothing and the limit on it is not kept.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _quieten() -> None:
    """Nothing that a library prints about a page may reach the user's terminal."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
