"""The command group, global options and exit codes."""

import gc
import os
import sys
from errno import EDQUOT, EFBIG, ENOSPC
from io import TextIOWrapper

# Modules are no garbage: looking for some while they load took a tenth of the start. numpy's
# linear algebra is not used, and its threads turn in circles while they wait.
gc.set_threshold(100_000)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import click

    from .commands import COMMANDS
    from .options import LazyGroup
    from .output import echo, silence
except KeyboardInterrupt:  # before there is a command to interrupt
    sys.exit(130)

_FULL = (ENOSPC, EDQUOT, EFBIG)  # a disk, a quota, what a file may have

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 79},
)
@click.version_option(package_name="webtext", prog_name="webtext")
def webtext() -> None:
    """Rebuild GPT-2's WebText, learn its vocabulary, measure its overlap, train.

    \b
    In order, in an empty directory:
      webtext build --min-karma 3 --before 2018
      webtext bpe train
      webtext overlap --test squad.jsonl
      webtext train
      webtext eval
    """


def main() -> None:
    """Entry point. Exit: 0 done, 1 failed, 2 bad command line or configuration, 3 our bug,
    130 interrupted."""
    _open_streams()
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream.fileno())  # the interpreter would complain at its end
    if "torch" not in sys.modules:  # whose libraries tell on stderr what nobody freed
        gc.freeze()  # the interpreter would look for garbage once more, in 30 ms
    sys.exit(code)


def _open_streams() -> None:
    """Gives stdin, stdout and stderr that were closed before the start somewhere to go: else a file
    that is opened takes their number, and gets what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            assert opened == number
            # Its buffer lives as long as the process.
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


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
        echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _forget_output()
    except BaseException as error:  # a panic of the core is no Exception
        return _report(error)


def _forget_output() -> int:
    """Keeps the interpreter from complaining about a closed pipe at exit."""
    silence(1)
    return 0


def _report(error: BaseException) -> int:
    from webtext_py.errors import ConfigError, WebTextError

    if isinstance(error, ImportError) and not (error.name or "").startswith("webtext_py"):
        from webtext_py.extras import missing

        error = missing(error)
    if isinstance(error, WebTextError | OSError):
        echo(f"error: {_text(error)}", err=True)
        hint = getattr(error, "hint", None)
        if isinstance(error, OSError) and error.errno in _FULL:
            hint = "free some space, then run the same command again: what is done stays"
        if hint:
            echo(f"hint: {hint}", err=True)
        for note in getattr(error, "__notes__", ()):  # of a cluster: task, attempt, node
            echo(f"where: {note}", err=True)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    import traceback

    echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    echo("error: this is a bug in webtext; please report it with the lines above", err=True)
    return EXIT_BUG


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        if error.errno in _FULL and not error.filename:  # Arrow's, at length
            return os.strerror(error.errno)
        name = f"`{error.filename}`: " if error.filename else ""
        return f"{name}{error.strerror}"
    return str(error)
