"""The stage's declaration, its steps and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.defaults import WIKIPEDIA_MEMORY
from webtext_py.layout import WIKIPEDIA, url_ends
from webtext_py.stage import Files
from webtext_py.stages.bundles import over_bundles
from webtext_py.stages.filter import Filter
from webtext_py.stages.wikipedia import content, hosts
from webtext_py.tables import join_shuffles
from webtext_py.wikipedia.articles import LEFT_OUT, parts
from webtext_py.workspace import MOST_FILES, Made, Steps, Work, ranges


@dataclass(frozen=True)
class Wikipedia(Filter):
    """Drops documents of Wikipedia's hosts, and copies of the articles in `given` (name to path):
    those with at least `share` of their 8-grams there. `memory` bytes are for the articles' index
    in the making."""

    given: Mapping[str, Path]
    share: float
    memory: int = WIKIPEDIA_MEMORY

    name = "wikipedia"
    rules = 5  # damage costs a block of bzip2, not a stream

    @property
    def files(self) -> tuple[Files, ...]:  # type: ignore[override]
        """The copies of articles beside the ledger."""
        return (WIKIPEDIA, *super().files)

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        """What reads articles, where there are any."""
        return ("words",) if self.given else ()

    def config(self) -> Mapping[str, Any]:
        """The share, where there are articles."""
        return {"wikipedia_share": self.share} if self.given else {}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The articles."""
        return self.given

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """By host, then by content."""
        removed, documents = self.removed(steps), self.documents(steps)
        ends = "hosts-{}.parquet" if self.given else url_ends("wikipedia")
        work = over_bundles(documents, *removed)
        by_host = steps.each("hosts", hosts.hosts, work, [ends], unit="bytes")
        dropped = {hosts.REASON: by_host.total("dropped")}
        counts: dict[str, Any] = {}
        if self.given:
            dropped[content.REASON], counts = self._content(steps, documents, removed, by_host)
        return {**self.balanced(by_host.total("in"), dropped), **counts}

    def _content(
        self,
        steps: Steps,
        documents: Sequence[Path],
        removed: Sequence[Sequence[Path]],
        by_host: Made,
    ) -> tuple[int, dict[str, Any]]:
        work = [one for path in self.given.values() for one in _parts(path)]
        read = steps.each("articles", content.articles, work, ["articles-{}.parquet"], unit="bytes")
        articles, options = read.files(), {"memory": self.memory}
        index = steps.one("index", content.index, articles, ["{}.bloom"], options=options)
        filters = [*index.files()] * len(by_host.files())
        work = over_bundles(documents, filters, *removed, by_host.files())
        outputs = ["shares-{}.parquet", "grams-{}.parquet"]
        how: dict[str, Any] = {"unit": "bytes", "share": self.share}
        suspects = steps.each("shares", content.shares, work, outputs, **how)
        grams = steps.one("grams", content.sorted_grams, suspects.files(1), ["{}.grams"]).files()
        work = [Work(*grams, *articles[slice(*r)]) for r in ranges(len(articles), MOST_FILES)]
        matched = steps.each("matches", content.matches, work, ["matches-{}.arrow"])
        # One file: were each bundle to read those of all, opens would grow with the square.
        found = steps.one("join-matches", join_shuffles, matched.files(), ["{}.matches"]).files()
        pairs = enumerate(zip(suspects.files(), by_host.files(), strict=True))
        work = [Work(suspect, *found, host, partition=i) for i, (suspect, host) in pairs]
        judged = steps.each("judge", content.judge, work, self.files)
        names = ("articles", *LEFT_OUT)
        counts = {n: sum(done.counts.get(n, 0) for done in read.done) for n in names}
        return judged.total("dropped"), {"articles": counts, "index": index.done[0].counts}


def _parts(path: Path) -> list[Work]:
    size = path.stat().st_size
    return [
        Work(path, weight=part[1] - part[0] if part else size, part=part) for part in parts(path)
    ]
