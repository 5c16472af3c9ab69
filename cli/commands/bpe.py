"""`webtext bpe`: train a byte-level BPE vocabulary, encode text with one."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webtext_py import defaults

from ..options import WebTextCommand, engine_options, shared_options, text_field_option
from ..output import Progress, echo, print_json, print_passed
from ..parameters import FILE, FOLDER, PATH, option

if TYPE_CHECKING:
    from webtext_py.engine.choose import Where

_PATTERNS = click.Choice(["gpt2", "cl100k", "o200k"])


@click.group()
def bpe() -> None:
    """Train a byte-level BPE vocabulary; encode the shards.

    \b
    Example:
      webtext bpe train
      webtext bpe encode
    """


@bpe.command(cls=WebTextCommand)
@option(
    "--input",
    "inputs",
    many=True,
    metavar="PATH...",
    help="Text: Parquet, JSONL, plain text, folders, globs, - for stdin [default: the shards].",
)
@option("--vocab-size", type=int, default=defaults.VOCAB_SIZE, help="Entries in all.")
@option(
    "--min-frequency",
    type=click.IntRange(min=0),
    default=defaults.MIN_FREQUENCY,
    help="Occurrences that a pair needs to be merged.",
)
@option("--pattern", type=_PATTERNS, default=defaults.PATTERN, help="Where to cut.")
@option(
    "--sequence",
    type=click.Choice(["document", "line"]),
    default="document",
    help="What one sequence is; a line keeps its line feed.",
)
@option(
    "--special",
    many=True,
    metavar="TEXT...",
    default=[defaults.ENDOFTEXT],
    help="Special tokens, which get the last ids.",
)
@option("--no-special", is_flag=True, help="No special token.")
@option("--exclude-special", is_flag=True, help="Leave out text that spells one.")
@option("--counts", "save_counts", type=FILE, help="Also save the piece counts to this file.")
@option(
    "--from-counts",
    many=True,
    metavar="FILE...",
    type=PATH,
    help="Train from such files, added up, instead of from text.",
)
@text_field_option
@option(
    "--out",
    type=FOLDER,
    help="Folder for the vocabulary [default: tokenizer/ in the data directory].",
)
@option("--force", is_flag=True, help="Replace a vocabulary made from something else.")
@engine_options
@shared_options
def train(
    data: Path,
    as_json: bool,
    quiet: bool,
    where: "Where",
    inputs: tuple[str, ...],
    special: tuple[str, ...],
    no_special: bool,
    save_counts: Path | None,
    from_counts: tuple[Path, ...],
    text_field: str,
    out: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Learn GPT-2's kind of vocabulary from the shards or any text.

    Gives the merges of Hugging Face tokenizers' BpeTrainer on the same text.
    Writes tokenizer.json, tokenizer_config.json, vocab.json, merges.txt and
    vocab.tiktoken.

    \b
    Example:
      webtext bpe train --vocab-size 50257
      webtext bpe train --input books/*.txt --sequence line --out vocab
    """
    from webtext_py.bpe.train import BpeConfig
    from webtext_py.bpe.train_stage import Asked, train_vocabulary
    from webtext_py.errors import ConfigError
    from webtext_py.layout import TOKENIZER

    if inputs and from_counts:
        raise ConfigError("`--input` and `--from-counts` were both given; give one of them")
    if no_special and options["exclude_special"]:
        raise ConfigError("`--exclude-special` needs a special token, and `--no-special` has none")
    config = BpeConfig(special=() if no_special else special, **options)
    asked = Asked(config, inputs, from_counts, save_counts, text_field, where.threads)
    with Progress(quiet=quiet) as observer:
        facts = train_vocabulary(
            data, asked, out=out, force=force, engine=where.make(threads=True), observer=observer
        )
    folder = out or data / TOKENIZER.name()
    if as_json:
        print_json({"tokenizer": str(folder), **facts})
        return
    if facts["vocab_size"] < config.vocab_size:
        echo(
            f"the text has fewer pairs than asked for: {facts['vocab_size']} entries, "
            f"not {config.vocab_size}",
            err=True,
        )
    if not quiet:
        echo(
            f"{folder}: {facts['vocab_size']} entries, {facts['merges']} merges, from "
            f"{facts['pieces']} distinct pieces",
            err=True,
        )
        print_passed(facts["passed_over"])


@bpe.command(cls=WebTextCommand)
@option(
    "--tokenizer",
    type=PATH,
    help="tokenizer.json, vocab.json, .tiktoken, or a folder [default: the last trained].",
)
@option("--pattern", type=_PATTERNS, help="For vocabulary files that name none.")
@option(
    "--input",
    "inputs",
    many=True,
    metavar="PATH...",
    help="Text: Parquet, JSONL, plain text, folders, globs [default: the shards]; - prints the ids "
    "of each text of stdin.",
)
@text_field_option
@option(
    "--out",
    type=FOLDER,
    metavar="DIR",
    help="Folder for the tokens [default: tokens/ in the data directory].",
)
@option(
    "--format",
    "kind",
    type=click.Choice(["parquet", "bin"]),
    default="parquet",
    help="One file a shard, or one flat file a split: train.bin, val.bin.",
)
@option("--force", is_flag=True, help="Redo tokens made from something else.")
@engine_options
@shared_options
def encode(
    data: Path,
    as_json: bool,
    quiet: bool,
    where: "Where",
    tokenizer: Path | None,
    pattern: str | None,
    inputs: tuple[str, ...],
    text_field: str,
    out: Path | None,
    kind: str,
    force: bool,
) -> None:
    """Write the token shards that the trainer reads.

    One file for each shard, the same rows in the same order, each beginning
    with <|endoftext|>. Text that spells a special token stays text.

    \b
    Example:
      webtext bpe encode
      webtext bpe encode --format bin --tokenizer gpt2/encoder.json
      echo hello world | webtext bpe encode --input -
    """
    # Modules stay until the end: looking for garbage among them, while they load and at exit, takes
    # a tenth of a second of one core.
    gc.disable()
    from webtext_py.bpe.encode_stage import encode

    gc.freeze()
    gc.enable()

    if inputs == ("-",):
        _print_ids(data, tokenizer, pattern, text_field, as_json)
        return
    with Progress(quiet=quiet) as observer:
        facts = encode(
            data,
            out=out,
            tokenizer=tokenizer,
            pattern=pattern,
            inputs=inputs,
            text_field=text_field,
            flat=kind == "bin",
            force=force,
            engine=where.make(threads=True),
            observer=observer,
        )
    folder = out or data / "tokens"
    if as_json:
        print_json({"out": str(folder), **facts})
    elif not quiet:
        echo(f"{folder}: {facts['tokens']} tokens in {facts['rows']} rows", err=True)
        print_passed(facts["passed_over"])


def _print_ids(
    data: Path, tokenizer: Path | None, pattern: str | None, text_field: str, as_json: bool
) -> None:
    """The ids of each text of standard input, which is read as a file of the same bytes."""
    from webtext_py.bpe.encode_stage import chosen_tokenizer
    from webtext_py.reader import read_batches
    from webtext_py.reader.texts import standard_input

    chosen = chosen_tokenizer(data, tokenizer, pattern)
    for batch in read_batches(standard_input(), text_field=text_field, ids=False):
        for row in chosen.encode_batch(batch.column("text")).to_pylist():
            if as_json:
                print_json({"ids": row})
            else:
                echo(" ".join(map(str, row)))
