"""Throws made and damaged pages at extraction, as many or as long as asked; any broken promise
ends it.

Promises: no panic and no abort; a text is NFC without control characters; a page costs at most a
CPU second; a batch gives what its pages give alone.

Usage: html.py [--seconds 60 | --pages N] [--seed 1] [--html HTML]

With HTML, the folder `html` of the shared test data, half of the pages are real ones, damaged.
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "python" / "text"))

from hostile import check, damaged, extracted, made_page
from labelled_pages import all_pages

BATCH = 50
SECONDS = 1.0


def one_batch(seed: int, real: list[bytes]) -> list[int]:
    """Outcomes of the pages of seeds `seed` to `seed + BATCH`."""
    pages = []
    for number in range(seed, seed + BATCH):
        chance = random.Random(number)
        whole = chance.choice(real) if real and number % 2 else made_page(chance)
        pages.append(damaged(whole, chance) if chance.random() < 0.9 else whole)
    outcomes, texts, _ = extracted(pages)
    for number, (page, outcome, text) in enumerate(zip(pages, outcomes, texts, strict=True), seed):
        try:
            check(page, outcome, text)
            alone = extracted([page])
            assert (alone[0], alone[1]) == ([outcome], [text]), "not what it gives alone"
            assert alone[2] <= SECONDS, f"{alone[2]} CPU seconds"
        except AssertionError:
            print(f"seed {number}: {len(page)} bytes", file=sys.stderr)
            raise
    return outcomes


def main() -> None:
    """The command."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    real = [page.body for page in all_pages(options.html)] if options.html else []
    counts = {"pages": 0, "done": 0, "too costly": 0}
    end = time.monotonic() + options.seconds
    seed = options.seed

    def more() -> bool:
        return counts["pages"] < options.pages if options.pages else time.monotonic() < end

    while more():
        outcomes = one_batch(seed, real)
        counts["pages"] += len(outcomes)
        counts["done"] += outcomes.count(0)
        counts["too costly"] += outcomes.count(1)
        seed += BATCH
    print(counts)


if __name__ == "__main__":
    main()
