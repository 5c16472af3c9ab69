"""`webtext build`: dumps to links, pages, clean text and Parquet shards."""

from pathlib import Path
from typing import Any

import click

from ..fetch_options import fetch_options, fetch_values
from ..options import ManyOption, Size, command, near_dup_options, shared_options, workers_option

STAGES = ("links", "fetch", "pages", "extract", "dedup", "wikipedia", "shard")

_EPILOG = """\b
Examples:
  webtext build --min-karma 3 --before 2018
  webtext build --submissions dumps/RS_*.zst --pages crawl/*.warc.gz
  webtext build --links links.csv --pages pages/ --data out
  webtext build --links links.csv --pages old.warc.gz wayback
  webtext build --links links.csv --pages live --contact me@example.org
"""


@command(epilog=_EPILOG)
@click.option(
    "--submissions",
    cls=ManyOption,
    metavar="PATH...",
    help="Submission dumps (.zst .xz .bz2 .gz, plain): files, folders or globs.",
)
@click.option(
    "--links",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV, JSONL or Parquet of url, karma, created_utc instead of dumps.",
)
@click.option(
    "--pages",
    cls=ManyOption,
    metavar="PATH...",
    help="Captures: WARC, ARC, Parquet of url and html, a folder of HTML; or "
    "live, wayback, commoncrawl; the first source with a good page wins.",
)
@click.option("--min-karma", type=int, default=3, show_default=True, help="Least karma of a URL.")
@click.option(
    "--karma-rule",
    type=click.Choice(["max", "sum", "first"]),
    default="max",
    show_default=True,
    help="Karma of a URL posted several times.",
)
@click.option(
    "--before",
    default="2018",
    show_default=True,
    metavar="DATE",
    help="Posted strictly before this (UTC): 2018, 2017-12, 2017-12-31.",
)
@click.option("--after", metavar="DATE", help="Posted at or after this (UTC).")
@click.option("--nsfw", is_flag=True, help="Keep submissions marked over 18.")
@click.option(
    "--exclude-domains",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Domains to leave out, one a line, with their subdomains.",
)
@click.option("--lang", metavar="CODE", help="Keep one language only (ISO 639-1).")
@click.option(
    "--min-words",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Least words of a document.",
)
@near_dup_options
@click.option(
    "--wikipedia",
    cls=ManyOption,
    metavar="PATH...",
    help="Articles whose copies go: MediaWiki XML, Parquet, JSONL, text.",
)
@click.option(
    "--wikipedia-share",
    type=float,
    default=0.5,
    show_default=True,
    help="Share of 8-grams in these articles that makes a copy.",
)
@click.option(
    "--memory",
    type=Size(),
    default="1G",
    show_default=True,
    metavar="SIZE",
    help="Memory for the articles' index in the making; changes no result.",
)
@click.option("--allow-damaged", is_flag=True, help="Take what can be read of a damaged dump.")
@click.option(
    "--validation",
    type=float,
    default=0.005,
    show_default=True,
    help="Share of documents held out.",
)
@click.option(
    "--shard-bytes",
    type=click.IntRange(min=1),
    default=256 << 20,
    show_default=True,
    help="Bytes of text in a shard.",
)
@click.option(
    "--partitions",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Parts of each shuffle; more need less memory.",
)
@click.option(
    "--from", "start", type=click.Choice(STAGES), help="Redo this stage and all after it."
)
@click.option("--force", is_flag=True, help="Redo what other inputs or options made.")
@click.option("--dry-run", is_flag=True, help="Say what would run; change nothing.")
@fetch_options
@workers_option
@shared_options
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
) -> None:
    """Build the data set: dumps to links, pages, text and shards.

    Without --submissions, --links and --pages the demo data inside the package is used.
    """
    from webtext_py.config import BuildConfig
    from webtext_py.engine import LocalEngine
    from webtext_py.pipeline import Build, Sources

    from ..output import Progress, print_json
    from ..summary import build_document, print_plan, print_summary

    sources = Sources(submissions, links, pages, wikipedia)
    if sources.demo and not quiet:
        click.echo("using the demo data inside the package (no dumps or pages given)", err=True)
    fetching = fetch_values(rules, sources.network)
    work = Build(data, sources, BuildConfig(**rules), memory, fetching)
    if dry_run:
        verdicts = work.dry_run(force=force, start=start)
        if as_json:
            print_json({"stages": dict(verdicts)})
        else:
            print_plan(verdicts)
        return
    with Progress(quiet=quiet) as progress:
        entries = work.run(LocalEngine(workers), progress, force=force, start=start)
    if as_json:
        print_json(build_document(data, entries, work.passed.document()))
    elif not quiet:
        print_summary(data, entries, work.passed.document())
