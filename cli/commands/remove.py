"""`webtext remove`: documents out of a finished build, for good."""

from pathlib import Path
from typing import Any

from ..options import Call, command, engine_options, shared_options
from ..output import echo, print_json
from ..parameters import FILE, option

_EPILOG = """\b
Examples:
  webtext remove --urls takedown.txt --reason 'letter of 3 May'
  webtext remove --domain example.com --promote --dry-run
  webtext remove --doc-id 8c9119815ae1d5b84bec6c9d376f7116
"""


@command(epilog=_EPILOG)
@option("--urls", type=FILE, metavar="FILE", help="URLs to remove, one a line.")
@option("--domain", metavar="NAME", help="A domain to remove, with its subdomains.")
@option("--doc-id", "doc_ids", many=True, metavar="ID...", help="Documents to remove.")
@option("--reason", metavar="TEXT", help="Why; stands in the list of what was removed.")
@option(
    "--promote",
    is_flag=True,
    help="Let near-duplicates that were dropped take the place; else they go too.",
)
@option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@engine_options
@shared_options
def remove(
    call: Call,
    urls: Path | None,
    domain: str | None,
    doc_ids: tuple[str, ...],
    dry_run: bool,
    **options: Any,
) -> None:
    """Take documents out of a finished build, for good.

    They go by the URL that was posted, the URL after redirects, or their id.
    Only files that hold them are written again, and a list is kept that later
    builds obey. Give one of --urls, --domain and --doc-id.
    """
    from webtext_py.removal import asked_for
    from webtext_py.removal import remove as take_out

    options |= {"dry_run": dry_run, "engine": call.engine()}
    asked = asked_for(urls, domain, doc_ids)
    with call.progress() as progress:
        report = take_out(call.data, asked, observer=progress, **options)
    if call.as_json:
        print_json({"data": str(call.data), "dry_run": dry_run, **report})
    elif not call.quiet:
        _print(report, dry_run)


def _print(report: dict[str, Any], dry_run: bool) -> None:
    for given in report["no_urls"]:
        echo(f"no http(s) URL, left out: {given}")
    if not report["listed"]:
        echo("all of it was removed before; nothing to do")
        return
    for given in report["unknown"]:
        echo(f"not in this build, on the list all the same: {given}")
    for row in report["removed"]:
        echo(f"removed: {row['doc_id']} {row['url_key']}")
    for row in report["duplicates"]:
        said = {
            "removed": "goes with it, a duplicate of",
            "promoted": "takes the place of",
            "stays_out": "stays out, a duplicate in the cluster of",
        }
        echo(f"{row['doc_id']} {said[row['outcome']]} {row['kept_doc_id']}")
    for row in report["same_text"]:
        echo(
            f"much the same text stays in {row['kept_doc_id']}, whose duplicate was {row['doc_id']}"
        )
    splits = ", ".join(f"{split} {change:+,}" for split, change in report["splits"].items())
    would = "would be " if dry_run else ""
    echo(f"{report['documents']:,} documents {would}removed; rows of shards: {splits}")
    echo(f"{len(report['written']):,} files {would}written again")
    for name in report["stale"]:
        echo(f"deleted, to be made again by its command: {name}")
    for name in report["vocabularies"]:
        echo(f"learnt with what goes, and still valid: the vocabulary in `{name}/`")
    for run in report["runs"]:
        perhaps = "" if run["on_these_tokens"] else "perhaps "
        echo(f"{perhaps}learnt with what goes, which its weights keep: run `{run['run']}`")
    for name, pages in report["archives"].items():
        echo(f"your archive `{name}` still holds {pages:,} pages")
    for name in report["others"]:
        echo(f"not looked into, for no stage made it: {name}")
