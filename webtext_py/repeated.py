"""The ids that several rows have, in whatever files: found by their hashes, a task a partition."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.reader.ids import hashes
from webtext_py.tables import join_bytes
from webtext_py.workspace import Steps, split


def write_hashes(file: BinaryIO, ids: pa.Array, partitions: int) -> None:
    """Adds the hashes of ids to a file for `repeated_ids`."""
    for buffer in _core.arrange_numbers(hashes(ids), partitions):
        file.write(memoryview(buffer))


def repeated_ids(steps: Steps, hashed: Sequence[Path], partitions: int) -> tuple[Path, ...]:
    """The file that names the ids which several rows have, those of all files of `write_hashes`
    taken together; none where there are none."""
    files = steps.joined("ids-joined", hashed, join_bytes)
    work, outputs = split(partitions, *files), ["repeated-{}.bin"]
    found = steps.each("repeated", repeated, work, outputs, partitions=partitions)
    if not found.total("ids"):
        return ()
    # One, since every file of text is read beside it.
    return steps.one("repeats", join_bytes, found.files(), ["repeats-{}.bin"]).files()


def repeated(
    inputs: list[Path], outputs: list[Path], partition: int, partitions: int
) -> dict[str, Any]:
    """Task: the hashes in a partition of ids that more than one row has, sorted."""
    found = np.sort(
        np.frombuffer(memoryview(_core.read_numbers(inputs, partition, partitions)), np.uint64)
    )
    twice = np.unique(found[1:][found[1:] == found[:-1]])
    twice.tofile(outputs[0])
    return {"ids": len(twice)}


def read_repeated(path: Path) -> npt.NDArray[np.uint64]:
    """The hashes in the file of `repeated_ids`, sorted."""
    return np.sort(np.fromfile(path, np.uint64))
