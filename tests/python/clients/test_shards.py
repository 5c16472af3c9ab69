"""`datasets`, polars and mlcroissant open `shards/` by its card and its croissant.json."""

import json
import logging
from pathlib import Path

import mlcroissant
import polars
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from webtext_py.records import SHARDS


def documents(made: Path, split: str) -> dict[str, str]:
    """Id to text of a split, by pyarrow alone."""
    tables = [pq.read_table(path) for path in sorted((made / "shards").glob(f"{split}-*.parquet"))]
    return {
        row["doc_id"]: row["text"]
        for table in tables
        for row in table.select(["doc_id", "text"]).to_pylist()
    }


def test_datasets_finds_the_splits_of_the_card(made: Path, tmp_path: Path) -> None:
    found = load_dataset(str(made / "shards"), cache_dir=str(tmp_path))
    assert sorted(found) == ["train", "validation"]
    for split, rows in found.items():
        assert dict(zip(rows["doc_id"], rows["text"], strict=True)) == documents(made, split)
        assert rows.column_names == SHARDS.names


def test_polars_reads_every_column(made: Path) -> None:
    for split in ("train", "validation"):
        frame = polars.read_parquet(made / "shards" / f"{split}-*.parquet")
        assert frame.columns == SHARDS.names
        assert dict(frame.select("doc_id", "text").iter_rows()) == documents(made, split)
        assert frame["karma"].min() >= 3  # type: ignore[operator]


# What its dependencies say of themselves.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_mlcroissant_reads_both_splits_without_a_warning(
    made: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=made / "shards" / "croissant.json")
    assert caplog.messages == []
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    assert [record_set.uuid for record_set in dataset.metadata.record_sets] == [
        "train",
        "validation",
    ]
    for split in ("train", "validation"):
        rows = list(dataset.records(split))
        assert {
            row[f"{split}/doc_id"].decode(): row[f"{split}/text"].decode() for row in rows
        } == documents(made, split)
        assert set(rows[0]) == {f"{split}/{name}" for name in SHARDS.names}


def test_croissant_is_dated_by_the_newest_page_and_never_by_today(made: Path) -> None:
    document = json.loads((made / "shards" / "croissant.json").read_bytes())
    frame = polars.read_parquet(made / "shards" / "*.parquet")
    newest = frame["fetched_at"].max()
    assert document["datePublished"] == f"{newest:%Y-%m-%d}"
    assert document["version"] == "1.0.0"
    assert "Radford" in document["citeAs"]
