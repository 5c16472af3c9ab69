"""An error says the same and ends the same, wherever its task ran."""

import gzip
import importlib
import pickle
import pkgutil
from pathlib import Path

import pyarrow as pa
import pytest
from engine_tasks import COME_ABOUT, OUT, Simple, error_called, raise_it

import webtext_py
from webtext_py import demo
from webtext_py.cli import main
from webtext_py.engine import LocalEngine
from webtext_py.engine.task import Engine
from webtext_py.engine.threads import ThreadEngine
from webtext_py.errors import WebTextError
from webtext_py.observer import Observer
from webtext_py.workspace import Work, Workspace


def below(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(below(each) for each in kind.__subclasses__()))


def kinds() -> list[str]:
    """Every class of error that a user may see, and some that are bugs."""
    for found in pkgutil.walk_packages(webtext_py.__path__, "webtext_py."):
        if not found.name.startswith(("webtext_py.train.", "webtext_py.cli.")):
            importlib.import_module(found.name)
    classes = [each for each in below(WebTextError) if each.__module__.startswith("webtext_py")]
    classes += [OSError, ValueError, MemoryError, RuntimeError, AssertionError, KeyError]
    classes += [pa.ArrowInvalid, pa.ArrowTypeError, NotImplementedError, RecursionError]
    return sorted(f"{each.__module__}.{each.__qualname__}" for each in classes)


KINDS = [*kinds(), *COME_ABOUT]
ENGINES: dict[str, Engine] = {
    "one": LocalEngine(1),
    "two": LocalEngine(2),
    "threads": ThreadEngine(2),
}


def outcome(
    engine: Engine, data: Path, source: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str]]:
    """Exit code and what is said of an error that two tasks raise, the first one later."""
    work = [Work(source, late=late) for late in (True, False)]
    for item, key in zip(work, "ab", strict=True):
        item.arguments["name"], item.name = name, key
    stage = Simple(lambda steps: {"n": len(steps.each("s", raise_it, work, [OUT]).done)})
    with Workspace(data, engine, Observer()) as workspace:
        try:
            workspace.run(stage)
        except BaseException as error:
            code = main._report(error)
    said = capsys.readouterr().err.splitlines()
    return code, [line for line in said if line.startswith(("error:", "hint:"))]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.usefixtures("workers_at_once")
def test_one_and_two_workers_say_the_same_of_every_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = tmp_path / "source.txt"
    source.write_text("1")
    found = {
        which: outcome(engine, tmp_path / which, source, name, capsys)
        for which, engine in ENGINES.items()
    }
    assert found["one"] == found["two"] == found["threads"]
    bug = not isinstance(error_called(name, "x"), WebTextError | OSError)
    assert found["one"][0] == (main.EXIT_BUG if bug else found["one"][0])
    assert bug or found["one"][0] in (main.EXIT_FAILED, main.EXIT_USAGE)


@pytest.mark.parametrize("name", ["FormatError", "DamageError", "WebTextError"])
def test_the_cores_errors_can_be_sent(name: str) -> None:
    error = error_called(f"webtext_py._core.{name}", "x")
    assert type(pickle.loads(pickle.dumps(error))) is type(error)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b'{"id":"a","url":"http://a.test/","score":3}\n' * 5000)[:-20],
        b"",
        b"[1, 2]",
        b"<!doctype html><html><p>x</p></html>",
        b"\x01\x02\x03\x04" * 99,
    ],
)
@pytest.mark.usefixtures("workers_at_once")
def test_two_bad_dumps_fail_alike_with_one_and_two_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    dumps = [tmp_path / "RS_a", tmp_path / "RS_b"]
    for path in dumps:
        path.write_bytes(content)
    given = ["--quiet", "--submissions", *map(str, dumps), "--pages", str(demo.pages())]
    found = []
    for workers in ("1", "2"):
        data = tmp_path / workers
        code = main.run(["build", "--data", str(data), "--workers", workers, *given])
        found.append((code, capsys.readouterr().err))
    assert found[0] == found[1]
    assert found[0][0] == main.EXIT_FAILED
    assert str(dumps[0]) in found[0][1]
    assert "Traceback" not in found[0][1]
