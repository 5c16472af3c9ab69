"""The containers of captures that a build reads: those given, and those that fetching left."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from webtext_py.fetch.config import NETWORK
from webtext_py.stage import Files


@dataclass(frozen=True)
class Containers:
    """Containers by short name: `given`, and what the sources of the `network` left."""

    given: Mapping[str, Path] = field(default_factory=dict)
    network: tuple[str, ...] = ()

    def fetched(self, data: Path) -> dict[str, Path]:
        """The WARC files that the network's sources left in a data directory."""
        files = {
            path.name: path
            for source in self.network
            for path in Files(f"pages/{source}-{{}}.warc.gz").there(data)
        }
        return {f"fetched/{n}" if n in self.given else n: files[n] for n in sorted(files)}

    def all(self, data: Path) -> dict[str, Path]:
        """All of them, in the order of their names."""
        return dict(sorted({**self.given, **self.fetched(data)}.items()))

    def source(self, name: str) -> str:
        """Where a container came from: a source of the network, or `archive`."""
        prefix = name.rpartition("/")[2].partition("-")[0]
        return prefix if name not in self.given and prefix in NETWORK else "archive"
