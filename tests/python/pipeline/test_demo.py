"""The main job on the demo data: its tables, records, checks and reruns.

Where each planted case ends is tested beside the demo data itself.
"""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from webtext_py import demo
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.errors import StaleError
from webtext_py.manifest import Manifest
from webtext_py.pipeline import STAGES, Build, Sources
from webtext_py.records import SCHEMAS, SHARDS
from webtext_py.url.key import url_key
from webtext_py.verify import verify


def key_of(url: str) -> str:
    key = url_key(url)
    assert key is not None
    return key


def test_tables_have_the_schemas_of_records(built: Path) -> None:
    for name, (patterns, schema) in SCHEMAS.items():
        for pattern in patterns.split(", "):
            paths = sorted(built.glob(pattern))
            assert paths or name in ("tokens", "fetched", "wikipedia", "extracted", "removed"), name
            for path in paths:
                assert pq.read_schema(path).equals(schema), path.name


def test_other_tools_open_the_shards(built: Path, tmp_path: Path) -> None:
    folder = built / "shards"
    train = sorted(folder.glob("train-*.parquet"))
    rows = sum(pq.read_metadata(path).num_rows for path in train)
    dataset = load_dataset(str(folder), cache_dir=str(tmp_path))
    assert set(dataset) == {"train", "validation"}
    assert dataset["train"].num_rows == rows
    assert dataset["train"].column_names == SHARDS.names
    plain = load_dataset(
        "parquet", data_files=[str(p) for p in train], split="train", cache_dir=str(tmp_path)
    )
    assert plain[0]["doc_id"] == dataset["train"][0]["doc_id"]
    assert pl.read_parquet(train).height == rows
    query = f"select count(*), sum(words) from '{folder}/train-*.parquet'"
    counted = duckdb.sql(query).fetchall()
    assert counted[0][0] == rows


def test_validation_is_held_out_and_the_order_mixes_sites(built: Path) -> None:
    train = pl.read_parquet(str(built / "shards" / "train-*.parquet"))
    validation = pl.read_parquet(str(built / "shards" / "validation-*.parquet"))
    assert validation.height >= 2
    assert not set(train["doc_id"]) & set(validation["doc_id"])
    assert list(train["doc_id"]) != sorted(train["doc_id"])
    assert list(train["url"]) != sorted(train["url"])


def test_card_and_croissant_say_what_is_there(built: Path) -> None:
    card = (built / "shards" / "README.md").read_text()
    assert card.startswith("---\n")
    manifest = Manifest(built)
    splits = manifest.stages["shard"].counts["splits"]
    assert f"| train | {splits['train']['shards']} | {splits['train']['rows']} |" in card
    assert "at least 3, by `max`" in card
    croissant = json.loads((built / "shards" / "croissant.json").read_bytes())
    files = {o["@id"]: o for o in croissant["distribution"] if o["@type"] == "cr:FileObject"}
    for path in (built / "shards").glob("*.parquet"):
        recorded = manifest.stages["shard"].outputs[f"shards/{path.name}"]
        assert files[path.name]["sha256"] == recorded["sha256"]
    columns = [field["name"] for field in croissant["recordSet"][0]["field"]]
    assert columns == SHARDS.names


def test_manifest_records_what_ran(built: Path) -> None:
    manifest = Manifest(built)
    assert tuple(manifest.stages) == STAGES
    for entry in manifest.stages.values():
        assert entry.state == "done"
        assert entry.seconds > 0
        assert entry.peak_memory_bytes > 1 << 20
        assert entry.versions["webtext"]
    assert set(manifest.stages["links"].inputs) == {"RS_demo.ndjson.zst"}
    assert set(manifest.stages["pages"].inputs) == {"pages.warc.gz"}
    assert manifest.stages["links"].config["min_karma"] == 3
    assert not list(built.rglob(".tmp-*"))
    assert not list((built / ".state").glob("work/*"))


def test_verify_finds_what_was_altered_cut_or_lost(
    built: Path, tmp_path: Path, copy_of: Any
) -> None:
    assert verify(built).problems == []
    data = copy_of(built)
    shard = next((data / "shards").glob("train-*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    card = data / "shards" / "README.md"
    card.write_bytes(card.read_bytes()[:-1])
    (data / "links" / "part-00003.parquet").unlink()
    assert verify(data).problems == [
        "`links/part-00003.parquet` is lost",
        f"`shards/README.md` is cut: {card.stat().st_size} bytes of {card.stat().st_size + 1}",
        f"`shards/{shard.name}` was altered",
    ]


def test_verify_adds_the_ledger_up_again(built: Path, copy_of: Any) -> None:
    data = copy_of(built)
    manifest = Manifest(data)
    manifest.stages["pages"].counts["kept"] -= 1
    manifest.save()
    problems = " ".join(verify(data).problems)
    assert "pages: in" in problems
    assert "extract: taken from the stage before" in problems


def test_second_run_does_nothing(built: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in built.rglob("*.parquet")}
    Build(built, Sources(), BuildConfig()).run(LocalEngine(1))
    assert {p: p.stat().st_mtime_ns for p in built.rglob("*.parquet")} == before


def test_other_configuration_is_refused_then_forced(built: Path, copy_of: Any) -> None:
    data = copy_of(built)
    other = Build(data, Sources(), BuildConfig(min_karma=100))
    with pytest.raises(StaleError, match="min_karma: 3 -> 100"):
        other.run(LocalEngine(1))
    plan = dict(other.dry_run())
    assert plan["links"] == "stale: min_karma: 3 -> 100"
    assert plan["shard"].startswith("stale: stage")
    entries = other.run(LocalEngine(1), force=True)
    assert entries["links"].counts["urls"]["dropped"]["low_karma"] > 30
    assert verify(data).problems == []


def test_from_redoes_a_stage_and_those_after_it(built: Path, copy_of: Any) -> None:
    data = copy_of(built)
    manifest = Manifest(data)
    untouched = {p: p.stat().st_mtime_ns for p in (data / "pages").iterdir()}
    shorter = Build(data, Sources(), BuildConfig(min_words=400))
    assert dict(shorter.dry_run(start="extract"))["pages"] == "done"
    entries = shorter.run(LocalEngine(1), start="extract")
    assert {p: p.stat().st_mtime_ns for p in (data / "pages").iterdir()} == untouched
    assert entries["shard"].counts["kept"] < manifest.stages["shard"].counts["kept"]
    assert verify(data).problems == []


def test_a_refused_from_loses_nothing(built: Path, copy_of: Any) -> None:
    data = copy_of(built)
    before = (data / "manifest.json").read_bytes()
    other = Build(data, Sources(), BuildConfig(lang="de"))
    with pytest.raises(StaleError, match=r'else: lang: null -> "de"$'):
        other.run(LocalEngine(1), start="dedup")
    assert (data / "manifest.json").read_bytes() == before


def test_a_folder_of_dumps_may_hold_archives_too(tmp_path: Path) -> None:
    shutil.copy(demo.submissions(), tmp_path / "RS \u00fc.zst")
    shutil.copy(demo.pages(), tmp_path / "pages \u2603.WARC.gz")
    kind, files = Sources((str(tmp_path),), None, (str(tmp_path),)).link_files()
    assert (kind, list(files)) == ("dumps", ["RS \u00fc.zst"])


@pytest.mark.parametrize("rule", ["max", "sum", "first"])
def test_karma_rules_differ_where_the_demo_says(
    tmp_path: Path, expected: dict[str, Any], rule: Any
) -> None:
    from webtext_py.stages.links.stage import Links
    from webtext_py.workspace import Workspace

    config = BuildConfig(karma_rule=rule)
    kind, files = Sources().link_files()
    with Workspace(tmp_path / "data", LocalEngine(1)) as workspace:
        workspace.run(Links(config, files, kind))
    found = pl.read_parquet(str(tmp_path / "data" / "links" / "*.parquet"))
    karma = dict(zip(found["url_key"], found["karma"], strict=True))
    checked = Counter[str]()
    for link in expected["links"]:
        if link["outcome"] in ("kept", "low_karma"):
            wanted = link["karma"][rule]
            key = key_of(link["urls"][0])
            assert karma.get(key) == (wanted if wanted >= 3 else None), link["case"]
            checked["kept" if wanted >= 3 else "low"] += 1
    assert min(checked.values()) >= 10
