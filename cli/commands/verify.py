"""`webtext verify`: re-checks every file and every count of a data directory."""

import contextlib

import click

from ..options import Call, command, engine_options, shared_options
from ..output import echo, print_json


@command(epilog="\b\nExample:\n  webtext verify --data webtext-data\n")
@engine_options
@shared_options
@click.pass_context
def verify(ctx: click.Context, call: Call) -> None:
    """Re-check a data directory: files, digests and counts.

    Names every file that was altered, cut or lost since it was written, and
    every count of the ledger that does not add up. Exit 1 if there is any.
    """
    from webtext_py.verify import verify as check

    engine = call.engine(threads=True)
    with call.progress() as progress, contextlib.closing(engine):
        report = check(call.data, engine, progress)
    if call.as_json:
        print_json(vars(report))
    else:
        for problem in report.problems:
            echo(problem)
        found = f"{len(report.problems)} problems" if report.problems else "all as written"
        call.tell(f"{report.files} files, {report.checks} counts checked: {found}")
    ctx.exit(1 if report.problems else 0)
