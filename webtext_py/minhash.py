"""MinHash signatures with datasketch's hash values, and the arithmetic of banding.

`signatures` gives, for every text, bit for bit the `hashvalues` that datasketch 2.0 computes from
the text's shingles: `n` words of the overlap normaliser in a row, joined by single spaces. So
`minhashes` and `lean_minhashes` are ordinary datasketch objects, and its LSH indexes and storage
back ends (Redis, Cassandra) take them:

    from datasketch import MinHashLSH
    lsh = MinHashLSH(threshold=0.8, num_perm=128)
    for key, minhash in zip(ids, minhashes(texts), strict=True):
        lsh.insert(key, minhash)

With `hash="sha1"`, the default, shingles are hashed as datasketch does without a `hashfunc`. With
`hash="ngram"`, which the dedup stage uses, they are hashed by the core's n-gram key: about as good
and several times as fast; `ngram_hash` is that `hashfunc`.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.columns import as_column, text_column
from webtext_py.errors import ConfigError

if TYPE_CHECKING:
    from datasketch import LeanMinHash, MinHash

Scheme = Literal["affine32", "affine64", "legacy"]
Hash = Literal["sha1", "ngram"]

PERMUTATIONS = 128  # datasketch's default
_PROBABILITY = 0.99  # our choice: that a pair at the threshold is found
SHINGLE = 5  # words, as FineWeb and OpenWebText2 have (docs/dedup.md)
_PRIME = np.uint64((1 << 61) - 1)


@lru_cache(maxsize=64)
def permutations(
    num_perm: int = PERMUTATIONS, seed: int = 1, scheme: Scheme = "affine32"
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The parameters `a` and `b` of each permutation: shape (num_perm,), as datasketch draws them.

    Raises `ConfigError` for a scheme that datasketch does not have, or no permutation.
    """
    if scheme not in ("affine32", "affine64", "legacy"):
        raise ConfigError(f"scheme `{scheme}` is none of affine32, affine64, legacy")
    if num_perm < 1:
        raise ConfigError(f"{num_perm} permutations; 1 or more were expected")
    draw = np.random.RandomState(seed)  # the generator that datasketch uses
    if scheme == "legacy":
        pairs = [
            (draw.randint(1, _PRIME, dtype=np.uint64), draw.randint(0, _PRIME, dtype=np.uint64))
            for _ in range(num_perm)
        ]
        a, b = np.array(pairs, np.uint64).T
    else:
        width, kind = (32, np.uint32) if scheme == "affine32" else (64, np.uint64)
        a = draw.randint(0, 1 << (width - 1), num_perm, dtype=kind).astype(np.uint64)
        a = a * np.uint64(2) + np.uint64(1)
        b = draw.randint(0, 1 << width, num_perm, dtype=kind).astype(np.uint64)
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    a.flags.writeable = b.flags.writeable = False
    return a, b


def signatures(
    texts: "Sequence[str] | pa.Array | pa.ChunkedArray",
    *,
    num_perm: int = PERMUTATIONS,
    seed: int = 1,
    scheme: Scheme = "affine32",
    shingle: int = SHINGLE,
    ascii: bool = False,
    hash: Hash = "sha1",
) -> npt.NDArray[np.uint32] | npt.NDArray[np.uint64]:
    """Hash values of each text: shape (rows, num_perm), uint32 for `affine32`, else uint64.

    A text of fewer than `shingle` words has the empty signature, every value the largest.
    """
    a, b = permutations(num_perm, seed, scheme)
    column = text_column(as_column(texts))
    found = _core.minhash_signatures(column, (scheme, a, b), shingle, ascii, hash)
    kind: Any = np.uint32 if scheme == "affine32" else np.uint64
    return np.frombuffer(memoryview(found), kind).reshape(-1, num_perm)


class _Signing(TypedDict, total=False):
    """The arguments of `signatures` beside the texts."""

    num_perm: int
    seed: int
    scheme: Scheme
    shingle: int
    ascii: bool
    hash: Hash


def minhashes(
    texts: "Sequence[str] | pa.Array | pa.ChunkedArray", **signing: Unpack[_Signing]
) -> "list[MinHash]":
    """A `datasketch.MinHash` for each text; arguments as for `signatures`.

    With `hash="ngram"` their `hashfunc` is `ngram_hash`, so that `update` goes on as it began.
    """
    from datasketch import MinHash

    rows = signatures(texts, **signing)
    scheme, seed = signing.get("scheme", "affine32"), signing.get("seed", 1)
    ngram = partial(ngram_hash, bits=64 if scheme == "affine64" else 32)
    how: dict[str, Any] = {"seed": seed, "scheme": scheme}
    drawn = MinHash(num_perm=rows.shape[1], **how).permutations
    how |= {"permutations": drawn, "hashfunc": ngram if signing.get("hash") == "ngram" else None}
    return [MinHash(hashvalues=row, **how) for row in rows]


def lean_minhashes(
    texts: "Sequence[str] | pa.Array | pa.ChunkedArray", **signing: Unpack[_Signing]
) -> "list[LeanMinHash]":
    """A `datasketch.LeanMinHash` for each text: smaller, for storage; arguments as above."""
    from datasketch import LeanMinHash

    return list(map(LeanMinHash, minhashes(texts, **signing)))


def ngram_hash(shingle: bytes, bits: int = 32) -> int:
    """The core's key of a shingle (words of normalised text joined by spaces), its low `bits`.

    Raises `ValueError` for text that the normaliser would change.
    """
    text = shingle.decode()
    words = text.split(" ")
    column = text_column(pa.array([text], pa.large_string()))
    keys = np.frombuffer(memoryview(_core.ngram_keys(*column, len(words), False)), np.uint64)
    if _core.normalize_text(shingle, False) != text or len(keys) != 1:
        raise ValueError(f"`{text}` is not normalised words joined by single spaces")
    return int(keys[0]) & ((1 << bits) - 1)


def shingle_sets(
    texts: "Sequence[str] | pa.Array | pa.ChunkedArray", shingle: int = SHINGLE
) -> list[npt.NDArray[np.uint64]]:
    """The distinct shingle keys of each text, ascending.

    Different shingles share a key with probability 2^-64 a pair.
    """
    ends, keys = _core.shingle_sets(*text_column(as_column(texts)), shingle)
    bounds = np.frombuffer(memoryview(ends), np.uint64)[:-1].astype(np.int64)
    if not len(ends):
        return []
    return np.split(np.frombuffer(memoryview(keys), np.uint64), bounds)


def candidate_probability(jaccard: float, bands: int, rows: int) -> float:
    """How likely a pair of that Jaccard similarity shares a band: 1 - (1 - J^rows)^bands."""
    return 1.0 - (1.0 - jaccard**rows) ** bands


def bands_for(threshold: float) -> tuple[int, int]:
    """Bands and rows: the most rows with which a pair at the threshold is still a candidate with a
    probability of 99 %, and all bands that then fit. At 0.8: 21 bands of 6.

    More rows mean fewer candidates below the threshold, each of which costs a comparison. Raises
    `ConfigError` where even single rows are too few.
    """
    for rows in range(PERMUTATIONS, 0, -1):
        bands = PERMUTATIONS // rows
        if candidate_probability(threshold, bands, rows) >= _PROBABILITY:
            return bands, rows
    said = f"no bands of {PERMUTATIONS} permutations find pairs at {threshold} with probability "
    raise ConfigError(f"{said}{_PROBABILITY}", "raise the threshold")
