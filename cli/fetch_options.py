"""Options of `webtext build` for sources that are asked over the network."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from webtext_py import defaults

from .output import echo
from .parameters import FILE, option, several

if TYPE_CHECKING:
    from webtext_py.fetch.config import FetchConfig

_NAMES = (
    "contact", "delay", "connections", "any_port", "allow_network", "hosts", "retry", "probe",
    "cdx", "memento", "capture_window", "archive_rate", "cc_index", "cc_data",
)  # fmt: skip


# Which sources an option is for; those left out are for every one of the network.
_ONLY = {
    "delay": ("live",), "connections": ("live",), "probe": ("live",),
    "cdx": ("wayback",), "memento": ("wayback",), "archive_rate": ("wayback",),
    "capture_window": ("wayback", "commoncrawl"),
    "cc_index": ("commoncrawl",), "cc_data": ("commoncrawl",),
}  # fmt: skip


def days(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """`180d` or `180` in days."""
    try:
        return float(value.removesuffix("d"))
    except ValueError:
        raise click.BadParameter(f"`{value}` is no number of days such as 180d") from None


# `fetch_values` takes them out again.
fetch_options = several(
    option("--contact", metavar="WHO", help="E-mail or URL for server owners."),
    option(
        "--delay",
        type=click.FloatRange(min=0),
        default=defaults.DELAY_S,
        help="Seconds between requests to a site or address.",
    ),
    option(
        "--connections",
        type=click.IntRange(1, 1024),
        default=defaults.CONNECTIONS,
        help="Connections at a time, to as many sites.",
    ),
    option("--any-port", is_flag=True, help="Fetch from other ports too."),
    option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Let an inner network through, for tests.",
    ),
    option(
        "--hosts",
        type=FILE,
        metavar="FILE",
        help="Addresses of names, like /etc/hosts, instead of DNS.",
    ),
    option(
        "--retry",
        many=True,
        metavar="REASON...",
        help="Ask again for pages that ended so (or all).",
    ),
    option("--probe/--no-probe", default=True, help="Ask each host once for a missing path."),
    option(
        "--cdx",
        default=defaults.CDX,
        metavar="URL",
        help="CDX server of wayback [default: the Internet Archive's].",
        show_default=False,
    ),
    option("--memento", metavar="URL", help="Where its captures lie [default: by --cdx]."),
    option(
        "--capture-window",
        default=f"{defaults.CAPTURE_WINDOW_DAYS:g}d",
        callback=days,
        metavar="DAYS",
        help="Captures so near the submission.",
    ),
    option(
        "--archive-rate",
        type=click.FloatRange(min=0, min_open=True),
        default=defaults.ARCHIVE_PER_MINUTE,
        help="Requests a minute to the web archive.",
    ),
    option(
        "--cc-index",
        many=True,
        metavar="PATH...",
        help="Parquet files of Common Crawl's columnar index.",
    ),
    option(
        "--cc-data",
        default=defaults.CC_DATA,
        metavar="URL",
        help="Where Common Crawl's WARC files lie.",
    ),
)


def fetch_values(options: dict[str, Any], sources: Sequence[str]) -> "FetchConfig":
    """The fetch's configuration, taken out of a command's `options`.

    Says what is unusual: permissions for inner networks. Raises `ConfigError` for values that make
    no sense, `click.UsageError` for options whose source is not asked.
    """
    values = {name: options.pop(name) for name in _NAMES}
    _refuse_idle(sources)
    config = _config(values)
    for network in values["allow_network"]:
        echo(f"warning: addresses in {network} may be connected to", err=True)
    return config


def _refuse_idle(sources: Sequence[str]) -> None:
    """Refuses options that were given for a source that is not asked, instead of ignoring them."""
    context = click.get_current_context()
    for name in _NAMES:
        wanted = _ONLY.get(name, ("live", "wayback", "commoncrawl"))
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and not set(wanted) & set(sources):
            option = "--no-probe" if name == "probe" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"`{option}` is for `--pages {' or '.join(wanted)}`", context)


def _config(values: dict[str, Any]) -> "FetchConfig":
    from webtext_py.fetch.config import FetchConfig
    from webtext_py.fetch.limits import Limits

    limits = replace(Limits(), delay_s=values["delay"], connections=values["connections"])
    return FetchConfig(
        contact=values["contact"],
        limits=limits,
        probe=values["probe"],
        any_port=values["any_port"],
        allow_network=tuple(values["allow_network"]),
        hosts=values["hosts"],
        retry=tuple(values["retry"]),
        cdx=values["cdx"],
        memento=values["memento"],
        capture_window_days=values["capture_window"],
        archive_per_minute=values["archive_rate"],
        cc_index=tuple(values["cc_index"]),
        cc_data=values["cc_data"],
    )
