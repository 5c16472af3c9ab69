"""Pages taken out of the WARC files that were fetched, and out of the journal.

A record keeps its headers, its place and its length: its payload is gone. So no place in an index
or in the journal moves, and a build that reads the files again finds the same captures, of which it
makes no document. A payload that another document's capture stands for stays.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.engine.journal import NEW
from webtext_py.fetch.archive import JOURNAL
from webtext_py.layout import GOOD_CAPTURES
from webtext_py.removal.emptied import members, without_payload
from webtext_py.removal.files import Rewriting
from webtext_py.removed_list import RemovedList
from webtext_py.tables import iterate
from webtext_py.workspace import Work

_FOLDER = "pages"
_CHUNK = 1 << 20


def take_out(rewriting: Rewriting, listed: Path) -> None:
    """Makes the journal and the WARC files that hold pages on the list `listed` anew."""
    steps, stages = rewriting.steps, rewriting.stages
    journal = steps.data / _FOLDER / JOURNAL
    if "fetch" not in stages or not journal.exists():
        return
    said = steps.one("attempts", attempts, [journal, listed], [f"{NEW}/{_FOLDER}/{JOURNAL}"])
    spans: dict[str, list[list[int]]] = defaultdict(list)
    for file, first, length in said.counts("spans")[0]:
        spans[file].append([first, length])
    good = [steps.data / name for name in GOOD_CAPTURES.among(stages["pages"].outputs)]
    names = sorted(name for name in spans if f"{_FOLDER}/{name}" in stages["fetch"].outputs)
    work = [
        Work(
            steps.data / _FOLDER / name,
            listed,
            *good,
            weight=(steps.data / _FOLDER / name).stat().st_size,
            name=name,
            spans=spans[name],
            file=f"fetched/{name}" if f"fetched/{name}" in stages["pages"].inputs else name,
        )
        for name in names
    ]
    made = steps.each("fetched", emptied, work, [f"{NEW}/{_FOLDER}/{{}}"], unit="bytes")
    rewriting.made(made)


def attempts(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: the journal (first input) after a removal of what a list (second) names: no later fetch
    refers to a payload of it. Returns where its records lie: file, first byte, length."""
    listed = RemovedList.read(inputs[1])
    spans = []
    with inputs[0].open("rb") as old, outputs[0].open("wb") as new:
        for line in old:
            said = json.loads(line) if line.endswith(b"\n") else {"url_key": ""}
            key, final = said["url_key"], said.get("final_url")
            if key and (listed.has(key) or (final and listed.names(final))):
                if said["file"] is not None:
                    spans.append([said["file"], said["offset"], said["length"]])
                said["payloads"] = []
                line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
            new.write(line)
    return {"spans": spans}


def emptied(
    inputs: list[Path], outputs: list[Path], spans: list[list[int]], file: str
) -> dict[str, Any]:
    """Task: a WARC file (first input) whose members in `spans` (first byte, length) have no
    payload, but for those where a good capture lies (the third input and on, which call it `file`)
    that is not on the list (second)."""
    needed = _needed(file, RemovedList.read(inputs[1]), inputs[2:])
    with inputs[0].open("rb") as old, outputs[0].open("wb") as new:
        for first, length in sorted(spans):
            _copy(old, new, first - old.tell())
            for member in members(old.read(length)):
                new.write(member if new.tell() in needed else without_payload(member))
        _copy(old, new, inputs[0].stat().st_size - old.tell())
    return {}


def _needed(file: str, listed: RemovedList, good: list[Path]) -> set[int]:
    """Where the members of a file begin that other documents come from."""
    found: set[int] = set()
    for batch in iterate(good, ["url_key", "final_url", "location"]):
        here = pc.equal(pc.struct_field(batch["location"], "file"), file)
        rows = pa.Table.from_batches([batch.filter(here)])
        offsets = pc.struct_field(rows["location"], "offset").to_pylist()
        gone = set(listed.found_in(rows).tolist())
        found |= {offset for row, offset in enumerate(offsets) if row not in gone}
    return found


def _copy(old: BinaryIO, new: BinaryIO, count: int) -> None:
    while count > 0 and (piece := old.read(min(count, _CHUNK))):
        new.write(piece)
        count -= len(piece)
