"""What reaches the terminal commands nothing; closed streams and early Ctrl-C end in no bug."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from webtext_py import demo
from webtext_py.cli import output
from webtext_py.cli.main import run
from webtext_py.cli.output import Progress, console, print_json, shown

REPOSITORY = Path(__file__).parents[3]
EVIL = "a\x1b]0;title\x07\x1b[31mred\x9b2J\x08\rb\u202ec [bold]d[/x]"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
MAIN = "from webtext_py.cli.main import main; main()"


def test_commands_for_a_terminal_are_spelt_out() -> None:
    assert shown(EVIL).startswith("a\\x1b]0;title\\x07\\x1b[31mred\\x9b2J\\x08\\x0db\\x202ec")
    assert shown("ä 漢 \t\n") == "ä 漢 \t\n"


def test_tables_lines_bars_and_json_print_foreign_text_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = Table(EVIL)
    table.add_row(EVIL)
    console().print(table, EVIL)
    console(stderr=True).print(EVIL)
    output.echo(EVIL)
    output.echo(EVIL, err=True)
    print_json({EVIL: EVIL})
    said = capsys.readouterr()
    assert not COMMANDS.search(said.out.replace("\u202e", "")) or "\u202e" in said.out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.out + said.err)
    assert "[bold]d[/x]" in said.out.replace("\n", "")
    assert json.loads(said.out[said.out.rindex("{\n") :]) == {EVIL: EVIL}


def test_a_bar_shows_notes_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        progress.stage_started("fetch")
        progress.step_started(EVIL, 9, "pages")
        progress.note(EVIL)
        progress.advanced(3)
        assert progress._bars is not None
        progress._bars.refresh()
    said = terminal.getvalue()
    assert "\\x1b]0;title" in said.replace("\n", "")
    assert "\x1b]0;" not in said
    assert "\x9b" not in said


def test_only_one_function_prints() -> None:
    """Whoever prints past it would print foreign text one day."""
    for path in (REPOSITORY / "cli").rglob("*.py"):
        text = path.read_text()
        if path.name != "output.py":
            past = r"\bclick\.s?echo\(|(?<![.\w])print\(|Console\(|sys\.std\w+\.write"
            assert not re.search(past, text), path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "test"])
def test_errors_name_foreign_things_without_their_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "links.csv"
    path.write_text(f'"{EVIL}",b\n1,2\n' if kind == "csv" else json.dumps({EVIL: "x"}) + "\n")
    arguments = ["build", "--links", path, "--pages", demo.pages(), "--data", tmp_path / "d"]
    if kind == "test":
        shards = tmp_path / "train.jsonl"
        shards.write_text('{"text": "a b c d e f g h i"}\n')
        arguments = ["overlap", "--test", path, "--train", shards, "--data", tmp_path / "d",
                     "--fields", "none"]  # fmt: skip
        path.rename(path.with_suffix(".jsonl"))
        arguments[2] = path.with_suffix(".jsonl")
    assert run([str(each) for each in arguments]) in (1, 2)
    said = capsys.readouterr().err
    assert "\\x1b" in said
    assert not COMMANDS.search(said)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["--version", "build --dry-run", "nonsense"])
def test_closed_streams_are_no_bug(tmp_path: Path, closed: str, command: str) -> None:
    line = f'exec "{sys.executable}" -P -c "{MAIN}" {command} {closed}'
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if command == "nonsense" else 0), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("stream", "code"), [(">/dev/full", 1), ("2>/dev/full", 0), (">/dev/full 2>/dev/full", 1)]
)
def test_full_streams_are_no_bug(tmp_path: Path, stream: str, code: int) -> None:
    line = f'exec "{sys.executable}" -P -c "{MAIN}" build --dry-run {stream}'
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


INTERRUPTED = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "name",
    ["click", "webtext_py.cli.output", "webtext_py.cli.commands.build"],
)
def test_ctrl_c_while_the_command_is_loaded_prints_no_traceback(name: str) -> None:
    code = f"{INTERRUPTED}\nsys.argv[1:] = ['build', '--help']\n{MAIN}"
    code = code.replace("sys.argv[1]:", f"{name!r}:", 1)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
