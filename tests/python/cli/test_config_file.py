"""`webtext.toml`, `--config` and `--show-config`: one file for every command."""

import json
import tomllib
from pathlib import Path

import pytest

from webtext_py.cli.main import run
from webtext_py.settings_file import toml_lines


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("WEBTEXT_DATA", "WEBTEXT_WORKERS"):
        monkeypatch.delenv(name, raising=False)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, object]]:
    """Settings and sources of a command line."""
    capsys.readouterr()
    assert run([*words, "--show-config", "--json"]) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    assert ("stages" in document) == (words[0] == "build")
    document.pop("stages", None)
    return document


def test_stages_are_shown_as_a_run_would_find_them(capsys: pytest.CaptureFixture[str]) -> None:
    def stages(*words: str) -> dict[str, str]:
        capsys.readouterr()
        assert run(["build", *words, "--show-config", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["stages"]
        assert isinstance(found, dict)
        return found

    assert set(stages().values()) == {"run"}
    assert run(["build", "--quiet"]) == 0
    assert set(stages().values()) == {"done"}
    lower = stages("--min-words", "40")
    assert lower["pages"] == "done"
    assert lower["extract"].startswith("stale: min_words: 50 -> 40")
    assert stages("--submissions", "gone.zst") == {"error": "`gone.zst` does not exist"}
    assert run(["build", "--show-config"]) == 0
    assert capsys.readouterr().out.endswith("# wikipedia: done\n# shard: done\n")


def test_line_before_variable_before_file_before_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("webtext.toml").write_text(
        'workers = 3\ndata = "here"\n[build]\nmin-karma = 5\nmin_words = 20\nnsfw = true\n'
        'near-dup = "off"\nsubmissions = ["a.zst", "b.zst"]\npages = "c.warc"\n'
    )
    found = shown(capsys, "build", "--min-words", "30")
    file = "`webtext.toml`"
    assert found["min-karma"] == {"value": 5, "source": file}
    assert found["min-words"] == {"value": 30, "source": "command line"}
    assert found["nsfw"] == {"value": True, "source": file}
    assert found["near-dup"] == {"value": "off", "source": file}
    assert found["submissions"] == {"value": ["a.zst", "b.zst"], "source": file}
    assert found["pages"] == {"value": ["c.warc"], "source": file}
    assert found["shingle"] == {"value": 5, "source": "default"}
    assert (found["data"]["value"], found["workers"]["value"]) == ("here", 3)
    monkeypatch.setenv("WEBTEXT_WORKERS", "2")
    assert shown(capsys, "build")["workers"] == {"value": 2, "source": "environment"}
    assert shown(capsys, "build", "--workers", "1")["workers"]["value"] == 1
    assert shown(capsys, "verify")["data"]["value"] == "here"
    # `--config` comes in the place of what lies in the folder.
    Path("other.toml").write_text("[build]\nmin-karma = 7\n")
    found = shown(capsys, "build", "--config", "other.toml")
    assert found["min-karma"] == {"value": 7, "source": "`other.toml`"}
    assert found["nsfw"]["source"] == "default"


def test_verbs_take_from_the_table_above_them(capsys: pytest.CaptureFixture[str]) -> None:
    Path("webtext.toml").write_text(
        "[overlap]\nn = 13\nlist = true\n[overlap.index]\nrate = 1e-6\n"
        "[bpe.train]\nvocab-size = 300\n"
    )
    assert shown(capsys, "overlap")["n"]["value"] == 13
    found = shown(capsys, "overlap", "index")
    assert (found["n"]["value"], found["rate"]["value"]) == (13, 1e-6)
    assert "list" not in found
    assert shown(capsys, "overlap")["rate"]["value"] == 1e-8
    assert shown(capsys, "bpe", "train")["vocab-size"]["value"] == 300
    # Named before the verb it holds for the verb.
    Path("other.toml").write_text("[overlap]\nn = 5\n")
    assert shown(capsys, "overlap", "--config", "other.toml", "index")["n"]["value"] == 5


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[build]\nmin-karmaa = 3", "no setting `min-karmaa` (`[build]` in", "`min-karma`?"),
        ("[biuld]", "no table or setting `biuld` (`f.toml`)", "`build`?"),
        ("wokers = 1", "no table or setting `wokers`", "`workers`?"),
        ("build = 3", "`build` in `f.toml` is 3, expected a table", ""),
        ("[build]\nmin-karma = 'x'", "`min-karma` in `f.toml` is 'x': 'x' is not a valid", ""),
        ("[build]\nmin-karma = 2.5", "`min-karma` in `f.toml` is 2.5: '2.5' is not a valid", ""),
        ("[build]\nmin-karma = true", "is True, expected a number or text", ""),
        ("[build]\nnsfw = 1", "`nsfw` in `f.toml` is 1, expected true or false", ""),
        ("[build]\nkarma-rule = 'median'", "`karma-rule` in `f.toml` is 'median'", ""),
        ("[build]\nbefore = ['2018']", "is ['2018'], expected a number or text", ""),
        ("[build]\nforce = true", "`force` belongs on the command line, not in `[build]`", ""),
        ("[build", "`f.toml` is not TOML", ""),
        ("[overlap.idnex]", "no setting `idnex` (`[overlap]` in `f.toml`)", "`index`?"),
    ],
)
def test_what_means_nothing_is_refused(
    text: str, message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("f.toml").write_text(text)
    command = "overlap" if "overlap" in text else "build"
    assert run([command, "--config", "f.toml"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert hint in said
    assert not Path("webtext-data").exists()


@pytest.mark.parametrize(
    "line",
    [
        "build",
        "bpe train",
        "overlap",
        "overlap --fields question,context",
        "overlap check",
        "dedup in --out here",
        "sample run",
    ],
)
def test_what_is_shown_can_be_read_again(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split()
    assert run([*words, "--show-config"]) == 0
    text = capsys.readouterr().out
    table = line.split(" --")[0].removesuffix(" in").removesuffix(" run").replace(" ", ".")
    assert text.startswith(f"[{table}]\n")
    Path("webtext.toml").write_text(text)
    bare = words[: words.index("--fields")] if "--fields" in words else words
    again = shown(capsys, *bare)
    Path("webtext.toml").unlink()
    before = shown(capsys, *words)
    assert {k: v["value"] for k, v in again.items()} == {k: v["value"] for k, v in before.items()}
    assert {row["source"] for row in before.values()} <= {"default", "command line"}
    assert sum(row["source"] != "default" for row in again.values()) > 3


def test_a_build_from_a_file_is_the_build_of_the_same_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The manifest records what was in force, wherever it came from."""
    options = ["--min-karma", "4", "--min-words", "30", "--near-dup", "off"]
    assert run(["build", "--quiet", "--data", "line", *options]) == 0
    Path("webtext.toml").write_text(
        'data = "file"\nworkers = 1\n[build]\nmin-karma = 4\nmin-words = 30\nnear-dup = "off"\n'
    )
    assert run(["build", "--quiet"]) == 0
    stages = [json.loads(Path(name, "manifest.json").read_text()) for name in ("line", "file")]
    keys = [{n: s["key"] for n, s in document["stages"].items()} for document in stages]
    assert keys[0] == keys[1]
    # Another value in the file makes the stages stale, as on the command line.
    Path("webtext.toml").write_text('data = "file"\n[build]\nmin-karma = 5\nnear-dup = "off"\n')
    assert run(["build", "--quiet"]) == 1
    assert "min_karma" in capsys.readouterr().err


def test_an_option_before_the_verb_came_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(capsys, "overlap", "-n", "13", "index")["n"] == {
        "value": 13,
        "source": "command line",
    }


def test_train_finds_the_same_file_good_or_bad_as_other_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("torch")

    def said(text: str | bytes, *words: str) -> str:
        Path("webtext.toml").write_bytes(text.encode() if isinstance(text, str) else text)
        capsys.readouterr()
        code = run(["train", "--show-config", *words])
        error = capsys.readouterr().err
        assert code == (1 if "there is no tokenizer" in error else 2), error
        return error

    # A part for all commands that cannot be read is no empty table.
    bad = 'data = "elsewhere"\n[bild]\nmin-karma = 5\n'
    assert "no table or setting `bild` (`webtext.toml`)" in said(bad)
    assert "no table or setting `bild`" in said(
        f"{bad}[train]\nseed = 1\n", "--config=webtext.toml"
    )
    assert "no table or setting `preset`" in said('preset = "nano"\n')
    # Named or found, it is one file: here it lacks nothing but a vocabulary.
    good = 'data = "elsewhere"\nworkers = 1\n'
    for text in (good, f"{good}[build]\nmin-karma = 5\n", f"{good}[train]\nseed = 1\n"):
        for words in ((), ("--config", "webtext.toml")):
            assert "there is no tokenizer in `elsewhere/tokenizer`" in said(text, *words)
    # All of a named file may be settings of a run.
    alone = said('preset = "nano"\n[run]\nseed = 1\n', "--config", "webtext.toml")
    assert "there is no tokenizer in `webtext-data/tokenizer`" in alone
    for words in ((), ("--config", "webtext.toml")):
        assert "`webtext.toml` is not TOML" in said("# caf\xe9\n".encode("latin-1"), *words)


def test_lines_are_toml() -> None:
    rows = [("a.b", 1e-4, "x"), ("c", None, "x"), ("d", ['q"\n', "ü", Path("p")], "# y")]
    table = tomllib.loads("\n".join(toml_lines([*rows, ("e", True, "z")], "t")))
    assert table == {"t": {"a": {"b": 1e-4}, "d": ['q"\n', "ü", "p"], "e": True}}
