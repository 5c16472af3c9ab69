"""Options of `webtext build` for sources that are asked over the network."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from webtext_py import defaults

from .output import echo
from .parameters import DAYS, FILE, option, several

if TYPE_CHECKING:
    from webtext_py.fetch.config import FetchConfig

_NETWORK = ("live", "wayback", "commoncrawl")
# The settings, each with the sources that it is for.
_SOURCES = {
    **dict.fromkeys(("contact", "any_port", "allow_network", "hosts", "retry"), _NETWORK),
    **dict.fromkeys(("delay_s", "connections", "probe"), ("live",)),
    **dict.fromkeys(("cdx", "memento", "archive_per_minute"), ("wayback",)),
    "capture_window_days": ("wayback", "commoncrawl"),
    **dict.fromkeys(("cc_index", "cc_data"), ("commoncrawl",)),
}


# `fetch_values` takes them out again.
fetch_options = several(
    option("--contact", metavar="WHO", help="E-mail or URL for server owners."),
    option(
        "--delay",
        "delay_s",
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
        "capture_window_days",
        default=f"{defaults.CAPTURE_WINDOW_DAYS:g}d",
        type=DAYS,
        metavar="DAYS",
        help="Captures so near the submission.",
    ),
    option(
        "--archive-rate",
        "archive_per_minute",
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
    from webtext_py.fetch.config import FetchConfig
    from webtext_py.fetch.limits import Limits

    values = {name: options.pop(name) for name in _SOURCES}
    _refuse_idle(sources)
    limits = replace(Limits(), delay_s=values.pop("delay_s"), connections=values.pop("connections"))
    config = FetchConfig(limits=limits, **values)
    for network in config.allow_network:
        echo(f"warning: addresses in {network} may be connected to", err=True)
    return config


def _refuse_idle(sources: Sequence[str]) -> None:
    """Refuses options that were given for a source that is not asked, instead of ignoring them."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = str(parameter.name)
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name in _SOURCES and set(sources).isdisjoint(_SOURCES[name]):
            option = (parameter.secondary_opts or parameter.opts)[0]
            wanted = " or ".join(_SOURCES[name])
            raise click.UsageError(f"`{option}` is for `--pages {wanted}`", context)
