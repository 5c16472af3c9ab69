"""`webtext build`: dumps to links, pages, clean text and Parquet shards."""

from pathlib import Path
from typing import Any

import click

from webtext_py import defaults

from ..config_file import show_wanted, shows_stages
from ..fetch_options import fetch_options, fetch_values
from ..options import (
    Call,
    command,
    data_option,
    engine_options,
    extract_options,
    force_option,
    near_dup_options,
    output_options,
    partitions_option,
)
from ..parameters import FILE, POSITIVE, SIZE, grouped, option

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
    engine_options,
    option("--from", "start", type=click.Choice(STAGES), help="Redo this stage and all after it."),
    force_option,
    option("--dry-run", is_flag=True, help="Say what would run; change nothing."),
    partitions_option,
    option(
        "--shard-bytes",
        type=POSITIVE,
        default=defaults.SHARD_BYTES,
        help="Bytes of text in a shard.",
    ),
    option(
        "--memory",
        type=SIZE,
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
@shows_stages
def build(
    call: Call,
    submissions: tuple[str, ...],
    links: Path | None,
    pages: tuple[str, ...],
    wikipedia: tuple[str, ...],
    memory: int,
    start: str | None,
    force: bool,
    dry_run: bool,
    **rules: Any,
) -> list[tuple[str, str]] | None:
    """Build the data set: dumps to links, pages, text and shards.

    Without --submissions, --links and --pages the demo data inside the package is used.
    """
    from webtext_py.config import BuildConfig
    from webtext_py.pipeline import Build, Sources

    from ..output import print_json
    from ..summary import print_plan, print_summary

    sources = Sources(submissions, links, pages, wikipedia)
    if sources.demo:
        call.tell("using the demo data inside the package (no dumps or pages given)")
    fetching = fetch_values(rules, sources.network)
    work = Build(call.data, sources, BuildConfig(**rules), memory, fetching)
    if dry_run:
        verdicts = work.dry_run(force=force, start=start)
        if show_wanted(click.get_current_context()):
            return verdicts
        if call.as_json:
            expected = {name: vars(each) for name, each in work.outlook().items()}
            print_json({"stages": dict(verdicts), "outlook": expected})
        else:
            print_plan(verdicts, work.outlook())
        return None
    with call.progress() as progress:
        entries = work.run(call.engine(), progress, force=force, start=start)
    if call.as_json:
        facts = ("counts", "seconds", "peak_memory_bytes")
        stages = {name: {fact: getattr(e, fact) for fact in facts} for name, e in entries.items()}
        passed = work.passed.document()
        print_json({"data": str(call.data), "passed_over": passed, "stages": stages})
    elif not call.quiet:
        print_summary(call.data, entries, work.passed.document())
    return None
