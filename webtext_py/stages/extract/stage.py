"""The stage's tasks and their order."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.config import BuildConfig
from webtext_py.engine import Task
from webtext_py.ledger import add_up, balance
from webtext_py.stage import StageRun
from webtext_py.stages.extract.documents import extract
from webtext_py.text.extract import ExtractSettings

FILES = ("documents/*.parquet", "ledger/urls-extract-*.parquet")

# Our choice: small enough that workers share a small build, large enough that a large one does not
# leave a million files.
_LEAST, _MOST, _TASKS = 32, 4096, 256


def run_extract(
    run: StageRun, config: BuildConfig, files: Mapping[str, Path], settings: ExtractSettings
) -> dict[str, Any]:
    """Runs the stage on the containers `files` (name to path); returns its counts."""
    pages: dict[str, int] = run.workspace.manifest.stages["pages"].counts["containers"]
    total = sum(pages.values())
    size = max(_LEAST, min(_MOST, -(-total // _TASKS)))
    good = tuple(run.outputs_of("pages", "pages"))
    good = tuple(path for path in good if path.name.startswith("good-"))
    slices = []
    for name, count in sorted(pages.items()):
        # Pages that share a member are read in one pass over it, not in one for each task.
        whole = name in run.workspace.manifest.stages["pages"].counts["shared"]
        step = count if whole else size
        slices += [(name, first, min(step, count - first)) for first in range(0, count, step)]
    done = run.tasks(
        "extract",
        [
            Task(
                f"extract-{i:05d}",
                extract,
                (files[name], *good),
                (
                    run.data / "documents" / f"part-{i:05d}.parquet",
                    run.data / "ledger" / f"urls-extract-{i:05d}.parquet",
                ),
                {"name": name, "first": first, "count": count, "settings": asdict(settings)},
                count,
            )
            for i, (name, first, count) in enumerate(slices)
        ],
        "pages",
    )
    kept = sum(result.counts["kept"] for result in done)
    dropped = add_up([result.counts["dropped"] for result in done])
    counts = balance("extract", total, kept, dropped)
    counts["words"] = sum(result.counts["words"] for result in done)
    return counts
