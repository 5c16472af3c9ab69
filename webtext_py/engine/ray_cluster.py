"""Ray as a cluster: an attempt is a task of Ray Core, bound to its node, never tried again by Ray.

The only place that imports Ray. Its usage statistics and its dashboard are off, and tokens are
required: whoever reaches Ray's ports runs code.
"""

import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from typing import Any

from webtext_py.engine.cluster import (
    Crashed,
    Failed,
    Node,
    NodeLost,
    Outcome,
    OutOfMemory,
    Ref,
    Said,
    attempt,
)
from webtext_py.engine.task import Job
from webtext_py.errors import InputError
from webtext_py.extras import require

_REACH_S = 10.0
_ASK_S = 1.0  # how often the box of messages is emptied
_STORE_BYTES = 100 << 20  # of Ray's object store, where we start it: results are small


class _Box:
    """The actor that attempts send their progress to."""

    def __init__(self) -> None:
        self.said: dict[str, int] = {}

    def say(self, name: str, units: int) -> None:
        """Keeps the newest word of an attempt."""
        self.said[name] = units

    def take(self) -> dict[str, int]:
        """All that was said since the last time."""
        said, self.said = self.said, {}
        return said


def _run(job: Job, box: Any) -> Outcome:
    """What Ray runs on a node."""
    return attempt(job, lambda units: box.say.remote(job.attempt, units))


class RayCluster:
    """The nodes of the Ray cluster at `address` (`HOST:PORT`, `auto`), or without one this machine
    with `cpus` CPUs, where Ray is started and ended."""

    def __init__(self, address: str | None = None, cpus: int | None = None) -> None:
        require("ray")
        self.address, self.cpus = address, cpus
        self._ray: Any = None
        self._box: Any = None
        self._folder: str | None = None
        self._names: dict[Ref, str] = {}
        self._asked = 0.0
        self._taking: Any = None

    def nodes(self) -> list[Node]:
        """The nodes that Ray takes for living."""
        self._connect()
        return [
            Node(
                row["NodeID"],
                f"{row['NodeManagerHostname']} ({row['NodeID'][:8]})",
                int(row["Resources"].get("CPU", 0)),
                int(row["Resources"].get("memory", 0)),
            )
            for row in sorted(self._ray.nodes(), key=lambda row: str(row["NodeID"]))
            if row["Alive"]
        ]

    def submit(self, job: Job, node: Node) -> Ref:
        """Starts an attempt on a node."""
        # More CPUs than the node has would wait for ever.
        cpus = min(job.task.cpus, node.cpus)
        options = self._remote.options(num_cpus=cpus, scheduling_strategy=self._on(node.id))
        ref: Ref = options.remote(job, self._box)
        self._names[ref] = job.attempt
        return ref

    def kill(self, ref: Ref) -> None:
        """Ends an attempt's process, or takes it out of the node's queue."""
        self._names.pop(ref, None)
        self._ray.cancel(ref, force=True)

    def wait(self, refs: Iterable[Ref], seconds: float) -> list[tuple[Ref, Outcome | Said]]:
        """Ends, and once in a second what attempts have said."""
        waited = list(refs)
        heard: list[tuple[Ref, Outcome | Said]] = []
        if not waited:
            time.sleep(seconds)
        elif self._ray.wait(waited, num_returns=1, timeout=seconds)[0]:
            ended, _ = self._ray.wait(waited, num_returns=len(waited), timeout=0)
            heard += [(ref, self._outcome(ref)) for ref in ended]
        return [*self._messages(), *heard]

    def close(self) -> None:
        """Leaves the cluster; ends the Ray that was started here."""
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = self._taking = None
            self._names.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _connect(self) -> None:
        if self._ray is not None:
            return
        if self.address not in (None, "auto"):
            _reach(str(self.address))
        # Before Ray is imported, which reads them then.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        # What Ray's daemons say of a node that is lost would go to stdout, which carries data; the
        # journal says it in one line.
        os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = ".*"
        options: dict[str, Any] = {"address": self.address}
        if self.address is None:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            self._folder = tempfile.mkdtemp(prefix="webtext-ray-")
            options = {
                "address": "local",
                "num_cpus": self.cpus,
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
                "_temp_dir": self._folder,
            }
        import ray
        from ray import exceptions

        try:
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
        except exceptions.AuthenticationError as error:
            raise InputError(
                f"no token for the Ray cluster at `{self.address}`: {error}",
                "`ray get-auth-token --generate` makes one; every machine needs the same "
                "(docs/cluster.md)",
            ) from error
        except Exception as error:  # a plain one where a node does not start
            if self.address is None:
                said, hint = "Ray does not start here", "try again, or without `--engine ray`"
            elif isinstance(error, ConnectionError):
                said = f"no Ray cluster at `{self.address}`"
                hint = "start one as docs/cluster.md shows, with one token for every machine, or "
                hint += "leave `--address` out"
            else:
                said = f"the Ray cluster at `{self.address}` cannot be used"
                hint = "every machine needs the same Python and Ray (docs/cluster.md)"
            raise InputError(f"{said}: {error}", hint) from error
        self._ray = ray
        self._errors = exceptions
        self._remote = ray.remote(max_retries=0)(_run)
        # On the driver's own node: Ray would take any, and one that freezes would silence all.
        here = self._on(ray.get_runtime_context().get_node_id())
        box = ray.remote(num_cpus=0, max_restarts=-1)(_Box)
        self._box = box.options(scheduling_strategy=here).remote()

    def _on(self, node: str) -> Any:
        """That node and no other."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)

    def _outcome(self, ref: Ref) -> Outcome:
        errors = self._errors
        self._names.pop(ref, None)
        try:
            outcome: Outcome = self._ray.get(ref)
        except errors.OutOfMemoryError as error:
            return OutOfMemory(_first_line(error))
        except (errors.NodeDiedError, errors.TaskUnschedulableError, errors.ObjectLostError) as e:
            return NodeLost(_first_line(e))
        except errors.WorkerCrashedError as error:
            return Crashed(_first_line(error))
        except errors.RayTaskError as error:  # before or after the task itself: no import, say
            return Failed(InputError(f"Ray: {str(error).strip().splitlines()[-1]}"))
        except errors.RayError as error:
            return Failed(InputError(f"Ray: {_first_line(error)}"))
        return outcome

    def _messages(self) -> list[tuple[Ref, Outcome | Said]]:
        """Empties the box, without waiting for it."""
        if self._taking is None:
            if time.monotonic() - self._asked >= _ASK_S:
                self._asked = time.monotonic()
                self._taking = self._box.take.remote()
            return []
        if not self._ray.wait([self._taking], timeout=0)[0]:
            return []
        taken, self._taking = self._taking, None
        try:
            said: dict[str, int] = self._ray.get(taken)
        except self._errors.RayError:
            return []  # the actor died and starts anew; what it held is said again
        by_name = {name: ref for ref, name in self._names.items()}
        return [(by_name[name], Said(units)) for name, units in said.items() if name in by_name]


def _reach(address: str) -> None:
    """Raises `InputError` where nobody listens at `HOST:PORT`: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except (OSError, ValueError, OverflowError) as error:
        hint = "`HOST:PORT` of the head, or `auto`, was expected; docs/cluster.md starts one"
        raise InputError(f"no Ray cluster at `{address}`: {error}", hint) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
