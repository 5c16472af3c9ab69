"""The command group, global options and exit codes."""

import os
import sys
from importlib.metadata import version
from io import TextIOWrapper

import click

from .options import LazyGroup

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130

COMMANDS = {
    "build": (".commands.build", "build", "Dumps to links, pages, clean text and Parquet shards."),
    "bpe": (".commands.bpe", "bpe", "Train a byte-level BPE vocabulary; encode the shards."),
    "overlap": (".commands.overlap", "overlap", "How much of a test set is in the training text."),
    "dedup": (".commands.dedup", "dedup", "Remove near-duplicates from any text data set."),
    "train": (".commands.train", "train", "Train GPT-2 on the token shards."),
    "sample": (".commands.train", "sample", "Generate text from a trained run."),
    "export": (".commands.train", "export", "Write a run as a Hugging Face GPT-2 folder."),
    "verify": (".commands.verify", "verify", "Re-check every file and count of a data directory."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 79},
)
@click.version_option(version=version("webtext"), prog_name="webtext")
def webtext() -> None:
    """Rebuild GPT-2's WebText, learn its vocabulary, measure its overlap, train.

    \b
    In order, in an empty directory:
      webtext build --min-karma 3 --before 2018
      webtext bpe train
      webtext overlap --test squad.jsonl
      webtext train
    """


def main() -> None:
    """Entry point. Exit: 0 done, 1 failed, 2 bad command line or configuration, 3 our bug,
    130 interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Runs one command line and returns its exit code; errors go to stderr, never as a traceback
    unless they are our bug."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # paths need not be UTF-8
    try:
        result = webtext.main(args=args, prog_name="webtext", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit:
        # click ends so where the reader of our output went away: no error here.
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            return _forget_output()
        raise
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _forget_output()
    except Exception as error:
        return _report(error)


def _forget_output() -> int:
    """Keeps the interpreter from complaining about a closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _report(error: Exception) -> int:
    from webtext_py.errors import ConfigError, WebTextError

    if isinstance(error, WebTextError | OSError):
        click.echo(f"error: {_text(error)}", err=True)
        hint = getattr(error, "hint", None)
        if hint:
            click.echo(f"hint: {hint}", err=True)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    import traceback

    traceback.print_exception(error)
    click.echo("error: this is a bug in webtext; please report it with the lines above", err=True)
    return EXIT_BUG


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        name = f"`{error.filename}`: " if error.filename else ""
        return f"{name}{error.strerror}"
    return str(error)
