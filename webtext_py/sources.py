"""The files that a build reads, by what the user named."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webtext_py import demo
from webtext_py.errors import ConfigError, InputError
from webtext_py.fetch.config import NETWORK
from webtext_py.manifest import input_names
from webtext_py.pages.archive import list_containers
from webtext_py.pages.containers import Containers
from webtext_py.reader import expand

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

    def containers(self) -> Containers:
        """The containers of captures."""
        return Containers(self._page_files(), self.network)

    def _page_files(self) -> dict[str, Path]:
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
