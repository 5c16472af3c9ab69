"""What is wrong with the machine is said, and never put down to the pages."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from webtext_py import demo
from webtext_py.errors import WebTextError
from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.page import Page
from webtext_py.text.sandbox import Sandbox
from webtext_py.verify import verify

PAGES = [Page("https://a.test/", b"<p>7</p>")] * 60
RUN = "import sys; from webtext_py.cli.main import main; main()"


@pytest.mark.parametrize(("count", "seen"), [(1, 1), (3, 3), (49, 49), (60, 50)])
def test_where_all_pages_crash_a_page_of_our_own_is_tried(count: int, seen: int) -> None:
    settings = ExtractSettings(extractor="planted_extractor:Broken", min_words=0)
    said = f"failed on {seen} of {seen} pages and on a page of"
    with pytest.raises(WebTextError, match=said), PageExtractor(settings) as extractor:
        extractor.outcomes(PAGES[:count])


def test_pages_that_are_at_fault_themselves_are_dropped() -> None:
    settings = ExtractSettings(extractor="planted_extractor:OnlyLetters", min_words=0)
    with PageExtractor(settings) as extractor:
        assert extractor.outcomes(PAGES).reasons == ["crash"] * 60


def build(data: Path, address_space: int | None = None) -> "subprocess.CompletedProcess[str]":
    def limit() -> None:
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    chosen = ["--extractor", "trafilatura"]
    given = ["--submissions", demo.submissions(), "--pages", demo.pages()]
    return subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            RUN,
            "build",
            "--data",
            data,
            "--workers",
            "1",
            *given,
            *chosen,
        ],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sandbox_that_cannot_set_itself_up_commits_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused = build(data, 2200 << 20)
    assert refused.returncode == 1
    assert "error: the extraction sandbox cannot set its limits" in refused.stderr
    assert "ulimit -v" in refused.stderr
    assert not list(data.glob("documents/*"))
    assert not list(data.glob(".state/done/extract/extract*"))
    again = build(data)
    assert again.returncode == 0, again.stderr
    assert "crash" not in again.stdout
    assert verify(data).problems == []


def test_the_child_has_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    with Sandbox("planted:make") as sandbox:
        answer = sandbox.run(b"all of the environment:")
    assert isinstance(answer, bytes)
    names = {line.partition(b"=")[0].decode() for line in answer.splitlines()}
    expected = {"PYTHONHASHSEED", "PYTHONUTF8", "TZ", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    allowed = {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "LC_CTYPE"}
    assert expected <= names <= expected | allowed
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
