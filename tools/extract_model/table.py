"""A trained booster as the table that `src/extract/forest.rs` reads: numbers, nothing else."""

import struct
from typing import Any

import lightgbm as lgb
import numpy as np


def _threshold(value: float) -> float:
    """The largest float32 that is not above `value`: rows are float32, so no answer changes."""
    narrow = np.float32(value)
    if float(narrow) > value:
        narrow = np.nextafter(narrow, np.float32(-np.inf))
    return float(narrow)


def _tree(root: dict[str, Any]) -> bytes:
    splits: list[list[float]] = []
    leaves: list[float] = []

    def add(node: dict[str, Any]) -> int:
        if "split_feature" not in node:
            leaves.append(node["leaf_value"])
            return -len(leaves)
        if node["decision_type"] != "<=":
            raise ValueError(f"a split by `{node['decision_type']}`")
        number = len(splits)
        splits.append([node["split_feature"], _threshold(node["threshold"]), 0, 0])
        splits[number][2] = add(node["left_child"])
        splits[number][3] = add(node["right_child"])
        return number

    add(root)
    return (
        struct.pack("<B", len(splits))
        + b"".join(struct.pack("<Hfbb", *split) for split in splits)
        + struct.pack(f"<{len(leaves)}f", *leaves)
    )


def table_of(booster: lgb.Booster) -> bytes:
    """The table of a booster whose trees have at most 127 splits."""
    trees = booster.dump_model()["tree_info"]
    head = b"WTBF" + struct.pack("<HH", booster.num_feature(), len(trees))
    return head + b"".join(_tree(tree["tree_structure"]) for tree in trees)
