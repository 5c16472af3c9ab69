"""The keyed hashes that decide a document's split and place."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

# Our choice of keys: any will do, but a data set's split and order hang on them.
PLACE_KEY = b"webtext place 1"
SPLIT_KEY = b"webtext split 1"


def keyed_hashes(doc_ids: "pa.Array | pa.ChunkedArray", key: bytes) -> npt.NDArray[np.uint64]:
    """64-bit BLAKE2b of each `doc_id` under `key`."""
    values = [
        int.from_bytes(hashlib.blake2b(d.encode(), digest_size=8, key=key).digest(), "big")
        for d in doc_ids.to_pylist()
    ]
    return np.array(values, np.uint64)


def threshold(share: float) -> np.uint64:
    """The hash below which a document belongs to a split of `share`, in [0, 1)."""
    return np.uint64(int(share * 2**64))
