"""`webtext report`: a page to look at."""

from pathlib import Path

from ..options import command, shared_options, workers_option
from ..parameters import FILE, option

_EPILOG = """\b
Examples:
  webtext report
  webtext report --domains domains.txt
"""


@command(epilog=_EPILOG)
@option(
    "--domains",
    type=FILE,
    metavar="FILE",
    help="A published list of domains to set beside ours, such as the GPT-2 repository's "
    "domains.txt.",
)
@workers_option
@shared_options
def report(
    domains: Path | None,
    workers: int | None,
    data: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a page by which to judge the data set.

    Where every line and link went, posts and karma by month, domains and
    subreddits, lengths, languages, dates, duplicates side by side, ten
    documents and ten of each that was dropped, tokens, overlap, cost.

    Writes report/index.html and report/report.json in the data.
    """
    from webtext_py.engine import LocalEngine
    from webtext_py.report import report as run

    from ..output import Progress, echo, print_json

    with Progress(quiet=quiet) as progress:
        figures = run(data, domains=domains, engine=LocalEngine(workers), observer=progress)
    if as_json:
        print_json(figures)
    else:
        echo(data / "report" / "index.html")
