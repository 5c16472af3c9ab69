"""`webtext extract`: every form of input, every page with an end, the same bytes from any run."""

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from webtext_py import extraction, given
from webtext_py.cli.main import webtext
from webtext_py.engine import LocalEngine
from webtext_py.errors import InputError, StaleError
from webtext_py.extraction import run_extract
from webtext_py.observer import Observer
from webtext_py.records import EXTRACTED
from webtext_py.text import extracted
from webtext_py.text.extract import ExtractSettings


def html(name: str) -> str:
    text = "".join(
        f"<p>The {name} of sentence {n} went to the old town and spoke of its flour.</p>"
        for n in range(12)
    )
    return (
        f"<!doctype html><title>{name}</title><meta name=date content=2016-05-04>"
        f"<article><h1>{name}</h1>{text}</article>"
    )


def record(url: str, status: str, body: str, *headers: str) -> bytes:
    """A WARC record in a gzip member of its own."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", *headers, "", body]
    block = "\r\n".join(lines).encode()
    fields = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2018-01-01T00:00:00Z\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(fields.encode() + block + b"\r\n\r\n", mtime=0)


def write_warc(path: Path) -> None:
    records = [
        record("http://a.test/1", "200 OK", html("baker")),
        record("http://a.test/2", "404 Not Found", html("miller")),
        record("http://a.test/3", "301 Moved", "", "Location: http://a.test/1"),
        record("http://a.test/4", "200 OK", "<p>short</p>"),
    ]
    path.write_bytes(b"".join(records))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    (folder / "one.html").write_text(html("clerk"))
    (folder / "below" / "two.htm.gz").write_bytes(gzip.compress(html("mayor").encode()))
    (folder / "notes.txt").write_text("no page")
    write_warc(folder / "crawl.warc.gz")
    rows = {"url": ["http://b.test/1", "http://b.test/2"], "html": [html("piper"), ""]}
    pq.write_table(pa.table(rows), folder / "table.parquet")
    declared = html("sa\u00e9lor").replace("<title>", "<meta charset=windows-1251><title>")
    lines = [{"html": declared}, {"url": "http://c.test/2", "html": html("tailor")}]
    text = "\n".join([*map(json.dumps, lines), "{", '{"url": "http://c.test/3"}'])
    (folder / "lines.jsonl").write_text(text)
    return folder


def texts(out: Path) -> list[dict[str, object]]:
    files = sorted(out.glob("part-*.parquet"))
    assert all(pq.read_schema(file).equals(EXTRACTED) for file in files)
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_every_form_of_input(inputs: Path, tmp_path: Path) -> None:
    counts = run_extract([inputs], tmp_path / "out", engine=LocalEngine(1))
    assert counts["in"] == 12
    assert counts["kept"] == 6
    assert counts["passed_over"] == {"files": {".txt": 1}}
    assert counts["dropped"] == {
        "bad_line": 1,
        "http_error": 1,
        "no_payload": 2,
        "redirect": 1,
        "too_short": 1,
    }
    assert counts["extractor"] == "webtext 3"
    rows = texts(tmp_path / "out")
    assert {(row["url"], row["title"]) for row in rows} == {
        ("http://a.test/1", "baker"),
        ("http://b.test/1", "piper"),
        ("http://c.test/2", "tailor"),
        ("", "sa\u00e9lor"),  # text is not decoded again, whatever it declares
        ("one.html", "clerk"),
        ("below/two.htm.gz", "mayor"),
    }
    assert {row["language"] for row in rows} == {"en"}
    assert {row["published"] for row in rows} == {date(2016, 5, 4)}
    assert all(str(row["text"]).count("\n\n") == 12 for row in rows)
    assert counts["words"] == 6 * (12 * 15 + 1)


def test_files_named_themselves(inputs: Path, tmp_path: Path) -> None:
    odd = inputs / "page.php"
    odd.write_text(html("cooper"))
    given = [inputs / "one.html", odd, inputs / "lines.jsonl", inputs / "crawl.warc.gz"]
    counts = run_extract([*given, given[0]], tmp_path / "out", engine=LocalEngine(1))
    assert counts["in"] == 10
    assert {"one.html", "page.php"} <= {row["url"] for row in texts(tmp_path / "out")}
    for wrong in (inputs / "notes.txt", inputs / "absent.html"):
        with pytest.raises(InputError):
            run_extract([wrong], tmp_path / "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pages"):
        run_extract([tmp_path / "empty"], tmp_path / "other")


def test_the_same_bytes_from_any_batch_and_number_of_workers(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, workers: int) -> list[bytes]:
        run_extract([inputs], tmp_path / name, engine=LocalEngine(workers))
        return [path.read_bytes() for path in sorted((tmp_path / name).glob("part-*"))]

    first = made("one", 1)
    assert made("two", 2) == first
    monkeypatch.setattr(extracted, "BATCH_PAGES", 1)
    assert made("small", 1) == first


def test_large_inputs_are_cut_and_give_the_same(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, workers: int) -> tuple[list[bytes], dict[str, object]]:
        counts = run_extract([inputs], tmp_path / name, engine=LocalEngine(workers))
        return [path.read_bytes() for path in sorted((tmp_path / name).glob("part-*"))], counts

    for n in range(5, 9):  # four pages more, and a bad record between them
        with (inputs / "crawl.warc.gz").open("ab") as archive:
            archive.write(record(f"http://a.test/{n}", "200 OK", html(f"guest {n}")))
            archive.write(record(f"http://a.test/{n}", "500 Error", ""))
    data = bytearray((inputs / "crawl.warc.gz").read_bytes())
    data[60] ^= 0xFF
    (inputs / "crawl.warc.gz").write_bytes(data)
    whole, counts = made("whole", 1)
    monkeypatch.setattr(given, "LARGE_BYTES", 1)
    monkeypatch.setattr(extraction, "PIECE_PAGES", 2)
    pieces, cut = made("pieces", 1)
    assert len(pieces) > len(whole)
    assert made("workers", 2) == (pieces, cut)
    assert cut == counts
    assert counts["damage"]
    assert texts(tmp_path / "pieces") == texts(tmp_path / "whole")


def test_damage_costs_its_record_and_is_named(inputs: Path, tmp_path: Path) -> None:
    data = bytearray((inputs / "crawl.warc.gz").read_bytes())
    data[60] ^= 0xFF
    damaged = tmp_path / "damaged.warc.gz"
    damaged.write_bytes(data)
    counts = run_extract([damaged, inputs / "one.html"], tmp_path / "out", engine=LocalEngine(1))
    assert counts["kept"] == 1
    assert list(counts["damage"]) == ["damaged.warc.gz"]


def test_a_result_of_other_options_is_refused(inputs: Path, tmp_path: Path) -> None:
    run_extract([inputs], tmp_path / "out", engine=LocalEngine(1))
    with pytest.raises(StaleError, match="min_words"):
        run_extract([inputs], tmp_path / "out", ExtractSettings(min_words=5))
    counts = run_extract(
        [inputs], tmp_path / "out", ExtractSettings(min_words=5), force=True, engine=LocalEngine(1)
    )
    assert counts["kept"] == 6
    with pytest.raises(InputError, match=r"none of 12 pages gave a text \(1 bad_line"):
        run_extract([inputs], tmp_path / "fr", ExtractSettings(lang="fr"), engine=LocalEngine(1))


def test_the_command(inputs: Path, tmp_path: Path) -> None:
    given = ["extract", str(inputs), "--data", str(tmp_path / "data"), "--workers", "1"]
    done = CliRunner().invoke(webtext, [*given, "--json", "--quiet"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["out"] == str(tmp_path / "data" / "extracted")
    assert len(texts(tmp_path / "data" / "extracted")) == said["kept"] == 6


# Ends its process at a word, as nothing should: what stands for a bug of the core.
DEADLY = """
import os, sys
from pathlib import Path
from webtext_py.text import found, page_task
from webtext_py.engine import LocalEngine
from webtext_py.extraction import run_extract
real = found.by_core
def by_core(engine, named, pages):
    if any(b"mayor" in page.body for page in pages):
        os.abort()
    return real(engine, named, pages)
found.by_core = by_core
print(run_extract([sys.argv[1]], Path(sys.argv[2]), engine=LocalEngine(1))["kept"])
"""


def test_a_killed_process_is_followed_by_a_careful_one(inputs: Path, tmp_path: Path) -> None:
    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-c", DEADLY, str(inputs), str(tmp_path / "out")],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": ""},
        )

    assert run().returncode == -signal.SIGABRT
    again = run()
    assert again.stdout == "6\n", again.stderr
    run_extract([inputs], tmp_path / "plain", engine=LocalEngine(1), observer=Observer())
    assert texts(tmp_path / "out") == texts(tmp_path / "plain")
