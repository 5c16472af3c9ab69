"""A library that is missing or broken is named with what installs it; it is never our bug."""

import sys
from pathlib import Path

import pytest

from webtext_py.cli.main import EXIT_FAILED, EXIT_USAGE, run
from webtext_py.extras import EXTRAS, missing

TRAIN = "hint: run `pip install 'webtext[train]'`"


@pytest.mark.parametrize("name", EXTRAS["train"])
@pytest.mark.parametrize("words", [["train"], ["sample", "nano"], ["export", "nano", "out"]])
def test_a_missing_part_of_the_trainer_is_named(
    name: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert run([*words, "--data", str(tmp_path)]) == EXIT_FAILED
    assert capsys.readouterr().err == f"error: `{name}` is not installed\n{TRAIN}\n"


def test_a_missing_ray_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(["build", "--quiet", "--data", str(tmp_path), "--engine", "ray"]) == EXIT_FAILED
    expected = "error: `ray` is not installed\nhint: run `pip install 'webtext[ray]'`\n"
    assert capsys.readouterr().err == expected
    assert not list(tmp_path.iterdir())
    assert run(["build", "--data", str(tmp_path), "--address", "auto"]) == EXIT_USAGE
    assert "hint: add `--engine ray`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("nowhere", "invalid literal"),
        ("ray://127.0.0.1:1", "not known"),
    ],
)
def test_an_address_without_ray_is_named_at_once(
    address: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    where = ["--engine", "ray", "--address", address]
    assert run(["build", "--quiet", "--data", str(tmp_path), *where]) == EXIT_FAILED
    err = capsys.readouterr().err
    assert err.startswith(f"error: no Ray cluster at `{address}`: ")
    assert why in err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            f"is not installed\n{TRAIN}",
        ),
        (ModuleNotFoundError("gone", name="tensorboard.compat"), "'webtext[tensorboard]'`"),
        (
            ModuleNotFoundError("No module named 'brotli'", name="brotli"),
            "error: `brotli` is not installed\nhint: run `pip install 'webtext'`",
        ),
        (
            ImportError("libcudart.so.13: cannot open shared object file", name="torch._C"),
            "error: `torch` cannot be imported: libcudart.so.13: cannot open shared object file\n"
            "hint: run `pip install --force-reinstall 'webtext[train]'`",
        ),
        (
            ImportError("lxml.html.clean is a project of its own now"),
            "a library cannot be imported",
        ),
    ],
)
def test_any_failed_import_ends_with_its_name_and_no_traceback(
    error: ImportError,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("webtext_py.verify.verify", fails)
    assert run(["verify"]) == EXIT_FAILED
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert "bug" not in err


def test_a_module_of_our_own_that_fails_stays_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ImportError("cannot import name `gone`", name="webtext_py.verify")

    monkeypatch.setattr("webtext_py.verify.verify", fails)
    assert run(["verify"]) == 3
    assert "this is a bug in webtext" in capsys.readouterr().err


def test_the_hint_of_a_library_of_the_core_asks_for_no_extra() -> None:
    assert missing(ImportError("broken", name="lxml.etree")).hint == (
        "run `pip install --force-reinstall 'webtext'`"
    )
