"""`webtext overlap`: how much of a test set is in the training text; its index."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webtext_py import defaults

from ..options import (
    Call,
    WebTextCommand,
    engine_options,
    shared_options,
    spread,
    text_field_option,
    workers_option,
)
from ..output import console, echo, print_json, print_table
from ..parameters import (
    FILE,
    FOLDER,
    NAMES,
    NATURAL,
    PATH,
    POSITIVE,
    SIZE,
    ManyOption,
    option,
    several,
)

if TYPE_CHECKING:
    from webtext_py.overlap import IndexConfig, Outcome

_EXAMPLES = """\b
Examples:
  webtext overlap --test squad.jsonl
  webtext overlap --test squad/*.json --train corpus/ -n 13
  webtext overlap --test dev.json --scores predictions.json
  webtext overlap index --train corpus/*.parquet
  webtext overlap check
"""


class OverlapGroup(click.Group):
    """Runs the report where no verb is given; options before a verb reach it or are refused."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes greedy options apart, up to the verb."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        many = {name for p in options if isinstance(p, ManyOption) for name in p.opts}
        takes = {name for p in options if not p.is_flag and not p.count for name in p.opts}
        end = 0
        while args[end:] and (args[end] not in self.commands or args[max(end - 1, 0)] in takes):
            end += 1
        return super().parse_args(ctx, [*spread(args[:end], many), *args[end:]])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb, which gets the options before it."""
        verb = self.commands.get(args[0])
        if verb is None:
            raise click.UsageError(
                f"`{args[0]}` is no verb of `overlap` ({', '.join(self.commands)}); a test set is "
                "named with `--test`",
                ctx,
            )
        given = {
            name: value
            for name, value in ctx.params.items()
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        known = {p.name for p in verb.params}
        for name in given:
            if name not in known:
                wrong = next(p.opts[-1] for p in self.params if p.name == name)
                raise click.UsageError(
                    f"`{wrong}` belongs to the report, not to `overlap {args[0]}`", ctx
                )
        ctx.obj = given
        return super().resolve_command(ctx, args)


class Verb(WebTextCommand):
    """A verb that takes up the options given before it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Merges them in; the same option on both sides is refused."""
        for name, value in (ctx.obj or {}).items():
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                option = next(p.opts[-1] for p in self.params if p.name == name)
                raise click.UsageError(f"`{option}` was given before and after the verb", ctx)
            ctx.params[name] = value
            ctx.set_parameter_source(name, click.core.ParameterSource.COMMANDLINE)
        return super().invoke(ctx)


_INDEX = option(
    "--index",
    "index_file",
    type=FILE,
    metavar="FILE",
    help="The index [default: overlap/ngram8.bloom in the data].",
)
_index_options = several(
    option(
        "--train",
        many=True,
        metavar="PATH...",
        help="Training text [default: the last training shards].",
    ),
    text_field_option,
    _INDEX,
    option(
        "-n",
        "n",
        type=click.IntRange(1, 64),
        default=defaults.NGRAM,
        help="Words in an n-gram; GPT-3 has 13.",
    ),
    option("--ascii", is_flag=True, help="Words are runs of [A-Za-z0-9] only."),
    option(
        "--rate",
        type=click.FloatRange(1e-12, 0.1),
        default=defaults.RATE,
        help="Bound of the filter's false positive rate.",
    ),
    option(
        "--capacity",
        type=POSITIVE,
        metavar="N",
        help="Distinct n-grams to size for [default: estimated].",
    ),
    option(
        "--memory",
        type=SIZE,
        default=f"{defaults.INDEX_MEMORY >> 30}G",
        help="Memory to build with; the result is the same.",
    ),
)


_FORCE = option("--force", is_flag=True, help="Make the index again.")


@click.group(cls=OverlapGroup, invoke_without_command=True, epilog=_EXAMPLES)
@option(
    "--test",
    many=True,
    metavar="FILE...",
    help="Test sets, or folders of them [default: the demo's].",
)
@option(
    "--fields", type=NAMES, metavar="NAMES", help="Fields to count, with commas: question,context."
)
@option(
    "--text-as",
    type=click.Choice(["whole", "line", "paragraph"]),
    help="What one example of a plain text file is.",
)
@option("--own-train", many=True, metavar="FILE...", help="The test set's own training split.")
@option(
    "--scores",
    many=True,
    metavar="FILE...",
    help="Metrics or SQuAD predictions, one file a test set.",
)
@option("--no-evidence", is_flag=True, help="Ask the filter only; no pass over the text.")
@option("--list", "write_list", is_flag=True, help="Also write the overlapping ids.")
@option(
    "--drop",
    type=FOLDER,
    metavar="DIR",
    help="Also write the shards without overlapping documents.",
)
@_FORCE
@_index_options
@engine_options
@shared_options
@click.pass_context
def overlap(ctx: click.Context, /, **options: Any) -> None:
    """How much of a test set is in the training text.

    Counts the test set's 8-grams that stand in the training text, as in
    section 4 of the GPT-2 report, names documents and places, and compares
    scores with and without overlap. Makes the index if it is missing.

    Writes overlap/NAME.json, NAME.html and NAME.hits.parquet in the data.
    """
    if ctx.invoked_subcommand is None:
        _report(**options)


def _report(
    call: Call,
    memory: int,
    fields: tuple[str, ...] | None,
    no_evidence: bool,
    scores: tuple[str, ...],
    **options: Any,
) -> None:
    from webtext_py.overlap import OverlapConfig
    from webtext_py.overlap import overlap as run

    config = OverlapConfig(
        index=_config(options),
        fields=fields or (),
        scores=tuple(map(Path, scores)),
        evidence=not no_evidence,
        **options,
    )
    how: dict[str, Any] = {"engine": call.engine(threads=True), "threads": call.threads}
    with call.progress() as observer:
        outcomes = run(call.data, config, memory=memory, observer=observer, say=call.tell, **how)
    if call.as_json:
        documents = [outcome.document for outcome in outcomes]
        return print_json(documents[0] if len(documents) == 1 else {"reports": documents})
    for outcome in outcomes:
        _print(outcome)
    return None


def _config(options: dict[str, Any]) -> "IndexConfig":
    from webtext_py.overlap import IndexConfig

    return IndexConfig(**{name: options.pop(name) for name in ("n", "ascii", "rate", "capacity")})


def _print(outcome: "Outcome") -> None:
    from webtext_py.markup import percent
    from webtext_py.overlap.page import score_rows

    made = outcome.document
    out = console()
    n = made["n"]
    exact = made["evidence"] is not None
    found = ["found", "share", "filter"] if exact else ["filter", "share"]
    rows = [(name, counts, counts["examples"], None) for name, counts in made["fields"].items()]
    rows.append(("all", made["ngrams"], made["examples"], made["bloom"]))
    cells = []
    for name, counts, examples, bloom in rows:
        shown = [f"{counts['total']:,}", f"{counts['found']:,}"]
        shown.append(percent(counts["found"], counts["total"]))
        if exact:
            shown.append(f"{bloom['found']:,}" if bloom is not None else "")
        cells.append([name, *shown, f"{examples['any']:,}", f"{examples['over_15']:,}"])
    heads = ["field", f"{n}-grams", *found, "any", ">15 %"]
    print_table(f"{made['test']}: {n}-grams in the training text", heads, cells)
    counts = made["examples"]
    out.print(
        f"examples: {counts['total']:,}; {counts['clean']:,} clean, {counts['any']:,} with overlap "
        f"({counts['over_50']:,} over half, {counts['all']:,} whole), {counts['too_short']:,} "
        f"shorter than {n} words",
        highlight=False,
    )
    if made["own_train"] is not None:
        own, ours = made["own_train"], made["ngrams"]
        out.print(
            f"its own training split: {percent(own['found'], own['total'])}; ours: "
            f"{percent(ours['found'], ours['total'])}"
        )
    for name, metric in (made["scores"] or {"metrics": {}})["metrics"].items():
        heads = ["examples", "number", "mean", "95 % interval"]
        print_table(f"{name}, with and without overlap", heads, score_rows(metric))
    if exact:
        for example in made["worst"][:5]:
            longest = example["longest"]
            if longest is not None:
                where = longest["url"] or longest["source"]
                out.print(
                    f"  {example['id']}: {100 * example['share']:.0f} %, {longest['words']} words "
                    f"of {longest['doc_id']} ({where})",
                    markup=False,
                    soft_wrap=True,
                )
    for path in outcome.files:
        out.print(str(path), markup=False, soft_wrap=True)


@overlap.command(cls=Verb, epilog="\b\nExample:\n  webtext overlap index --train corpus/ -n 13")
@_FORCE
@_index_options
@engine_options
@shared_options
def index(call: Call, memory: int, **options: Any) -> None:
    """Make the Bloom filter of the training text's n-grams."""
    from webtext_py.overlap import OverlapConfig
    from webtext_py.overlap.run import build

    config = OverlapConfig(index=_config(options), **options)
    how: dict[str, Any] = {"engine": call.engine(threads=True), "threads": call.threads}
    with call.progress() as observer:
        made = build(call.data, config, memory=memory, say=call.tell, observer=observer, **how)
    _describe(made, call.as_json)


@overlap.command(cls=Verb, epilog="\b\nExample:\n  webtext overlap check")
@_INDEX
@option(
    "--probes", type=POSITIVE, default=defaults.CHECK_PROBES, help="Fresh random keys to probe."
)
@option("--seed", type=NATURAL, default=defaults.CHECK_SEED)
@workers_option
@shared_options
def check(call: Call, workers: int | None, index_file: Path | None, **options: Any) -> None:
    """Measure the false positive rate of an index and store it there.

    Also the report's own check, a million random strings: it expects no hit
    and proves no more than a rate below 3e-6.
    """
    from webtext_py.engine.local import available_cpus
    from webtext_py.overlap.run import check as run

    options["threads"] = workers or available_cpus()
    with call.progress() as observer:
        made, found = run(call.data, index_file, observer=observer, **options)
    if call.as_json:
        return print_json({"file": str(made.path), "rate": made.facts["rate"], "measured": found})
    return echo(
        f"{made.path}: digest right; {found['false_positives']:,} false positives in "
        f"{found['probes']:,} probes from seed {found['seed']}\n"
        f"rate {found['rate']:.2e}, at most {found['rate_upper_95']:.2e} (95 %); computed "
        f"{made.facts['expected_rate']:.2e}; bound {made.facts['rate']:.0e}\n"
        f"report's own check: {found['report_found']} of {found['report_strings']:,} random "
        f"strings found, which proves at most {found['report_rate_upper_95']:.1e} (95 %)"
    )


@overlap.command(
    cls=Verb, epilog="\b\nExample:\n  webtext overlap merge a.bloom b.bloom --out both.bloom"
)
@click.argument("parts", nargs=-1, required=True, type=PATH)
@option("--out", required=True, type=FILE, help="File to write.")
@option("--force", is_flag=True, help="Replace the file.")
@workers_option
@shared_options
def merge(call: Call, workers: int | None, parts: tuple[Path, ...], out: Path, force: bool) -> None:
    """Make one index of several with equal parameters.

    Build the parts with the same --capacity, for all of them together.
    """
    from webtext_py.engine.local import available_cpus
    from webtext_py.errors import InputError
    from webtext_py.overlap.stage import merge_kept

    if out.exists() and not force:
        raise InputError(f"`{out}` exists already", "`--force` replaces it")
    _describe(merge_kept(parts, out, threads=workers or available_cpus()), call.as_json)


def _describe(made: Any, as_json: bool) -> None:
    facts = made.describe()
    if as_json:
        print_json(facts)
        return
    echo(
        f"{made.path}: {facts['ngrams']:,} {facts['n']}-grams of {facts['documents']:,} documents, "
        f"about {facts['distinct']:,} distinct\n"
        f"{facts['file_bytes'] / 1e6:,.1f} MB, k = {facts['k']}, computed false positive rate "
        f"{facts['expected_rate']:.2e} (bound {facts['rate']:.0e})"
    )
