"""Shared layers, a factorised embedding, banded attention: counts, gradients, export."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from webtext_py.errors import InputError
from webtext_py.runs.presets import PRESETS
from webtext_py.train.config import ModelConfig, OptimizerConfig
from webtext_py.train.export import export, load_hugging_face, load_unpadded, unpadded
from webtext_py.train.model import GPT2
from webtext_py.train.optimizer import Optimizer

from .learning import objective

SHARES = ("none", "attention", "mlp", "all")


def shape(**values: Any) -> ModelConfig:
    size = {"layers": 3, "heads": 2, "width": 32, "context": 16, "vocab_size": 300}
    return ModelConfig(**{**size, **values})


def made(config: ModelConfig, wide: bool = True) -> GPT2:
    """A model away from its start, where biases and layer norms do something."""
    model = GPT2(config)
    model.initialise(1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        model.wte.weight[config.vocabulary() :] = 0
    return model.double() if wide else model


def ids(count: int = 3) -> torch.Tensor:
    return torch.randint(300, (count, 16), generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize(("share", "width"), list(product(SHARES, (0, 8))))
def test_counts_are_those_of_the_formula(share: str, width: int) -> None:
    config = shape(share=share, embedding_width=width)
    C, E, T, L = 32, width or 32, 16, 3
    attention = (1 if share in ("attention", "all") else L) * (4 * C * C + 6 * C)
    mlp = (1 if share in ("mlp", "all") else L) * (8 * C * C + 7 * C)
    expected = 300 * E + (E * C if width else 0) + T * C + attention + mlp + 2 * C
    assert config.parameters() == expected
    weights = unpadded(GPT2(config))
    assert sum(weight.numel() for weight in weights.values()) == expected
    assert sum(p.numel() for p in GPT2(config).parameters()) == config.parameters(padded=True)
    flops = shape(embedding_width=width).flops_per_token()
    assert config.flops_per_token() == flops  # work is not saved by sharing


@pytest.mark.parametrize("share", SHARES[1:])
def test_gradients_of_shared_layers_are_the_sum_over_copies(share: str) -> None:
    model = made(shape(share=share))
    copies = GPT2(shape()).double()
    copies.load_state_dict(model.state_dict())
    for each in (model, copies):
        each.logits(each(ids())).square().sum().backward()
    apart = dict(copies.named_parameters())
    for name, parameter in model.named_parameters():
        same = [apart[name]]
        if name.startswith("h.0.") and not _own(name, share):
            same += [apart[name.replace("h.0.", f"h.{i}.")] for i in (1, 2)]
        total = sum(p.grad for p in same if p.grad is not None)
        assert isinstance(total, torch.Tensor)
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, total, rtol=1e-12, atol=1e-12 * total.abs().max())


def _own(name: str, share: str) -> bool:
    """Whether a layer's weight is its own."""
    kind = "mlp" if ".mlp." in name or ".ln_2." in name else "attention"
    return share not in (kind, "all")


def test_shared_layers_have_one_set_of_moments() -> None:
    learner = objective("causal", share="all", layers=3)
    optimizer = Optimizer(learner.learnt(), OptimizerConfig())
    learner(ids()[:, :17] % 40, 0).backward()
    optimizer.step(0.1)
    kept = [name for name in optimizer.tensors() if name.startswith("exp_avg.h.")]
    assert kept
    assert all(name.startswith("exp_avg.h.0.") for name in kept)


@pytest.mark.parametrize(("share", "width"), list(product(SHARES, (0, 8))))
def test_expanded_it_is_a_stock_gpt2(share: str, width: int, tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    model = made(shape(share=share, embedding_width=width), wide=False)
    export(model, tmp_path / "hf", None, end_of_text=299)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "hf").eval()
    assert sum(p.numel() for p in theirs.parameters()) == shape().parameters()
    with torch.no_grad():
        ours, reference = model.logits(model(ids())), theirs(ids()).logits
    assert torch.allclose(ours, reference, atol=2e-5)
    again = load_hugging_face(tmp_path / "hf")
    assert again.config == shape()
    # And through a checkpoint's form back, every weight once.
    other = GPT2(model.config)
    load_unpadded(other, unpadded(model), tmp_path)
    with torch.no_grad():
        assert torch.allclose(again.logits(again(ids())), ours, atol=2e-5)
        assert torch.equal(other(ids()), model(ids()))


def test_a_factorised_start_has_the_spread_of_a_plain_one() -> None:
    plain, factorised = GPT2(shape()), GPT2(shape(embedding_width=16))
    for model in (plain, factorised):
        model.initialise(3)
    assert factorised.widen is not None
    product = factorised.widen(factorised.wte.weight[:300])
    assert product.std().item() == pytest.approx(plain.wte.weight[:300].std().item(), rel=0.15)


@torch.no_grad()
def test_a_band_ends_what_every_second_layer_sees() -> None:
    config = shape(layers=2, band=3)
    model = made(config)
    by_hand = made(shape(layers=2))
    x: Any = by_hand.wte(ids()) + by_hand.wpe(torch.arange(16))
    place = torch.arange(16)
    band = (place[:, None] >= place) & (place[:, None] - place < 3)
    blocks: Any = by_hand.h
    x = blocks[1](blocks[0](x, None, None), band, None)
    assert torch.allclose(model(ids()), by_hand.ln_f(x), atol=1e-12)
    assert not torch.allclose(model(ids()), by_hand(ids()), atol=1e-3)
    caches = model.caches()
    parts = [model(ids()[:, :7], caches=caches)]
    parts += [model(ids()[:, i : i + 1], caches=caches) for i in range(7, 16)]
    assert torch.allclose(torch.cat(parts, 1), model(ids()), atol=1e-12)


def test_no_stock_gpt2_has_a_band(tmp_path: Path) -> None:
    for odd in (shape(band=4), shape(causal=False)):
        with pytest.raises(InputError, match="GPT-2 has no"):
            export(GPT2(odd), tmp_path / "out", None, end_of_text=0)
        assert not (tmp_path / "out").exists()


COUNTS = {  # with GPT-2's vocabulary and a context of 2,048
    "gpt3-125m": 125_226_240,
    "gpt3-350m": 355_871_744,
    "gpt3-760m": 760_300_032,
    "gpt3-1.3b": 1_315_723_264,
    "gpt3-2.7b": 2_651_553_280,
    "gpt3-6.7b": 6_658_404_352,
    "gpt3-13b": 12_853_386_240,
}


@pytest.mark.parametrize(("name", "expected"), COUNTS.items())
def test_gpt3s_sizes_have_these_counts(name: str, expected: int) -> None:
    preset = PRESETS[name]
    config = ModelConfig(preset.layers, preset.heads, preset.width, preset.context)
    assert config.parameters() == expected


def test_175b_as_arithmetic() -> None:
    """GPT-3 paper, table 2.1: 96 layers, 12,288 wide, 96 heads; table D.1: 3.14e23 FLOPs."""
    config = ModelConfig(96, 96, 12_288, 2048)
    assert config.parameters() == 174_604_259_328
    assert 6 * config.parameters() * 300e9 == pytest.approx(3.14e23, rel=0.01)
