"""The build: orders the stages and says what each depends on.

links (-> fetch) -> pages -> extract -> dedup -> wikipedia -> shard. What a stage's record holds
decides when it is stale: only what its own outputs depend on, so another `--min-words` redoes
nothing before extract.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from webtext_py import demo
from webtext_py.config import BuildConfig
from webtext_py.engine import Engine, LocalEngine
from webtext_py.errors import ConfigError, InputError
from webtext_py.fetch.config import NETWORK, FetchConfig
from webtext_py.manifest import Digests, Entry, Manifest, differences, input_names, new_entry
from webtext_py.pages.archive import list_containers
from webtext_py.reader import expand
from webtext_py.stage import Observer, Silent, StageRun, Workspace
from webtext_py.stages import dedup, extract, fetch, links, pages, shard, wikipedia
from webtext_py.text.extract import ExtractSettings

STAGES = ("links", "pages", "extract", "dedup", "wikipedia", "shard")

# Only with a source that is asked over the network.
FETCH = "fetch"

_DUMP_ENDINGS = (".zst", ".xz", ".bz2", ".gz", ".ndjson", ".jsonl", ".json")
_ARCHIVE_ENDINGS = (".warc.gz", ".warc.zst", ".warc.bz2", ".warc.xz", ".arc.gz")  # beside dumps


@dataclass(frozen=True)
class Sources:
    """The files that a build reads. Without any, the package's demo data."""

    submissions: tuple[str, ...] = ()
    links: Path | None = None
    pages: tuple[str, ...] = ()
    wikipedia: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ConfigError` for sources that contradict each other."""
        if self.links is not None and self.submissions:
            raise ConfigError("`--links` and `--submissions` were both given; one was expected")

    @property
    def demo(self) -> bool:
        """Whether nothing was given, so that the demo data is used."""
        return not self.submissions and self.links is None and not self.pages

    def link_files(self) -> tuple[str, dict[str, Path]]:
        """What kind the link files are, `dumps` or `links`, and the files by their short names."""
        if self.links is not None:
            if not self.links.is_file():
                raise InputError(f"`{self.links}` does not exist; a file of links was expected")
            return "links", _named([self.links])
        if not self.demo and not self.submissions:
            raise ConfigError(
                "`--pages` was given without links",
                "name dumps with `--submissions`, or a table of links with `--links`",
            )
        given = self.submissions or (str(demo.submissions()),)
        return "dumps", _named([file for value in given for file in _dumps(value)])

    def page_files(self) -> dict[str, Path]:
        """The containers of captures by their short names."""
        if not self.demo and not self.pages:
            raise ConfigError(
                "links were given without pages", "name WARC files or folders with `--pages`"
            )
        given = tuple(value for value in self.pages if value not in NETWORK)
        if not given and self.network:
            return {}
        given = given or (str(demo.pages()),)
        return _named([Path(container.file) for container in list_containers(given)])

    @property
    def network(self) -> tuple[str, ...]:
        """The sources that are asked over the network, in order of preference."""
        return tuple(dict.fromkeys(value for value in self.pages if value in NETWORK))

    def wikipedia_files(self) -> dict[str, Path]:
        """The files of articles by their short names."""
        return _named([file for value in self.wikipedia for file in _article_files(value)])


def _article_files(given: str) -> list[Path]:
    path = Path(given)
    if path.is_dir():
        dumps = [p for p in path.rglob("*") if p.name.endswith((".xml", ".xml.bz2", ".xml.gz"))]
        found = sorted({*dumps, *expand(given)})
        if not found:
            raise InputError(f"`{path}` holds no articles (MediaWiki XML, Parquet, JSONL or text)")
        return found
    return expand(given)


def _dumps(given: str) -> list[Path]:
    path = Path(given)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and _may_be_dump(p.name.lower()))
        if not found:
            raise InputError(f"`{path}` holds no dump ({', '.join(_DUMP_ENDINGS)})")
        return found
    return expand(given)


def _may_be_dump(name: str) -> bool:
    return name.endswith(_DUMP_ENDINGS) and not name.endswith(_ARCHIVE_ENDINGS)


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    unique = list(dict.fromkeys(path.resolve() for path in paths))
    return {name: path for path, name in input_names(unique).items()}


@dataclass(frozen=True)
class _Plan:
    """A stage with what its record holds."""

    name: str
    config: dict[str, Any]
    inputs: Mapping[str, Path]
    upstream: tuple[str, ...]
    files: tuple[str, ...]
    body: Callable[[StageRun], Mapping[str, Any]]
    check: Callable[[Mapping[str, Any]], None] = field(default=lambda counts: None)


class Build:
    """One build: its sources, its configuration, its directory."""

    def __init__(
        self,
        data: Path,
        sources: Sources,
        config: BuildConfig,
        memory: int = wikipedia.DEFAULT_MEMORY,
        fetching: FetchConfig | None = None,
    ) -> None:
        """`memory`, in bytes, bounds the index of articles in the making; no result depends on
        it."""
        self.data = data
        self.sources = sources
        self.config = config
        self.memory = memory
        if sources.links is not None and config.allow_damaged:
            raise ConfigError("`--allow-damaged` is for dumps; `--links` gives a table")
        self._kind, self._links = sources.link_files()
        self._local = sources.page_files()
        self._pages = self._local
        self.fetching = fetching or FetchConfig()
        self.fetching.check(sources.network)
        self._wikipedia = sources.wikipedia_files()

    def run(
        self,
        engine: Engine | None = None,
        observer: Observer | None = None,
        *,
        force: bool = False,
        start: str | None = None,
    ) -> dict[str, Entry]:
        """Runs what is missing and returns every stage's record.

        `force` redoes stale stages; `start` names a stage to redo with all after it. Raises
        `InputError` when nothing is left to build from.
        """
        with Workspace(self.data, engine or LocalEngine(), observer or Silent()) as workspace:
            start = self._first(start)
            redo = _from(start)
            entries = {}
            for plan in self._plans(workspace.manifest):
                if plan.name == start:
                    # Not before: a stale stage ahead of it is refused with nothing lost.
                    for name in redo:
                        workspace.forget(name)
                entry = workspace.stage(
                    plan.name,
                    plan.body,
                    config=plan.config,
                    inputs=plan.inputs,
                    upstream=plan.upstream,
                    files=plan.files,
                    force=force,
                )
                plan.check(entry.counts)
                entries[plan.name] = entry
        return entries

    def _first(self, start: str | None) -> str | None:
        """The first stage to redo; asking again begins with what is fetched."""
        if start is None and self.fetching.retry:
            start = FETCH
        return "pages" if start == FETCH and not self.sources.network else start

    def dry_run(self, *, force: bool = False, start: str | None = None) -> list[tuple[str, str]]:
        """What a run would do, by stage: `done`, `resume`, `run`, or `stale: ...`."""
        manifest = Manifest(self.data)
        digests = Digests(self.data)
        keys: dict[str, str] = {}
        start = self._first(start)
        redo = _from(start)
        verdicts = []
        for plan in self._plans(manifest):
            contents = {n: digests.of(path) for n, path in plan.inputs.items() if path.exists()}
            entry = new_entry(plan.config, contents, {u: keys[u] for u in plan.upstream})
            keys[plan.name] = entry.key
            old = manifest.stages.get(plan.name)
            if old is None or plan.name in redo:
                verdict = "run"
            elif old.key != entry.key:
                shown = "; ".join(differences(old, entry)[:3])
                verdict = ("redo: " if force else "stale: ") + shown
            else:
                verdict = "done" if old.state == "done" else "resume"
            verdicts.append((plan.name, verdict))
        return verdicts

    def _plans(self, manifest: Manifest) -> Iterator[_Plan]:
        """The stages in order. What was fetched is looked for when the turn comes to it."""
        before, behind = self._stages(manifest)
        yield before
        if self.sources.network:
            yield self._fetch_plan()
        yield self._pages_plan()
        yield from behind

    def _fetch_plan(self) -> _Plan:
        names, local = self.sources.network, self._local
        return _Plan(
            FETCH,
            self.fetching.record(names),
            local,
            ("links",),
            fetch.FILES,
            lambda run: fetch.run_fetch(run, self.fetching, names, local),
        )

    def _pages_plan(self) -> _Plan:
        config, names = self.config, self.sources.network
        fetched = {
            f"fetched/{name}" if name in self._local else name: path
            for name, path in fetch.fetched_files(self.data, names).items()
        }
        self._pages = {**self._local, **fetched}
        sources = {name: fetch.source_of(name) for name in fetched}
        attempts = self.data / "pages" / "fetched.parquet" if names else None
        inputs = {**self._pages, **({"fetched.parquet": attempts} if attempts else {})}
        return _Plan(
            "pages",
            config.part("partitions"),
            inputs,
            ("links", FETCH) if names else ("links",),
            pages.FILES,
            lambda run: pages.run_pages(run, config, self._pages, sources, attempts),
            _need_pages,
        )

    def _stages(self, manifest: Manifest) -> tuple[_Plan, list[_Plan]]:
        config = self.config
        excluded = (
            {"exclude-domains": config.exclude_domains}
            if config.exclude_domains is not None
            else {}
        )
        settings = ExtractSettings(min_words=config.min_words, lang=config.lang)
        plan = [
            _Plan(
                "links",
                {
                    **config.part("min_karma", "karma_rule", "nsfw", "allow_damaged", "partitions"),
                    # The moment, not its spelling: 2018 and 2018-01-01 are one.
                    "before_utc": config.before_utc,
                    "after_utc": config.after_utc if config.after is not None else None,
                    "kind": self._kind,
                },
                {**self._links, **excluded},
                (),
                links.FILES,
                lambda run: links.run_links(run, config, self._links, self._kind),
                _need_links,
            ),
            _Plan(
                "extract",
                {"settings": asdict(settings), "extractor": _extractor()},
                {},
                ("pages",),
                extract.FILES,
                lambda run: extract.run_extract(run, config, self._pages, settings),
                _need_documents,
            ),
            _Plan(
                "dedup",
                config.part("partitions", "near_dup", "shingle"),
                {},
                ("extract",),
                dedup.FILES,
                lambda run: dedup.run_dedup(run, config),
            ),
            _Plan(
                "wikipedia",
                config.part("wikipedia_share") if self._wikipedia else {},
                self._wikipedia,
                ("dedup",),
                wikipedia.FILES,
                lambda run: wikipedia.run_wikipedia(run, config, self._wikipedia, self.memory),
            ),
            _Plan(
                "shard",
                config.part(
                    "validation", "validation_documents", "shard_bytes", "row_group_documents"
                ),
                {},
                ("wikipedia",),
                shard.FILES,
                lambda run: shard.run_shard(run, config, self._facts(manifest)),
            ),
        ]
        return plan[0], plan[1:]

    def _facts(self, manifest: Manifest) -> dict[str, Any]:
        """What the dataset card says of the stages before."""
        config = self.config
        stages: dict[str, Any] = {}
        for name in STAGES[:-1]:
            counts = manifest.stages[name].counts
            if name == "links":
                stages["links (lines)"] = counts["lines"]
                stages["links (URLs)"] = counts["urls"]
            else:
                stages[name] = {k: counts[k] for k in ("in", "kept", "dropped")}
        rules = {
            "karma": f"at least {config.min_karma}, by `{config.karma_rule}`",
            "created before": f"{config.before} (UTC)",
            "created at or after": config.after or "any time",
            "over 18": "kept" if config.nsfw else "removed",
            "words": f"at least {config.min_words}",
            "language": config.lang or "all",
            "duplicates": "exact ones by normalised text removed"
            if config.near_dup is None
            else "exact ones by normalised text removed, and near ones: Jaccard similarity of "
            f"word {config.shingle}-grams at least {config.near_dup:g}, each pair checked",
            "Wikipedia": "removed by host"
            if not self._wikipedia
            else "removed by host, and documents of whose 8-grams "
            f"{config.wikipedia_share:.0%} or more stand in the articles given",
            "extractor": _extractor(),
        }
        return {"rules": rules, "stages": stages}


def _from(start: str | None) -> set[str]:
    """The stage `start` and all after it; none for null."""
    if start is None:
        return set()
    order = (STAGES[0], FETCH, *STAGES[1:])
    return set(order[order.index(start) :])


def _extractor() -> str:
    return f"trafilatura {version('trafilatura')}"


def _need_links(counts: Mapping[str, Any]) -> None:
    lines, urls = counts["lines"], counts["urls"]
    if urls["kept"]:
        return
    if not lines["kept"]:
        raise InputError(
            f"no link is left: none of {lines['in']} lines was kept ({_reasons(lines)})",
            "check `--before` and `--after`; `ledger/lines.parquet` has the counts",
        )
    raise InputError(
        f"no link is left: none of {urls['in']} URLs was kept ({_reasons(urls)})",
        "check `--min-karma`; `ledger/urls-links-*.parquet` names each URL",
    )


def _need_pages(counts: Mapping[str, Any]) -> None:
    if not counts["kept"]:
        captures = sum(counts["captures"].values())
        raise InputError(
            f"no page is left: none of {counts['in']} links has a good capture among "
            f"{captures} ({_reasons(counts)})",
            "check that `--pages` belongs to these links; `ledger/urls-pages-*.parquet` names each",
        )


def _need_documents(counts: Mapping[str, Any]) -> None:
    if not counts["kept"]:
        raise InputError(
            f"no document is left: none of {counts['in']} pages gave one ({_reasons(counts)})",
            "check `--min-words` and `--lang`; `ledger/urls-extract-*.parquet` names each page",
        )


def _reasons(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts["dropped"].items()) or "empty"
