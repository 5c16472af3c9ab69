"""`webtext extract`: main text of web pages."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import (
    command,
    engine_options,
    extract_options,
    force_option,
    shared_options,
)
from ..parameters import FOLDER, option

if TYPE_CHECKING:
    from webtext_py.engine.choose import Where

_EPILOG = """\b
Examples:
  webtext extract page.html saved-pages/
  webtext extract 'crawl/*.warc.gz' --out texts
  webtext extract pages.parquet --out texts --extractor trafilatura
"""


@command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@option(
    "--out",
    type=FOLDER,
    metavar="DIR",
    help="Where `part-*.parquet` go [default: extracted/ in --data].",
)
@extract_options
@force_option
@engine_options
@shared_options
def extract(
    inputs: tuple[str, ...],
    out: Path | None,
    extractor: str,
    lang: str | None,
    min_words: int,
    force: bool,
    where: "Where",
    data: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Main text, title, language and date of the pages in INPUT.

    HTML files and folders of them, WARC and ARC, Parquet or JSONL with `html`
    (and perhaps `url`). Pages that are no documents are left out and counted.
    """
    from webtext_py.extraction import OUT, run_extract
    from webtext_py.sizes import size
    from webtext_py.text.extract import ExtractSettings

    from ..output import Progress, echo, print_json, print_passed

    folder = out or data / OUT
    settings = ExtractSettings(extractor, min_words, lang)
    with Progress(quiet=quiet) as progress:
        counts = run_extract(
            inputs,
            folder,
            settings,
            engine=where.make(),
            observer=progress,
            force=force,
        )
    if as_json:
        print_json({"out": str(folder), **counts})
    elif not quiet:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in counts["dropped"].items())
        echo(
            f"{counts['kept']:,} of {counts['in']:,} pages kept by {counts['extractor']}, "
            f"{counts['words']:,} words; dropped: {dropped or 0}"
        )
        for name, places in counts["damage"].items():
            for offset, lost, what in places:
                echo(f"damaged: {name} at byte {offset}: {what} ({size(lost)} lost)")
        print_passed(counts["passed_over"], err=False)
        echo(f"texts are in {folder}")
