"""A filter of one's own: this file is its package, and the list is `Build`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.layout import url_ends
from webtext_py.ledger import url_ends as ended
from webtext_py.pipeline import Build, Sources
from webtext_py.stages.bundles import over_bundles
from webtext_py.stages.filter import Filter
from webtext_py.stages.removed import Removed
from webtext_py.tables import read_tables, write_table
from webtext_py.verify import verify
from webtext_py.workspace import Steps


@dataclass(frozen=True)
class DropLanguage(Filter):
    """Drops documents of one language."""

    code: str

    name = "language"
    rules = 1

    def config(self) -> Mapping[str, Any]:
        return {"code": self.code}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        work = over_bundles(self.documents(steps), *self.removed(steps))
        made = steps.each("drop", drop, work, [url_ends(self.name)], code=self.code)
        return self.balanced(made.total("in"), {f"is_{self.code}": made.total("dropped")})


def drop(inputs: list[Path], outputs: list[Path], documents: int, code: str) -> dict[str, Any]:
    """Task: a bundle's documents of one language to ledger rows."""
    rows = read_tables(inputs[:documents], ["doc_id", "url_key", "language"])
    rows = Removed(inputs[documents:]).keep(rows)
    gone = rows.filter(pc.equal(rows["language"], code))
    reasons = pa.repeat(f"is_{code}", gone.num_rows)
    write_table(ended("language", gone["url_key"], reasons, gone["doc_id"]), outputs[0])
    return {"in": rows.num_rows, "dropped": gone.num_rows}


def _languages(data: Path) -> dict[str, int]:
    counts = pl.read_parquet(str(data / "shards" / "*.parquet"))["language"].value_counts()
    return dict(counts.iter_rows())


def test_a_filter_of_ones_own(built: Path, tmp_path: Path) -> None:
    before = _languages(built)
    assert before["de"] >= 1
    assert before["en"] >= 10
    build = Build(tmp_path / "data", Sources(), BuildConfig(), filters=[DropLanguage("de")])
    entries = build.run(LocalEngine(1))  # a worker could not import this file
    assert entries["language"].counts["dropped"] == {"is_de": before["de"]}
    assert _languages(tmp_path / "data") == {k: n for k, n in before.items() if k != "de"}
    assert verify(tmp_path / "data").problems == []
    assert "language" in (tmp_path / "data" / "shards" / "README.md").read_text()
    # Another code concerns the filter and what comes behind it, nothing else.
    again = Build(tmp_path / "data", Sources(), BuildConfig(), filters=[DropLanguage("fr")])
    verdicts = dict(again.dry_run())
    assert {name for name, verdict in verdicts.items() if verdict != "done"} == {
        "language",
        "shard",
    }
    assert verdicts["language"] == 'stale: code: "de" -> "fr"'
