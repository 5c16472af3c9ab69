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
from webtext_py.reader import Passed
from webtext_py.reader.files import ending_of, files_at, shown
from webtext_py.wikipedia.articles import article_files

_DUMP_ENDINGS = (".zst", ".xz", ".bz2", ".gz", ".ndjson", ".jsonl", ".json")
_ARCHIVE_ENDINGS = (".warc.gz", ".warc.zst", ".warc.bz2", ".warc.xz", ".arc.gz")  # beside dumps


@dataclass(frozen=True)
class Sources:
    """The files that a build reads. Without any, the package's demo data.

    What lies beside them in folders and is passed over is counted in what the methods are given.
    """

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

    def link_files(self, passed: Passed | None = None) -> tuple[str, dict[str, Path]]:
        """What kind the link files are, `dumps` or `links`, and the files by their short names."""
        if self.links is not None:
            if not self.links.is_file():
                raise InputError(f"`{shown(self.links)}` is no file; a table of links was expected")
            return "links", _named([self.links])
        if not self.demo and not self.submissions:
            raise ConfigError(
                "`--pages` was given without links",
                "name dumps with `--submissions`, or a table of links with `--links`",
            )
        given, passed = self.submissions or (str(demo.submissions()),), passed or Passed()
        what = f"dump ({', '.join(_DUMP_ENDINGS)})"
        found = (files_at(value, _no_dump, passed, what) for value in given)
        return "dumps", _named([file for files in found for file in files])

    def containers(self, passed: Passed | None = None) -> Containers:
        """The containers of captures."""
        if not self.demo and not self.pages:
            hint = "name WARC files or folders with `--pages`"
            raise ConfigError("links were given without pages", hint)
        given = tuple(value for value in self.pages if value not in NETWORK)
        if not given and not self.network:
            given = (str(demo.pages()),)
        found = list_containers(given, passed=passed)
        return Containers(_named([Path(each.file) for each in found]), self.network)

    @property
    def network(self) -> tuple[str, ...]:
        """The sources that are asked over the network, in order of preference."""
        return tuple(dict.fromkeys(value for value in self.pages if value in NETWORK))

    def wikipedia_files(self, passed: Passed | None = None) -> dict[str, Path]:
        """The files of articles by their short names."""
        return _named(article_files(self.wikipedia, passed or Passed()))


def _no_dump(path: Path) -> str | None:
    name = path.name.lower()
    dump = name.endswith(_DUMP_ENDINGS) and not name.endswith(_ARCHIVE_ENDINGS)
    return None if dump else f"{ending_of(path)}: no dump by its name"


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    unique = list(dict.fromkeys(path.resolve() for path in paths))
    return {name: path for path, name in input_names(unique).items()}
