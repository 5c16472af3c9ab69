"""`webtext verify`: re-checks every file and every count of a data directory."""

from pathlib import Path

import click

from ..options import command, shared_options


@command(epilog="\b\nExample:\n  webtext verify --data webtext-data\n")
@shared_options
@click.pass_context
def verify(ctx: click.Context, data: Path, as_json: bool, quiet: bool) -> None:
    """Re-check a data directory: files, digests and counts.

    Names every file that was altered, cut or lost since it was written, and
    every count of the ledger that does not add up. Exit 1 if there is any.
    """
    from webtext_py.verify import verify as check

    from ..output import echo, print_json

    report = check(data)
    if as_json:
        print_json(report.document())
    else:
        for problem in report.problems:
            echo(problem)
        if not quiet:
            found = f"{len(report.problems)} problems" if report.problems else "all as written"
            echo(f"{report.files} files, {report.checks} counts checked: {found}", err=True)
    ctx.exit(1 if report.problems else 0)
