"""`webtext dedup`: near-duplicates out of any text data set."""

from pathlib import Path
from typing import Any

import click

from ..options import (
    Call,
    command,
    engine_options,
    force_option,
    near_dup_options,
    partitions_option,
    shared_options,
    text_field_option,
)
from ..output import dropped_said
from ..parameters import FOLDER, option

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
    call: Call,
    inputs: tuple[str, ...],
    out: Path | None,
    against: tuple[str, ...],
    force: bool,
    **rules: Any,
) -> None:
    """Remove exact and near-duplicates from INPUT (Parquet, JSONL, text).

    The survivor of a cluster has the highest `karma`, then the earliest
    `created_utc` where the data has these columns, then the first id.
    """
    from webtext_py.dedup import DedupConfig, run_dedup
    from webtext_py.reader.passed import passed_said

    out = out or call.data / "dedup"
    how: dict[str, Any] = {"against": against, "engine": call.engine(threads=True), "force": force}
    with call.progress() as progress:
        counts = run_dedup(inputs, out, DedupConfig(**rules), observer=progress, **how)
    removed, made = dropped_said(counts["dropped"]), counts["ids_made"]
    call.answer(
        {"out": str(out), **counts},
        f"{counts['kept']:,} of {counts['in']:,} documents kept; removed: {removed}",
        f"{made:,} rows had no id of their own: file and row name them" if made else None,
        passed_said(counts["passed_over"]),
    )
