"""The stage's declaration, its steps and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError
from webtext_py.layout import CAPTURES, FETCHED, GOOD, LINKS, url_ends
from webtext_py.ledger import balance, reasons
from webtext_py.pages.containers import Containers
from webtext_py.reader import Passed
from webtext_py.stage import Stage
from webtext_py.stages.pages import resolve, scan
from webtext_py.workspace import Made, Steps, Work, split


@dataclass(frozen=True)
class Pages(Stage):
    """From containers of captures to the one that stands for each link."""

    containers: Containers
    partitions: int

    name = "pages"
    rules = 2
    files = (CAPTURES, GOOD, url_ends("pages"))
    libraries = ("ada-url", "tldextract")

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """The links, and what was fetched for them."""
        return ("links", "fetch") if self.containers.network else ("links",)

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
        containers = self.containers.all(steps.data)
        scanned, rows = self._index(steps, containers)
        links, good, ended = self._follow(steps, rows)
        collected = steps.each(
            "collect",
            resolve.collect,
            [Work(*(made[p] for made in good)) for p in range(parts)],
            [GOOD],
        )
        fetched = steps.before(FETCHED)
        ends = steps.each(
            "end",
            resolve.end,
            [Work(*(made[p] for made in ended), *fetched) for p in range(parts)],
            [url_ends("pages")],
            fetched=bool(fetched),
        )
        found = collected.by_name("containers")
        damage = dict(zip(containers, scanned.counts("damage"), strict=True))
        passed = Passed()
        for counts in scanned.counts("passed_over"):
            passed.update(counts)
        return {
            **balance("pages", links, found.total(), ends.by_name("dropped")),
            "captures": dict(sorted(scanned.by_name("captures").items())),
            "damage": {name: places for name, places in damage.items() if places},
            "passed_over": passed.document(),
            "containers": dict(sorted(found.items())),
            "shared": dict(sorted(collected.by_name("shared").items())),
        }

    def _index(self, steps: Steps, containers: Mapping[str, Path]) -> tuple[Made, tuple[Path, ...]]:
        """Scans the containers and joins revisits to what they stand for; the rows by key."""
        parts = self.partitions
        scanned = steps.each(
            "scan",
            scan.scan,
            [
                Work(
                    path,
                    weight=max(1, path.stat().st_size),
                    file=name,
                    source=self.containers.source(name),
                )
                for name, path in containers.items()
            ],
            ["scan-{}.arrow"],
            unit="bytes",
            partitions=parts,
        )
        resolved = steps.each(
            "revisits",
            scan.resolve_revisits,
            split(parts, *scanned.files()),
            ["resolved-{}.arrow"],
            partitions=parts,
        )
        inputs = (*scanned.files(), *resolved.files())
        indexed = steps.each(
            "index", scan.index, split(parts, *inputs), ["rows-{}.parquet", CAPTURES]
        )
        return scanned, indexed.files()

    def _follow(
        self, steps: Steps, rows: Sequence[Path]
    ) -> tuple[int, list[tuple[Path, ...]], list[tuple[Path, ...]]]:
        """Follows every link to a capture: how many links, the good and the ended of each round."""
        parts = range(self.partitions)
        begun = steps.each(
            "start",
            resolve.start,
            [Work(path) for path in steps.before(LINKS)],
            ["seekers-00-{}.arrow"],
            partitions=self.partitions,
        )
        # In round 0 a link lies in the partition of its own key; later ones come from everywhere.
        seekers: list[tuple[Path, ...]] = [(path,) for path in begun.files()]
        good, ended = [], []
        for number in range(resolve.MAX_REDIRECTS + 1):
            made = steps.each(
                f"round-{number:02d}",
                resolve.round_of,
                [Work(rows[p], *seekers[p], partition=p) for p in parts],
                [
                    f"good-{number:02d}-{{}}.parquet",
                    f"ended-{number:02d}-{{}}.parquet",
                    f"seekers-{number + 1:02d}-{{}}.arrow",
                ],
                partitions=self.partitions,
            )
            good.append(made.files(0))
            ended.append(made.files(1))
            seekers = [made.files(2)] * self.partitions
            if not made.total("onward"):
                return begun.total("links"), good, ended
        raise AssertionError("a link was followed further than the limit")

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
