"""`webtext bpe`: train a byte-level BPE vocabulary, encode text with one."""

import gc
from pathlib import Path
from typing import Any

import click

from webtext_py import defaults

from ..options import Call, WebTextCommand, engine_options, shared_options, text_field_option
from ..output import echo, print_json
from ..parameters import FILE, FOLDER, NATURAL, PATH, option

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
    type=NATURAL,
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
    call: Call,
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
    from webtext_py.reader.passed import passed_said

    if inputs and from_counts:
        raise ConfigError("`--input` and `--from-counts` were both given; give one of them")
    if no_special and options["exclude_special"]:
        raise ConfigError("`--exclude-special` needs a special token, and `--no-special` has none")
    config = BpeConfig(special=() if no_special else special, **options)
    asked = Asked(config, inputs, from_counts, save_counts, text_field, call.threads)
    options = {"out": out, "force": force, "engine": call.engine(threads=True)}
    with call.progress() as observer:
        facts = train_vocabulary(call.data, asked, observer=observer, **options)
    folder, size = out or call.data / TOKENIZER.name(), facts["vocab_size"]
    if size < config.vocab_size and not call.as_json:
        few = f"{size} entries, not {config.vocab_size}"
        echo(f"the text has fewer pairs than asked for: {few}", err=True)
    call.answer(
        {"tokenizer": str(folder), **facts},
        f"{folder}: {size} entries, {facts['merges']} merges, from {facts['pieces']} distinct "
        "pieces",
        passed_said(facts["passed_over"]),
        err=True,
    )


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
def encode(call: Call, kind: str, **options: Any) -> None:
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
    from webtext_py.reader.passed import passed_said

    if options["inputs"] == ("-",):
        return _print_ids(call, options)
    engine = call.engine(threads=True)
    with call.progress() as observer:
        facts = encode(call.data, flat=kind == "bin", engine=engine, observer=observer, **options)
    folder, shared = options["out"] or call.data / "tokens", facts.get("ids_shared", 0)
    call.answer(
        {"out": str(folder), **facts},
        f"{folder}: {facts['tokens']} tokens in {facts['rows']} rows",
        f"{shared:,} rows shared an id: file and row name them" if shared else None,
        passed_said(facts["passed_over"]),
        err=True,
    )
    return None


def _print_ids(call: Call, options: dict[str, Any]) -> None:
    """The ids of each text of standard input, which is read as a file of the same bytes."""
    from webtext_py.bpe.encode_stage import chosen_tokenizer
    from webtext_py.reader import read_batches
    from webtext_py.reader.texts import standard_input

    chosen = chosen_tokenizer(call.data, options["tokenizer"], options["pattern"])
    for batch in read_batches(standard_input(), text_field=options["text_field"], ids=False):
        for row in chosen.encode_batch(batch.column("text")).to_pylist():
            if call.as_json:
                print_json({"ids": row})
            else:
                echo(" ".join(map(str, row)))
