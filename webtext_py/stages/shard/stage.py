"""The stage's declaration, its steps and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webtext_py.config import BuildConfig
from webtext_py.engine import Done
from webtext_py.errors import InputError
from webtext_py.layout import DOCUMENTS, SHARDS, url_ends
from webtext_py.ledger import balance
from webtext_py.removed_list import RemovedList, ShardLayout, made_from, removed_list
from webtext_py.stage import Files, Stage
from webtext_py.stages.bundles import over_bundles
from webtext_py.stages.shard.card import write_card
from webtext_py.stages.shard.order import threshold
from webtext_py.stages.shard.rows import place, survey, write
from webtext_py.workspace import Made, Steps, Work

CARD = (Files("shards/README.md"), Files("shards/croissant.json"))


@dataclass(frozen=True)
class Shard(Stage):
    """From what the `filters` left of the documents to the data set with its card."""

    settings: BuildConfig
    rules_said: Mapping[str, str]  # on the card
    filters: tuple[str, ...]

    name = "shard"
    rules = 3  # 2: the ledger names the shard; 3: croissant.json has both splits and a date
    files = (Files("shards/{}"), url_ends("shard"))

    @property
    def after(self) -> tuple[str, ...]:  # type: ignore[override]
        """All stages of a build: the card says what each took and kept."""
        return ("links", "pages", "extract", *self.filters)

    def config(self) -> Mapping[str, Any]:
        """Split and sizes."""
        return self.settings.part(
            "validation", "validation_documents", "shard_bytes", "row_group_documents"
        )

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The list of what was removed for good, where there is one: it has the layout."""
        return removed_list(data)

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Survey, place, write, and the card."""
        settings = self.settings
        removed = [steps.before(url_ends(stage)) for stage in self.filters]
        work = over_bundles(steps.before(DOCUMENTS), *removed)
        lowest = settings.validation_documents
        how: dict[str, Any] = {"share": settings.validation, "lowest": lowest}
        surveyed = steps.each("survey", survey, work, [], unit="bytes", **how)
        taken = surveyed.total("rows")
        if taken == 0:
            raise InputError("no document is left to write", "`ledger/` says where each URL ended")
        layout = self._layout(steps, surveyed)
        train = shard_names("train", layout.train)
        validation = shard_names("validation", layout.validation)
        how = {"cut": str(layout.cut), "train": len(train), "validation": len(validation)}
        placed = steps.each("place", place, work, ["place-{}.arrow"], unit="bytes", **how)
        pieces = steps.joined("join-place", placed.files())
        work = [Work(*pieces, name=name, shard=n) for n, name in enumerate([*train, *validation])]
        how = {"row_group_documents": settings.row_group_documents}
        written = steps.each("write", write, work, [SHARDS, url_ends("shard")], **how)
        counts = balance("shard", taken, written.total("rows"), {})
        counts["splits"] = {
            "train": _sizes(written.done[: len(train)]),
            "validation": _sizes(written.done[len(train) :]),
        }
        files = {
            path.rpartition("/")[2]: done.outputs[path]
            for done in written.done
            for path in SHARDS.among(done.outputs)
        }
        stages = stages_said({name: steps.counts(name) for name in self.after})
        facts = {"rules": self.rules_said, "stages": stages}
        how = {"counts": counts, "facts": facts, "files": files}
        steps.one("card", write_card, written.files(), CARD, **how)
        return counts

    def _layout(self, steps: Steps, surveyed: Made) -> ShardLayout:
        """That of before a removal from the same links; else by the documents surveyed."""
        links = made_from(steps.manifest.stages["links"], self.config())
        for path in removed_list(steps.data).values():
            kept = RemovedList.read(path).layout
            if kept is not None and kept.made_from == links:
                return kept
        cut, held_out = _cut(surveyed, self.settings)
        rows, size = surveyed.total("rows"), self.settings.shard_bytes  # a shard has a row
        train = max(1, min(rows, -(-(surveyed.total("bytes") - held_out) // size)))
        return ShardLayout(links, cut, train, min(rows, -(-held_out // size)))


def _sizes(shards: Sequence[Done]) -> dict[str, int]:
    sums = {name: sum(done.counts[name] for done in shards) for name in ("rows", "bytes", "words")}
    return {"shards": len(shards), **sums}


def stages_said(counts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the stages before took, kept and dropped, for the card, from their counts in order."""
    lines = counts["links"]
    stages = {"links (lines)": lines["lines"], "links (URLs)": lines["urls"]}
    for name in list(counts)[1:]:
        stages[name] = {key: counts[name][key] for key in ("in", "kept", "dropped")}
    return stages


def _cut(surveyed: Made, settings: BuildConfig) -> tuple[int, int]:
    """The hash below which documents are validation, and their bytes.

    By share; where that gives fewer than `validation_documents`, the lowest so many, but never all.
    """
    most = surveyed.total("rows") - 1
    wanted = min(settings.validation_documents, most) if settings.validation else 0
    if surveyed.total("validation_rows") >= wanted:
        return int(threshold(settings.validation)), surveyed.total("validation_bytes")
    found = surveyed.counts("lowest")
    lowest = sorted((int(h), b) for hashes in found for h, b in hashes)[:wanted]
    return lowest[-1][0] + 1, sum(size for _, size in lowest)


def shard_names(split: str, count: int) -> list[str]:
    """The names of a split's shards."""
    return [f"{split}-{i:05d}-of-{count:05d}" for i in range(count)]
