"""How a build fetches: sources in order of preference, manners, permissions."""

import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py import defaults
from webtext_py.errors import ConfigError, InputError
from webtext_py.fetch.limits import Limits
from webtext_py.url.key import without_credentials

# Values of `--pages` that open sockets.
NETWORK = ("live", "wayback", "commoncrawl")
_WEB = re.compile(r"https?://[^/\s]")
_CONTACT = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+|https?://[^\s<>()]+")


@dataclass(frozen=True)
class FetchConfig:
    """Options of the network sources. `contact` is an e-mail address or a page about the crawl."""

    contact: str | None = None
    limits: Limits = field(default_factory=Limits)
    probe: bool = True
    any_port: bool = False
    allow_network: tuple[str, ...] = ()
    hosts: Path | None = None
    retry: tuple[str, ...] = ()
    # A CDX server; its captures lie below `memento`.
    cdx: str = defaults.CDX
    memento: str | None = None
    capture_window_days: float = defaults.CAPTURE_WINDOW_DAYS
    archive_per_minute: float = defaults.ARCHIVE_PER_MINUTE
    cc_index: tuple[str, ...] = ()
    cc_data: str = defaults.CC_DATA
    # A gigabyte a WARC file is what other tools write and expect (WARC/1.1, annex C).
    rotate_bytes: int = 1_000_000_000

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that make no sense."""
        from webtext_py.fetch.address import networks
        from webtext_py.fetch.failure import REASONS

        networks(self.allow_network)
        for reason in self.retry:
            if reason not in REASONS and reason != "all":
                raise ConfigError(
                    f"`--retry {reason}` is no reason", f"all, or one of {', '.join(REASONS)}"
                )
        for option, url in (("--cdx", self.cdx), ("--memento", self.memento)):
            if url is not None and not _WEB.match(url):
                raise ConfigError(f"`{option} {url}` is no http or https URL")
            if url is not None and without_credentials(url) != url:
                raise ConfigError(f"`{option}` has a user name or password, which is never sent")
        if not _WEB.match(self.cc_data) and not self.cc_data.startswith("s3://commoncrawl/"):
            raise ConfigError(f"`--cc-data {self.cc_data}` is no http or https URL")
        if self.contact is not None and not _CONTACT.fullmatch(self.contact):
            raise ConfigError(f"`{self.contact}` is no e-mail address and no URL")
        for what, value in (
            ("capture window (days)", self.capture_window_days),
            ("delay (seconds)", self.limits.delay_s),
        ):
            if not 0 <= value < math.inf:
                raise ConfigError(f"{what} is {value}; a finite number not below 0 expected")
        if not 0 < self.archive_per_minute <= 6000:
            raise ConfigError(f"{self.archive_per_minute} requests a minute; 0 to 6000 expected")

    def user_agent(self, version: str) -> str:
        """What servers read about us."""
        about = f"; {self.contact}" if self.contact else ""
        return f"webtext/{version} (research corpus builder{about})"

    def check(self, sources: tuple[str, ...]) -> None:
        """Raises `ConfigError` where one of `sources` needs an option that was not given."""
        if "live" in sources and self.contact is None:
            raise ConfigError(
                "`--pages live` was given without `--contact`",
                "name an e-mail address or a page that says who fetches, for server owners",
            )
        if "commoncrawl" in sources and not self.cc_index:
            raise ConfigError(
                "`--pages commoncrawl` has no index", "name Parquet files with `--cc-index`"
            )

    def record(self, sources: tuple[str, ...]) -> dict[str, Any]:
        """What the fetched pages depend on, for the stage's record.

        Left out is what changes only how fast they come and who asks. Raises `InputError` for a
        hosts file that cannot be read.
        """
        found: dict[str, Any] = {
            "sources": list(sources),
            "any_port": self.any_port,
            "allow_network": sorted(self.allow_network),
        }
        if self.hosts is not None:
            try:
                content = self.hosts.read_bytes()
            except OSError as error:
                raise InputError(f"cannot read `{self.hosts}`: {error.strerror}") from None
            found["hosts"] = hashlib.sha256(content).hexdigest()
        if "live" in sources:
            found["probe"] = self.probe
        if "wayback" in sources:
            found |= {"cdx": self.cdx, "memento": self.memento}
            found["capture_window_days"] = self.capture_window_days
        if "commoncrawl" in sources:
            # Of a local file its name: where it lies is no part of a result.
            named = [p if "://" in p else Path(p).name for p in self.cc_index]
            found |= {"cc_index": named, "cc_data": self.cc_data}
            found["capture_window_days"] = self.capture_window_days
        return found
