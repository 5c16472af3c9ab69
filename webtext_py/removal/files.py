"""Which files of a build hold what goes, and the tasks that make them anew, stage by stage."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.engine.journal import NEW
from webtext_py.errors import InputError
from webtext_py.layout import DOCUMENTS, DUPLICATES, SHARDS, WIKIPEDIA, url_ends
from webtext_py.ledger import balance
from webtext_py.removal import rewrite
from webtext_py.removal.find import Found
from webtext_py.removal.promote import Promoted
from webtext_py.removal.rewrite import OUT
from webtext_py.removed_list import OUTCOME, ShardLayout
from webtext_py.stage import Files
from webtext_py.stages.shard.card import rules_on, write_card
from webtext_py.stages.shard.rows import shard_of
from webtext_py.stages.shard.stage import CARD, shard_names, stages_said
from webtext_py.tables import write_table
from webtext_py.workspace import Made, Steps, Work

_SIZES = ("rows", "bytes", "words")


class Rewriting:
    """The files of after, below `new/` in the work folder.

    `gone` are the documents found and those that go with them; `instead` says what becomes of the
    other duplicates. Afterwards `files` has the facts of each new file, `changed` the old digest's
    new one, and `counts` those of each stage.
    """

    def __init__(
        self,
        steps: Steps,
        found: Found,
        gone: frozenset[str],
        instead: Promoted,
        layout: ShardLayout,
    ) -> None:
        self.steps = steps
        self.stages = steps.manifest.stages
        self.layout = layout
        self.instead = instead
        self.files: dict[str, dict[str, Any]] = {}
        self.changed: dict[str, str] = {}
        self.counts: dict[str, dict[str, Any]] = {}
        self.parts: list[str] = []  # the files of documents that hold what goes
        keys = dict(zip(*(found.rows[n].to_pylist() for n in OUT.names), strict=True))
        self.out = self._table("out", {**dict.fromkeys(gone), **keys})
        self._again = self._table("again", {**dict.fromkeys(gone | instead.again), **keys})

    def _table(self, name: str, rows: Mapping[str, str | None]) -> Path:
        path = self.steps.work / f"{name}.parquet"
        ordered = sorted(rows)
        write_table(pa.table([ordered, [rows[i] for i in ordered]], schema=OUT), path)
        return path

    def run(self) -> None:
        """All stages in their order."""
        taken = self._documents()
        for name in self.filters:
            taken = self._filter(name, taken)
        if not taken:
            raise InputError(
                f"no document would be left in `{self.steps.data}`", "remove the directory instead"
            )
        self._shards(taken)

    @property
    def filters(self) -> list[str]:
        """The filters of the build, in their order."""
        names = list(self.stages["shard"].upstream)
        return names[names.index("extract") + 1 :]

    def made(self, made: Made) -> None:
        """Takes note of the files of a step below `new/`; one that is as it was is none."""
        root = self.steps.work / NEW
        for done, paths in zip(made.done, made.paths, strict=True):
            for path in paths:
                facts = done.outputs[str(path.relative_to(self.steps.data))]
                name = str(path.relative_to(root))
                old = next(e.outputs[name] for e in self.stages.values() if name in e.outputs)
                if facts["sha256"] == old["sha256"]:
                    path.unlink()
                else:
                    self.files[name] = facts
                    self.changed[old["sha256"]] = facts["sha256"]

    def _holding(self, names: Sequence[str], column: str, out: Path) -> list[str]:
        """Those of these files that hold what goes."""
        work = [Work(self.steps.data / name, out, name=name.replace("/", "-")) for name in names]
        looked = self.steps.each("look", rewrite.look, work, [], unit="files", column=column)
        return [name for name, n in zip(names, looked.counts("rows"), strict=True) if n]

    def _documents(self) -> int:
        """The documents and extraction's rows of the ledger; returns how many documents stay."""
        entry, ends = self.stages["extract"], url_ends("extract")
        self.parts = self._holding(DOCUMENTS.among(entry.outputs), "doc_id", self.out)
        ended = self._holding(ends.among(entry.outputs), "url_key", self.out)
        keys = sorted({*map(DOCUMENTS.key, self.parts), *map(ends.key, ended)})
        data = self.steps.data
        made = self.steps.each(
            "documents",
            rewrite.documents,
            [Work(data / DOCUMENTS.name(k), data / ends.name(k), self.out, name=k) for k in keys],
            [f"{NEW}/{DOCUMENTS.pattern}", f"{NEW}/{ends.pattern}"],
            unit="files",
        )
        self.made(made)
        documents, others = made.total("documents"), made.by_name("ended")
        old = entry.counts
        dropped = Counter(old["dropped"])
        dropped.subtract(others)
        dropped[OUTCOME] += documents + others.total()
        kept: int = old["kept"] - documents
        counts = {**old, **balance("extract", old["in"], kept, +dropped)}
        self.counts["extract"] = {**counts, "words": old["words"] - made.total("words")}
        return kept

    def _filter(self, name: str, taken: int) -> int:
        """A filter's tables; `taken` is what it takes now. Returns what it keeps."""
        entry, ends = self.stages[name], url_ends(name)
        self._tables(entry.outputs, DUPLICATES, "duplicates", "doc_id")
        self._tables(entry.outputs, WIKIPEDIA, "wikipedia", "doc_id")
        change = self._tables(entry.outputs, ends, "ledger urls", "url_key")
        dropped = Counter(entry.counts["dropped"])
        dropped.update(change)
        kept = taken - dropped.total()
        self.counts[name] = {**entry.counts, **balance(name, taken, kept, +dropped)}
        return kept

    def _tables(
        self, outputs: Mapping[str, Any], kind: Files, name: str, order: str
    ) -> Counter[str]:
        """A filter's files of a kind; returns the change by outcome."""
        names = kind.among(outputs)
        fresh = self.instead.tables.get(kind.glob, [])
        if not fresh:
            names = self._holding(names, "doc_id", self._again)
        work = []
        for each in names:
            key = kind.key(each)
            # Bundles have one number in all filters: its duplicates say which new rows are its own.
            beside = [self.steps.data / DUPLICATES.name(key), *fresh] if fresh else []
            work.append(Work(self.steps.data / each, self._again, *beside, name=key))
        step = kind.pattern.replace("/", "-").replace("-{}.parquet", "")
        made = self.steps.each(
            step,
            rewrite.rows,
            work,
            [f"{NEW}/{kind.pattern}"],
            unit="files",
            name=name,
            order=order,
        )
        self.made(made)
        change = Counter[str]()
        for done in made.done:
            change.update(done.counts.get("change", {}))  # a sum would lose what is below zero
        return change

    def _shards(self, taken: int) -> None:
        entry, layout, data = self.stages["shard"], self.layout, self.steps.data
        splits = {
            split: shard_names(split, getattr(layout, split)) for split in ("train", "validation")
        }
        names = [name for members in splits.values() for name in members]
        held = self._holding(SHARDS.among(entry.outputs), "doc_id", self.out)
        concerned = {SHARDS.key(name) for name in held}
        numbers = [layout.cut, layout.train, layout.validation]
        if self.instead.ids:
            new = pa.array(sorted(self.instead.ids), pa.string())
            concerned |= {names[n] for n in shard_of(new, *numbers)}
        ends = url_ends("shard")
        work = [
            Work(
                data / SHARDS.name(name),
                data / ends.name(name),
                self.out,
                *self.instead.documents,
                name=name,
                shard=n,
            )
            for n, name in enumerate(names)
            if name in concerned
        ]
        made = self.steps.each(
            "shards",
            rewrite.shard,
            work,
            [f"{NEW}/{SHARDS.pattern}", f"{NEW}/{ends.pattern}"],
            unit="files",
            layout=numbers,
            row_group_documents=entry.config["row_group_documents"],
        )
        self.made(made)
        counts = {**entry.counts, **balance("shard", taken, taken, {})}
        counts["splits"] = {split: dict(old) for split, old in entry.counts["splits"].items()}
        for item, done in zip(work, made.done, strict=True):
            split = counts["splits"][str(item.name).partition("-")[0]]
            for size in _SIZES:
                split[size] += done.counts[size] - done.counts["before"][size]
        self.counts["shard"] = counts
        assert sum(split["rows"] for split in counts["splits"].values()) == taken, "a row got lost"
        self._card([SHARDS.name(name) for name in names], counts)

    def _card(self, names: Sequence[str], counts: Mapping[str, Any]) -> None:
        """The card says what each stage took and kept, so it is another in any case."""
        data, stages = self.steps.data, self.stages
        known = {name: self.files.get(name, stages["shard"].outputs[name]) for name in names}
        new = self.steps.work / NEW
        paths = [(new if name in self.files else data) / name for name in names]
        before = {
            name: self.counts.get(name, stages[name].counts) for name in stages["shard"].upstream
        }
        card = (data / CARD[0].name()).read_text(encoding="utf-8")
        self.made(
            self.steps.one(
                "card",
                write_card,
                paths,
                [f"{NEW}/{file.pattern}" for file in CARD],
                counts=dict(counts),
                facts={"rules": rules_on(card), "stages": stages_said(before)},
                files={name.rpartition("/")[2]: facts for name, facts in known.items()},
            )
        )
