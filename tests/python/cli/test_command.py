"""The command itself: its entry point, manners, exit codes and machine-readable output."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from webtext_py import demo
from webtext_py.cli import options
from webtext_py.cli.main import COMMANDS, run, webtext

HEAVY = ("pyarrow", "numpy", "trafilatura", "torch", "rich", "tokenizers", "webtext_py._core")


def test_entry_point_is_this_command() -> None:
    (script,) = [s for s in entry_points(group="console_scripts") if s.name == "webtext"]
    assert script.value == "webtext_py.cli.main:main"
    assert callable(script.load())


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom webtext_py.cli.main import run\n"
        "code = run(['--help'])\n"
        f"print(code, [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "0 []"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_in_short_lines(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    assert any("xample" in line for line in lines), "no example"
    command = webtext.get_command(click.Context(webtext), name)
    assert command is not None
    listed = COMMANDS[name][2]
    assert listed.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command"),
        (["build", "--no-such-option"], "No such option"),
        (["build", "stray"], "unexpected extra argument"),
        (["build", "--min-karma", "three"], "not a valid integer"),
        (["build", "--karma-rule", "median"], "is not one of"),
        (["--quiet", "build"], "No such option"),
    ],
)
def test_bad_command_lines_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@options.command()
@options.option("--many", many=True)
@options.option("--other", many=True)
@click.option("--flag", is_flag=True)
@click.option("--one")
def greedy(many: tuple[str, ...], other: tuple[str, ...], flag: bool, one: str | None) -> None:
    click.echo(json.dumps([many, other, flag, one]))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--many", "a", "b", "c"], [["a", "b", "c"], [], False, None]),
        (["--many", "a", "b", "--flag", "--other", "c", "d"], [["a", "b"], ["c", "d"], True, None]),
        (["--many", "a", "--one", "x", "--many", "b", "c"], [["a", "b", "c"], [], False, "x"]),
        (["--many=a", "--flag"], [["a"], [], True, None]),
        (["--many", "-", "a"], [["-", "a"], [], False, None]),
    ],
)
def test_path_options_take_all_values_up_to_the_next_option(
    arguments: list[str], expected: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    greedy.main(arguments, standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == expected


def test_json_is_one_object_of_a_known_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    arguments = ["build", "--data", str(data), "--workers", "1", "--json", "--quiet"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert set(document) == {"data", "passed_over", "stages"}
    assert document["data"] == str(data)
    stages = document["stages"]
    assert list(stages) == ["links", "pages", "extract", "dedup", "wikipedia", "shard"]
    for name, stage in stages.items():
        assert set(stage) == {"counts", "seconds", "peak_memory_bytes"}, name
        assert stage["seconds"] >= 0
        counts = stage["counts"]
        for part in (counts["lines"], counts["urls"]) if name == "links" else (counts,):
            assert part["in"] == part["kept"] + sum(part["dropped"].values())
    assert captured.err == ""
    # The table for people says the same numbers.
    assert run(["build", "--data", str(data)]) == 0
    captured = capsys.readouterr()
    shown = {line.split()[0]: line.split()[1:4] for line in captured.out.splitlines() if line}
    for name, counts in ((n, s["counts"]) for n, s in stages.items() if n != "links"):
        dropped = sum(counts["dropped"].values())
        assert shown[name] == [str(n) for n in (counts["in"], counts["kept"], dropped)]
    assert "done before" in captured.err
    assert run(["verify", "--data", str(data), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"files", "checks", "problems"}


def test_demo_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--data", str(tmp_path / "d"), "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "demo data" in captured.err
    assert not (tmp_path / "d").exists(), "a dry run changes nothing"
    assert [line.split(";")[0].split() for line in captured.out.splitlines()] == [
        [stage, "run"] for stage in ("links", "pages", "extract", "dedup", "wikipedia", "shard")
    ]


def test_unquoted_globs_of_dumps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [tmp_path / "RS_1.zst", tmp_path / "RS_2.zst"]
    for path in names:
        path.write_bytes(demo.submissions().read_bytes())
    arguments = ["build", "--data", str(tmp_path / "d"), "--quiet", "--json", "--workers", "1"]
    arguments += ["--submissions", *map(str, names), "--pages", str(demo.pages())]
    assert run(arguments) == 0
    lines = json.loads(capsys.readouterr().out)["stages"]["links"]["counts"]["lines"]
    assert lines["dropped"]["repeated"] > 200


def test_a_closed_pipe_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "from webtext_py.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "build", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
