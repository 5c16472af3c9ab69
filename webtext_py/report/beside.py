"""What other commands left beside the data set: overlap reports, evaluations, costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from webtext_py.manifest import Manifest

Stages = Sequence[str]


def overlaps(data: Path, manifest: Manifest, stages: Stages) -> list[dict[str, Any]]:
    """The overlap reports of the shards: how much of each test set was found in them."""
    rows = []
    for name, document in _documents(data, manifest, stages, "overlap/"):
        if not any(manifest.stages[index].upstream for index in manifest.stages[name].upstream):
            continue  # of another text
        facts = {key: document[key] for key in ("test", "n", "ngrams", "examples")}
        rows.append({"page": f"{name}.html", **facts})
    return rows


def evaluations(data: Path, manifest: Manifest, stages: Stages) -> list[dict[str, Any]]:
    """The evaluations: each with its tasks and their scores."""
    rows = []
    for name, document in _documents(data, manifest, stages, "eval/"):
        rows.append({"page": f"{name}.html", "name": name.partition("/")[2], **document})
    return rows


def _documents(
    data: Path, manifest: Manifest, stages: Stages, prefix: str
) -> list[tuple[str, dict[str, Any]]]:
    """The JSON objects that stages of one kind left."""
    found = []
    for name in sorted(stage for stage in stages if stage.startswith(prefix)):
        if f"{name}.json" in manifest.stages[name].outputs:
            found.append((name, msgspec.json.decode((data / f"{name}.json").read_bytes())))
    return found


def costs(manifest: Manifest, stages: Stages) -> list[dict[str, Any]]:
    """Wall time, peak memory of a process, and disk of each stage, as the manifest has them."""
    rows = []
    for name in stages:
        entry = manifest.stages[name]
        rows.append(
            {
                "stage": name,
                "seconds": entry.seconds,
                "peak_memory_bytes": entry.peak_memory_bytes,
                "files": len(entry.outputs),
                "disk_bytes": sum(facts["bytes"] for facts in entry.outputs.values()),
            }
        )
    return rows
