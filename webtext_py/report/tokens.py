"""Tokens, and the entries of the vocabulary by length and by use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.tables import write_table
from webtext_py.tokenizer import Tokenizer
from webtext_py.tokens import TokenFile

SHOWN = 20  # entries of each list: our choice


def count_tokens(inputs: Sequence[Path], outputs: Sequence[Path]) -> dict[str, Any]:
    """Task: how often each id stands in some token shards."""
    total = np.zeros(0, np.int64)
    rows = 0
    for path in inputs:
        file = TokenFile(path)
        for group in range(file.metadata.num_row_groups):
            offsets, ids = file.read(group)
            rows += len(offsets) - 1
            total = _sum(total, np.bincount(ids.astype(np.int64)))
    write_table(pa.table({"uses": total}), outputs[0])
    return {"rows": rows, "tokens": int(total.sum())}


def _sum(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    made = np.zeros(max(len(left), len(right)), np.int64)
    made[: len(left)] += left
    made[: len(right)] += right
    return made


def vocabulary(
    inputs: Sequence[Path], outputs: Sequence[Path], digest: str | None
) -> dict[str, Any]:
    """Task: the longest and the rarest entries of the tokenizer (first input); the others are what
    `count_tokens` wrote, of the tokenizer with this digest."""
    tokenizer = Tokenizer.from_file(inputs[0])
    entries = tokenizer.tokens()
    uses = np.zeros(tokenizer.vocab_size, np.int64)
    counted = bool(inputs[1:]) and digest == tokenizer.digest
    for path in inputs[1:] if counted else ():
        uses = _sum(uses, pq.read_table(path)["uses"].to_numpy())

    def listed(order: list[int]) -> list[dict[str, Any]]:
        return [
            {
                "id": number,
                "text": entries[number].decode("utf-8", "backslashreplace"),
                "bytes": len(entries[number]),
                "uses": int(uses[number]) if counted else None,
            }
            for number in order[:SHOWN]
        ]

    used = [number for number in entries if uses[number]]
    return {
        "entries": tokenizer.vocab_size,
        "longest": listed(sorted(entries, key=lambda n: (-len(entries[n]), n))),
        "rarest": listed(sorted(used, key=lambda n: (uses[n], n))) if counted else None,
        "unused": len(entries) - len(used) if counted else None,
    }
