"""What becomes of the duplicates of a document that goes: the filters run again on their clusters.

The documents of the clusters concerned, without what goes, are a small data directory of their own,
in which the ordinary stages run. A cluster holds all that resembles one another over verified
pairs, so the rest of the build has no say in it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.defaults import WIKIPEDIA_SHARE
from webtext_py.engine.commit import file_facts
from webtext_py.errors import InputError
from webtext_py.layout import DOCUMENTS, DUPLICATES, WIKIPEDIA, url_ends
from webtext_py.manifest import Entry
from webtext_py.observer import Observer
from webtext_py.removal.find import Found
from webtext_py.removal.rewrite import pick
from webtext_py.stages.dedup.search import Rule
from webtext_py.stages.dedup.stage import Dedup
from webtext_py.stages.filter import Filter, in_order
from webtext_py.stages.wikipedia.stage import Wikipedia
from webtext_py.tables import write_table
from webtext_py.workspace import Steps, Work, Workspace

_IDS = pa.schema([pa.field("doc_id", pa.string(), False)])


@dataclass(frozen=True)
class Promoted:
    """What the filters made of the clusters."""

    again: frozenset[str] = frozenset()  # duplicates that were judged anew
    tables: Mapping[str, list[Path]] = field(default_factory=dict)  # a table's glob -> new rows
    documents: tuple[Path, ...] = ()  # those that take the place of what goes
    ids: frozenset[str] = frozenset()


def promote(steps: Steps, found: Found, stack: ExitStack) -> Promoted:
    """Judges the duplicates of what goes anew. What the filters leave lies in the work folder of
    `steps`, and is closed with `stack`."""
    rest = found.clusters.filter(
        pc.invert(pc.is_in(found.clusters["doc_id"], pa.array(sorted(found.ids), pa.string())))
    )
    again = frozenset(rest["doc_id"].to_pylist())
    if not again:
        return Promoted()
    members = (again | set(rest["kept_doc_id"].to_pylist())) - found.ids
    wanted = steps.work / "members.parquet"
    write_table(pa.table([sorted(members)], schema=_IDS), wanted)
    extract = steps.manifest.stages["extract"]
    parts = [steps.data / name for name in DOCUMENTS.among(extract.outputs)]
    small = steps.work / "clusters"
    work = [Work(path, wanted) for path in parts]
    picked = steps.each("pick", pick, work, [f"clusters/{DOCUMENTS.pattern}"])
    filters = in_order(_filters(steps))  # before anything is made
    workspace = stack.enter_context(Workspace(small, steps.engine, Observer()))
    entry = Entry.begun({}, {}, {}, 0, {})
    entry.outputs = {str(p.relative_to(small)): file_facts(p) for p in picked.files()}
    entry.state = "done"
    workspace.manifest.stages["extract"] = entry
    for stage in filters:
        workspace.run(stage)
    files = (DUPLICATES, WIKIPEDIA, *(url_ends(stage.name) for stage in filters))
    tables = {kind.glob: kind.there(small) for kind in files}
    ends = [pq.read_table(p) for f in filters for p in tables[url_ends(f.name).glob]]
    out = {doc_id for table in ends for doc_id in table["doc_id"].to_pylist()}
    ids = again - out
    chosen = steps.work / "ids.parquet"
    write_table(pa.table([sorted(ids)], schema=_IDS), chosen)
    made = steps.each(
        "take", pick, [Work(path, chosen) for path in picked.files()], ["promoted-{}.parquet"]
    )
    return Promoted(again, tables, made.files(), ids)


def _filters(steps: Steps) -> list[Filter]:
    """The filters of the build, from its record. Raises `InputError` for one that is not known, and
    where articles that a filter was given are no longer at hand."""
    stages = steps.manifest.stages
    names = [name for name in stages["shard"].upstream if name not in ("links", "pages", "extract")]
    if names != ["dedup", "wikipedia"]:
        raise InputError(
            f"`--promote` knows no filter but dedup and wikipedia; here are {', '.join(names)}",
            "leave it out, or build again with the list of what is removed",
        )
    rule, articles = stages["dedup"].config, stages["wikipedia"]
    given: dict[str, Path] = {}
    for name, digest in articles.inputs.items():
        path = steps.workspace.digests.place(digest)
        if path is None:
            raise InputError(
                f"the articles `{name}` are no longer where the build read them; what takes a "
                "place must be held against them",
                "put them back, or leave out `--promote`",
            )
        given[name] = path
    share: Any = articles.config.get("wikipedia_share", WIKIPEDIA_SHARE)
    filters = [
        Dedup(Rule(rule["near_dup"], rule["shingle"]), rule["partitions"]),
        Wikipedia(given, share),
    ]
    for stage in filters:
        if stage.rules != stages[stage.name].rules:
            raise InputError(
                f"`{stage.name}` was made by other rules than this webtext's",
                "leave out `--promote`, or run `webtext build --force` first",
            )
    return filters
