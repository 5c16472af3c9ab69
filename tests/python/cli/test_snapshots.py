"""Help texts and JSON shapes of every command are those of `tests/snapshots/`.

The commands come from click's tree, so a new one needs its snapshots, and one that prints JSON
needs a line in `SESSION`. Unknown keys fail as lost ones do; where keys are data, as the reasons in
a ledger and the names of archives, they are those of the demo. `pytest --snapshot-update
tests/python/cli/test_snapshots.py` writes the files anew; their diff is for review.
"""

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
import pytest

from webtext_py import demo
from webtext_py.cli.main import run, webtext

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"
HEAVY = ("pyarrow", "numpy", "trafilatura", "torch", "rich", "tokenizers", "webtext_py._core")

# One working directory from its first build to an export, in order: a snapshot's name, which is the
# command and what sets this call apart, and its further arguments.
SESSION = (
    ("build --dry-run", ""),
    ("build --show-config", ""),
    ("build", "--workers 1"),
    ("verify", ""),
    ("extract", "{pages} --workers 1"),
    ("bpe train", "--vocab-size 300"),
    ("bpe encode", "--workers 1"),
    ("bpe encode --input -", ""),
    ("overlap", "--test {squad}"),
    ("overlap --scores", "{folder}/scores.jsonl --test {squad} --own-train {squad}"),
    ("overlap --test", "{squad} {folder}/again.jsonl"),
    ("overlap index", "--index {data}/own.bloom"),
    ("overlap check", "--probes 1000"),
    ("overlap merge", "{data}/overlap/ngram8.bloom {data}/own.bloom --out {data}/merged.bloom"),
    ("report", "--workers 1"),
    ("dedup", "{data}/shards --out {data}/deduplicated --workers 1"),
    ("train --show-config", "--device cpu"),
    ("train", "--device cpu --steps 2 --run short"),
    ("sample", "short --device cpu --length 2"),
    ("export", "short {data}/exported"),
    ("plot", "short"),
    ("sweep", "--presets nano-xs,nano --tokens 4096 device=cpu"),
    (
        "eval",
        "short --overlap --tasks lambada={items}/lambada.jsonl wikitext2={items}/wikitext2.txt",
    ),
    ("remove", "--domain plainscience.example --promote --workers 1"),
)


def contexts(
    command: click.Command = webtext, parent: click.Context | None = None, name: str = "webtext"
) -> Iterator[click.Context]:
    """The context of every command of the tree, as `webtext COMMAND --help` has it."""
    context = click.Context(command, parent=parent, info_name=name, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            inner = command.get_command(context, child)
            assert inner is not None
            yield from contexts(inner, context, child)


KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def shape(*values: Any) -> Any:
    """One shape for all the values: types in place of scalars, one item for each array.

    The keys of an object stay; `key?` is one that not all objects in this place have.
    """
    objects = [value for value in values if isinstance(value, dict)]
    arrays = [value for value in values if isinstance(value, list)]
    scalars = sorted({KINDS[type(v)] for v in values if not isinstance(v, dict | list)})
    shapes: list[Any] = [" | ".join(scalars)] if scalars else []
    if objects:
        keys = dict.fromkeys(key for each in objects for key in each)
        found = {key: [each[key] for each in objects if key in each] for key in keys}
        shapes.append(
            {k if len(v) == len(objects) else f"{k}?": shape(*v) for k, v in found.items()}
        )
    if arrays:
        items = [item for each in arrays for item in each]
        shapes.append([shape(*items)] if items else [])
    return shapes[0] if len(shapes) == 1 else {"any of": shapes}


def file_name(name: str, suffix: str) -> str:
    """`bpe-encode-input.json` for `bpe encode --input -`."""
    return re.sub(r"[ -]+", "-", name).strip("-") + suffix


class Snapshots:
    """A folder of them: compares a text with its file or, when updating, writes it there."""

    def __init__(self, folder: str, config: pytest.Config) -> None:
        self.folder = SNAPSHOTS / folder
        self.update = config.getoption("--snapshot-update")

    def compare(self, name: str, text: str) -> None:
        """Fails where the file named after a command says something else."""
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no snapshot `{name}`; pytest --snapshot-update writes it"
        assert text == path.read_text(encoding="utf-8")

    def only(self, names: set[str]) -> None:
        """Fails where there are other files."""
        for path in self.folder.iterdir():
            if self.update and path.name not in names:
                path.unlink()
        assert {path.name for path in self.folder.iterdir()} == names


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each line of the session prints with `--json`, by its name."""
    folder = tmp_path_factory.mktemp("session")
    places = {"folder": folder, "data": folder / "data", "squad": demo.test_set()}
    places["pages"] = demo.pages()
    places["items"] = demo.tasks()["lambada"].parent
    questions = demo.test_set().read_text(encoding="utf-8")
    (folder / "again.jsonl").write_text(questions, encoding="utf-8")
    ids = [json.loads(line)["id"] for line in questions.splitlines()]
    scores = [{"id": each, "f1": number % 2} for number, each in enumerate(ids)]
    (folder / "scores.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in scores))
    found = {}
    for name, more in SESSION:
        words = shlex.split(f"{name} {more} --json --quiet --data {{data}}")
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
            patch.chdir(folder)  # where no webtext.toml lies
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello world")))
            code = run([word.format(**places) for word in words])
        assert code == 0, name
        found[name] = json.loads(out.getvalue())
        assert isinstance(found[name], dict), f"`{name}` prints something else than one object"
    return found


HELP = {file_name(context.command_path, ".txt"): context for context in contexts()}


@pytest.mark.parametrize("name", HELP)
def test_help_texts(
    name: str, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # the terminal's width, which nothing else may decide
    Snapshots("help", pytestconfig).compare(name, HELP[name].get_help() + "\n")


def test_no_help_text_without_its_command(pytestconfig: pytest.Config) -> None:
    Snapshots("help", pytestconfig).only(set(HELP))


def test_help_of_all_commands_imports_nothing_heavy() -> None:
    code = (
        "import sys, click\nfrom webtext_py.cli.main import webtext\n"
        "def walk(command, parent=None):\n"
        "    context = click.Context(command, parent=parent)\n"
        "    context.get_help()\n"
        "    for child in getattr(command, 'list_commands', lambda _: [])(context):\n"
        "        walk(command.get_command(context, child), context)\n"
        f"walk(webtext); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode() == "[]\n"


@pytest.mark.parametrize("name", [name for name, _ in SESSION])
def test_json_shapes(name: str, documents: dict[str, Any], pytestconfig: pytest.Config) -> None:
    text = json.dumps(shape(documents[name]), indent=1, ensure_ascii=False) + "\n"
    Snapshots("json", pytestconfig).compare(file_name(name, ".json"), text)


def test_every_command_that_prints_json_has_its_shape(pytestconfig: pytest.Config) -> None:
    printing = {
        context.command_path.removeprefix("webtext ")
        for context in contexts()
        if any("--json" in parameter.opts for parameter in context.command.params)
    }
    assert printing <= {name for name, _ in SESSION}
    Snapshots("json", pytestconfig).only({file_name(name, ".json") for name, _ in SESSION})
