"""`webtext eval`: the GPT-2 report's table for a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import Call, command, force_option, shared_options, workers_option
from ..output import echo, print_json, print_table
from ..parameters import NATURAL, PAIR, POSITIVE, SHOTS, option

if TYPE_CHECKING:
    from webtext_py.evaluate.stage import Test

_EPILOG = """\b
Examples:
  webtext eval
  webtext eval nano --tasks lambada=lambada_test.jsonl
  webtext eval gpt2/ --tasks lambada=l.jsonl piqa=p.jsonl --shots 0,5
  webtext eval --tasks mine=q.csv --fields question=q choices=options
  webtext eval --overlap
"""


@command(name="eval", epilog=_EPILOG)
@click.argument("model", required=False, metavar="[RUN|FOLDER]")
@option(
    "--tasks",
    many=True,
    type=PAIR,
    metavar="NAME=FILE...",
    help="Test sets, each with the task's name [default: the demo's].",
)
@option("--form", many=True, type=PAIR, metavar="NAME=FORM...", help="What a file is.")
@option(
    "--fields",
    many=True,
    type=PAIR,
    metavar="OURS=YOURS...",
    help="What your files call `question`, `choices`, ...",
)
@option("--shots", type=SHOTS, default="0", metavar="N,N", help="Solved items before each.")
@option(
    "--shots-from",
    many=True,
    type=PAIR,
    metavar="NAME=FILE...",
    help="Where shots come from [default: the rest of the set].",
)
@option("--seed", type=NATURAL, default=0, help="Which shots are drawn.")
@option("--overlap", is_flag=True, help="Scores with and without overlap with the build's text.")
@option(
    "--stride",
    type=POSITIVE,
    metavar="N",
    help="Tokens that a window of text predicts [default: all].",
)
@option("--dtype", type=click.Choice(["fp32", "bf16"]), default="fp32")
@option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@option("--out", metavar="NAME", help="Name of the result in eval/ [default: the model's].")
@force_option
@workers_option
@shared_options
def evaluate(
    call: Call,
    model: str | None,
    tasks: tuple[tuple[str, str], ...],
    overlap: bool,
    out: str | None,
    workers: int | None,
    force: bool,
    **options: Any,
) -> None:
    """Score a model on test sets: GPT-2's table for your own.

    RUN is a name below DATA/runs or its folder (the last run by default);
    FOLDER is any that `transformers` opens as a causal model. Everything is
    read from local files. A killed evaluation goes on where it was.

    Writes eval/NAME.json, NAME.html and NAME/samples-TASK.jsonl.
    """
    from webtext_py.evaluate.run import evaluate as run
    from webtext_py.evaluate.stage import Settings

    tests = _tests(tasks, dict(options.pop("form")), dict(options.pop("shots_from")))
    options |= {"fields": dict(options["fields"]), "stride": options["stride"] or 0}
    settings = Settings(**options)
    how: dict[str, Any] = {"overlap": overlap, "out": out, "workers": workers, "force": force}
    with call.progress() as observer:
        document, path = run(
            call.data, model, tests, settings, observer=observer, say=call.tell, **how
        )
    if call.as_json:
        return print_json(document)
    _print(document)
    for ending in (".json", ".html"):
        echo(path.with_suffix(ending))
    return None


def _tests(
    tasks: tuple[tuple[str, str], ...], forms: dict[str, str], shots: dict[str, str]
) -> "list[Test]":
    from webtext_py.errors import ConfigError
    from webtext_py.evaluate.stage import Test

    names = [name for name, _ in tasks]
    for what, given in (("--form", forms), ("--shots-from", shots)):
        for name in given:
            if name not in names:
                raise ConfigError(f"`{what}` names the task `{name}`; `--tasks` does not")
    return [
        Test(name, Path(file), forms.get(name), Path(shots[name]) if name in shots else None)
        for name, file in tasks
    ]


def _print(document: dict[str, Any]) -> None:
    from webtext_py.evaluate.page import overlap_rows, table_rows

    _print_table(str(document["config"]["model"]["name"]), *table_rows(document))
    if document["overlap"] is not None:
        names, rows = overlap_rows(document, short=True)
        if rows:
            _print_table(f"overlap with {document['overlap']['text']}", names, rows)
        else:
            echo(f"no item overlaps with {document['overlap']['text']}")


def _print_table(title: str, names: list[str], rows: list[list[str]]) -> None:
    """A table without the columns that have nothing in them."""
    kept = [place for place in range(len(names)) if any(row[place] for row in rows)]
    cells = [[row[place] for place in kept] for row in rows]
    print_table(title, [names[place] for place in kept], cells, words=2, whole=4)
