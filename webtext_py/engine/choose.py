"""Which engine a command runs its tasks on, chosen here for all of them."""

from dataclasses import dataclass
from typing import Literal

from webtext_py.engine.local import LocalEngine, available_cpus
from webtext_py.engine.task import Engine
from webtext_py.engine.threads import ThreadEngine
from webtext_py.errors import ConfigError


@dataclass(frozen=True)
class Where:
    """Where tasks run: on this machine, or on the Ray cluster at `address`; without one on a Ray
    that is started here."""

    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that contradict each other."""
        if self.address is not None and self.engine != "ray":
            raise ConfigError("`--address` names a Ray cluster", "add `--engine ray`")
        if self.address is not None and self.workers is not None:
            raise ConfigError("`--workers` was given, but a cluster's nodes say how many they take")

    @property
    def threads(self) -> int:
        """Threads for what the command does itself."""
        return self.workers or available_cpus()

    def make(self, *, threads: bool = False) -> Engine:
        """The engine; on this machine with processes, or with `threads` where the core does the
        work."""
        if self.engine == "ray":
            from webtext_py.engine.driver import ClusterEngine
            from webtext_py.engine.ray_cluster import RayCluster

            return ClusterEngine(RayCluster(self.address, self.workers))
        return ThreadEngine(self.workers) if threads else LocalEngine(self.workers)
