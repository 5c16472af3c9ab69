"""A build of the demo data ends every line and every link where `expected.json` says."""

import bz2
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import demo, words
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import Build, Sources
from webtext_py.records import doc_id
from webtext_py.stages.wikipedia import stage
from webtext_py.url.key import url_key
from webtext_py.verify import verify
from webtext_py.wikipedia.articles import parts

EXPECTED = json.loads(demo.expected().read_bytes())
LINKS = EXPECTED["links"]


def built(folder: Path, **rules: Any) -> Path:
    """The data directory of a finished build of the demo data."""
    Build(folder, Sources(), BuildConfig(**rules)).run(LocalEngine(2))
    return folder


def rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """All rows of the Parquet files that match, at least one file."""
    files = sorted(folder.glob(pattern))
    assert files
    found: list[dict[str, Any]] = pa.concat_tables(
        [pq.read_table(file) for file in files]
    ).to_pylist()
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def texts(data: Path) -> dict[str, dict[str, Any]]:
    """Shard rows by doc_id."""
    return {row["doc_id"]: row for row in rows(data, "shards/*.parquet")}


def key_of(link: dict[str, Any]) -> str:
    keys = {url_key(url) for url in link["urls"]}
    assert len(keys) == 1, link["case"]
    (key,) = keys
    assert key is not None
    return key


def test_lines_end_as_expected(data: Path) -> None:
    found: Counter[str] = Counter()
    for row in rows(data, "ledger/lines.parquet"):
        found[row["outcome"]] += row["lines"]
    assert dict(found) == EXPECTED["counts"]["lines_by_outcome"]


def test_links_end_as_expected(data: Path) -> None:
    found = {
        row["url_key"]: (row["stage"], row["outcome"])
        for row in rows(data, "ledger/urls-*.parquet")
    }
    wanted = {
        key_of(link): ("shard" if link["stage"] == "shards" else link["stage"], link["outcome"])
        for link in LINKS
        if link["stage"] != "lines"
    }
    assert found == wanted


def test_duplicates_point_at_the_survivor(data: Path) -> None:
    by_case = {link["case"]: doc_id(key_of(link)) for link in LINKS if link["stage"] != "lines"}
    wanted = {
        by_case[link["case"]]: by_case[link["duplicate_of"]]
        for link in LINKS
        if link["outcome"] in ("exact_duplicate", "near_duplicate")
    }
    assert {
        row["doc_id"]: row["kept_doc_id"] for row in rows(data, "duplicates/*.parquet")
    } == wanted


def test_kept_texts_are_the_prose_and_nothing_else(texts: dict[str, dict[str, Any]]) -> None:
    kept = [link for link in LINKS if link["outcome"] == "kept"]
    assert set(texts) == {doc_id(key_of(link)) for link in kept}
    for link in kept:
        row = texts[doc_id(key_of(link))]
        text = words.normalize(row["text"])
        assert row["karma"] == link["karma"]["max"], link["case"]
        assert row["url"] == (link["final_url"] or row["url"])
        for phrase in EXPECTED["never_in_a_text"]:
            assert words.normalize(phrase) not in text, link["case"]
        if "words" not in link:
            continue  # a reworded reprint: its text is in no file
        assert words.normalize(link["first_paragraph"]) in text, link["case"]
        assert words.normalize(link["last_paragraph"]) in text, link["case"]
        if link["language"] != "ja":
            # The title and a date line may come on top.
            assert 0 <= len(text.split()) - link["words"] <= 25, link["case"]
    assert sum(row["words"] for row in texts.values()) >= 25_000


def test_planted_overlap_is_found_in_the_shards(texts: dict[str, dict[str, Any]]) -> None:
    def grams(text: str) -> list[tuple[str, ...]]:
        found = words.normalize(text).split()
        return [tuple(found[i : i + 8]) for i in range(len(found) - 7)]

    train = {gram for row in texts.values() for gram in grams(row["text"])}
    examples = [json.loads(line) for line in demo.test_set().read_text("utf-8").splitlines()]
    for example, answer in zip(examples, EXPECTED["overlap"]["examples"], strict=True):
        assert sum(gram in train for gram in grams(example["context"])) == answer["found"]


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        # Three builds for seven options: within one, no option can stand in for another's case.
        (
            ("karma-rule sum", "before 2019", "nsfw"),
            {"karma_rule": "sum", "before": "2019", "nsfw": True},
        ),
        (
            ("karma-rule first", "min-karma 2", "near-dup off"),
            {"karma_rule": "first", "min_karma": 2, "near_dup": None},
        ),
        (("near-dup 0.65",), {"near_dup": 0.65}),
    ],
    ids=["sum-before-nsfw", "first-min-karma-no-near", "near-065"],
)
def test_other_options_end_their_cases_otherwise(
    tmp_path: Path, options: tuple[str, ...], rules: dict[str, Any]
) -> None:
    found = {
        row["url_key"]: row["outcome"]
        for row in rows(built(tmp_path, partitions=2, **rules), "ledger/urls-*.parquet")
    }
    for option in options:
        cases = [link for link in LINKS if option in link["under"]]
        assert cases
        for link in cases:
            assert found[key_of(link)] == link["under"][option], link["case"]


def test_articles_given_take_out_their_copy(tmp_path: Path) -> None:
    article = Path(__file__).parents[3] / "tools" / "demo" / "spares" / "s11-wikipedia.txt"
    sources = Sources(wikipedia=(str(article),))
    Build(tmp_path, sources, BuildConfig(partitions=2)).run(LocalEngine(2))
    (case,) = [link for link in LINKS if "wikipedia" in link["under"]]
    found = {r["url_key"]: r["outcome"] for r in rows(tmp_path, "ledger/urls-*.parquet")}
    assert found[key_of(case)] == case["under"]["wikipedia"]
    assert list(found.values()).count("wikipedia_content") == 1
    (row,) = rows(tmp_path, "wikipedia/*.parquet")
    assert (row["doc_id"], row["title"]) == (doc_id(key_of(case)), article.name)
    assert row["share"] > 0.9
    assert not verify(tmp_path).problems


def test_a_dump_is_read_in_parts_by_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = Path(__file__).parents[3] / "tools" / "demo" / "spares" / "s11-wikipedia.txt"
    page = "<page><title>{}</title><ns>0</ns><revision><text>{}</text></revision></page>"
    pages = [page.format("Gravel bar", article.read_text())]
    pages += [page.format(f"Other {n}", f"'''{n}''' more") for n in range(19)]
    dump = tmp_path / "x-multistream.xml.bz2"
    dump.write_bytes(b"".join(bz2.compress(s.encode()) for s in ["<mediawiki>", *pages]))
    monkeypatch.setattr(stage, "parts", lambda path: parts(path, 300))
    build = Build(tmp_path / "data", Sources(wikipedia=(str(dump),)), BuildConfig(partitions=2))
    found = []
    for workers in (3, 1):
        entry = build.run(LocalEngine(workers), start="wikipedia")["wikipedia"]
        found.append({name: facts["sha256"] for name, facts in entry.outputs.items()})
        assert entry.counts["articles"]["articles"] == 20
    assert found[0] == found[1]
    (row,) = rows(tmp_path / "data", "wikipedia/*.parquet")
    assert row["title"] == "Gravel bar"
