"""Training gives what tokenizers gives, on random text full of ties and on real text."""

import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py import _core
from webtext_py.bpe import texts
from webtext_py.bpe.train import BpeConfig, count_texts, learn, load_counts, train_texts
from webtext_py.columns import text_column
from webtext_py.errors import ConfigError, InputError
from webtext_py.reader import recognise

sys.path.insert(0, str(Path(__file__).parent))
from reference import reference_training


def learnt(vocabulary: _core.BpeEncoder) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """Merges and vocabulary as they are written."""
    files = dict(vocabulary.files())
    lines = files["merges.txt"].decode().splitlines()[1:]
    return [tuple(line.split(" ")) for line in lines], json.loads(files["vocab.json"])


def train(
    texts: list[str], vocab_size: int, min_frequency: int, **options: object
) -> _core.BpeEncoder:
    config = BpeConfig(vocab_size, min_frequency, special=(), **options)  # type: ignore[arg-type]
    return train_texts([pa.array(texts, pa.large_string())], config, threads=2)


def test_merges_and_ids_equal_tokenizers_on_random_corpora_with_many_ties() -> None:
    for seed in range(600):
        draw = random.Random(seed)
        alphabet = "abcdefgh"[: draw.randint(1, 6)] + draw.choice(["", " ", "-", "é", " é- \n"])
        texts = [
            "".join(
                draw.choice(alphabet) * draw.choice([1, 1, 1, 2, 3])
                for _ in range(draw.randint(1, 120))
            )
            for _ in range(draw.randint(1, 6))
        ]
        vocab_size, min_frequency = 256 + draw.randint(0, 120), draw.randint(0, 4)
        expected = reference_training(texts, vocab_size, min_frequency)
        assert learnt(train(texts, vocab_size, min_frequency)) == expected, seed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=6), st.integers(256, 320), st.integers(0, 3))
def test_merges_and_ids_equal_tokenizers_on_any_text(
    texts: list[str], vocab_size: int, min_frequency: int
) -> None:
    expected = reference_training(texts, vocab_size, min_frequency)
    assert learnt(train(texts, vocab_size, min_frequency)) == expected


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["ru", "es", "ja"])
@pytest.mark.parametrize("sequence", ["document", "line"])
def test_merges_and_ids_equal_tokenizers_on_real_text(
    shared_data: Path, name: str, sequence: str
) -> None:
    column = pq.read_table(shared_data / "corpus" / f"{name}.parquet", columns=["text"])["text"]
    texts = column.to_pylist()[:500]
    if sequence == "line":
        units = [line + end for text in texts for line, end in _lines(text)]
    else:
        units = texts
    expected = reference_training(units, 6000, 2)
    assert learnt(train(texts, 6000, 2, sequence=sequence)) == expected


def _lines(text: str) -> list[tuple[str, str]]:
    parts = text.split("\n")
    lines = [(part, "\n") for part in parts[:-1]]
    return lines + ([(parts[-1], "")] if parts[-1] else [])


def test_the_result_depends_on_neither_threads_nor_order_nor_batches() -> None:
    draw = random.Random(7)
    words = [
        "".join(draw.choice("abcdefgh") for _ in range(draw.randint(1, 9))) for _ in range(400)
    ]
    texts = [" ".join(draw.choices(words, k=5000)) for _ in range(60)]
    config = BpeConfig(1000, special=())
    expected = train_texts([pa.array(texts)], config, threads=1)
    assert expected.id_limit == 1000
    for threads in (2, 5):
        columns = [pa.array([text]) for text in reversed(texts)]
        found = train_texts(columns, config, threads=threads)
        assert found.files() == expected.files()


def test_counts_saved_in_parts_train_the_vocabulary_of_the_whole(tmp_path: Path) -> None:
    from webtext_py.bpe.counts import write_counts

    texts = ["low lower lowest " * 20, "new newer 'newest' " * 30, "a-very-long-piece" * 9]
    config = BpeConfig(300, special=())
    for number, text in enumerate(texts):
        write_counts(count_texts([pa.array([text])], config)[0], "gpt2", tmp_path / f"{number}.p")
    paths = sorted(tmp_path.glob("*.p"))
    whole = train_texts([pa.array(texts)], config)
    assert learn(load_counts(paths, config), config).files() == whole.files()
    with pytest.raises(InputError, match="counts pieces of `gpt2`, but `o200k` was asked for"):
        load_counts(paths, BpeConfig(300, pattern="o200k", special=()))


def test_special_text_counts_as_ordinary_text_unless_excluded() -> None:
    texts = ["<|endoftext|>" * 50]
    as_text = train_texts([pa.array(texts)], BpeConfig(300))
    assert as_text.token_id(b"endoftext") is not None
    excluded = train_texts([pa.array(texts)], BpeConfig(300, exclude_special=True))
    assert excluded.merge_count == 0
    assert excluded.special == [("<|endoftext|>", 256)]


def test_the_special_token_is_last() -> None:
    vocabulary = train_texts([pa.array(["a b c"])], BpeConfig(300))
    assert vocabulary.special == [("<|endoftext|>", vocabulary.id_limit - 1)]


def test_configurations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="need at least 257"):
        BpeConfig(vocab_size=256)
    with pytest.raises(ConfigError, match="pattern `gpt3` is not known"):
        BpeConfig(pattern="gpt3")
    with pytest.raises(InputError, match="special token `hello`"):
        train_texts([pa.array(["hello " * 9 + "hello"])], BpeConfig(400, special=("hello",)))


@pytest.mark.parametrize("threads", [1, 3])
def test_memory_grows_with_distinct_pieces_alone(threads: int) -> None:
    draw = random.Random(5)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(1, 24))) for _ in range(20_000)]
    columns = [pa.array([" ".join(draw.choices(words, k=90_000))] * 2) for _ in range(3)]
    counter = _core.BpeCounter("gpt2", False, [])

    def feed() -> int:
        for column in columns:
            counter.count(*text_column(column.cast(pa.large_string())), threads)
        return counter.memory_bytes

    once = feed()
    assert once > 20_000 * 24
    assert [feed() for _ in range(9)] == [once] * 9


@pytest.mark.parametrize("pattern", ["gpt2", "cl100k", "o200k"])
def test_blocks_of_text_cut_no_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    draw = random.Random(3)
    parts = [
        "中文",
        "。",
        "\n",
        "\n\n",
        "\u3000",
        "/",
        "x",
        " ",
        "é",
        "한",
        "\u2028",
        "!",
        "7",
        "\t",
    ]
    whole = "".join(draw.choice(parts) for _ in range(6000))
    path = tmp_path / "a.txt"
    path.write_text(whole, newline="")
    monkeypatch.setattr(texts, "_BLOCK_BYTES", 97)
    blocks = list(texts.batches(recognise(path), "text", "document"))
    assert len(blocks) > 30
    assert b"".join(block[0].as_py() for block in blocks) == whole.encode()

    def pieces(columns: list[pa.Array]) -> list[bytes]:
        counter = _core.BpeCounter(pattern, False, [])
        for column in columns:
            counter.count(*text_column(column), 1)
        return [bytes(memoryview(part)) for part in counter.finish().sorted()]

    assert pieces(blocks) == pieces([pa.array([whole.encode()], pa.large_binary())])
