"""Token files and small settings for the trainer's tests."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import webtext_py
from webtext_py.cli.main import run
from webtext_py.tokens import TOKENIZER_KEY

END = 0  # id of <|endoftext|> in the files made here
VOCAB = 200


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """The machine is shared, and one thread makes sums exact."""
    torch.set_num_threads(1)


def write_tokens(
    path: Path,
    documents: Sequence[Sequence[int]],
    rows_per_group: int = 7,
    item: pa.DataType | None = None,
    column: str = "tokens",
    tokenizer: str = "t" * 64,
) -> None:
    """A token file as `webtext bpe encode` writes it, with row groups of a few rows."""
    item = item or pa.uint16()
    table = pa.table(
        {
            "doc_id": pa.array([f"{i:032x}" for i in range(len(documents))]),
            column: pa.array([list(d) for d in documents], pa.list_(item)),
        }
    ).replace_schema_metadata({TOKENIZER_KEY: tokenizer})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        row_group_size=rows_per_group,
        compression="zstd",
        use_dictionary=False,
        column_encoding={f"{column}.list.element": "BYTE_STREAM_SPLIT", "doc_id": "PLAIN"},
    )


def documents(seed: int, count: int, vocab_size: int = VOCAB) -> list[list[int]]:
    """Documents of 1 to 80 tokens from a Markov chain that a model can learn."""
    generator = np.random.default_rng(seed)
    table = np.random.default_rng(99).integers(1, vocab_size, (vocab_size, 3))
    made = []
    for length in generator.integers(0, 80, count):
        tokens = [END]
        for choice in generator.integers(0, 3, length):
            tokens.append(int(table[tokens[-1], choice]))
        made.append(tokens)
    return made


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training shards and a validation shard, some 12,000 and 1,200 tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    write_tokens(folder / "train-00000-of-00002.parquet", documents(1, 200))
    write_tokens(folder / "train-00001-of-00002.parquet", documents(2, 101))
    write_tokens(folder / "validation-00000-of-00001.parquet", documents(3, 30))
    return folder


WORDS = ["bread", "river", "stone", "paper", "light", "north", "green", "small", "house", "cloud"]


def sentences(seed: int, count: int) -> list[str]:
    """Texts of made-up sentences in which each word has two that may follow it."""
    generator = np.random.default_rng(seed)
    texts = []
    for length in generator.integers(20, 120, count):
        word, words = int(generator.integers(len(WORDS))), []
        for turn in generator.integers(0, 2, length):
            word = (3 * word + 1 + int(turn)) % len(WORDS)
            words.append(WORDS[word])
        texts.append(" ".join(words) + ".")
    return texts


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with `tokenizer/` and `tokens/`, made without webtext: never written to."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    data = tmp_path_factory.mktemp("data")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(sentences(0, 50), trainer)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    (data / "tokenizer").mkdir()
    tokenizer.save(str(data / "tokenizer" / "tokenizer.json"))
    tokenizer.model.save(str(data / "tokenizer"))
    digest = webtext_py.Tokenizer.from_file(data / "tokenizer").digest
    end = tokenizer.token_to_id("<|endoftext|>")
    for name, seed, count in (
        ("train-00000-of-00002", 1, 120),
        ("train-00001-of-00002", 2, 90),
        ("validation-00000-of-00001", 3, 20),
    ):
        made = [[end, *e.ids] for e in tokenizer.encode_batch(sentences(seed, count))]
        write_tokens(data / "tokens" / f"{name}.parquet", made, 50, tokenizer=digest)
    return data


@pytest.fixture
def data(made_data: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own, with the made tokenizer and tokens."""
    for name in ("tokenizer", "tokens"):
        shutil.copytree(made_data / name, tmp_path / "data" / name)
    return tmp_path / "data"


@pytest.fixture
def webtext(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs one command line in this process."""

    def call(*words: str | Path) -> Ran:
        capfd.readouterr()
        code = run([str(word) for word in words])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call


Command = Callable[..., Ran]

# Some 20 ms a step.
TINY = ("layers=2", "heads=2", "width=32", "context=32", "batch_tokens=256", "device=cpu")
