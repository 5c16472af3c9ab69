"""A whole build on real dump lines, real pages and real archives."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.pipeline import Build, Sources
from webtext_py.records import doc_id
from webtext_py.stages.links.stage import Links
from webtext_py.url.key import url_key
from webtext_py.verify import verify
from webtext_py.workspace import Workspace

from . import real_input

DERIVED = (
    "RS_v2_2005-07.xz",
    "derived/RS_2005-07.long31.zst",
    "derived/RS_2005-07.bz2",
    "derived/RS_2005-07.multistream.bz2",
    "derived/RS_2005-07.gz",
)


@pytest.mark.shared_data
def test_five_compressions_give_the_same_links(shared_data: Path, tmp_path: Path) -> None:
    found = set()
    for number, name in enumerate(DERIVED):
        path = shared_data / "reddit" / name
        data = tmp_path / str(number)
        config = BuildConfig(partitions=2)
        with Workspace(data, LocalEngine(1)) as workspace:
            entry = workspace.run(Links(config, {path.name: path}, "dumps"))
        # Its README: 1,079 links, 757 of them with a score of at least 3.
        assert entry.counts["lines"]["in"] == 1079
        found.add(tuple(p.read_bytes() for p in sorted((data / "links").iterdir())))
    assert len(found) == 1


@pytest.fixture
def labelled() -> ModuleType:
    """The labelled pages and their metrics, which the text tests own."""
    path = Path(__file__).parents[1] / "text" / "labelled_pages.py"
    spec = importlib.util.spec_from_file_location("labelled_pages_of_text", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.shared_data
def test_build_on_real_lines_pages_and_archives(
    shared_data: Path, tmp_path: Path, labelled: ModuleType
) -> None:
    articles = labelled.article_benchmark(shared_data / "html")
    snippets = labelled.snippet_benchmark(shared_data / "html")
    pages = [(real_input.usable(page.url), page.body) for page in (*articles, *snippets)]
    assert len(pages) == 486
    made = real_input.make(shared_data, tmp_path, pages)
    sources = Sources(tuple(map(str, made.dumps)), None, tuple(map(str, made.pages)))
    data = tmp_path / "data"
    entries = Build(data, sources, BuildConfig(karma_rule="max")).run(LocalEngine(2))
    assert verify(data).problems == []

    lines = entries["links"].counts["lines"]
    assert lines["in"] == made.lines
    assert lines["dropped"] == {"too_late": lines["in"] - lines["kept"]}
    ledger = pl.read_parquet(str(data / "ledger" / "urls-*.parquet"))
    ends = {row["url_key"]: (row["stage"], row["outcome"]) for row in ledger.iter_rows(named=True)}
    low = {key for key, karma in made.karma.items() if karma < 3}
    assert {key for key, end in ends.items() if end == ("links", "low_karma")} == low
    for key, reason in made.refused.items():
        assert ends[key] == ("links", reason) or key in low
    # Every capture and every page that a kept link names was found where it lies.
    assert not [key for key, end in ends.items() if end[0] == "pages"]
    assert {end[0] for end in ends.values()} >= {"links", "extract", "shard"}
    assert any(ends[key] == ("shard", "kept") for key in made.captured)

    # The texts meet the gate of the whole page path; a page that was dropped is an empty text.
    shards = pl.read_parquet(str(data / "shards" / "*.parquet"))
    texts = dict(zip(shards["doc_id"], shards["text"], strict=True))
    assert len(texts) == shards.height == entries["shard"].counts["kept"]

    def text_of(page: object) -> str | None:
        key = url_key(real_input.usable(page.url))  # type: ignore[attr-defined]
        assert key is not None
        return None if ends[key][0] == "links" else texts.get(doc_id(key), "")

    ours = [(page.article or "", text) for page in articles if (text := text_of(page)) is not None]
    theirs = [(page, text) for page in snippets if (text := text_of(page)) is not None]
    ended = Counter(end for end in ends.values())
    assert len(ours) + len(theirs) > 300, ended
    assert labelled.shingle_f1(ours) >= 0.945
    assert labelled.snippet_f1(theirs) >= 0.91
