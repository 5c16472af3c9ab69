"""The stage's declaration, its steps and their order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.config import BuildConfig, partitions_for
from webtext_py.errors import InputError
from webtext_py.layout import LEDGER_SAMPLE, LINES, LINKS, url_ends
from webtext_py.ledger import KEPT, add_up, balance, reasons
from webtext_py.reader import Passed
from webtext_py.records import LEDGER_LINES, table
from webtext_py.sample import first
from webtext_py.stage import Stage
from webtext_py.stages.links.lines import scan
from webtext_py.stages.links.urls import merge, unique
from webtext_py.tables import read_tables, write_table
from webtext_py.workspace import Made, Steps, split, weighed


@dataclass(frozen=True)
class Links(Stage):
    """From `given` (name to path), of kind `dumps` or `links`, to one row for each URL."""

    settings: BuildConfig
    given: Mapping[str, Path]
    kind: str

    name = "links"
    rules = 5  # damages of bzip2 that were not seen before
    files = (LINKS, LINES, LEDGER_SAMPLE, url_ends("links"))
    libraries = ("ada-url", "tldextract")  # what is one URL, what is one site

    @property
    def partitions(self) -> int:
        """The configuration's, else those for the input."""
        return self.settings.partitions or partitions_for(self.given.values())

    def config(self) -> Mapping[str, Any]:
        """Karma and date rules."""
        named = ("min_karma", "karma_rule", "nsfw", "allow_damaged")
        return {
            **self.settings.part(*named),
            "partitions": self.partitions,
            # The moment, not its spelling: 2018 and 2018-01-01 are one.
            "before_utc": self.settings.before_utc,
            "after_utc": self.settings.after_utc if self.settings.after is not None else None,
            "kind": self.kind,
        }

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The dumps, or the table of links, and the list of domains."""
        excluded = self.settings.exclude_domains
        return {**self.given, **({"exclude-domains": excluded} if excluded is not None else {})}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Scan, each submission once, one row for each key, the ledger of lines."""
        settings, parts = self.settings, self.partitions
        names = sorted(self.given)
        scanned = steps.each(
            "scan",
            scan,
            [weighed(self.given[name], file=name) for name in names],
            ["scan-{}.arrow", "lines-{}.parquet"],
            unit="bytes",
            partitions=parts,
            kind=self.kind,
            before=settings.before_utc,
            after=settings.after_utc,
            **settings.part("nsfw", "allow_damaged"),
        )
        work = split(parts, *steps.joined("join-scan", scanned.files()))
        outputs = ["unique-{}.arrow", "submissions-{}.parquet"]
        single = steps.each("unique", unique, work, outputs, partitions=parts)
        excluded = (settings.exclude_domains,) if settings.exclude_domains else ()
        work = split(parts, *steps.joined("join-unique", single.files()), *excluded)
        rules = settings.part("karma_rule", "min_karma") | {"exclude_domains": bool(excluded)}
        made = (LINKS, url_ends("links"), "urls-{}.parquet")
        merged = steps.each("merge", merge, work, made, **rules)
        lines = _line_outcomes(names, scanned, single)
        samples = [*scanned.files(1), *single.files(1), *merged.files(2)]
        steps.one("ledger", write_ledger, samples, [LINES, LEDGER_SAMPLE], lines=lines)
        total = add_up(list(lines.values()))
        kept = total.pop(KEPT, 0)
        assert kept == merged.total("submissions"), "a submission got lost"
        read = sum(sum(outcomes.values()) for outcomes in scanned.counts("lines"))
        taken, urls, dropped = merged.total("in"), merged.total("kept"), merged.by_name("dropped")
        damage = dict(zip(names, scanned.counts("damage"), strict=True))
        return {
            "lines": balance("links", read, kept, total),
            "urls": balance("links", taken, urls, dropped),
            "damage": {name: places for name, places in damage.items() if places},
            "passed_over": Passed(*scanned.counts("passed_over")).document(),
        }

    def check(self, counts: Mapping[str, Any]) -> None:
        """Raises `InputError` where no link is left."""
        lines, urls = counts["lines"], counts["urls"]
        if urls["kept"]:
            return
        if not lines["kept"]:
            raise InputError(
                f"no link is left: none of {lines['in']} lines was kept ({reasons(lines)})",
                f"check `--before` and `--after`; `{LINES.name()}` has the counts",
            )
        raise InputError(
            f"no link is left: none of {urls['in']} URLs was kept ({reasons(urls)})",
            f"check `--min-karma`; `{url_ends('links').glob}` names each URL",
        )


def _line_outcomes(names: list[str], scanned: Made, single: Made) -> dict[str, dict[str, int]]:
    """Each file's lines by outcome; what ended in the merge is taken off its `kept`."""
    lines = {
        name: Counter[str](counts)
        for name, counts in zip(names, scanned.counts("lines"), strict=True)
    }
    for files in single.counts("lines"):
        for name, ended in files.items():
            lines[name].update(ended)
            lines[name][KEPT] -= sum(ended.values())
    return {name: dict(sorted(counts.items())) for name, counts in lines.items()}


def write_ledger(inputs: list[Path], outputs: list[Path], lines: dict[str, dict[str, int]]) -> None:
    """Task: the ledger of lines from the counts, and the first ten of all samples (inputs)."""
    rows = [(f, o, n) for f, counts in lines.items() for o, n in counts.items() if n]
    files, outcomes, counts_ = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"file": files, "outcome": outcomes, "lines": counts_}
    write_table(table(LEDGER_LINES, columns), outputs[0])
    write_table(first(read_tables(inputs), ["outcome"]), outputs[1])
