"""The last task of the stage: answers to results, their page and the samples."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .items import read_items, read_lines, write_lines
from .memory import overlap_of, shares_of
from .page import render
from .results import Judged, answer_of, document, judge, samples, score


def write_results(
    inputs: Sequence[Path], outputs: Sequence[Path], runs: Sequence[Mapping[str, Any]],
    indexes: Sequence[int], config: Mapping[str, Any],
) -> None:  # fmt: skip
    """Writes the JSON object, the page, and the samples of each run.

    `inputs` are the indexes of overlap, then each run's items and the files of its answers.
    """
    filters = dict(zip(indexes, inputs[: len(indexes)], strict=True))
    rest = list(inputs[len(indexes) :])
    judged, scored, shares = [], [], []
    for run in runs:
        mine, rest = rest[: run["files"]], rest[run["files"] :]
        one = judged_of(run, mine[0], mine[1:])
        judged.append(one)
        shares.append({n: shares_of(one.items, path) for n, path in filters.items()})
        scored.append(score(one, shares[-1]))
    overlap = overlap_of(judged, shares, filters, str(config["model"]["overlap_with"]))
    made = document(judged, scored, config, overlap)
    for run in runs:
        made["configs"][run["key"]]["passed"] = run["passed"]
    json_path, page_path, *sample_paths = outputs
    json_path.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    page_path.write_text(render(made, judged), "utf-8", errors="replace")
    for path, one, share in zip(sample_paths, judged, shares, strict=True):
        write_lines(path, samples(one, share))


def judged_of(run: Mapping[str, Any], items: Path, answers: Sequence[Path]) -> Judged:
    """A run's items and answers, put back in the order of the items."""
    listed = read_items(items)
    found: dict[str, list[list[Any]]] = {}
    for path in answers:
        for row in read_lines(path):
            found.setdefault(row["id"], []).append([answer_of(one) for one in row["answers"]])
    if run["protocol"] == "text":  # one item, a part of its text in each file
        together = [[part for parts in found[listed[0].id] for part in parts]]
    else:
        together = [found[item.id][0] for item in listed]
    return judge(
        run["key"], run["task"], run["form"], run["shots"], run["protocol"], listed, together
    )
