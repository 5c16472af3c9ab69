"""`webtext report`: a page to look at."""

from pathlib import Path

from ..options import Call, command, engine_options, shared_options
from ..output import echo, print_json
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
@engine_options
@shared_options
def report(call: Call, domains: Path | None) -> None:
    """Write a page by which to judge the data set.

    Where every line and link went, posts and karma by month, domains and
    subreddits, lengths, languages, dates, duplicates side by side, ten
    documents and ten of each that was dropped, tokens, overlap, cost.

    Writes report/index.html and report/report.json in the data.
    """
    from webtext_py.report import report as run

    with call.progress() as progress:
        figures = run(call.data, domains=domains, engine=call.engine(), observer=progress)
    if call.as_json:
        print_json(figures)
    else:
        echo(call.data / "report" / "index.html")
