"""`webtext extract`: main text of web pages."""

from pathlib import Path
from typing import Any

import click

from ..options import Call, command, engine_options, extract_options, force_option, shared_options
from ..output import damage_said, dropped_said
from ..parameters import FOLDER, option

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
    call: Call, inputs: tuple[str, ...], out: Path | None, force: bool, **rules: Any
) -> None:
    """Main text, title, language and date of the pages in INPUT.

    HTML files and folders of them, WARC and ARC, Parquet or JSONL with `html`
    (and perhaps `url`). Pages that are no documents are left out and counted.
    """
    from webtext_py.extraction import OUT, run_extract
    from webtext_py.reader.passed import passed_said
    from webtext_py.text.extract import ExtractSettings

    folder = out or call.data / OUT
    how: dict[str, Any] = {"engine": call.engine(), "force": force}
    with call.progress() as progress:
        counts = run_extract(inputs, folder, ExtractSettings(**rules), observer=progress, **how)
    call.answer(
        {"out": str(folder), **counts},
        f"{counts['kept']:,} of {counts['in']:,} pages kept by {counts['extractor']}, "
        f"{counts['words']:,} words; dropped: {dropped_said(counts['dropped'])}",
        *damage_said(counts["damage"]),
        passed_said(counts["passed_over"]),
        f"texts are in {folder}",
    )
