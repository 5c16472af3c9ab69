"""`webtext dedup`: near-duplicates out of any text data set."""

from pathlib import Path

import click

from ..options import ManyOption, command, near_dup_options, shared_options, workers_option

_EPILOG = """\b
Examples:
  webtext dedup crawl.parquet --out clean
  webtext dedup 'parts/*.jsonl.zst' --out clean --near-dup 0.7
  webtext dedup new.jsonl --against old/ --out fresh
"""


@command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Where `part-*.parquet` and `duplicates/` go.",
)
@click.option(
    "--against",
    cls=ManyOption,
    metavar="PATH...",
    help="Text whose duplicates go too; itself it stays as it is.",
)
@near_dup_options
@click.option("--text-field", default="text", show_default=True, help="The text's column or key.")
@click.option(
    "--partitions",
    type=click.IntRange(1, 4096),
    default=16,
    show_default=True,
    help="Parts of the search, at most; more need less memory.",
)
@click.option("--force", is_flag=True, help="Redo what other inputs or options made.")
@workers_option
@shared_options
def dedup(
    inputs: tuple[str, ...],
    out: Path,
    against: tuple[str, ...],
    near_dup: float | None,
    shingle: int,
    text_field: str,
    partitions: int,
    force: bool,
    workers: int | None,
    data: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Remove exact and near-duplicates from INPUT (Parquet, JSONL, text).

    The survivor of a cluster has the highest `karma`, then the earliest
    `created_utc` where the data has these columns, then the first id.
    """
    from webtext_py.dedup import DedupConfig, run_dedup
    from webtext_py.engine import ThreadEngine

    from ..output import Progress, print_json, print_passed

    del data  # the results go to --out, and nothing else is read
    config = DedupConfig(near_dup, shingle, text_field, partitions)
    with Progress(quiet=quiet) as progress:
        counts = run_dedup(
            inputs,
            out,
            config,
            against=against,
            engine=ThreadEngine(workers),
            observer=progress,
            force=force,
        )
    if as_json:
        print_json({"out": str(out), **counts})
    elif not quiet:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in counts["dropped"].items())
        click.echo(
            f"{counts['kept']:,} of {counts['in']:,} documents kept; removed: {dropped or 0}"
        )
        if counts["ids_made"]:
            click.echo(
                f"{counts['ids_made']:,} rows had no id of their own: file and row name them"
            )
        print_passed(counts["passed_over"], err=False)
