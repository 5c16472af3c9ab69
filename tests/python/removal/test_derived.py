"""What was made of a build beside its shards: what goes, what stays, what is named."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from webtext_py.bpe.encode_stage import encode
from webtext_py.bpe.train import BpeConfig
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.engine import LocalEngine
from webtext_py.errors import InputError
from webtext_py.layout import REMOVED, SHARDS, TRAIN_SHARDS, url_ends
from webtext_py.ledger import url_ends as ended
from webtext_py.manifest import Manifest
from webtext_py.pipeline import Build, Sources
from webtext_py.removal import Asked as AskedFor
from webtext_py.removal import asked_for, remove
from webtext_py.runs.command import Request, open_data
from webtext_py.runs.settings import Settings
from webtext_py.stage import Files, Stage
from webtext_py.stages.bundles import over_bundles
from webtext_py.stages.filter import Filter
from webtext_py.stages.removed import Removed
from webtext_py.tables import read_tables, write_table
from webtext_py.tokenizer import Tokenizer
from webtext_py.verify import verify
from webtext_py.workspace import Steps, Workspace

from .planted import SETTINGS, build, digests, keys, texts, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sources, Path]:
    """The planted pages and a build of them with a vocabulary, not to be changed."""
    folder = tmp_path_factory.mktemp("world")
    sources = write_world(folder)
    build(folder / "data", sources)
    train_vocabulary(folder / "data", Asked(BpeConfig(vocab_size=300)))
    return sources, folder / "data"


@pytest.fixture
def copied(world: tuple[Sources, Path], tmp_path: Path) -> Path:
    """A build that may be changed."""
    return Path(shutil.copytree(world[1], tmp_path / "data"))


def documents(data: Path, files: Files = SHARDS) -> dict[str, dict[str, Any]]:
    """Rows of shards by the name of their page."""
    rows = (row for path in files.there(data) for row in pq.read_table(path).to_pylist())
    return {row["url"].rpartition("/")[2]: row for row in rows}


def page(data: Path, name: str, files: Files = SHARDS) -> AskedFor:
    """A document by the name of its page."""
    return asked_for(doc_ids=[documents(data, files)[name]["doc_id"]])


def alone(data: Path) -> str:
    """A page for training that is no part of a cluster."""
    return next(name for name in documents(data, TRAIN_SHARDS) if name.startswith("alone"))


@dataclass(frozen=True)
class Samples(Stage):
    """A result of its own that holds some text, as samples of a model do."""

    name: str  # type: ignore[misc]
    text: str
    rules = 1

    def body(self, steps: Steps) -> Mapping[str, Any]:
        path = steps.data / self.name / "samples.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"text": self.text}) + "\n")
        steps.keep([path])
        return {}


def test_samples_that_quote_go(copied: Path) -> None:
    name = alone(copied)
    said = documents(copied)[name]["text"].split()
    other = next(row["text"] for key, row in documents(copied).items() if key != name)
    with Workspace(copied, LocalEngine(1)) as workspace:
        workspace.run(Samples("eval/quotes", "It said: " + " ".join(said[20:40])))
        workspace.run(Samples("eval/resembles", f"{' '.join(said[20:30])} and so on {other}"))
    report = remove(copied, page(copied, name), engine=LocalEngine(1))
    assert report["stale"] == ["eval/quotes"]
    assert report["deleted"] == ["eval/quotes/samples.jsonl"]
    assert (copied / "eval" / "resembles" / "samples.jsonl").exists()
    assert verify(copied).problems == []


@pytest.mark.parametrize("flat", [False, True])
def test_tokens_that_cannot_be_made_again_go(copied: Path, tmp_path: Path, flat: bool) -> None:
    name = alone(copied)
    if flat:
        encode(copied, flat=True)
    else:
        other = tmp_path / "other"
        train_vocabulary(copied, Asked(BpeConfig(vocab_size=260)), out=other)
        encode(copied, tokenizer=other)
    report = remove(copied, page(copied, name), engine=LocalEngine(1))
    assert report["stale"] == ["tokens"]
    assert not list((copied / "tokens").iterdir())
    assert verify(copied).problems == []


@dataclass(frozen=True)
class DropSite(Filter):
    """A filter of one's own."""

    name = "site"
    rules = 1

    def body(self, steps: Steps) -> Mapping[str, Any]:
        work = over_bundles(self.documents(steps), *self.removed(steps))
        made = steps.each("drop", drop, work, [url_ends(self.name)])
        return self.balanced(made.total("in"), {"site4": made.total("dropped")})


def drop(inputs: list[Path], outputs: list[Path], documents: int) -> dict[str, Any]:
    """Task: a bundle's documents of one site to ledger rows."""
    rows = read_tables(inputs[:documents], ["doc_id", "url_key"])
    rows = Removed(inputs[documents:]).keep(rows)
    gone = rows.filter(pc.match_substring(rows["url_key"], "site4"))
    reasons = pa.repeat("site4", gone.num_rows)
    write_table(ended("site", gone["url_key"], reasons, gone["doc_id"]), outputs[0])
    return {"in": rows.num_rows, "dropped": gone.num_rows}


def test_a_filter_of_ones_own(world: tuple[Sources, Path], tmp_path: Path) -> None:
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    Build(data, world[0], SETTINGS, filters=[DropSite()]).run(LocalEngine(1))
    before = Manifest(data).stages["site"].counts["dropped"]["site4"]
    asked = asked_for(domain="news.site4.example")  # half of it had been dropped by the filter
    with pytest.raises(InputError, match="knows no filter but dedup and wikipedia; here are"):
        remove(data, page(data, "twin"), promote=True, engine=LocalEngine(1))
    remove(data, asked, engine=LocalEngine(1))
    shutil.copytree((data / REMOVED.name()).parent, (scratch / REMOVED.name()).parent)
    Build(scratch, world[0], SETTINGS, filters=[DropSite()]).run(LocalEngine(1))
    assert digests(data) == digests(scratch)
    assert keys(data) == keys(scratch)
    assert Manifest(data).stages["site"].counts["dropped"]["site4"] < before
    assert verify(data).problems == []


def test_runs_are_named(copied: Path) -> None:
    encode(copied)
    request, tokenizer = (
        Request(data=copied, settings=Settings()),
        Tokenizer.from_file(copied / "tokenizer"),
    )
    opened = open_data(request, request.settings, tokenizer)
    assert opened is not None
    facts = opened.facts
    for run, data in (("these", facts), ("others", {"training": "x"}), ("broken", None)):
        (copied / "runs" / run).mkdir(parents=True)
        (copied / "runs" / run / "run.json").write_text(json.dumps({"data": data}))
    report = remove(copied, page(copied, alone(copied)), engine=LocalEngine(1))
    assert report["runs"] == [
        {"run": "broken", "on_these_tokens": False},
        {"run": "others", "on_these_tokens": False},
        {"run": "these", "on_these_tokens": True},
    ]
    assert report["vocabularies"] == ["tokenizer"]


def test_what_only_the_list_knows_changes_no_result(copied: Path, tmp_path: Path) -> None:
    encode(copied)
    before = digests(copied)
    file = tmp_path / "urls.txt"
    file.write_text("http://un.known/\n")
    report = remove(copied, asked_for(urls=file), engine=LocalEngine(1))
    assert (report["written"], report["stale"], report["vocabularies"]) == ([], [], [])
    assert digests(copied) == {**before, REMOVED.name(): digests(copied)[REMOVED.name()]}
    assert verify(copied).problems == []


def test_what_takes_the_place_is_held_against_articles(
    world: tuple[Sources, Path], tmp_path: Path
) -> None:
    # `chain-b`, which would take the place of `chain-a`, is an article; the others are not quite.
    article = tmp_path / "article.txt"
    article.write_text(" ".join(texts()["chain-b"]) + "\n")
    given = world[0]
    sources = Sources(links=given.links, pages=given.pages, wikipedia=(str(article),))
    settings = replace(SETTINGS, wikipedia_share=0.97)
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    build(data, sources, settings)
    asked = page(data, "chain-a")
    moved = article.rename(tmp_path / "away.txt")
    with pytest.raises(InputError, match=r"`article.txt` are no longer where"):
        remove(data, asked, promote=True, engine=LocalEngine(1))
    moved.rename(article)
    remove(data, asked, promote=True, engine=LocalEngine(1))
    shutil.copytree((data / REMOVED.name()).parent, (scratch / REMOVED.name()).parent)
    build(scratch, sources, settings)
    assert digests(data) == digests(scratch)
    assert keys(data) == keys(scratch)
    assert Manifest(data).stages["wikipedia"].counts["dropped"] == {"wikipedia_content": 1}
    assert {"chain-a", "chain-b", "chain-c"} & set(documents(data)) == set()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: (data / REMOVED.name()).unlink(), "is not the list that the build"),
        (lambda data: Manifest(data).stages and _begin(data), "`tokenizer` was begun and not"),
    ],
)
def test_what_is_not_finished_is_refused(
    copied: Path, spoil: Callable[[Path], None], said: str
) -> None:
    name = alone(copied)
    remove(copied, page(copied, name), engine=LocalEngine(1))
    spoil(copied)
    with pytest.raises(InputError, match=said):
        remove(copied, page(copied, alone(copied)), engine=LocalEngine(1))


def _begin(data: Path) -> None:
    manifest = Manifest(data)
    manifest.stages["tokenizer"].state = "running"
    manifest.save()


def test_verify_knows_what_was_removed(copied: Path, world: tuple[Sources, Path]) -> None:
    remove(copied, page(copied, alone(copied)), engine=LocalEngine(1))
    checks = verify(copied).checks
    assert checks > verify(world[1]).checks
    shutil.copytree(world[1] / "documents", copied / "documents", dirs_exist_ok=True)
    assert (
        "documents on the list of what was removed: 1 found, 0 expected" in verify(copied).problems
    )
    (copied / REMOVED.name()).unlink()
    assert any("list of what was removed, is lost" in line for line in verify(copied).problems)


def test_not_everything(copied: Path) -> None:
    before = digests(copied)
    everything = asked_for(doc_ids=[row["doc_id"] for row in documents(copied).values()])
    with pytest.raises(InputError, match="no document would be left"):
        remove(copied, everything, engine=LocalEngine(1))
    assert digests(copied) == before


def test_no_build_no_removal(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no finished `links`"):
        remove(tmp_path / "none", asked_for(domain="a.example"), engine=LocalEngine(1))
    assert not (tmp_path / "none").exists()
