"""Every form in which articles come: what is read, and what is left out with a count."""

import bz2
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from webtext_py.errors import InputError
from webtext_py.reader import Passed
from webtext_py.wikipedia import dump as module
from webtext_py.wikipedia.articles import article_files, read_articles

OPEN = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">'


def page(title: str, *texts: str, space: int = 0) -> str:
    """A page with a revision for each text."""
    revisions = "".join(f"<revision><text>{text}</text></revision>" for text in texts)
    return f"<page><title>{title}</title><ns>{space}</ns>{revisions}</page>"


def dump(*pages: str) -> bytes:
    """A dump of pages."""
    return f"{OPEN}{''.join(pages)}</mediawiki>".encode()


def read(path: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Texts by title, and what was left out."""
    lost: dict[str, int] = {}
    rows = [row for batch in read_articles(path, lost) for row in batch.to_pylist()]
    return {row["title"]: row["text"].strip() for row in rows}, lost


PLAIN = dump(page("A", "one two"), page("Talk:A", "chat", space=1), page("B", "#REDIRECT [[A]]"))


@pytest.mark.parametrize(
    "name", ["x.xml", "x", "x.dump", "x.xml.bz2", "x.bz2", "x.xml.gz", "x.zst"]
)
def test_a_dump_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    pack = {"bz2": bz2.compress, "gz": gzip.compress, "zst": zstandard.compress}
    path = tmp_path / name
    path.write_bytes(pack.get(name.rpartition(".")[2], bytes)(b"\xef\xbb\xbf" + PLAIN))
    found, lost = read(path)
    assert found == {"A": "one two"}
    assert lost == {"other_namespaces": 1, "redirects": 1}


@pytest.mark.parametrize("limit", [1 << 24, 4096])
def test_of_a_history_the_last_revision_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Also where the page is larger than what is held."""
    monkeypatch.setattr(module, "_MAX_PAGE", limit)
    monkeypatch.setattr(module, "_READ", 512)
    old = [f"old text {n} " * 20 for n in range(100)]
    path = tmp_path / "history.xml"
    path.write_bytes(dump(page("A", *old, "the newest text"), page("B", "only")))
    found, lost = read(path)
    assert found == {"A": "the newest text", "B": "only"}
    assert lost == {"older_revisions": 100}


def enterprise(name: str, text: str, space: int = 0) -> str:
    """A line of an enterprise dump."""
    row = {
        "name": name,
        "namespace": {"identifier": space},
        "article_body": {"html": f"<p>{text}</p>", "wikitext": text},
    }
    return json.dumps(row) + "\n"


def test_enterprise_dumps_are_read(tmp_path: Path) -> None:
    path = tmp_path / "enwiki_namespace_0.ndjson"
    path.write_text(
        enterprise("A", "'''one''' [[two]]")
        + enterprise("T", "chat", 1)
        + enterprise("R", "#redirect [[A]]")
        + "no json\n"
        + '{"name": "A", "article_body": null}\n'
    )
    found, lost = read(path)
    assert found == {"A": "one two"}
    assert lost == {"other_namespaces": 1, "redirects": 1, "damaged_pages": 2}
    path.write_text('{"name": "A", "namespace": {"identifier": 0}, "article_body": {"html": "x"}}')
    with pytest.raises(InputError, match=r"no article with `article_body\.wikitext`") as caught:
        read(path)
    assert "XML dump" in str(caught.value.hint)


def test_hints_name_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "x"}\n')
    with pytest.raises(InputError, match="no text under `text`") as caught:
        read(path)
    assert "--text-field" not in str(caught.value.hint)
    (tmp_path / "x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(30))
    with pytest.raises(InputError, match="7-Zip"):
        read(tmp_path / "x.7z")


@pytest.mark.parametrize(
    "data", [b"<rss><item>x</item></rss>", PLAIN.decode().encode("utf-16"), b"", f"{OPEN}".encode()]
)
def test_xml_without_an_article_is_refused(tmp_path: Path, data: bytes) -> None:
    for path, packed in ((tmp_path / "a.xml", data), (tmp_path / "a.xml.bz2", bz2.compress(data))):
        path.write_bytes(packed)
        with pytest.raises(InputError, match=r"a\.xml.* (no|holds no page of a) MediaWiki dump"):
            read(path)


def test_a_dump_may_begin_with_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"<!-- made by hand -->\n" + PLAIN)
    assert read(path)[0] == {"A": "one two"}


def test_a_folder_of_dumps(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    for name, data in {
        "x-multistream.xml.bz2": bz2.compress(PLAIN),
        "x-multistream-index.txt.bz2": bz2.compress(b"600:10:A\n600:12:B\n"),
        "deep/y.xml": PLAIN,
        "rss.xml": b"<rss><channel/></rss>",
        "z.ndjson": enterprise("A", "x").encode(),
        "z2.json": enterprise("A", "x").encode(),
        "md5sums": b"0  x",
        "README.md": b"x",
        ".git/y.xml": PLAIN,
    }.items():
        (tmp_path / name).write_bytes(data)
    passed = Passed()
    found = article_files([str(tmp_path)], passed)
    names = ["deep/y.xml", "x-multistream.xml.bz2", "z.ndjson", "z2.json"]
    assert [str(path.relative_to(tmp_path)) for path in found] == names
    assert passed.document() == {
        "files": {
            ".txt.bz2: the index of a multistream dump": 1,
            ".xml: no MediaWiki dump": 1,
            "hidden": 1,
            "no ending: no text by its name": 1,
            "readme.md: a card": 1,
        }
    }


BOMB = """
import re, sys
from pathlib import Path
from webtext_py.wikipedia.articles import read_articles
lost = {}
rows = sum(batch.num_rows for batch in read_articles(Path(sys.argv[1]), lost))
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(rows, lost.get("damaged_pages"), peak)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is Linux's")
@pytest.mark.parametrize("ending", ["bz2", "gz", "zst"])
def test_a_small_file_of_a_gigabyte_needs_little_memory(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.xml.{ending}"
    opened = {"bz2": bz2.open, "gz": gzip.open, "zst": zstandard.open}[ending](path, "wb")
    with opened as stream:
        stream.write(f"{OPEN}<page><title>A</title><text>".encode())
        for _ in range(400):
            stream.write(b"x" * (1 << 20))
    assert path.stat().st_size < 1 << 20
    run = [sys.executable, "-P", "-c", BOMB, str(path)]
    rows, damaged, peak = subprocess.run(run, capture_output=True, check=True).stdout.split()
    assert (rows, int(damaged) > 0) == (b"0", True)
    assert int(peak) < 300_000
