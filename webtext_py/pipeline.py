"""The build: its stages in order, each with what it is made from.

links (-> fetch) -> pages -> extract -> dedup -> wikipedia -> shard. A stage says itself what its
outputs depend on, so another `--min-words` redoes nothing before extract.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from webtext_py import defaults
from webtext_py.config import BuildConfig, partitions_for
from webtext_py.engine import Engine, LocalEngine
from webtext_py.errors import ConfigError
from webtext_py.fetch.config import FetchConfig
from webtext_py.manifest import Entry
from webtext_py.observer import SILENT, Observer
from webtext_py.outlook import Given, Outlook, outlooks
from webtext_py.reader import Passed
from webtext_py.sources import Sources
from webtext_py.stage import Stage
from webtext_py.stages.dedup.search import Rule
from webtext_py.stages.dedup.stage import Dedup
from webtext_py.stages.extract.stage import Extract
from webtext_py.stages.fetch.stage import Fetch
from webtext_py.stages.filter import Filter, in_order
from webtext_py.stages.links.stage import Links
from webtext_py.stages.pages.archives import Archives
from webtext_py.stages.pages.stage import Pages
from webtext_py.stages.shard.stage import Shard
from webtext_py.stages.wikipedia.stage import Wikipedia
from webtext_py.text.extract import ExtractSettings
from webtext_py.workspace import Workspace, plan

__all__ = ["STAGES", "Build", "Sources"]

# Fetch is among them only with a source that is asked over the network.
STAGES = ("links", "pages", "extract", "dedup", "wikipedia", "shard")


class Build:
    """One build: its sources, its configuration, its directory."""

    def __init__(
        self,
        data: Path,
        sources: Sources,
        config: BuildConfig,
        memory: int = defaults.WIKIPEDIA_MEMORY,
        fetching: FetchConfig | None = None,
        filters: Sequence[Filter] = (),
    ) -> None:
        """`memory`, in bytes, bounds the index of articles in the making; no result depends on it.
        `filters` of the caller's own come after webtext's."""
        if sources.links is not None and config.allow_damaged:
            raise ConfigError("`--allow-damaged` is for dumps; `--links` gives a table")
        self.data = data
        self._fetching = fetching or FetchConfig()
        self._fetching.check(sources.network)
        self.passed = Passed()  # of the folders that the sources name
        kind, given = sources.link_files(self.passed)
        articles = sources.wikipedia_files(self.passed)
        containers = sources.containers(self.passed)
        files, pages = list(given.values()), list(containers.given.values())
        partitions = config.partitions or partitions_for([*files, *pages])
        config = replace(config, partitions=partitions)
        limits = (partitions, config.shard_bytes, memory)
        self._given = Given(files, kind == "dumps", pages, list(articles.values()), *limits)
        settings = ExtractSettings(config.extractor, config.min_words, config.lang)
        said = _rules_said(config, bool(articles), settings.named)
        filters = [
            Dedup(Rule(config.near_dup, config.shingle), partitions),
            Wikipedia(articles, config.wikipedia_share, memory),
            *filters,
        ]
        network: list[Stage] = [Fetch(containers, self._fetching)] if containers.network else []
        if containers.network and containers.given:  # what is at hand first
            network.insert(0, Archives(containers, partitions))
        self.stages: list[Stage] = [
            Links(config, given, kind),
            *network,
            Pages(containers, partitions),
            Extract(containers, settings),
            *in_order(filters),
            Shard(config, said, tuple(f.name for f in filters)),
        ]

    def run(
        self,
        engine: Engine | None = None,
        observer: Observer = SILENT,
        *,
        force: bool = False,
        start: str | None = None,
    ) -> dict[str, Entry]:
        """Runs what is missing and returns every stage's record.

        `force` redoes stale stages; `start` names a stage to redo with all after it. Raises
        `InputError` when nothing is left to build from.
        """
        with Workspace(self.data, engine or LocalEngine(), observer) as workspace:
            return workspace.run_all(self.stages, force=force, start=self._first(start))

    def dry_run(self, *, force: bool = False, start: str | None = None) -> list[tuple[str, str]]:
        """What a run would do, by stage: `done`, `resume`, `run`, `redo: ...` or `stale: ...`."""
        return plan(self.data, self.stages, force=force, start=self._first(start))

    def outlook(self) -> dict[str, Outlook]:
        """About what a run from the beginning makes, by stage; without what is fetched."""
        return outlooks(self._given)

    def _first(self, start: str | None) -> str | None:
        """The first stage to redo; asking again begins with what is fetched."""
        if start is None and self._fetching.retry:
            start = "fetch"
        known = start is None or any(stage.name == start for stage in self.stages)
        return start if known else "pages"  # what comes before it has nothing to do here


def _rules_said(config: BuildConfig, articles: bool, extractor: str) -> dict[str, str]:
    """The rules of a build as its dataset card says them."""
    near = "exact ones by normalised text removed"
    if config.near_dup is not None:
        near += (
            f", and near ones: Jaccard similarity of word {config.shingle}-grams at least "
            f"{config.near_dup:g}, each pair checked"
        )
    wikipedia = "removed by host"
    if articles:
        wikipedia += (
            f", and documents of whose 8-grams {config.wikipedia_share:.0%} or more stand in the "
            "articles given"
        )
    return {
        "karma": f"at least {config.min_karma}, by `{config.karma_rule}`",
        "created before": f"{config.before} (UTC)",
        "created at or after": config.after or "any time",
        "over 18": "kept" if config.nsfw else "removed",
        "words": f"at least {config.min_words}",
        "language": config.lang or "all",
        "duplicates": near,
        "Wikipedia": wikipedia,
        "extractor": extractor,
    }
