"""Pages taken out of the WARC files that were fetched, and out of the journals.

A record keeps its headers, its place and its length: its payload is gone. So no place in an index
or in a journal moves, and a build that reads the files again finds the same captures, of which it
makes no document. A payload that another document's capture stands for stays.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.engine.journal import NEW
from webtext_py.fetch.journal import journals
from webtext_py.layout import GOOD_CAPTURES
from webtext_py.removal.emptied import members, without_payload
from webtext_py.removal.files import Rewriting
from webtext_py.removed_list import RemovedList
from webtext_py.tables import iterate
from webtext_py.workspace import Steps, Work

_FOLDER = "pages"
_CHUNK = 1 << 20


def take_out(rewriting: Rewriting, listed: Path) -> None:
    """Makes the journals and the WARC files that hold pages on the list `listed` anew."""
    steps, stages = rewriting.steps, rewriting.stages
    if "fetch" not in stages:
        return
    spans = _out_of_journals(steps, listed)
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


def _out_of_journals(steps: Steps, listed: Path) -> dict[str, list[list[int]]]:
    """Makes the journals anew that name what is listed; returns where its records lie, by file."""
    work = [Work(path, listed, name=path.name) for path in journals(steps.data / _FOLDER)]
    made = steps.each("attempts", attempts, work, [f"{NEW}/{_FOLDER}/{{}}"], unit="files")
    spans: dict[str, list[list[int]]] = defaultdict(list)
    for done, (path,) in zip(made.done, made.paths, strict=True):
        if not done.counts["listed"]:
            path.unlink()
        for file, first, length in done.counts["spans"]:
            spans[file].append([first, length])
    return spans


def attempts(inputs: list[Path], outputs: list[Path]) -> dict[str, Any]:
    """Task: a journal (first input) after a removal of what a list (second) names: no later fetch
    refers to a payload of it. Returns how many lines name it, and where its records lie: file,
    first byte, length."""
    listed = RemovedList.read(inputs[1])
    spans, named = [], 0
    with inputs[0].open("rb") as old, outputs[0].open("wb") as new:
        for line in old:
            said = json.loads(line) if line.endswith(b"\n") else {"url_key": ""}
            key, final = said["url_key"], said.get("final_url")
            if key and (listed.has(key) or (final and listed.names(final))):
                named += 1
                if said["file"] is not None:
                    spans.append([said["file"], said["offset"], said["length"]])
                said["payloads"] = []
                line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
            new.write(line)
    return {"listed": named, "spans": spans}


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
