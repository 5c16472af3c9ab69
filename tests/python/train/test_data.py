"""Batches are a pure function of files, seed and step, and lose nothing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py.errors import FormatError, InputError
from webtext_py.splitmix import mixed, permutation
from webtext_py.tokens import TokenSet
from webtext_py.train.config import DataConfig, ModelConfig
from webtext_py.train.data import Windows

from .conftest import END, VOCAB, documents, write_tokens


def make(tokens: TokenSet, context: int, seed: int, per_pool: int) -> Windows:
    model = ModelConfig(context=context, vocab_size=VOCAB)
    return Windows(tokens, model, DataConfig(data_seed=seed, pool_row_groups=per_pool))


def slow_permutation(n: int, *key: int) -> list[int]:
    """SplitMix64 with Python's own integers."""
    word = 2**64

    def mix(x: int) -> int:
        z = x * 0x9E3779B97F4A7C15 % word
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % word
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % word
        return z ^ (z >> 31)

    state = 0
    for part in key:
        state = mix((state + part + 1) % word)
    return sorted(range(n), key=lambda i: mix((i + state) % word))


def slow_epoch(
    folder: Path, context: int, seed: int, per_pool: int, epoch: int
) -> list[tuple[int, list[int]]]:
    """`(id, tokens)` of every window of an epoch in order, by the description of the module."""
    groups = []
    for path in sorted(folder.glob("train-*")):
        file = pq.ParquetFile(path)
        for g in range(file.num_row_groups):
            rows = file.read_row_group(g, ["tokens"]).column(0).to_pylist()
            groups.append([token for row in rows for token in row])
    groups = [groups[i] for i in slow_permutation(len(groups), seed, epoch)]
    stream = [token for group in groups for token in group]
    count = (len(stream) - 1) // context
    result, low = [], 0
    for pool in range(0, len(groups), per_pool):
        end = sum(map(len, groups[: pool + per_pool]))
        high = min(-(-end // context), count)
        for i in slow_permutation(high - low, seed, epoch, pool // per_pool):
            w = low + i
            result.append((epoch * count + w, stream[w * context : (w + 1) * context + 1]))
        low = high
    return result


def test_the_mixer_is_splitmix64() -> None:
    # The first outputs of the reference generator from seed 1234567.
    steps = np.array([1, 2, 3], np.uint64)
    # SplitMix64 adds the constant before mixing: its nth output mixes seed + n * constant.
    golden = 0x9E3779B97F4A7C15
    inverse = pow(golden, -1, 2**64)
    inputs = np.array([(1234567 * inverse + int(n)) % 2**64 for n in steps], np.uint64)
    assert mixed(inputs).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@given(st.integers(0, 200), st.lists(st.integers(0, 2**63), min_size=1, max_size=3))
def test_permutation_equals_its_slow_twin(n: int, key: list[int]) -> None:
    assert permutation(n, *key).tolist() == slow_permutation(n, *key)


@pytest.mark.parametrize("context", [1, 16, 100, 5000])
@pytest.mark.parametrize("per_pool", [1, 3, 1000])
def test_epochs_equal_their_slow_twin(token_folder: Path, context: int, per_pool: int) -> None:
    tokens = TokenSet.open(sorted(token_folder.glob("train-*")))
    windows = make(tokens, context, 4, per_pool)
    expected = [w for e in range(3) for w in slow_epoch(token_folder, context, 4, per_pool, e)]
    assert windows.ids(0, len(expected)).tolist() == [w for w, _ in expected]
    size = 6
    for step in {0, len(expected) // size // 2, len(expected) // size - 1} - {-1}:
        found = windows.batch(step * size, size).tolist()
        assert found == [w for _, w in expected[step * size : (step + 1) * size]]


def test_an_epoch_has_every_window_once_and_loses_less_than_a_context(token_folder: Path) -> None:
    tokens = TokenSet.open(sorted(token_folder.glob("train-*")))
    windows = make(tokens, 32, 0, 4)
    assert 0 <= tokens.tokens - 1 - windows.count * 32 < 32
    for epoch in range(3):
        ids = windows.ids(epoch * windows.count, windows.count)
        assert sorted(ids) == list(range(epoch * windows.count, (epoch + 1) * windows.count))
    first, second = windows.ids(0, windows.count), windows.ids(windows.count, windows.count)
    assert (first != second - windows.count).mean() > 0.9


@pytest.mark.parametrize("world", [2, 3, 4])
def test_any_number_of_processes_gives_the_same_global_batch(
    token_folder: Path, world: int
) -> None:
    def fresh() -> Windows:
        tokens = TokenSet.open(sorted(token_folder.glob("train-*")))
        return make(tokens, 16, 0, 4)

    alone = fresh()
    processes = [fresh() for _ in range(world)]
    for step in (0, 1, 50, 61, 62, 200):  # over the end of an epoch, and with jumps
        parts = [p.batch(step * 12, 12, rank, world) for rank, p in enumerate(processes)]
        assert np.array_equal(np.concatenate(parts), alone.batch(step * 12, 12))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=5),
    context=st.integers(1, 12),
    per_pool=st.integers(1, 4),
)
def test_any_files_equal_their_slow_twin(
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[list[int]],
    context: int,
    per_pool: int,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    count = 0
    for i, rows in enumerate(lengths):
        made = [[END, *((count + j) % VOCAB for j in range(n))] for n in rows]
        count += sum(rows)
        write_tokens(folder / f"train-{i:05}.parquet", made, rows_per_group=2)
    tokens = TokenSet.open(sorted(folder.glob("*.parquet")))
    assert tokens.tokens == count + sum(map(len, lengths))
    if tokens.tokens <= context:
        with pytest.raises(InputError, match="do not fill one context"):
            make(tokens, context, 0, per_pool)
        return
    windows = make(tokens, context, 0, per_pool)
    expected = [w for e in range(2) for w in slow_epoch(folder, context, 0, per_pool, e)]
    assert [windows.batch(k, 1)[0].tolist() for k in range(len(expected))] == [
        w for _, w in expected
    ]


@pytest.mark.parametrize("item", [pa.uint16(), pa.uint32(), pa.int32(), pa.int64()])
@pytest.mark.parametrize("column", ["tokens", "input_ids"])
def test_other_peoples_lists_of_ids(tmp_path: Path, item: pa.DataType, column: str) -> None:
    made = [[5, 6, 7], [], [8], [], [], [9, 10]]
    write_tokens(tmp_path / "a.parquet", made, 3, item, column)
    tokens = TokenSet.open([tmp_path / "a.parquet"])
    assert tokens.tokens == 6
    assert tokens.head(100, VOCAB).tolist() == [5, 6, 7, 8, 9, 10]
    assert tokens.head(4, VOCAB).tolist() == [5, 6, 7, 8]


def test_split_cuts_between_documents(token_folder: Path) -> None:
    tokens = TokenSet.open(sorted(token_folder.glob("train-*")))
    train, validation = tokens.split(0.1)
    assert train.tokens + validation.tokens == tokens.tokens
    assert 0.1 * tokens.tokens - 80 < validation.tokens <= 0.1 * tokens.tokens
    assert validation.head(1, VOCAB)[0] == END
    whole = tokens.head(10**9, VOCAB)
    both = [train.head(10**9, VOCAB), validation.head(10**9, VOCAB)]
    assert np.array_equal(np.concatenate(both), whole)
    assert len({tokens.fingerprint, train.fingerprint, validation.fingerprint}) == 3


def test_fingerprint_is_of_the_tokens_not_of_the_place(tmp_path: Path) -> None:
    for place, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_tokens(tmp_path / place / "train-0.parquet", documents(seed, 20))
    prints = [TokenSet.open([tmp_path / p / "train-0.parquet"]).fingerprint for p in "abc"]
    assert prints[0] == prints[1] != prints[2]


def test_wrong_files_are_named(tmp_path: Path) -> None:
    write_tokens(tmp_path / "big.parquet", [[END, 300]])
    with pytest.raises(FormatError, match="has token 300, but the vocabulary ends at 200"):
        TokenSet.open([tmp_path / "big.parquet"]).head(9, VOCAB)
    write_tokens(tmp_path / "negative.parquet", [[END, -1]], item=pa.int32())
    with pytest.raises(FormatError, match="vocabulary ends"):
        TokenSet.open([tmp_path / "negative.parquet"]).head(9, VOCAB)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "text.parquet")
    with pytest.raises(InputError, match="has columns text, expected a list of ids"):
        TokenSet.open([tmp_path / "text.parquet"])
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "big.parquet").read_bytes()[:-20])
    with pytest.raises(FormatError, match="no readable Parquet"):
        TokenSet.open([tmp_path / "cut.parquet"])
