"""Wrong input to `webtext build`: a clear message, exit 1, no torn file."""

import bz2
import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from webtext_py import demo
from webtext_py.cli.main import run, webtext
from webtext_py.engine import commit
from webtext_py.verify import verify

COMMENT = (
    b'{"author":"a","body":"text","link_id":"t3_x","id":"c1","score":3,"created_utc":1300000000}\n'
)


def submission(number: int, url: str = "http://plain.example/a") -> bytes:
    row = {
        "id": f"s{number}", "url": f"{url}{number}", "score": 5, "created_utc": 1300000000,
        "title": "t", "is_self": False, "domain": "plain.example", "subreddit": "test",
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


LINES = b"".join(submission(i) for i in range(3000))


def build(data: Path, *arguments: object) -> int:
    return run(["build", "--data", str(data), "--workers", "1", "--quiet", *map(str, arguments)])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("RS.zst", None, "does not exist"),
        ("RS.ndjson", b"", "empty"),
        ("RC.ndjson", COMMENT * 200, "comment"),
        ("links.csv", b"url,karma,created_utc\nhttp://a.example/,5,1300000000\n", "CSV"),
        ("RS.json", b'[{"id": "a", "url": "http://a.example/"}]\n', "JSON array"),
        ("page.html", b"<!DOCTYPE html><html><body>hello</body></html>\n", "HTML"),
        ("RS.zst", zstandard.ZstdCompressor().compress(LINES)[:-200], "byte"),
        ("RS.bz2", bz2.compress(LINES)[:-200], "byte"),
        ("RS.gz", gzip.compress(LINES)[:-200], "byte"),
    ],
)
def test_submissions_that_are_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    message: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert build(tmp_path / "d", "--submissions", path, "--pages", demo.pages()) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert str(path) in captured.err
    assert "Traceback" not in captured.err
    assert not list((tmp_path / "d").rglob(".tmp-*"))
    assert not list((tmp_path / "d" / "links").glob("*"))


def test_cut_dump_is_taken_when_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "RS.gz"
    path.write_bytes(gzip.compress(LINES)[:-2000])
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "urls.csv").write_text("file,url\na.html,http://plain.example/a7\n")
    text = "<html><body><article><p>" + "A sentence of the page, plain. " * 30
    (pages / "a.html").write_text(text + "</p></article></body></html>")
    given = ("--submissions", path, "--pages", pages, "--validation", "0")
    assert build(tmp_path / "d", *given) == 1
    assert "--allow-damaged" in capsys.readouterr().err
    assert build(tmp_path / "d", *given, "--allow-damaged", "--json", "--force") == 0
    counts = json.loads(capsys.readouterr().out)["stages"]["links"]["counts"]
    ((offset, _, what),) = counts["damage"]["RS.gz"]
    assert offset <= path.stat().st_size
    assert "cut" in what
    assert 100 < counts["lines"]["kept"] < 3000
    assert counts["lines"]["in"] == counts["lines"]["kept"] + sum(
        counts["lines"]["dropped"].values()
    )
    assert verify(tmp_path / "d").problems == []


_CONTRADICTIONS = [
    (["--pages", "PAGES"], "without links", "--submissions"),
    (["--submissions", "DUMP"], "without pages", "--pages"),
    (["--submissions", "DUMP", "--links", "L"], "both given", None),
    (["--links", "L", "--pages", "PAGES", "--allow-damaged"], "is for dumps", None),
    (["--before", "18.1.2018"], "is no date", None),
    (["--after", "2018", "--before", "2017"], "no date is at or after", None),
    (["--validation", "1.5"], "not in [0, 1)", None),
    (["--min-karma", str(2**63)], "a number of 64 bits was expected", None),
    (["--lang", "german"], "no language that is told apart", " de "),
]
_NOTHING_LEFT = [
    (["--pages", "DUMP", "--submissions", "DUMP"], "expected WARC, ARC", None),
    (["--exclude-domains", "missing.txt"], "missing.txt", None),
    (["--before", "2001"], "no link is left", "--before"),
    (["--min-karma", "100000"], "no link is left", "--min-karma"),
    (["--min-words", "100000"], "no document is left", "--min-words"),
]


@pytest.mark.parametrize(
    ("arguments", "message", "hint", "code"),
    [(*row, 2) for row in _CONTRADICTIONS] + [(*row, 1) for row in _NOTHING_LEFT],
)
def test_options_that_make_no_sense_or_leave_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    hint: str | None,
    code: int,
) -> None:
    known = {"PAGES": str(demo.pages()), "DUMP": str(demo.submissions()), "L": "links.csv"}
    assert build(tmp_path / "d", *[known.get(a, a) for a in arguments]) == code
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    if hint is not None:
        assert lines[1].startswith("hint: ")
        assert hint in lines[1]


def test_all_pages_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "RS.ndjson"
    path.write_bytes(LINES)
    assert build(tmp_path / "d", "--submissions", path, "--pages", demo.pages()) == 1
    captured = capsys.readouterr()
    assert "no page is left: none of 3000 links has a good capture" in captured.err
    assert "3000 no_capture" in captured.err


def test_data_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d").write_text("precious")
    assert build(tmp_path / "d") == 2
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "d").read_text() == "precious"


def test_unreadable_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "RS.zst"
    folder.mkdir()
    assert build(tmp_path / "d", "--submissions", folder, "--pages", demo.pages()) == 1
    assert "holds no dump" in capsys.readouterr().err


def test_full_disk_at_a_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = commit.flush
    left = [60]

    def full(path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        flush(path)

    monkeypatch.setattr(commit, "flush", full)
    assert build(tmp_path / "d") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not list((tmp_path / "d").rglob(".tmp-*"))
    monkeypatch.setattr(commit, "flush", flush)
    assert build(tmp_path / "d") == 0
    assert verify(tmp_path / "d").problems == []


def test_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not shutil.which("unshare"):
        pytest.skip("needs `unshare` for a small disk of its own")
    # A mount namespace of its own: a disk of 256 KiB that is gone with the process.
    script = (
        f"mount -t tmpfs -o size=256k none {disk} && "
        f"{sys.executable} -P -c 'from webtext_py.cli.main import main; main()' "
        f"build --quiet --workers 2 --data {disk}/d; code=$?; "
        f"find {disk} -name '.tmp-*' | wc -l; exit $code"
    )
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    done = subprocess.run(unshare, capture_output=True, check=False)
    if b"unshare" in done.stderr or b"mount:" in done.stderr:
        pytest.skip("this machine does not let a test mount a small disk")
    errors = done.stderr.decode()
    assert done.returncode == 1, errors
    assert "No space left on device\nhint: free some space" in errors
    assert "Traceback" not in errors
    assert done.stdout.split() == [b"0"], "a torn file was left"


def test_links_file_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = [
        {"url": f"http://plain.example/a{i}", "karma": i, "created_utc": 1300000000 + i}
        for i in range(10)
    ]
    (tmp_path / "l.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows) + "not json\n"
    )
    text = "url,karma,created_utc\n"
    text += "".join(f"{r['url']},{r['karma']},{r['created_utc']}\n" for r in rows)
    (tmp_path / "l.csv").write_text(text + "http://plain.example/x,many,yesterday\n")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "l.parquet")
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "urls.csv").write_text("file,url\na.html,http://plain.example/a7\n")
    body = "<html><body><article><p>" + "A sentence of the page, plain. " * 30
    (pages / "a.html").write_text(body + "</p></article></body></html>")
    tables = []
    for name, damaged in (("l.jsonl", 1), ("l.csv", 1), ("l.parquet", 0)):
        data = tmp_path / f"data-{name}"
        given = ("--links", tmp_path / name, "--pages", pages, "--validation", "0", "--json")
        assert build(data, *given) == 0
        counts = json.loads(capsys.readouterr().out)["stages"]["links"]["counts"]
        assert counts["lines"]["kept"] == 10
        assert counts["lines"]["dropped"] == ({"damaged": damaged} if damaged else {})
        assert counts["urls"] == {"in": 10, "kept": 7, "dropped": {"low_karma": 3}}
        links = pa.concat_tables(pq.read_table(p) for p in sorted((data / "links").iterdir()))
        tables.append(links.drop_columns(["submission_id"]))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    (tmp_path / "bad.csv").write_text("link,points\na,b\n")
    assert build(tmp_path / "e", "--links", tmp_path / "bad.csv", "--pages", pages) == 1
    assert "has no column `url`; it has link, points" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bpe", "train", "--min-frequency", str(2**63)], "is more than 9223372036854775807"),
        (["overlap", "--capacity", str(10**20)], "is more than 9223372036854775807"),
        (["overlap", "--memory", "99999999999T"], "is more than 9223372036854775807 bytes"),
        (["build", "--data", ""], "'' is no path"),
        (["dedup", "a.jsonl", "--out", ""], "'' is no path"),
    ],
)
def test_values_that_nothing_holds(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(words) == 2
    assert message in capsys.readouterr().err


def test_no_more_shards_than_documents(tmp_path: Path) -> None:
    assert build(tmp_path / "d", "--shard-bytes", "1") == 0
    rows = json.loads((tmp_path / "d/manifest.json").read_text())["stages"]["shard"]["counts"]["in"]
    for split in ("train", "validation"):
        assert len(list((tmp_path / "d/shards").glob(f"{split}-*"))) == rows


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_is_full_is_said_with_the_way_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(**_: object) -> None:
        raise OSError(code, "Error writing bytes to file. Detail: at length")

    monkeypatch.setattr(webtext, "main", full)
    assert run([]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: {os.strerror(code)}"
    assert said[1].startswith("hint: free some space")
