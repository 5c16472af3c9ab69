"""How a build fetches: sources in order of preference, manners, permissions."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py.errors import ConfigError
from webtext_py.fetch.limits import Limits

__all__ = ["NETWORK", "FetchConfig"]

# Values of `--pages` that open sockets.
NETWORK = ("live", "wayback", "commoncrawl")
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
    # The Internet Archive's CDX server; its captures lie below `memento`.
    cdx: str = "https://web.archive.org/cdx/search/cdx"
    memento: str | None = None
    capture_window_days: float = 180.0
    # The Internet Archive blocks clients that ask more often; our choice is well below.
    archive_per_minute: float = 24.0
    cc_index: tuple[str, ...] = ()
    cc_data: str = "https://data.commoncrawl.org/"

    def __post_init__(self) -> None:
        """Raises `ConfigError` for values that make no sense."""
        from webtext_py.fetch.address import networks

        networks(self.allow_network)
        if self.contact is not None and not _CONTACT.fullmatch(self.contact):
            raise ConfigError(f"`{self.contact}` is no e-mail address and no URL")
        if self.capture_window_days < 0:
            raise ConfigError(f"capture window {self.capture_window_days} is below 0 days")
        if not 0 < self.archive_per_minute <= 6000:
            raise ConfigError(f"{self.archive_per_minute} requests a minute; 0 to 6000 expected")

    def user_agent(self, version: str) -> str:
        """What servers read about us."""
        about = f"; {self.contact}" if self.contact else ""
        return f"webtext/{version} (research corpus builder{about})"

    def need_contact(self) -> None:
        """Raises `ConfigError` without a contact."""
        if self.contact is None:
            raise ConfigError(
                "`--pages live` was given without `--contact`",
                "name an e-mail address or a page that says who fetches, for server owners",
            )

    def record(self, sources: tuple[str, ...]) -> dict[str, Any]:
        """What the fetched pages depend on, for the stage's record."""
        found: dict[str, Any] = {"sources": list(sources)}
        if "live" in sources:
            found["probe"] = self.probe
        if "wayback" in sources:
            found |= {"cdx": self.cdx, "capture_window_days": self.capture_window_days}
        if "commoncrawl" in sources:
            found |= {"cc_index": list(self.cc_index), "cc_data": self.cc_data}
            found["capture_window_days"] = self.capture_window_days
        return found
