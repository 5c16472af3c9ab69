"""The core's exact check: a group of any size costs a bounded number of comparisons."""

from pathlib import Path

import numpy as np
import pytest

from webtext_py import _core

FIRST, ALONE = 32, 256  # of `src/minhash/verify.rs`


def _files(folder: Path, sets: list[list[int]]) -> tuple[Path, Path]:
    """One group of all documents, in order, and their shingle sets."""
    count = len(sets)
    members = np.repeat(np.arange(count), 2)  # order and number
    words = np.concatenate([[count], members])
    group, keys = folder / "groups.bin", folder / "sets.bin"
    np.concatenate([[0, len(words)], words]).astype(np.uint64).tofile(group)
    ends = np.cumsum([len(keys) for keys in sets])
    parts = [[count], np.arange(count), ends, *map(sorted, sets)]
    np.concatenate(parts).astype(np.uint64).tofile(keys)
    return group, keys


def _verify(folder: Path, sets: list[list[int]], threshold: float) -> tuple[set, dict[str, int]]:
    group, keys = _files(folder, sets)
    pairs, *work = _core.minhash_verify([group], 0, 1, [keys], threshold)
    names = ("compared", "by_size", "unrepresented", "groups")
    found = np.frombuffer(memoryview(pairs), np.uint64).reshape(-1, 3)
    return {(int(a), int(b)) for a, b, _ in found}, dict(zip(names, work, strict=True))


def test_strangers_in_a_large_group_are_counted(tmp_path: Path) -> None:
    count = 2000
    sets = [[1, 2, 3, *range(100 * n + 10, 100 * n + 20)] for n in range(count)]
    pairs, work = _verify(tmp_path, sets, 0.8)
    assert pairs == set()
    assert work["compared"] <= count * (FIRST + ALONE) < count * (count - 1) / 2
    assert work["unrepresented"] == count - FIRST - ALONE


def test_what_matches_a_representative_is_found_in_a_large_group(tmp_path: Path) -> None:
    # Ten templates; each document has one of them and a shingle of its own.
    sets = [[*range(100 * (n % 10) + 1, 100 * (n % 10) + 40), 10**6 + n] for n in range(1000)]
    pairs, work = _verify(tmp_path, sets, 0.8)
    assert len(pairs) == 990  # ten trees
    assert {min(a, b) % 10 == max(a, b) % 10 for a, b in pairs} == {True}
    assert work["unrepresented"] == 0
    assert work["compared"] <= 1000 * FIRST


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_a_small_group_is_compared_in_full(tmp_path: Path, threshold: float) -> None:
    draw = np.random.default_rng(5)
    sets = [sorted(set(draw.integers(0, 30, 25).tolist())) for _ in range(FIRST)]
    pairs, work = _verify(tmp_path, sets, threshold)
    parents = list(range(FIRST))

    def root(place: int, links: list[int]) -> int:
        while links[place] != place:
            place = links[place]
        return place

    expected = list(range(FIRST))
    for a in range(FIRST):
        for b in range(a + 1, FIRST):
            both, either = set(sets[a]) & set(sets[b]), set(sets[a]) | set(sets[b])
            if len(both) / len(either) >= threshold:
                expected[root(b, expected)] = root(a, expected)
            else:
                assert (a, b) not in pairs
    for a, b in pairs:
        parents[root(b, parents)] = root(a, parents)
    clusters = [{root(n, links) for n in range(FIRST)} for links in (parents, expected)]
    assert len(clusters[0]) == len(clusters[1])
    same = [
        [root(n, links) == root(m, links) for n in range(FIRST) for m in range(FIRST)]
        for links in (parents, expected)
    ]
    assert same[0] == same[1]
    assert work["unrepresented"] == 0
