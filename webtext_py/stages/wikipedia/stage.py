"""The stage's declaration, its steps and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.layout import DOCUMENTS, WIKIPEDIA, url_ends
from webtext_py.ledger import balance
from webtext_py.stage import Stage
from webtext_py.stages.wikipedia import content, hosts
from webtext_py.wikipedia.articles import LEFT_OUT
from webtext_py.workspace import Made, Steps, Work

DEFAULT_MEMORY = 1 << 30  # our choice: half of what the other steps may take


@dataclass(frozen=True)
class Wikipedia(Stage):
    """Drops documents of Wikipedia's hosts, and copies of the articles in `given` (name to path):
    those with at least `share` of their 8-grams there. `memory` bytes are for the articles' index
    in the making."""

    given: Mapping[str, Path]
    share: float
    memory: int = DEFAULT_MEMORY

    name = "wikipedia"
    rules = 2
    after = ("extract", "dedup")
    files = (WIKIPEDIA, url_ends("wikipedia"))

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        """What reads articles, where there are any."""
        return ("mwparserfromhell", "words") if self.given else ()

    def config(self) -> Mapping[str, Any]:
        """The share, where there are articles."""
        return {"wikipedia_share": self.share} if self.given else {}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The articles."""
        return self.given

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """By host, then by content."""
        removed = steps.before(url_ends("dedup"))
        documents = steps.before(DOCUMENTS)
        ends = "hosts-{}.parquet" if self.given else url_ends("wikipedia")
        by_host = steps.each(
            "hosts", hosts.hosts, [Work(path, *removed) for path in documents], [ends]
        )
        dropped = {hosts.REASON: by_host.total("dropped")}
        counts: dict[str, Any] = {}
        if self.given:
            dropped[content.REASON], counts = self._content(steps, documents, removed, by_host)
        dropped = {reason: count for reason, count in dropped.items() if count}
        taken = by_host.total("in")
        return {**balance("wikipedia", taken, taken - sum(dropped.values()), dropped), **counts}

    def _content(
        self, steps: Steps, documents: Sequence[Path], removed: Sequence[Path], by_host: Made
    ) -> tuple[int, dict[str, Any]]:
        read = steps.each(
            "articles",
            content.articles,
            [Work(path, weight=path.stat().st_size) for path in self.given.values()],
            ["articles-{}.parquet"],
            unit="bytes",
        )
        index = steps.one(
            "index", content.index, read.files(), ["{}.bloom"], options={"memory": self.memory}
        )
        gone = (*removed, *by_host.files())
        suspects = steps.each(
            "shares",
            content.shares,
            [Work(path, *index.files(), *gone, weight=path.stat().st_size) for path in documents],
            ["shares-{}.parquet", "ngrams-{}.parquet"],
            unit="bytes",
            share=self.share,
        )
        matched = steps.each(
            "matches",
            content.matches,
            [Work(path, *suspects.files(1)) for path in read.files()],
            ["matches-{}.parquet"],
        )
        judged = steps.each(
            "judge",
            content.judge,
            [
                Work(suspect, *matched.files(), host)
                for suspect, host in zip(suspects.files(), by_host.files(), strict=True)
            ],
            [WIKIPEDIA, url_ends("wikipedia")],
            files=len(self.given),
        )
        names = ("articles", *LEFT_OUT)
        counts = {
            "articles": {n: sum(d.counts.get(n, 0) for d in read.done) for n in names},
            "index": index.done[0].counts,
        }
        return judged.total("dropped"), counts
