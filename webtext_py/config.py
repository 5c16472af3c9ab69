"""The configuration of a build: frozen, each default with its source."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from webtext_py import defaults
from webtext_py.errors import ConfigError

KarmaRule = Literal["max", "sum", "first"]


@dataclass(frozen=True)
class BuildConfig:
    """Everything that the outputs of `webtext build` depend on, inputs' content aside."""

    min_karma: int = defaults.MIN_KARMA
    before: str = defaults.BEFORE
    after: str | None = None
    karma_rule: KarmaRule = defaults.KARMA_RULE
    # Our choice: the report does not say; most users of a web corpus do not want it.
    nsfw: bool = False
    exclude_domains: Path | None = None
    extractor: str = defaults.EXTRACTOR
    # The report filters no language; WebText turned out almost wholly English.
    lang: str | None = None
    min_words: int = defaults.MIN_WORDS
    near_dup: float | None = defaults.NEAR_DUP  # None for exact copies only
    shingle: int = defaults.SHINGLE
    wikipedia_share: float = defaults.WIKIPEDIA_SHARE
    # A cut or corrupt dump is an error unless the user says otherwise.
    allow_damaged: bool = False
    validation: float = defaults.VALIDATION
    validation_documents: int = 2  # never fewer: our choice
    shard_bytes: int = defaults.SHARD_BYTES
    row_group_documents: int = 1000
    partitions: int | None = None  # None: `partitions_for` the input

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that make no sense, alone or together."""
        if self.karma_rule not in get_args(KarmaRule):
            raise ConfigError(f"karma rule `{self.karma_rule}` is none of max, sum, first")
        if not -(2**63) <= self.min_karma < 2**63:
            raise ConfigError(f"min_karma is {self.min_karma}; a number of 64 bits was expected")
        if not 0 <= self.validation < 1:
            raise ConfigError(f"validation share {self.validation} is not in [0, 1)")
        check_near_dup(self.near_dup, self.shingle)
        if not 0 < self.wikipedia_share <= 1:
            raise ConfigError(f"Wikipedia share {self.wikipedia_share} is not in (0, 1]")
        for name in ("validation_documents", "min_words", "shard_bytes", "row_group_documents"):
            least = int(name in ("shard_bytes", "row_group_documents"))
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; {least} or more was expected")
        check_partitions(self.partitions)
        if self.after is not None and self.after_utc >= self.before_utc:
            raise ConfigError(f"no date is at or after {self.after} and before {self.before}")

    @property
    def before_utc(self) -> int:
        """First second, in Unix time, that is too late."""
        return parse_date(self.before)

    @property
    def after_utc(self) -> int:
        """First second, in Unix time, that is not too early."""
        return parse_date(self.after) if self.after is not None else -(1 << 62)

    def part(self, *names: str) -> dict[str, Any]:
        """The named values, for a stage's record."""
        known = {field.name for field in fields(self)}
        assert set(names) <= known, set(names) - known
        return {name: getattr(self, name) for name in names}


def check_near_dup(threshold: float | None, shingle: int) -> None:
    """Raises `ConfigError` for a threshold or shingle that near-duplicates cannot be found with."""
    if threshold is not None and not 0.3 <= threshold <= 1:
        # Below, a pair at the threshold is no candidate with the probability that is promised.
        raise ConfigError(f"near-duplicate threshold {threshold} is not in [0.3, 1]")
    if not 1 <= shingle <= 64:
        raise ConfigError(f"shingle of {shingle} words; 1 to 64 were expected")


def partitions_for(paths: Iterable[Path]) -> int:
    """Partitions of a shuffle of what these files and folders hold.

    By their bytes alone: a result never depends on the number of workers.
    """
    size = bytes_of(paths)
    small = min(-(-size // defaults.SMALL_PARTITION_BYTES), defaults.PARTITIONS)
    wanted = max(-(-size // defaults.PARTITION_BYTES), small, defaults.FEWEST_PARTITIONS)
    return min(wanted, defaults.MOST_PARTITIONS)


def bytes_of(paths: Iterable[Path]) -> int:
    """Bytes of files, and of all files in folders."""
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())


def check_partitions(partitions: int | None) -> None:
    """Raises `ConfigError` for a number of partitions that is none."""
    if partitions is not None and not 1 <= partitions <= defaults.MOST_PARTITIONS:
        raise ConfigError(f"{partitions} partitions; 1 to {defaults.MOST_PARTITIONS} were expected")


def parse_date(text: str) -> int:
    """Unix time of the start (UTC) of a year `2018`, month `2017-12`, day or ISO time.

    Raises `ConfigError` for anything else.
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text.strip(), re.ASCII)
    try:
        if match:
            year, month, day = (int(part) if part else 1 for part in match.groups())
            return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp())
        when = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(
            f"`{text}` is no date; 2018, 2017-12, 2017-12-31 or 2017-12-31T12:00:00 was expected"
        ) from None
    if "T" not in text.strip() and " " not in text.strip():
        raise ConfigError(f"`{text}` is no date; 2018, 2017-12 or 2017-12-31 was expected")
    return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp())
