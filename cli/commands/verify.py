"""`webtext verify`: re-checks every file and every count of a data directory."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, engine_options, shared_options

if TYPE_CHECKING:
    from webtext_py.engine.choose import Where


@command(epilog="\b\nExample:\n  webtext verify --data webtext-data\n")
@engine_options
@shared_options
@click.pass_context
def verify(ctx: click.Context, where: "Where", data: Path, as_json: bool, quiet: bool) -> None:
    """Re-check a data directory: files, digests and counts.

    Names every file that was altered, cut or lost since it was written, and
    every count of the ledger that does not add up. Exit 1 if there is any.
    """
    from webtext_py.verify import verify as check

    from ..output import Progress, echo, print_json

    engine = where.make(threads=True)
    with Progress(quiet=quiet) as progress, contextlib.closing(engine):
        report = check(data, engine, progress)
    if as_json:
        print_json(report.document())
    else:
        for problem in report.problems:
            echo(problem)
        if not quiet:
            found = f"{len(report.problems)} problems" if report.problems else "all as written"
            echo(f"{report.files} files, {report.checks} counts checked: {found}", err=True)
    ctx.exit(1 if report.problems else 0)
