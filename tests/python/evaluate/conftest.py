"""A small random model in a folder that `transformers` opens, and items in the published forms."""

import json
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from webtext_py.tokenizer import Tokenizer, copy_vocabulary

CONTEXT = 256


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """The machine is shared, and one thread makes sums exact."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may open a connection."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def write_model(folder: Path, tokenizer: Path, **config: Any) -> Path:
    """A GPT-2 of random weights, wide enough apart for its choices to differ."""
    from transformers import GPT2Config, GPT2LMHeadModel

    vocabulary = Tokenizer.from_file(tokenizer)
    end = vocabulary.special["<|endoftext|>"]
    shape = {"n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": CONTEXT, **config}
    torch.manual_seed(7)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary.vocab_size,
            bos_token_id=end,
            eos_token_id=end,
            initializer_range=0.2,
            **shape,
        )
    )
    model.save_pretrained(folder)
    copy_vocabulary(tokenizer, folder, shape["n_positions"])
    return folder


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of 600 entries learnt from this project's own words."""
    text = Path(__file__).read_text() + (Path(__file__).parents[3] / "README.md").read_text()
    folder = tmp_path_factory.mktemp("tokenizer")
    Tokenizer.train(text.split("\n"), vocab_size=600, min_frequency=1).save(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with that vocabulary."""
    return write_model(tmp_path_factory.mktemp("models") / "small", tokenizer_folder)


def write_rows(path: Path, rows: Iterable[Any]) -> Path:
    """JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
