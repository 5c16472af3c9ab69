"""nanoGPT's way to data: `train.bin` and `val.bin` as flat uint16, random crops of them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from webtext_py.tokenizer import Tokenizer
from webtext_py.train.config import ModelConfig
from webtext_py.train.loss import cross_entropy
from webtext_py.train.model import GPT2

CONTEXT, BATCH = 32, 8


def crops(path: Path, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets `(BATCH, CONTEXT)`, as its `get_batch` makes them."""
    tokens = np.memmap(path, dtype=np.uint16, mode="r")
    starts = torch.randint(len(tokens) - CONTEXT, (BATCH,), generator=generator)
    windows = [torch.from_numpy(tokens[i : i + CONTEXT + 1].astype(np.int64)) for i in starts]
    both = torch.stack(windows)
    return both[:, :-1], both[:, 1:]


def test_nanogpt_trains_on_what_encode_writes(made: Path) -> None:
    tokenizer = Tokenizer.from_file(made / "tokenizer")
    end, folder = tokenizer.special["<|endoftext|>"], made / "tokens"
    assert sorted(path.name for path in folder.iterdir()) == ["train.bin", "val.bin"]
    for name, split in (("train.bin", "train"), ("val.bin", "validation")):
        ids = np.memmap(folder / name, dtype=np.uint16, mode="r")
        begins = np.flatnonzero(ids == end)
        assert begins[0] == 0
        texts = [tokenizer.decode(part[1:].tolist()) for part in np.split(ids, begins[1:])]
        shards = sorted((made / "shards").glob(f"{split}-*.parquet"))
        assert texts == pq.read_table(shards, columns=["text"])["text"].to_pylist()
    generator = torch.Generator().manual_seed(1)
    model = GPT2(ModelConfig(2, 2, 64, CONTEXT, tokenizer.vocab_size))
    model.initialise(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(120):
        inputs, targets = crops(folder / "train.bin", generator)
        loss = cross_entropy(model(inputs), model.wte.weight, targets, tokenizer.vocab_size)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 6
    assert np.mean(losses[-5:]) < losses[0] - 0.8
    inputs, targets = crops(folder / "val.bin", generator)
    with torch.no_grad():
        loss = cross_entropy(model(inputs), model.wte.weight, targets, tokenizer.vocab_size)
    assert loss.item() < losses[0] - 0.8
