"""One Ray cluster for the tests of a session: a head and three nodes of one CPU, on loopback."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATHS = [
    str(HERE),
    str(HERE.parent / "engine"),
    *os.environ.get("PYTHONPATH", "").split(os.pathsep),
]


class Nodes:
    """A running cluster."""

    def __init__(self, folder: Path) -> None:
        (folder / "held.py").touch()  # by which the slow extractor finds the folder
        self.hold = folder / "hold"
        self.env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [*PATHS, str(folder)])),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with it)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "nodes.py"), "3"],
            env=self.env,
            cwd=HERE,  # which Ray looks for modules in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._drivers: list[subprocess.Popen[str]] = []
        self.address = self._line()
        self.raylets: dict[str, int] = dict(json.loads(self._line()) for _ in range(3))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise AssertionError(f"the cluster died: {self._errors.read()[-2000:]}")
        return line.strip()

    def add(self, **env: str) -> str:
        """One more node, with this environment; its id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(env) + "\n")
        self._process.stdin.flush()
        node, raylet = json.loads(self._line())
        self.raylets[node] = raylet
        return str(node)

    def signal(self, node: str, number: int) -> None:
        """Sends a signal to a node's raylet and all of its workers."""
        for process in family(self.raylets[node]):
            os.kill(process, number)
        if number == signal.SIGKILL:
            del self.raylets[node]

    def extracts(self, node: str) -> bool:
        """Whether a page is in an extractor's hands there: a worker has a child that has one."""
        return any(b"webtext_py.text.zygote" in line_of(p) for p in family(self.raylets[node]))

    def python(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        """A driver of this cluster."""
        self._drivers.append(
            process := subprocess.Popen(
                [sys.executable, "-P", str(HERE / script), self.address, *map(str, arguments)],
                env=self.env,
                cwd=HERE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return process

    def close(self) -> None:
        """Ends it, and the drivers that a test left."""
        for driver in self._drivers:
            if driver.poll() is None:
                driver.kill()
                driver.communicate()
        for raylet in self.raylets.values():
            for process in family(raylet):
                os.kill(process, signal.SIGCONT)
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()


def family(process: int) -> list[int]:
    """A process with all that it started."""
    found = [process]
    for parent in found:
        try:
            tasks = Path(f"/proc/{parent}/task").iterdir()
            found += [int(c) for t in tasks for c in (t / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def line_of(process: int) -> bytes:
    """The command line of a process, parts that end with zero; none of one that is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """The cluster."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    cluster = Nodes(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.close()
