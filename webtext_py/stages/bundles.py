"""Parts of the documents in bundles: what is removed from a bundle stands in one ledger file.

The stages behind extraction go by bundle, so that a task opens its own documents and its own
removals, however many there are of both.
"""

from collections.abc import Sequence
from pathlib import Path

from webtext_py.workspace import Work, ranges

MOST_PARTS = 64  # our choice: of the documents in a bundle, in a large build


def bundles(parts: int, partitions: int) -> list[tuple[int, int]]:
    """Ranges of parts, first and end: `partitions` where so many are enough."""
    return ranges(parts, max(partitions, -(-parts // MOST_PARTS))) or [(0, 0)]


def over_bundles(documents: Sequence[Path], *beside: Sequence[Path]) -> list[Work]:
    """Work for each bundle: its documents (their number is the argument `documents`), then the file
    of each of `beside`, which hold one a bundle."""
    count = len(beside[0])
    work = []
    for i, (first, end) in enumerate(bundles(len(documents), count)):
        mine = documents[first:end]
        weight = sum(path.stat().st_size for path in mine)
        inputs = (*mine, *(files[i] for files in beside))
        work.append(Work(*inputs, weight=weight, documents=len(mine)))
    return work
