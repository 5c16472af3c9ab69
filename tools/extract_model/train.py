"""Trains the block model on labelled pages, judges it out of fold, and writes its table.

    python tools/extract_model/train.py HTML --cache DIR [--record FILE]

HTML is the folder `html` of the shared test data: the two benchmarks and `more/`. Only collections
whose licences allow it are trained on; all are judged. Every page is judged by a model that saw no
page of its registrable domain; the held-out halves also by one that saw none of them. Texts of
trafilatura are kept in DIR, outside the repository. The table, `src/extract/model.bin`, is the same
to the last bit on every run: one thread, fixed seeds, LightGBM at one version.
"""

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "python" / "text"), str(Path(__file__).parent)]

from blocks_of_pages import (  # noqa: E402
    FOLDS,
    TRAINING,
    Blocks,
    blocks_of,
    folds_of,
    second_rows,
    texts_by,
    weights_of,
)
from labelled_pages import LabelledPage, all_pages  # noqa: E402
from page_scores import difference_interval, f1, page_sets, page_values  # noqa: E402
from page_texts import texts_of  # noqa: E402
from table import table_of  # noqa: E402

LIGHTGBM = "4.7.0"
TABLE = ROOT / "src" / "extract" / "model.bin"
COMMON = {
    "objective": "binary",
    "min_data_in_leaf": 60,
    "min_sum_hessian_in_leaf": 5.0,
    "lambda_l2": 5.0,
    "feature_fraction": 0.4,
    "max_bin": 63,
    "seed": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
# Trees and parameters of the two looks.
FIRST = (80, {"num_leaves": 15, "learning_rate": 0.1})
SECOND = (60, {"num_leaves": 15, "learning_rate": 0.08})
Look = tuple[int, dict[str, float]]


def trained(
    look: Look, rows: NDArray[np.float32], blocks: Blocks, chosen: NDArray[np.bool_]
) -> lgb.Booster:
    """A booster of the labelled blocks of the `chosen` pages; `rows` are those of all blocks."""
    trees, parameters = look
    weights = weights_of(blocks)
    used = np.repeat(chosen, np.diff(blocks.bounds)) & (blocks.labels >= 0)
    data = lgb.Dataset(rows[used], blocks.labels[used], weight=weights[used])
    return lgb.train(COMMON | parameters, data, trees)


def out_of_fold(
    look: Look,
    rows: NDArray[np.float32],
    blocks: Blocks,
    folds: NDArray[np.int64],
    allowed: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Scores of all blocks, each by a booster that saw no page of its fold.

    Rows of the second look are made from such scores of the first, so that they are no better on
    the pages trained on than elsewhere.
    """
    of_block = np.repeat(folds, np.diff(blocks.bounds))
    scores = np.zeros(len(of_block), np.float32)
    for fold in range(FOLDS):
        booster = trained(look, rows, blocks, allowed & (folds != fold))
        judged = of_block == fold
        scores[judged] = booster.predict(rows[judged], raw_score=True)
    return scores


def of_other_half(
    pages: list[LabelledPage],
    blocks: Blocks,
    folds: NDArray[np.int64],
    allowed: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Scores of the blocks of held-out pages by boosters of the other half's pages alone; those of
    other blocks mean nothing."""
    held_out = np.array([page.held_out for page in pages])
    used = allowed & ~held_out
    judged = np.repeat(held_out, np.diff(blocks.bounds))
    first = out_of_fold(FIRST, blocks.features, blocks, folds, used)
    booster = trained(FIRST, blocks.features, blocks, used)
    first[judged] = booster.predict(blocks.features[judged], raw_score=True)
    again = second_rows(pages, blocks.bounds, first)
    return trained(SECOND, again, blocks, used).predict(again, raw_score=True).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    if version("lightgbm") != LIGHTGBM:
        parser.error(f"lightgbm is {version('lightgbm')}, expected {LIGHTGBM}")

    pages = all_pages(options.html)
    blocks = blocks_of(pages)
    allowed = np.array([page.collection in TRAINING for page in pages])
    folds = folds_of(pages)
    first = out_of_fold(FIRST, blocks.features, blocks, folds, allowed)
    again = second_rows(pages, blocks.bounds, first)
    second = out_of_fold(SECOND, again, blocks, folds, allowed)
    texts = {
        "trafilatura": texts_of("trafilatura", pages, options.cache),
        "rules": texts_of("rules", pages, options.cache),
        "model": texts_by(pages, blocks.bounds, second),
        "model of the other half": texts_by(
            pages, blocks.bounds, of_other_half(pages, blocks, folds, allowed)
        ),
    }
    rows = judged(pages, texts)
    table = table_of(trained(FIRST, blocks.features, blocks, allowed))
    table += table_of(trained(SECOND, again, blocks, allowed))
    TABLE.write_bytes(table)
    print(f"{len(table)} bytes")
    if options.record:
        result = {
            "what": "F1 by set, the model out of fold by registrable domain, the held-out halves "
            "also by a model of the other half alone; gain: 95 % interval of the model less "
            "trafilatura by paired bootstrap",
            "command": "python tools/extract_model/train.py HTML --cache DIR --record FILE",
            "commit": subprocess.check_output(
                ["git", "rev-parse", "--short", "HEAD"], text=True
            ).strip(),
            "table bytes": len(table),
            "trained on": sorted(TRAINING),
            "sets": rows,
        }
        options.record.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


def judged(
    pages: list[LabelledPage], texts: dict[str, list[str]]
) -> list[dict[str, str | int | float | list[float]]]:
    """F1 of each engine by set; prints it."""
    values = {engine: page_values(pages, found) for engine, found in texts.items()}
    rows: list[dict[str, str | int | float | list[float]]] = []
    for part in page_sets(pages):
        # The last one is for the held-out halves alone.
        engines = list(texts) if part.name.endswith("held out") else list(texts)[:3]
        shown = {engine: round(f1(values[engine], part), 4) for engine in engines}
        interval = difference_interval(values["model"], values["trafilatura"], part)
        low, high = (round(end, 4) for end in interval)
        rows.append({"set": part.name, "pages": len(part.at), **shown, "gain": [low, high]})
        figures = " ".join(f"{f:.4f}" for f in shown.values())
        print(f"{part.name:34} {len(part.at):5} {figures} {low:+.3f} {high:+.3f}", flush=True)
    return rows


if __name__ == "__main__":
    main()
