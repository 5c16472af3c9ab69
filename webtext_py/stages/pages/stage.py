"""The stage's declaration, its steps and their order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError
from webtext_py.layout import CAPTURES, FETCHED, GOOD_CAPTURES, SCANS, url_ends
from webtext_py.ledger import add_up, balance, reasons
from webtext_py.pages.containers import Containers
from webtext_py.reader import Passed
from webtext_py.stage import Stage
from webtext_py.stages.pages import gather, resolve
from webtext_py.stages.pages.archives import scan_counts
from webtext_py.stages.pages.steps import Followed, followed, indexed, scanned
from webtext_py.workspace import Steps, Work, split


@dataclass(frozen=True)
class Pages(Stage):
    """From containers of captures to the one that stands for each link."""

    containers: Containers
    partitions: int

    name = "pages"
    rules = 6  # 5: no redirect by status 300 or 305; 6: no digest of pages that are no record
    files = (CAPTURES, GOOD_CAPTURES, url_ends("pages"))
    libraries = ("ada-url", "tldextract")

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The links, and what was fetched for those that no archive has."""
        if not self.containers.network:
            return ("links",)
        return ("links", "archives", "fetch") if self.containers.given else ("links", "fetch")

    def config(self) -> Mapping[str, Any]:
        """The number of partitions."""
        return {"partitions": self.partitions}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The containers and, of a build that fetched, the table of what was asked for."""
        network = self.containers.network
        asked = {FETCHED.name(): data / FETCHED.name()} if network else {}
        return {**self.containers.all(data), **asked}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Index, follow each link to a capture, gather the good ones and the ends."""
        parts = self.partitions
        scans, counted = self._scans(steps)
        rows = indexed(steps, scans, parts, CAPTURES)
        found = followed(steps, rows, parts)
        good = self._gather(steps, found)
        asked = steps.before(FETCHED)
        work, outputs = found.of(found.ended, *asked), [url_ends("pages")]
        ends = steps.each("end", resolve.end, work, outputs, fetched=bool(asked))
        return {
            **balance("pages", found.links, good.total(), ends.by_name("dropped")),
            "captures": dict(sorted(add_up(list(counted["captures"].values())).items())),
            "damage": counted["damage"],
            "passed_over": Passed(*counted["passed_over"].values()).document(),
            "containers": dict(sorted(good.items())),
        }

    def _scans(self, steps: Steps) -> tuple[list[Path], dict[str, dict[str, Any]]]:
        """Scans of all containers and what they counted; what the stage before scanned is not read
        again."""
        before = steps.counts("archives") if "archives" in self.after else None
        files = (self.containers.all if before is None else self.containers.fetched)(steps.data)
        made = scanned(steps, self.containers, files, self.partitions, "scan-{}.arrow")
        counts = scan_counts(files, made)
        if before is None:
            return list(made.files()), counts
        both = {key: {**before[key], **found} for key, found in counts.items()}
        return [*steps.before(SCANS), *made.files()], both

    def _gather(self, steps: Steps, found: Followed) -> Counter[str]:
        """All good captures in the order of their places; their number by container."""
        work = found.of(found.good)
        collected = steps.each("collect", gather.collect, work, ["collected-{}.parquet"])
        marks = [mark for marks in collected.counts("marks") for mark in marks]
        begins = gather.bounds(marks, self.partitions)
        work, outputs = [Work(path) for path in collected.files()], ["ranges-{}.arrow"]
        cut = steps.each("distribute", gather.distribute, work, outputs, begins=begins)
        work = split(len(begins) + 1, *steps.joined("join-ranges", cut.files()))
        gathered = steps.each("gather", gather.gather, work, [GOOD_CAPTURES])
        return gathered.by_name("containers")

    def check(self, counts: Mapping[str, Any]) -> None:
        """Raises `InputError` where no link has a page."""
        if not counts["kept"]:
            captures = sum(counts["captures"].values())
            raise InputError(
                f"no page is left: none of {counts['in']} links has a good capture among "
                f"{captures} ({reasons(counts)})",
                "check that `--pages` belongs to these links; "
                f"`{url_ends('pages').glob}` names each",
            )
