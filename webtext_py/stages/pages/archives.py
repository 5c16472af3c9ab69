"""Before anything is fetched: which links the archives at hand lead to a good page from.

Takes `links/` and the containers that were given. Gives `pages/scan-*.arrow`, their captures, which
the pages stage takes up instead of reading the archives again, and `pages/left-*.parquet`, the
links without a good capture, which are asked for. Drops nothing. Memory as in the pages stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.layout import LEFT, SCANS
from webtext_py.pages.containers import Containers
from webtext_py.stage import Stage
from webtext_py.stages.pages import resolve
from webtext_py.stages.pages.steps import followed, indexed, scanned
from webtext_py.workspace import Made, Steps


@dataclass(frozen=True)
class Archives(Stage):
    """From the given containers to the links that they have no page for."""

    containers: Containers
    partitions: int

    name = "archives"
    rules = 3  # 2: no redirect by status 300 or 305; 3: no digest of pages that are no record
    after = ("links",)
    files = (SCANS, LEFT)
    libraries = ("ada-url", "tldextract")

    def config(self) -> Mapping[str, Any]:
        """The number of partitions."""
        return {"partitions": self.partitions}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The containers."""
        return self.containers.given

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Scan, index, follow, list what is left."""
        files = dict(sorted(self.containers.given.items()))
        made = scanned(steps, self.containers, files, self.partitions, SCANS)
        rows = indexed(steps, made.files(), self.partitions, "index-{}.parquet")
        found = followed(steps, rows, self.partitions)
        left = steps.each("left", resolve.left, found.of(found.ended), [LEFT])
        missing = left.total("left")
        return {
            **scan_counts(files, made),
            "in": found.links,
            "good": found.links - missing,
            "left": missing,
        }


def scan_counts(names: Mapping[str, Path], made: Made) -> dict[str, dict[str, Any]]:
    """What scans of the containers `names` counted, by container, where there is any."""
    return {
        what: {name: found for name, found in zip(names, made.counts(what), strict=True) if found}
        for what in ("captures", "damage", "passed_over")
    }
