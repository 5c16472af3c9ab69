"""What a removal leaves is what a build from scratch makes that has its list."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from webtext_py.engine import LocalEngine
from webtext_py.layout import REMOVED, SHARDS
from webtext_py.manifest import Manifest
from webtext_py.pipeline import Sources
from webtext_py.records import doc_id
from webtext_py.removal import Asked, asked_for, remove
from webtext_py.removed_list import RemovedList
from webtext_py.stages.shard.order import threshold
from webtext_py.verify import verify

from .planted import SETTINGS, build, digests, keys, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sources, Path]:
    """The planted pages and a build of them, not to be changed."""
    folder = tmp_path_factory.mktemp("world")
    sources = write_world(folder)
    build(folder / "data", sources)
    return sources, folder / "data"


def documents(data: Path) -> dict[str, str]:
    """The documents of the shards: page to shard, in order."""
    return {
        url.rpartition("/")[2]: path.name
        for path in SHARDS.there(data)
        for url in pq.read_table(path)["url"].to_pylist()
    }


def ids(data: Path, *names: str) -> Asked:
    """Documents by the names of their pages."""
    found = {
        row["url"].rpartition("/")[2]: row["doc_id"]
        for path in sorted((data / "documents").iterdir())
        for row in pq.read_table(path, columns=["doc_id", "url"]).to_pylist()
    }
    return asked_for(doc_ids=[found[name] for name in names])


def alone(data: Path) -> list[str]:
    """Pages that are no part of a cluster: one held out, and the longest two for training."""
    found = {name: shard for name, shard in documents(data).items() if name.startswith("alone")}
    held = [name for name, shard in found.items() if shard.startswith("validation-")]
    # A page is the longer the higher its number is.
    return [held[0], *sorted(name for name in found if name not in held)[-2:]]


@pytest.mark.parametrize("promote", [False, True])
@pytest.mark.parametrize("names", [("chain-a", "twin", "near"), ("chain-b", "copy", "middle")])
def test_as_from_scratch(
    world: tuple[Sources, Path], tmp_path: Path, names: tuple[str, ...], promote: bool
) -> None:
    sources, before = world
    data, scratch = Path(shutil.copytree(before, tmp_path / "data")), tmp_path / "scratch"
    names = (*names, *alone(before))
    report = remove(data, ids(before, *names), promote=promote, engine=LocalEngine(1))
    assert verify(data).problems == []
    shutil.copytree((data / REMOVED.name()).parent, (scratch / REMOVED.name()).parent)
    again = build(scratch, sources)
    assert digests(data) == digests(scratch)
    assert keys(data) == keys(scratch)
    # As far as it can be known without a search: the search's own numbers stay those of before.
    for name, entry in Manifest(scratch).stages.items():
        counts, expected = Manifest(data).stages[name].counts, entry.counts
        assert {k: v for k, v in counts.items() if k != "near"} == {
            k: v for k, v in expected.items() if k != "near"
        }
    assert {verdict for _, verdict in again.dry_run()} == {"done"}
    # The layout is not that of what is left.
    splits = Manifest(data).stages["shard"].counts["splits"]
    assert splits["train"]["shards"] != -(-splits["train"]["bytes"] // SETTINGS.shard_bytes)
    layout = RemovedList.read(data / REMOVED.name()).layout
    assert layout is not None
    assert layout.cut > threshold(SETTINGS.validation)
    after = documents(data)
    assert set(after) & set(names) == set()
    # What stays lies where it lay, in the same order; files without it are the same.
    assert [n for n in after if n in documents(before)] == [
        n for n in documents(before) if n in after
    ]
    assert {name: documents(before).get(name, after[name]) for name in after} == after
    old, new = digests(before), digests(data)
    concerned = {f"shards/{documents(before)[n]}" for n in names if n in documents(before)}
    concerned |= {f"shards/{after[n]}" for n in set(after) - set(documents(before))}
    changed = {name for name in old if old[name] != new[name]}
    assert {n for n in changed if n.startswith("shards/")} == {
        *concerned, "shards/README.md", "shards/croissant.json",
    }  # fmt: skip
    assert sorted(changed) == report["written"]


def test_who_takes_the_place(world: tuple[Sources, Path], tmp_path: Path) -> None:
    _, before = world
    for promote in (False, True):
        data = Path(shutil.copytree(before, tmp_path / f"data-{promote}"))
        report = remove(
            data, ids(before, "chain-b", "twin"), promote=promote, engine=LocalEngine(1)
        )
        names = {row["doc_id"]: row["outcome"] for row in report["duplicates"]}
        known = ids(before, "chain-a", "chain-b", "chain-c", "twin", "copy").rows
        a, b, c, twin, copy = (doc_id for _, doc_id in known)
        # `chain-c` resembled `chain-a` over `chain-b` alone; `chain-a` has much the same text.
        outcome = "promoted" if promote else "removed"
        assert names == {c: outcome, copy: outcome}
        assert report["same_text"] == [{"doc_id": b, "kept_doc_id": a}]
        assert {row["doc_id"] for row in report["removed"]} == {b, twin}
        assert {"chain-a"} == set(documents(data)) & {"chain-a"}
        assert ({"chain-c", "copy"} <= set(documents(data))) == promote


def test_one_after_the_other(world: tuple[Sources, Path], tmp_path: Path) -> None:
    sources, before = world
    data, scratch = Path(shutil.copytree(before, tmp_path / "data")), tmp_path / "scratch"
    first, second = alone(before)[0], "chain-a"
    remove(data, ids(before, first), engine=LocalEngine(1))
    remove(data, ids(before, second), promote=True, reason="asked", engine=LocalEngine(1))
    listed = RemovedList.read(data / REMOVED.name())
    assert sorted(
        zip(listed.rows["promote"].to_pylist(), listed.rows["reason"].to_pylist(), strict=True)
    ) == [
        (False, None),
        (True, "asked"),
    ]
    shutil.copytree((data / REMOVED.name()).parent, (scratch / REMOVED.name()).parent)
    build(scratch, sources)
    assert digests(data) == digests(scratch)
    assert keys(data) == keys(scratch)
    # And in a directory that has the list, `--from` and other links bring nothing back.
    again = build(data, sources)
    again.run(LocalEngine(1), start="extract")
    assert digests(data) == digests(scratch)


def test_a_second_time_nothing(world: tuple[Sources, Path], tmp_path: Path) -> None:
    _, before = world
    data = Path(shutil.copytree(before, tmp_path / "data"))
    asked = ids(before, "alone-05")
    assert remove(data, asked, dry_run=True, engine=LocalEngine(1))["documents"] == 1
    assert digests(data) == digests(before)
    assert not (data / REMOVED.name()).exists()
    remove(data, asked, engine=LocalEngine(1))
    files = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    again = remove(data, asked, engine=LocalEngine(1))
    assert (again["listed"], again["documents"], again["written"]) == (0, 0, [])
    assert files == {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}


def test_by_domain_and_by_url(world: tuple[Sources, Path], tmp_path: Path) -> None:
    _, before = world
    data = Path(shutil.copytree(before, tmp_path / "data"))
    report = remove(data, asked_for(domain="SITE3.example"), engine=LocalEngine(1))
    hosts = {row["url_key"].split("/")[2] for row in report["removed"]}
    assert hosts == {"site3.example", "news.site3.example"}
    assert not any(
        "site3" in row
        for path in SHARDS.there(data)
        for row in pq.read_table(path)["url"].to_pylist()
    )
    file = tmp_path / "urls.txt"
    file.write_text(
        "# a letter\n\nhttps://news.site0.example/alone-03?utm_source=x\nftp://a/b\nhttp://un.known/\n"
    )
    report = remove(data, asked_for(urls=file), engine=LocalEngine(1))
    assert report["no_urls"] == ["ftp://a/b"]
    assert report["unknown"] == ["http://un.known/"]
    assert [row["doc_id"] for row in report["removed"]] == [
        doc_id("http://news.site0.example/alone-03")
    ]
    listed = RemovedList.read(data / REMOVED.name())
    assert listed.has("http://un.known/")
    assert verify(data).problems == []


def test_shards_of_other_links_are_counted_anew(
    world: tuple[Sources, Path], tmp_path: Path
) -> None:
    sources, before = world
    data = Path(shutil.copytree(before, tmp_path / "data"))
    remove(data, asked_for(domain="site3.example"), engine=LocalEngine(1))
    kept = Manifest(data).stages["shard"].counts["splits"]["train"]["shards"]
    assert sources.links is not None
    few = tmp_path / "few.jsonl"
    few.write_text("".join(sources.links.read_text().splitlines(keepends=True)[:20]))
    other = tmp_path / "other"
    shutil.copytree((data / REMOVED.name()).parent, (other / REMOVED.name()).parent)
    build(other, Sources(links=few, pages=sources.pages), SETTINGS)
    assert Manifest(other).stages["shard"].counts["splits"]["train"]["shards"] < kept
    assert not any("site3" in str(pq.read_table(path)["url"]) for path in SHARDS.there(other))
