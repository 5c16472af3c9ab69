"""`webtext remove` on the demo, as people see it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from webtext_py.cli.main import run
from webtext_py.engine import LocalEngine
from webtext_py.report import report


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


def test_the_report_counts_what_was_removed_and_does_not_name_it(
    built: Path, copy_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    data = copy_of(built)
    dropped, kept = "http://villagebells.example/ring", "http://plainscience.example/articles/why"
    shown = report(data, engine=LocalEngine(1))["samples"]
    assert dropped in str(shown)
    for number, url in enumerate((dropped, f"{kept}-the-sky-is-blue")):
        (tmp_path / f"{number}.txt").write_text(f"{url}\n")
        words = ["remove", "--urls", str(tmp_path / f"{number}.txt"), "--data", str(data)]
        assert run([*words, "--workers", "1", "--quiet"]) == 0
        assert not (data / "report" / "index.html").exists()
    after = report(data, engine=LocalEngine(1))["samples"]
    assert dropped not in str(after)
    assert f"{kept}-the-sky-is-blue" not in str(after)
    count = {(end["stage"], end["outcome"]): end["count"] for end in after}
    assert count["links", "low_karma"] == 23
    assert count["extract", "removed"] == 1 + 1  # and its copy


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
        (("--urls", __file__), 1, "has no http(s) URL; one a line was expected"),
    ],
)
def test_what_is_no_request(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(["remove", *words]) == code
    assert said in capsys.readouterr().err
