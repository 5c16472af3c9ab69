"""Options of `webtext build` for sources that are asked over the network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import ManyOption
from .output import echo

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


def fetch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; `fetch_values` takes them out again."""
    for decorate in reversed(
        (
            click.option("--contact", metavar="WHO", help="E-mail or URL for server owners."),
            click.option(
                "--delay",
                type=click.FloatRange(min=0),
                default=1.0,
                show_default=True,
                help="Seconds between requests to a site or address.",
            ),
            click.option(
                "--connections",
                type=click.IntRange(1, 1024),
                default=64,
                show_default=True,
                help="Connections at a time, to as many sites.",
            ),
            click.option("--any-port", is_flag=True, help="Fetch from other ports too."),
            click.option(
                "--allow-network",
                multiple=True,
                metavar="CIDR",
                help="Let an inner network through, for tests.",
            ),
            click.option(
                "--hosts",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Addresses of names, like /etc/hosts, instead of DNS.",
            ),
            click.option(
                "--retry",
                cls=ManyOption,
                metavar="REASON...",
                help="Ask again for pages that ended so (or all).",
            ),
            click.option(
                "--probe/--no-probe",
                default=True,
                show_default=True,
                help="Ask each host once for a missing path.",
            ),
            click.option(
                "--cdx",
                default="https://web.archive.org/cdx/search/cdx",
                metavar="URL",
                help="CDX server of wayback [default: the Internet Archive's].",
            ),
            click.option(
                "--memento", metavar="URL", help="Where its captures lie [default: by --cdx]."
            ),
            click.option(
                "--capture-window",
                default="180d",
                show_default=True,
                callback=days,
                metavar="DAYS",
                help="Captures so near the submission.",
            ),
            click.option(
                "--archive-rate",
                type=click.FloatRange(min=0, min_open=True),
                default=24.0,
                show_default=True,
                help="Requests a minute to the web archive.",
            ),
            click.option(
                "--cc-index",
                cls=ManyOption,
                metavar="PATH...",
                help="Parquet files of Common Crawl's columnar index.",
            ),
            click.option(
                "--cc-data",
                default="https://data.commoncrawl.org/",
                show_default=True,
                metavar="URL",
                help="Where Common Crawl's WARC files lie.",
            ),
        )
    ):
        function = decorate(function)
    return function


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
