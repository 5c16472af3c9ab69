"""`webtext dedup`: near-duplicates out of any text data set."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import (
    command,
    engine_options,
    force_option,
    near_dup_options,
    partitions_option,
    shared_options,
    text_field_option,
)
from ..parameters import FOLDER, option

if TYPE_CHECKING:
    from webtext_py.engine.choose import Where

_EPILOG = """\b
Examples:
  webtext dedup crawl.parquet --out clean
  webtext dedup 'parts/*.jsonl.zst' --out clean --near-dup 0.7
  webtext dedup new.jsonl --against old/ --out fresh
"""


@command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@option(
    "--out",
    type=FOLDER,
    metavar="DIR",
    help="Where `part-*.parquet` and `duplicates/` go  [default: DATA/dedup].",
)
@option(
    "--against",
    many=True,
    metavar="PATH...",
    help="Text whose duplicates go too; itself it stays as it is.",
)
@near_dup_options
@text_field_option
@partitions_option
@force_option
@engine_options
@shared_options
def dedup(
    inputs: tuple[str, ...],
    out: Path | None,
    against: tuple[str, ...],
    near_dup: float | None,
    shingle: int,
    text_field: str,
    partitions: int | None,
    force: bool,
    where: "Where",
    data: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Remove exact and near-duplicates from INPUT (Parquet, JSONL, text).

    The survivor of a cluster has the highest `karma`, then the earliest
    `created_utc` where the data has these columns, then the first id.
    """
    from webtext_py.dedup import DedupConfig, run_dedup

    from ..output import Progress, echo, print_json, print_passed

    out = out or data / "dedup"
    config = DedupConfig(near_dup, shingle, text_field, partitions)
    with Progress(quiet=quiet) as progress:
        counts = run_dedup(
            inputs,
            out,
            config,
            against=against,
            engine=where.make(threads=True),
            observer=progress,
            force=force,
        )
    if as_json:
        print_json({"out": str(out), **counts})
    elif not quiet:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in counts["dropped"].items())
        echo(f"{counts['kept']:,} of {counts['in']:,} documents kept; removed: {dropped or 0}")
        if counts["ids_made"]:
            echo(f"{counts['ids_made']:,} rows had no id of their own: file and row name them")
        print_passed(counts["passed_over"], err=False)
