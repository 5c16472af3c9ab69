"""The sandbox: a fault costs the payload that planted it, and nothing outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from webtext_py.errors import WebTextError
from webtext_py.text.sandbox import Failure, Limits, Sandbox

LIMITS = Limits(cpu_seconds=0.5, memory_bytes=64 << 20, output_bytes=1 << 20, wall_seconds=120)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("planted:make", b"settings ", LIMITS) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        ("hang", "cpu_limit", "over 0.5 CPU seconds"),
        ("hang in C", "cpu_limit", "over 0.5 CPU seconds"),
        ("segfault", "crash", "SIGSEGV"),
        ("bomb", "memory_limit", "over 67108864 bytes"),
        ("swallowed bomb", "memory_limit", "over 67108864 bytes"),
        ("recursion", "crash", "RecursionError in deeper"),
        ("exit", "crash", "exit code 7"),
        ("system exit", "crash", "SystemExit in <lambda>"),
        ("exception", "crash", "KeyError in _raise"),
    ],
)
def test_a_fault_costs_its_payload_only(
    sandbox: Sandbox, fault: str, reason: str, detail: str
) -> None:
    assert sandbox.run(b"echo:before") == b"settings before"
    assert sandbox.run(f"fault:{fault}".encode()) == Failure(reason, detail)
    assert sandbox.run(b"echo:after") == b"settings after"


def test_waiting_is_not_using_cpu(sandbox: Sandbox) -> None:
    assert sandbox.run(b"sleep:1.2") == b"slept"


def test_wall_backstop() -> None:
    with Sandbox("planted:make", b"", Limits(wall_seconds=0.5)) as sandbox:
        assert sandbox.run(b"sleep:600") == Failure("wall_limit", "no answer within 0.5 s")
        sandbox.limits = Limits()
        assert sandbox.run(b"echo:after") == b"after"


def test_answers_have_a_bound(sandbox: Sandbox) -> None:
    assert sandbox.run(b"size:1048576") == bytes(1 << 20)
    assert sandbox.run(b"size:1048577") == Failure("output_limit", "1048577 bytes")
    assert sandbox.run(b"echo:after") == b"settings after"


def test_children_are_reused_and_a_failure_is_tried_again_in_a_fresh_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = sandbox.run(b"served")
    assert isinstance(answer, bytes)
    first = int(answer)
    assert sandbox.run(b"served") == str(first + 1).encode()
    # Fails in a child that has served others, not in a fresh one: no verdict by company.
    assert sandbox.run(b"only-first") == b"first"
    assert sandbox.run(b"served") == b"2"
    assert sandbox.run(f"once:{tmp_path / 'mark'}".encode()) == b"second time"


def test_large_payloads_pass_both_ways() -> None:
    with Sandbox("planted:make", b"", Limits()) as sandbox:
        text = "x" * (30 << 20)
        assert sandbox.run(f"echo:{text}".encode()) == text.encode()


def test_cpu_seconds_are_counted() -> None:
    with Sandbox("planted:make", b"", LIMITS) as sandbox:
        sandbox.run(b"fault:hang")
        assert 1.0 <= sandbox.cpu_seconds < 1.5  # twice the limit


def test_a_broken_target_is_no_verdict_about_a_payload() -> None:
    with (
        Sandbox("planted:broken") as sandbox,
        pytest.raises(WebTextError, match="RuntimeError: this factory is broken"),
    ):
        sandbox.run(b"echo:x")
    with Sandbox("no_such_module:make") as sandbox, pytest.raises(WebTextError, match="no_such"):
        sandbox.run(b"echo:x")


def test_works_beside_threads_of_the_parent() -> None:
    def use(answers: list[object]) -> None:
        with Sandbox("planted:make", b"", LIMITS) as sandbox:
            answers.extend(sandbox.run(p) for p in (b"echo:a", b"fault:segfault", b"echo:b"))

    results: list[list[object]] = [[], [], []]
    threads = [threading.Thread(target=use, args=(result,)) for result in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[b"a", Failure("crash", "SIGSEGV"), b"b"]] * 3


def test_close_leaves_no_process() -> None:
    sandbox = Sandbox("planted:make", b"", LIMITS)
    pids = _pids(sandbox)
    sandbox.close()
    sandbox.close()
    assert _gone(pids)


def test_children_die_with_a_killed_zygote_and_work_goes_on() -> None:
    with Sandbox("planted:make", b"", LIMITS) as sandbox:
        zygote, child = _pids(sandbox)
        os.kill(zygote, signal.SIGKILL)
        assert _gone([child])
        assert sandbox.run(b"echo:after") == b"after"
        # While a child waits for its payload, and between payloads, alike.
        zygote, child = _pids(sandbox)
        os.kill(zygote, signal.SIGKILL)
        assert sandbox.run(b"fault:segfault") == Failure("crash", "SIGSEGV")


def test_a_zygote_that_keeps_dying_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox("planted:make", b"", LIMITS) as sandbox:
        fork = sandbox._fork

        def fork_then_kill() -> object:
            connection = fork()
            assert sandbox._process is not None
            sandbox._process.kill()
            sandbox._process.wait()
            return connection

        monkeypatch.setattr(sandbox, "_fork", fork_then_kill)
        with pytest.raises(WebTextError, match="killed twice"):
            sandbox.run(b"sleep:600")


_PARENT = """
import sys
sys.path[:] = {path!r}
from webtext_py.text.sandbox import Limits, Sandbox
sandbox = Sandbox("planted:make", b"", Limits(cpu_seconds=600))
print(sandbox.run(b"pid").decode(), flush=True)
sandbox.run(b"{payload}")
"""


@pytest.mark.parametrize("payload", ["fault:hang", "sleep:600"])
def test_children_die_with_a_killed_parent(payload: str) -> None:
    script = _PARENT.format(path=sys.path, payload=payload)
    with subprocess.Popen([sys.executable, "-P", "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert _gone(pids)


_DAEMON = """
import sys
sys.path[:] = {path!r}
import multiprocessing
from webtext_py.text.sandbox import Limits, Sandbox

def work(_):
    assert multiprocessing.current_process().daemon
    with Sandbox("planted:make", b"", Limits(cpu_seconds=0.5)) as sandbox:
        return [sandbox.run(p) for p in (b"echo:a", b"fault:segfault", b"echo:b")]

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for a, b, c in pool.map(work, range(2)):
            assert (a, b.reason, c) == (b"a", "crash", b"b")
    print("fine")
"""


def test_works_inside_a_daemonic_worker(tmp_path: Path) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(_DAEMON.format(path=sys.path))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "fine\n", done.stderr


def _pids(sandbox: Sandbox) -> list[int]:
    answer = sandbox.run(b"pid")
    assert isinstance(answer, bytes)
    return [int(pid) for pid in answer.split()]


def _gone(pids: list[int]) -> bool:
    """Whether all are gone, or become so: nothing is timed, the deadline is for a broken build."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not any(_alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A zombie that its reaper has not collected yet is as good as gone.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
