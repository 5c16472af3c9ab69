"""`webtext remove` on the demo, as people see it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from webtext_py.cli.main import run


def test_removal_says_who_takes_the_place(
    built: Path, copy_of: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(copy_of(built))
    words = ["remove", "--domain", "plainscience.example", "--promote", "--data", data]
    assert run([*words, "--workers", "1", "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert run([*words, "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert planned.replace("would be ", "") == said
    kept, copy = "79cbba9ec511b55c76e5e28c845e7420", "8c9119815ae1d5b84bec6c9d376f7116"
    assert f"removed: {kept} http://plainscience.example/articles/why-the-sky-is-blue\n" in said
    assert f"{copy} takes the place of {kept}\n" in said
    assert "your archive `pages.warc.gz` still holds" in said
    assert run([*words, "--workers", "1"]) == 0
    assert capsys.readouterr().out == "all of it was removed before; nothing to do\n"
    assert run(["verify", "--data", data]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "one of `--urls`, `--domain` and `--doc-id` was expected"),
        (("--domain", "a.example", "--doc-id", "0" * 32), 2, "one of `--urls`"),
        (("--domain", "http://a.example/"), 2, "found the URL `http://a.example/`"),
        (("--domain", "*.a.example"), 2, "leave out `*.`"),
        (("--doc-id", "xyz"), 2, "`xyz` is no `doc_id`; 32 hexadecimal digits"),
        (("--domain", "example"), 2, "which is no domain"),
        (("--urls", "none.txt"), 1, "`none.txt`"),
    ],
)
def test_what_is_no_request(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(["remove", *words]) == code
    assert said in capsys.readouterr().err
