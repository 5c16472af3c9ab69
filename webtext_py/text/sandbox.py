"""Runs a function over untrusted payloads in a child process that may hang, crash or blow up.

A failure costs exactly the payload that caused it. The child is forked from a zygote (`zygote`)
that has imported and built everything once, so a new one costs milliseconds. Limits:

- CPU seconds for each payload, by the child's own CPU clock: no verdict depends on load;
- memory: growth of the child's address space over what it began with;
- bytes of the answer;
- wall seconds as a generous backstop, for a child that waits for something that never comes.

A payload that fails is tried once more, alone in a fresh child; only the second failure counts.
Payloads and answers are bytes with a length before them; nothing is unpickled. The process that
uses a sandbox may have threads and may be a daemonic worker: the zygote is started as a program
of its own. One sandbox belongs to one thread.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

from webtext_py.errors import WebTextError
from webtext_py.text import zygote

# Importing the extractor takes about a second; a minute covers a machine that is swapping.
START_SECONDS = 120.0

_UNFIT = "the extraction sandbox cannot set its limits"
# Where libraries lie; nothing else of the environment, which may hold keys, is a page's business.
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")

# A child that died must not end a command that lets SIGPIPE kill it.
_NO_SIGPIPE: int = getattr(socket, "MSG_NOSIGNAL", 0)

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from webtext_py.text.zygote import main; a = json.loads(sys.argv[2]); "
    "a['settings'] = bytes.fromhex(a['settings']); main(**a)"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payload may use.

    `cpu_seconds` of user and system time; `memory_bytes` of growth of the address space;
    `output_bytes` of answer; `wall_seconds` is a backstop, not a verdict about load: it is set
    so high above `cpu_seconds` that only a child that sleeps reaches it.
    """

    cpu_seconds: float = 10.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 64 << 20
    wall_seconds: float = 600.0


# The reasons of a `Failure`.
FAILURES = frozenset({"cpu_limit", "memory_limit", "output_limit", "wall_limit", "crash"})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a payload gave no answer: `cpu_limit`, `memory_limit`, `output_limit`, `wall_limit` or
    `crash`, with a detail such as the signal or the exception's name."""

    reason: str
    detail: str


class _ZygoteGoneError(Exception):
    """The zygote died, so its children did."""


class Sandbox:
    """Runs `target`, a page function, over payloads; see the module.

    `target` is `module:factory`; the factory is called once with `settings` and returns the
    function from payload to answer. Use as a context manager, or call `close`.
    """

    def __init__(self, target: str, settings: bytes = b"", limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.cpu_seconds = 0.0
        """CPU seconds that the page function has used so far, as the children report them."""
        self._target = target
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._child: socket.socket | None = None
        # Whose zygote it is: a forked copy of this object must not end it.
        self._owner = os.getpid()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # At the interpreter's end what `close` needs may be gone; then so are the sockets.
        with contextlib.suppress(Exception):
            self.close()

    def run(self, payload: bytes) -> bytes | Failure:
        """Answer to `payload`, or why there is none.

        Raises WebTextError where the sandbox itself does not work (the target cannot be
        imported, say): that is no property of the payload.
        """
        try:
            return self._confirmed(payload)
        except _ZygoteGoneError:
            # Somebody killed it (the system, out of memory, say): no fault of the payload.
            self.close()
        try:
            return self._confirmed(payload)
        except _ZygoteGoneError:
            self.close()
            raise WebTextError("the extraction sandbox was killed twice in a row") from None

    def _confirmed(self, payload: bytes) -> bytes | Failure:
        answer = self._attempt(payload)
        if isinstance(answer, Failure):
            self._drop_child()
            answer = self._attempt(payload)
            if isinstance(answer, Failure):
                self._drop_child()
        return answer

    def close(self) -> None:
        """End the zygote and its child. Safe to call twice, and in a forked copy (no effect)."""
        if self._owner != os.getpid():
            return
        for connection in (self._child, self._control):
            if connection is not None:
                connection.close()
        self._child = self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    # -- one attempt

    def _attempt(self, payload: bytes) -> bytes | Failure:
        connection = self._child or self._fork()
        deadline = time.monotonic() + self.limits.wall_seconds
        try:
            connection.settimeout(self.limits.wall_seconds)
            connection.sendall(zygote.FRAME.pack(len(payload), zygote.OK, 0), _NO_SIGPIPE)
            connection.sendall(payload, _NO_SIGPIPE)
            if not _readable(connection, deadline):
                raise TimeoutError
            connection.settimeout(max(deadline - time.monotonic(), 1.0))
            frame = zygote.receive_frame(connection, self.limits.output_bytes)
        except TimeoutError:
            self._end_child(b"K")
            return Failure("wall_limit", f"no answer within {self.limits.wall_seconds:g} s")
        except OverflowError as error:
            self._end_child(b"K")
            return Failure("output_limit", f"{error.args[0]} bytes")
        except (BrokenPipeError, ConnectionResetError):
            frame = None
        if frame is None:
            return self._verdict(self._end_child(b"W"))
        kind, micros, answer = frame
        self.cpu_seconds += micros / 1e6
        if kind == zygote.OK:
            return answer
        if kind == zygote.UNFIT:
            self.close()
            raise WebTextError(f"{_UNFIT}: {answer.decode('utf-8', 'replace')} (`ulimit -v`)")
        if kind == zygote.MEMORY:
            return Failure("memory_limit", f"over {self.limits.memory_bytes} bytes")
        return Failure("crash", answer.decode("utf-8", "replace"))

    def _verdict(self, status: int) -> Failure:
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGPROF:
                self.cpu_seconds += self.limits.cpu_seconds
                return Failure("cpu_limit", f"over {self.limits.cpu_seconds:g} CPU seconds")
            if number == signal.SIGKILL:
                # Nobody here sends it: the system was out of memory.
                return Failure("memory_limit", "killed by the system")
            with contextlib.suppress(ValueError):
                return Failure("crash", signal.Signals(number).name)
            return Failure("crash", f"signal {number}")
        return Failure("crash", f"exit code {os.waitstatus_to_exitcode(status)}")

    # -- the zygote and its child

    def _fork(self) -> socket.socket:
        control = self._control or self._start()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(control, [b"F"], [theirs.fileno()])
            self._reply(control)
        except OSError:
            ours.close()
            raise _ZygoteGoneError from None
        self._child = ours
        return ours

    def _end_child(self, command: bytes) -> int:
        """Wait status of the child, after `W`aiting for its end or `K`illing it."""
        assert self._control is not None
        if self._child is not None:
            self._child.close()
            self._child = None
        try:
            self._control.sendall(command, _NO_SIGPIPE)
            return self._reply(self._control)
        except OSError:
            raise _ZygoteGoneError from None

    def _drop_child(self) -> None:
        if self._child is not None:
            self._end_child(b"K")

    def _reply(self, control: socket.socket) -> int:
        data = b""
        while len(data) < 4:
            more = control.recv(4 - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return int(struct.unpack("<i", data)[0])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        arguments = {
            "control_fd": theirs.fileno(),
            "parent_pid": os.getpid(),
            "target": self._target,
            "settings": self._settings.hex(),
            "cpu_seconds": self.limits.cpu_seconds,
            "memory_bytes": self.limits.memory_bytes,
        }
        # No result may depend on the order of a set or on where the machine stands.
        environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PYTHONHASHSEED": "0",
            "PYTHONUTF8": "1",
            "TZ": "UTC",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-P", "-W", "ignore", "-c"),
                    *(_START, json.dumps(path), json.dumps(arguments)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        self._owner = os.getpid()
        self._control = ours
        hello = ours.recv(1) if _readable(ours, time.monotonic() + START_SECONDS) else b""
        if hello[:1] != b"=":
            trace = b""
            while hello and (more := ours.recv(1 << 16)):
                trace += more
            self.close()
            lines = trace.decode("utf-8", "replace").strip().splitlines()
            raise WebTextError(
                f"cannot start `{self._target}` in the extraction sandbox: "
                + (lines[-1] if lines else "no answer")
            )
        return ours


def _readable(connection: socket.socket, deadline: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(max(deadline - time.monotonic(), 0.0) * 1000))
