"""Signatures against the installed datasketch, and the arithmetic of banding."""

import random

import numpy as np
import pyarrow as pa
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py import minhash
from webtext_py.errors import ConfigError
from webtext_py.words import normalize

SCHEMES = ("affine32", "affine64", "legacy")


def _shingles(text: str, n: int) -> list[bytes]:
    words = normalize(text).split()
    return [" ".join(words[i : i + n]).encode() for i in range(len(words) - n + 1)]


def _reference(text: str, n: int, **arguments: object) -> MinHash:
    made = MinHash(**arguments)
    made.update_batch(_shingles(text, n))
    return made


def _texts() -> list[str]:
    draw = random.Random(1)
    words = ["alpha", "Beta,", "gämma", "δελτα", "eps", "x" * 70, "中文", "1984"]
    made = [" ".join(draw.choices(words, k=draw.randint(3, 200))) for _ in range(40)]
    # Messages of SHA-1 around the ends of its blocks: 55, 56, 63, 64, 119, 120 bytes and more.
    ends = [" ".join(["a" * (length - 8), "b", "c", "d", "e"]) for length in range(50, 140)]
    return [
        "",
        "one two",
        "日本語のテキストです。これは長い",
        "z" * 5000 + " a b c d",
        *made,
        *ends,
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("num_perm", "seed", "n"), [(128, 1, 5), (1, 7, 1), (100, 42, 3), (65, 3, 5), (256, 9, 8)]
)
def test_signatures_are_datasketchs(scheme: str, num_perm: int, seed: int, n: int) -> None:
    texts = _texts()
    ours = minhash.signatures(texts, num_perm=num_perm, seed=seed, scheme=scheme, shingle=n)
    for text, row in zip(texts, ours, strict=True):
        theirs = _reference(text, n, num_perm=num_perm, seed=seed, scheme=scheme).hashvalues
        assert row.dtype == theirs.dtype
        np.testing.assert_array_equal(row, theirs)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ngram_signatures_are_datasketchs_with_that_hashfunc(scheme: str) -> None:
    bits = 64 if scheme == "affine64" else 32
    texts = _texts()[:20]
    ours = minhash.signatures(texts, scheme=scheme, hash="ngram")
    for text, row in zip(texts, ours, strict=True):
        function = lambda shingle: minhash.ngram_hash(shingle, bits)  # noqa: E731
        theirs = _reference(text, 5, scheme=scheme, hashfunc=function).hashvalues
        np.testing.assert_array_equal(row, theirs)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=200), max_size=6),
    st.integers(1, 150),
    st.integers(0, 2**32 - 1),
    st.sampled_from(SCHEMES),
    st.integers(1, 9),
)
def test_any_text_seed_and_count(
    texts: list[str], num_perm: int, seed: int, scheme: str, n: int
) -> None:
    ours = minhash.signatures(texts, num_perm=num_perm, seed=seed, scheme=scheme, shingle=n)
    assert ours.shape == (len(texts), num_perm)
    for text, row in zip(texts, ours, strict=True):
        theirs = _reference(text, n, num_perm=num_perm, seed=seed, scheme=scheme).hashvalues
        np.testing.assert_array_equal(row, theirs)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_permutations_are_datasketchs(scheme: str) -> None:
    a, b = minhash.permutations(300, 12345, scheme)
    theirs = MinHash(num_perm=300, seed=12345, scheme=scheme).permutations
    np.testing.assert_array_equal(a, theirs[0])
    np.testing.assert_array_equal(b, theirs[1])


@pytest.mark.parametrize("hash", ["sha1", "ngram"])
def test_datasketchs_lsh_takes_our_objects(hash: str) -> None:
    base = [f"word{i}" for i in range(200)]
    texts = [" ".join(base), " ".join(base[:-3]), " ".join(reversed(base))]
    lsh = MinHashLSH(threshold=0.8, num_perm=128)
    objects = minhash.minhashes(texts, hash=hash)
    for key, value in enumerate(objects):
        lsh.insert(key, value)
    assert sorted(lsh.query(objects[0])) == [0, 1]
    lean = minhash.lean_minhashes(texts, hash=hash)
    assert all(isinstance(value, LeanMinHash) for value in lean)
    assert lean[0].jaccard(objects[0]) == 1.0
    assert sorted(lsh.query(lean[1])) == [0, 1]
    # An object goes on as it began.
    more = " ".join(base[100:104]) + " tail"
    objects[0].update(more.encode())
    expected = minhash.signatures([*texts, more], hash=hash)
    np.testing.assert_array_equal(objects[0].hashvalues, np.minimum(expected[0], expected[3]))


def test_columns_with_nulls_and_slices() -> None:
    column = pa.chunked_array([pa.array(["a b c d e f", None]), pa.array(["g h i j k"])]).slice(1)
    rows = minhash.signatures(column)
    np.testing.assert_array_equal(rows[0], minhash.signatures([""])[0])
    np.testing.assert_array_equal(rows[1], minhash.signatures(["g h i j k"])[0])


def test_shingle_sets_are_the_distinct_keys() -> None:
    texts = ["a b a b a b a", "x y", "", "p q r s t u"]
    sets = minhash.shingle_sets(texts, 3)
    for text, found in zip(texts, sets, strict=True):
        keys = {minhash.ngram_hash(shingle, 64) for shingle in _shingles(text, 3)}
        assert found.tolist() == sorted(keys)


@pytest.mark.parametrize(("threshold", "expected"), [(0.8, (21, 6)), (0.9, (12, 10))])
def test_bands(threshold: float, expected: tuple[int, int]) -> None:
    bands, rows = minhash.bands_for(threshold)
    assert (bands, rows) == expected
    assert minhash.candidate_probability(threshold, bands, rows) >= 0.99
    assert minhash.candidate_probability(threshold, 128 // (rows + 1), rows + 1) < 0.99


def test_the_usual_bands_at_08_find_two_in_five() -> None:
    assert minhash.candidate_probability(0.8, 9, 13) == pytest.approx(0.399, abs=0.001)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="affine16"):
        minhash.signatures(["a"], scheme="affine16")
    with pytest.raises(ConfigError, match="0 permutations"):
        minhash.signatures(["a"], num_perm=0)
    with pytest.raises(ValueError, match="md5"):
        minhash.signatures(["a"], hash="md5")
    with pytest.raises(ValueError, match="not 1 to 64"):
        minhash.signatures(["a"], shingle=0)
    with pytest.raises(ConfigError, match=r"at 0\.001"):
        minhash.bands_for(0.001)
    with pytest.raises(ValueError, match="normalised"):
        minhash.ngram_hash(b"Upper case")
