"""`webtext build`: dumps to links, pages, clean text and Parquet shards."""

from pathlib import Path
from typing import Any

import click

from webtext_py import defaults

from ..config_file import show_wanted
from ..fetch_options import fetch_options, fetch_values
from ..options import (
    command,
    data_option,
    extract_options,
    force_option,
    near_dup_options,
    output_options,
    partitions_option,
    workers_option,
)
from ..parameters import FILE, Size, grouped, option

STAGES = ("links", "archives", "fetch", "pages", "extract", "dedup", "wikipedia", "shard")

_EPILOG = """\b
Examples:
  webtext build --min-karma 3 --before 2018
  webtext build --submissions dumps/RS_*.zst --pages crawl/*.warc.gz
  webtext build --links links.csv --pages pages/ --data out
  webtext build --links links.csv --pages old.warc.gz wayback
  webtext build --links links.csv --pages live --contact me@example.org
"""


_READ = grouped(
    "What to read",
    option(
        "--submissions",
        many=True,
        metavar="PATH...",
        help="Submission dumps (.zst .xz .bz2 .gz, plain): files, folders or globs.",
    ),
    option(
        "--links",
        type=FILE,
        metavar="FILE",
        help="CSV, JSONL or Parquet of url, karma, created_utc instead of dumps.",
    ),
    option(
        "--pages",
        many=True,
        metavar="PATH...",
        help="Captures: WARC, ARC, Parquet of url and html, a folder of HTML; or "
        "live, wayback, commoncrawl; the first source with a good page wins.",
    ),
    option(
        "--wikipedia",
        many=True,
        metavar="PATH...",
        help="Articles whose copies go: MediaWiki XML, Parquet, JSONL, text.",
    ),
    option("--allow-damaged", is_flag=True, help="Take what can be read of a damaged dump."),
)

_KEEP = grouped(
    "What to keep",
    option("--min-karma", type=int, default=defaults.MIN_KARMA, help="Least karma of a URL."),
    option(
        "--before",
        default=defaults.BEFORE,
        metavar="DATE",
        help="Posted strictly before this (UTC): 2018, 2017-12, 2017-12-31.",
    ),
    option("--after", metavar="DATE", help="Posted at or after this (UTC)."),
    extract_options,
    near_dup_options,
    option(
        "--exclude-domains",
        type=FILE,
        metavar="FILE",
        help="Domains to leave out, one a line, with their subdomains.",
    ),
    option("--nsfw", is_flag=True, help="Keep submissions marked over 18."),
    option(
        "--karma-rule",
        type=click.Choice(["max", "sum", "first"]),
        default=defaults.KARMA_RULE,
        help="Karma of a URL posted several times.",
    ),
    option(
        "--wikipedia-share",
        type=float,
        default=defaults.WIKIPEDIA_SHARE,
        help="Share of 8-grams in these articles that makes a copy.",
    ),
    option(
        "--validation", type=float, default=defaults.VALIDATION, help="Share of documents held out."
    ),
)

_RUN = grouped(
    "Running",
    data_option,
    workers_option,
    option("--from", "start", type=click.Choice(STAGES), help="Redo this stage and all after it."),
    force_option,
    option("--dry-run", is_flag=True, help="Say what would run; change nothing."),
    partitions_option,
    option(
        "--shard-bytes",
        type=click.IntRange(min=1),
        default=defaults.SHARD_BYTES,
        help="Bytes of text in a shard.",
    ),
    option(
        "--memory",
        type=Size(),
        default=f"{defaults.WIKIPEDIA_MEMORY >> 30}G",
        metavar="SIZE",
        help="Memory for the articles' index in the making; changes no result.",
    ),
    output_options,
)


@command(epilog=_EPILOG)
@_READ
@_KEEP
@_RUN
@grouped("Fetching, for --pages live, wayback or commoncrawl", fetch_options)
def build(
    submissions: tuple[str, ...],
    links: Path | None,
    pages: tuple[str, ...],
    wikipedia: tuple[str, ...],
    memory: int,
    start: str | None,
    force: bool,
    dry_run: bool,
    workers: int | None,
    data: Path,
    as_json: bool,
    quiet: bool,
    **rules: Any,
) -> list[tuple[str, str]] | None:
    """Build the data set: dumps to links, pages, text and shards.

    Without --submissions, --links and --pages the demo data inside the package is used.
    """
    from webtext_py.config import BuildConfig
    from webtext_py.engine import LocalEngine
    from webtext_py.pipeline import Build, Sources

    from ..output import Progress, echo, print_json
    from ..summary import build_document, print_plan, print_summary

    sources = Sources(submissions, links, pages, wikipedia)
    if sources.demo and not quiet:
        echo("using the demo data inside the package (no dumps or pages given)", err=True)
    fetching = fetch_values(rules, sources.network)
    work = Build(data, sources, BuildConfig(**rules), memory, fetching)
    if dry_run:
        verdicts = work.dry_run(force=force, start=start)
        if show_wanted(click.get_current_context()):
            return verdicts
        if as_json:
            print_json({"stages": dict(verdicts)})
        else:
            print_plan(verdicts)
        return None
    with Progress(quiet=quiet) as progress:
        entries = work.run(LocalEngine(workers), progress, force=force, start=start)
    if as_json:
        print_json(build_document(data, entries, work.passed.document()))
    elif not quiet:
        print_summary(data, entries, work.passed.document())
    return None
