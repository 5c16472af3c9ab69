"""The steps that find each link's capture: scanned, indexed, followed round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webtext_py.layout import LINKS
from webtext_py.pages.containers import Containers
from webtext_py.stage import Files
from webtext_py.stages.pages import resolve, scan
from webtext_py.workspace import Made, Steps, Work, split, weighed


def scanned(
    steps: Steps,
    containers: Containers,
    files: Mapping[str, Path],
    partitions: int,
    scans: str | Files,
) -> Made:
    """A file of `scans` with the captures of each of `files`."""
    work = [weighed(path, file=n, source=containers.source(n)) for n, path in files.items()]
    return steps.each("scan", scan.scan, work, [scans], unit="bytes", partitions=partitions)


def indexed(
    steps: Steps, scans: Sequence[Path], partitions: int, captures: str | Files
) -> tuple[Path, ...]:
    """All captures by key, revisits joined to what they stand for, in a file for each partition."""
    scans = steps.joined("join-scan", scans)
    work, outputs = split(partitions, *scans), ["resolved-{}.arrow"]
    resolved = steps.each("revisits", scan.resolve_revisits, work, outputs, partitions=partitions)
    work = split(partitions, *scans, *steps.joined("join-resolved", resolved.files()))
    return steps.each("index", scan.index, work, ["rows-{}.parquet", captures]).files()


@dataclass(frozen=True)
class Followed:
    """Where all links ended: files of good captures and of ended seekers, a tuple for each
    partition of a round."""

    links: int
    good: Sequence[tuple[Path, ...]]
    ended: Sequence[tuple[Path, ...]]

    def of(self, files: Sequence[tuple[Path, ...]], *beside: Path) -> list[Work]:
        """Work for each partition over its files of all rounds."""
        return [Work(*found, *beside) for found in zip(*files, strict=True)]


def followed(steps: Steps, rows: Sequence[Path], partitions: int) -> Followed:
    """Follows every link to a capture among `rows`, or to where it ends."""
    work, outputs = [Work(path) for path in steps.before(LINKS)], ["seekers-00-{}.arrow"]
    begun = steps.each("start", resolve.start, work, outputs, partitions=partitions)
    # In round 0 a link lies in the partition of its own key; later ones come from everywhere.
    seekers: list[tuple[Path, ...]] = [(path,) for path in begun.files()]
    good, ended = [], []
    for number in range(resolve.MAX_REDIRECTS + 1):
        step = f"round-{number:02d}"
        work = [Work(rows[p], *seekers[p], partition=p) for p in range(partitions)]
        outputs = [f"{kind}-{number:02d}-{{}}.parquet" for kind in ("good", "ended")]
        outputs.append(f"seekers-{number + 1:02d}-{{}}.arrow")
        made = steps.each(step, resolve.round_of, work, outputs, partitions=partitions)
        good.append(made.files(0))
        ended.append(made.files(1))
        if not made.total("onward"):
            return Followed(begun.total("links"), good, ended)
        seekers = [steps.joined(f"join-seekers-{number:02d}", made.files(2))] * partitions
    raise AssertionError("a link was followed further than the limit")
