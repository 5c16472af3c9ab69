"""Wikipedia by content: planted copies go, quotations stay; dumps, whole and damaged."""

import bz2
import gzip
import json
import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.errors import FormatError
from webtext_py.records import LEDGER_URLS
from webtext_py.stages.wikipedia import content
from webtext_py.tables import join_shuffles
from webtext_py.wikipedia.articles import read_articles
from webtext_py.words import normalize

N = 40  # articles, and planted documents of each kind
SHARE = 0.5


def _prose(draw: random.Random, words: int, vocabulary: list[str]) -> list[str]:
    return [vocabulary[int(draw.paretovariate(1.1)) % len(vocabulary)] for _ in range(words)]


def _planted() -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Articles by title, and documents: name -> (text, title of what it copies or nothing)."""
    draw = random.Random(20)
    shared = [f"w{i}" for i in range(3000)]
    articles, documents = {}, {}
    boilerplate = " ".join(_prose(draw, 60, [f"menu{i}" for i in range(80)]))
    for number in range(N):
        # A topic has words of its own, so that two texts on it share vocabulary, not sentences.
        vocabulary = [*shared, *(f"topic{number}x{i}" for i in range(300))]
        words = _prose(draw, draw.randint(300, 900), vocabulary)
        title = f"Article {number}"
        articles[title] = " ".join(words)
        own = " ".join(_prose(draw, 500, vocabulary))
        paragraph = " ".join(words[100:200])
        edited = [f"edit{i}" if i % 20 == 0 else word for i, word in enumerate(words)]
        half = len(words) // 2
        documents[f"whole-{number}"] = articles[title], title
        documents[f"truncated-{number}"] = " ".join(words[: half // 2]), title
        documents[f"wrapped-{number}"] = f"{boilerplate} {articles[title]} {boilerplate}", title
        documents[f"edited-{number}"] = " ".join(edited), title
        documents[f"quote-{number}"] = f"{own} {paragraph} {own[:1500]}", ""
        documents[f"topic-{number}"] = own, ""
    return articles, documents


def _dump(articles: dict[str, str]) -> list[bytes]:
    """The pieces of a multistream dump: head, ten pages a stream, foot."""
    pages = [
        f"<page><title>{title}</title><ns>0</ns><revision><text>{{{{Box|a=1}}}} '''{title}''' "
        f"{text} &lt;ref&gt;cited source&lt;/ref&gt; [[Category:Things]]</text></revision></page>"
        for title, text in articles.items()
    ]
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">'
    redirect = (
        "<page><title>Old</title><ns>0</ns><redirect title='X'/>"
        "<revision><text>#REDIRECT [[X]]</text></revision></page>"
        "<page><title>Talk:X</title><ns>1</ns><revision><text>chat</text></revision></page>"
    )
    pieces = [head + redirect, *("\n".join(pages[i : i + 10]) for i in range(0, len(pages), 10))]
    return [piece.encode() for piece in [*pieces, "</mediawiki>"]]


def _run(tmp: Path, documents: dict[str, tuple[str, str]], *files: Path) -> dict[str, dict]:
    texts, index = [tmp / f"articles-{i}.parquet" for i in range(len(files))], tmp / "a.bloom"
    for file, path in zip(files, texts, strict=True):
        content.articles([file], [path])
    content.index(texts, [index], memory=64 << 20)
    names = sorted(documents)
    part = tmp / "part.parquet"
    rows = {"doc_id": names, "url_key": names, "text": [documents[name][0] for name in names]}
    pq.write_table(pa.table(rows), part)
    none = tmp / "none.parquet"
    pq.write_table(LEDGER_URLS.empty_table(), none)
    shares, rows, grams, joined, out, ends = (tmp / f"{i}.parquet" for i in range(6))
    content.shares([part, index, none], [shares, rows], documents=1, share=SHARE)
    content.sorted_grams([rows], [grams])
    found = [path.with_suffix(".arrow") for path in texts]
    for path, matched in zip(texts, found, strict=True):
        content.matches([grams, path], [matched])
    join_shuffles(found, [joined])
    content.judge([shares, joined, none], [out, ends], partition=0)
    assert pq.read_table(ends)["url_key"].to_pylist() == pq.read_table(out)["doc_id"].to_pylist()
    return {row["doc_id"]: row for row in pq.read_table(out).to_pylist()}


def test_copies_go_and_quotations_stay(tmp_path: Path) -> None:
    articles, documents = _planted()
    dump = tmp_path / "pages-articles-multistream.xml.bz2"
    dump.write_bytes(b"".join(bz2.compress(piece) for piece in _dump(articles)))
    dropped = _run(tmp_path, documents, dump)
    rate: dict[str, list[bool]] = defaultdict(list)
    for name, (_, title) in documents.items():
        rate[name.split("-")[0]].append(name in dropped)
        if title and name in dropped:
            assert dropped[name]["title"] == title
    for kind in ("whole", "truncated", "wrapped", "edited"):
        assert sum(rate[kind]) == N, kind
    for kind in ("quote", "topic"):
        assert sum(rate[kind]) == 0, kind
    for name, row in dropped.items():
        grams = _grams(documents[name][0])
        held = set(_grams(articles[documents[name][1]]))
        exact = sum(gram in held for gram in grams) / len(grams)
        # The filter's rate of false positives is all that separates them.
        assert exact <= row["share"] <= exact + 0.03
        assert row["title_ngrams"] == len(set(grams) & held)


def test_of_the_articles_in_all_files_the_best_is_named(tmp_path: Path) -> None:
    articles, _ = _planted()
    words = articles["Article 3"].split()
    files = []
    for title, copied in (("A", words[:40]), ("C", words), ("B", words), ("D", words[:50])):
        files.append(tmp_path / f"{title}.jsonl")
        files[-1].write_text(json.dumps({"title": title, "text": " ".join(copied)}) + "\n")
    documents = {"copy": (" ".join(words), ""), "half": (" ".join(words[:45]), "")}
    found = _run(tmp_path, documents, *files)
    named = {name: (row["title"], row["title_ngrams"]) for name, row in found.items()}
    assert named == {"copy": ("B", len(set(_grams(" ".join(words))))), "half": ("B", 38)}


def test_numbers_of_references_cost_no_words(tmp_path: Path) -> None:
    """A copy as a page shows it, a number after every tenth word."""
    articles, _ = _planted()
    dump = tmp_path / "x.xml.bz2"
    dump.write_bytes(b"".join(bz2.compress(piece) for piece in _dump(articles)))
    words = articles["Article 3"].split()
    marked = [f"{word}[{i // 10}]" if i % 10 == 9 else word for i, word in enumerate(words)]
    text = "A heading[edit] " + " ".join(marked)
    assert _run(tmp_path, {"marked": (text, "")}, dump)["marked"]["share"] > 0.98


def _grams(text: str) -> list[tuple[str, ...]]:
    words = normalize(text).split()
    return [tuple(words[i : i + 8]) for i in range(len(words) - 7)]


def test_the_dump_gives_its_articles(tmp_path: Path) -> None:
    articles, _ = _planted()
    path = tmp_path / "x.xml.bz2"
    path.write_bytes(b"".join(bz2.compress(piece) for piece in _dump(articles)))
    damage: dict[str, int] = {}
    found = _read(path, damage)
    assert damage == {"redirects": 1, "other_namespaces": 1}
    assert found == {title: f"{title} {text}" for title, text in articles.items()}
    plain = tmp_path / "x.xml"
    plain.write_bytes(b"".join(_dump(articles)))
    assert _read(plain, damage) == found


def _read(path: Path, damage: dict[str, int]) -> dict[str, str]:
    rows = [row for batch in read_articles(path, damage) for row in batch.to_pylist()]
    assert len({row["title"] for row in rows}) == len(rows)
    return {row["title"]: " ".join(row["text"].split()) for row in rows}


def test_a_damaged_block_costs_that_block(tmp_path: Path) -> None:
    articles, _ = _planted()
    streams = [bytearray(bz2.compress(piece)) for piece in _dump(articles)]
    streams[2][len(streams[2]) // 2] ^= 0xFF  # articles 10 to 19
    path = tmp_path / "x.xml.bz2"
    path.write_bytes(b"".join(streams))
    damage: dict[str, int] = {}
    found = _read(path, damage)
    assert set(articles) - set(found) == {f"Article {i}" for i in range(10, 20)}
    assert damage["damages"] == 1
    assert 0 < damage["lost_bytes"] <= len(streams[2])
    path.write_bytes(b"".join(streams[:2]) + streams[3][: len(streams[3]) // 2])
    damage = {}
    assert len(_read(path, damage)) == 10
    assert damage.pop("lost_bytes") > 0
    assert damage == {"damages": 1, "redirects": 1, "other_namespaces": 1}


@pytest.mark.parametrize("damage", ["cut", "no magic", "bits"])
def test_a_damaged_gzip_dump_is_named(tmp_path: Path, damage: str) -> None:
    whole = bytearray(gzip.compress(random.Random(1).randbytes(4000)))
    second = len(whole)
    whole += gzip.compress(b"<page></page>")
    if damage == "cut":
        del whole[-12:]
    elif damage == "no magic":
        whole[second] = ord("x")
    else:
        whole[second + 10] = 0xFF  # a block of a kind that does not exist
    path = tmp_path / "x.xml.gz"
    path.write_bytes(whole)
    with pytest.raises(FormatError, match=r"x\.xml\.gz` is cut or damaged"):
        _read(path, {})


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "wiki.train.tokens", "a.txt"])
def test_other_forms_of_articles(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"title": ["One", "Two"], "text": ["a b", "c d"]}), path)
    elif name.endswith("jsonl"):
        path.write_text('{"title": "One", "text": "a b"}\n{"title": "Two", "text": "c d"}\n')
    else:
        path.write_text(" = One = \n\n a b\n\n = = Part = = \n\n = Two = \n\n c d\n")
    found = _read(path, {})
    if name.endswith(("parquet", "jsonl")):
        assert found == {"One": "a b", "Two": "c d"}
    else:
        assert found == {"One": "a b = = Part = =", "Two": "c d"}


def test_the_index_is_the_same_in_little_memory(tmp_path: Path) -> None:
    draw = random.Random(9)
    texts = tmp_path / "articles.parquet"
    # 400,000 distinct 8-grams, 3.2 MB of keys: more than keys get of the smaller memory.
    rows = [" ".join(f"w{draw.randrange(10**9)}" for _ in range(1007)) for _ in range(400)]
    pq.write_table(pa.table({"title": rows, "text": rows}), texts)
    for name, memory in (("large", 64 << 20), ("small", 4 << 20)):
        (tmp_path / name).mkdir()
        content.index([texts], [tmp_path / name / "a.bloom"], memory=memory)
    small, large = (tmp_path / name / "a.bloom" for name in ("small", "large"))
    assert small.read_bytes() == large.read_bytes()
