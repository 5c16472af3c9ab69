"""The stage's declaration, its steps and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.bundled import bundled
from webtext_py.config import bytes_of
from webtext_py.engine import Engine, LocalEngine
from webtext_py.engine.commit import write_bytes, write_json
from webtext_py.layout import (
    ALL_URL_ENDS,
    DOCUMENTS,
    DUPLICATES,
    LINKS,
    REPORT,
    SHARDS,
    TOKENIZER,
    WIKIPEDIA,
)
from webtext_py.manifest import Manifest
from webtext_py.observer import SILENT, Observer
from webtext_py.removed_list import removed_list
from webtext_py.report.articles import articles
from webtext_py.report.clusters import clusters
from webtext_py.report.count import count_documents, count_links
from webtext_py.report.ends import choose, ends
from webtext_py.report.figures import Found, figures
from webtext_py.report.page import render
from webtext_py.report.tally import merge
from webtext_py.report.texts import find_links, find_texts
from webtext_py.report.tokens import count_tokens, vocabulary
from webtext_py.shards import shards_stage
from webtext_py.stage import Files, Stage
from webtext_py.verify import chain
from webtext_py.workspace import Made, Steps, Work, Workspace

GROUP_BYTES = 64 << 20  # our choice: of the files that a task reads
GROUP_FILES = 64
TOKENS = Files("tokens/{}.parquet")
_READ = "tokenizer.json"


@dataclass(frozen=True)
class Report(Stage):
    """From the tables of the stages `made` to a page, with a published list of `domains` beside
    them if one is given."""

    made: tuple[str, ...]
    domains: Path | None = None

    name = "report"
    rules = 2  # ten of the reasons of lines; what was removed is not named
    libraries = ("tldextract",)
    files = (REPORT,)

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """All whose results are shown."""
        return self.made

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The list of domains, and the one of what was removed."""
        given = {} if self.domains is None else {"domains": self.domains}
        return {**given, **removed_list(data)}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Counts, chooses, finds the texts of what was chosen, writes."""
        found = self._count(steps)
        document = figures(steps, found, chain(steps.manifest))
        path = steps.data / REPORT.name("report.json")
        write_json(path, document)
        page = steps.data / REPORT.name("index.html")
        write_bytes(page, render(document).encode("utf-8", "replace"))
        steps.keep([path, page])
        return {"documents": document["documents"], "digest": document["digest"]}

    def _count(self, steps: Steps) -> Found:
        links, documents = steps.before(LINKS), steps.before(DOCUMENTS)

        def each(step: str, function: Any, paths: Sequence[Path], *first: Path) -> Made:
            work = [Work(*first, *mine, weight=bytes_of(mine)) for mine in grouped(paths)]
            return steps.each(step, function, work, [f"{step}-{{}}.parquet"], unit="bytes")

        linked = each("links", count_links, links)
        counted = each("documents", count_documents, steps.before(SHARDS))
        beside = [] if self.domains is None else [self.domains]
        sums = [*linked.files(), *counted.files(), *beside]
        totals = steps.one("totals", merge, sums, ["totals.parquet"], published=bool(beside))
        ended = each("ends", ends, steps.before(ALL_URL_ENDS))
        chosen = steps.one("choose", choose, ended.files(), ["chosen.parquet"]).files()[0]
        copies = steps.before(DUPLICATES)
        clustered = steps.one("clusters", clusters, copies, ["clusters.parquet"])
        taken = steps.one("articles", articles, steps.before(WIKIPEDIA), [])
        pairs = clustered.files()[0]
        return Found(
            made=self.made,
            totals=totals.files()[0],
            many=totals.done[0].counts,
            ends=ended.counts("ends"),
            chosen=chosen,
            pairs=pairs,
            clusters=clustered.done[0].counts,
            articles=taken.done[0].counts,
            links=each("find-links", find_links, links, chosen).files(),
            texts=each("find-texts", find_texts, documents, chosen, pairs).files(),
            tokens=self._tokens(steps),
        )

    def _tokens(self, steps: Steps) -> dict[str, Any] | None:
        """What there is of tokens and vocabulary."""
        tokenizer = next((path for path in steps.before(TOKENIZER) if path.name == _READ), None)
        # Tokens of another text than the shards tell nothing of these.
        ours = "tokens" in self.made and steps.manifest.stages["tokens"].upstream
        shards = steps.before(TOKENS) if ours else []
        if tokenizer is None and not shards:
            return None
        work = [Work(*mine, weight=bytes_of(mine)) for mine in grouped(shards)]
        counted = steps.each("tokens", count_tokens, work, ["uses-{}.parquet"], unit="bytes")
        found: dict[str, Any] = {"rows": None, "tokens": None, "vocabulary": None}
        digest = None
        if shards:
            digest = steps.manifest.stages["tokens"].config["tokenizer"]
            found |= {name: counted.total(name) for name in ("rows", "tokens")}
        if tokenizer is not None:
            given = [tokenizer, *counted.files()]
            made = steps.one("vocabulary", vocabulary, given, [], digest=digest)
            found["vocabulary"] = made.done[0].counts
        return found


def grouped(paths: Sequence[Path]) -> list[list[Path]]:
    """The files of one task each: at most so many, and so many bytes."""
    return list(bundled(paths, lambda path: path.stat().st_size, GROUP_BYTES, GROUP_FILES))


def report(
    data: Path,
    *,
    domains: Path | None = None,
    engine: Engine | None = None,
    observer: Observer = SILENT,
) -> dict[str, Any]:
    """Writes the report of a data directory, unless it stands, and returns its figures.

    Results that were made from something that was redone since are left out. Raises `InputError`
    where there is no finished build.
    """
    if not data.exists():  # and is not to be made
        shown_stages(Manifest(data))
    with Workspace(data, engine or LocalEngine(), observer) as workspace:
        made = shown_stages(workspace.manifest)
        workspace.run(Report(made, domains), force=True)
    import msgspec

    document: dict[str, Any] = msgspec.json.decode((data / REPORT.name("report.json")).read_bytes())
    return document


def shown_stages(manifest: Manifest) -> tuple[str, ...]:
    """The stages whose results are shown: the finished build, and what was made of it as it stands.

    Raises `InputError` where no build is finished."""
    shards_stage(manifest, "--data")

    def fresh(name: str) -> bool:
        entry = manifest.done(name)
        return entry is not None and all(
            fresh(stage) and manifest.stages[stage].key == key
            for stage, key in entry.upstream.items()
        )

    return tuple(name for name in manifest.stages if name != Report.name and fresh(name))
