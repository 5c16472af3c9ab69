"""Linear layers by oneDNN: the bits of torch's own, or torch's own."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from webtext_py.evaluate import blocked
from webtext_py.evaluate.blocked import Blocked, block_layers

ROWS = 256
SHAPE = {"vocab_size": 1000, "num_hidden_layers": 2, "num_attention_heads": 4}
MODELS: dict[str, Any] = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(n_positions=64, hidden_size=384, **SHAPE)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(hidden_size=200, intermediate_size=500, **SHAPE)),
}


def _logits(model: nn.Module) -> torch.Tensor:
    ids = torch.arange(ROWS).view(8, -1)
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=ids, use_cache=False).logits
    return logits


def _count(model: nn.Module) -> int:
    return sum(isinstance(module, Blocked) for module in model.modules())


@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits(name: str) -> None:
    """Whichever layers are replaced, as many as the CPU allows."""
    torch.manual_seed(1)
    model = MODELS[name]().eval()
    before = _logits(model)
    block_layers(model, ROWS)
    assert torch.equal(_logits(model), before)


@pytest.mark.parametrize("name", MODELS)
def test_layers_of_other_bits_stay(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums in another order: as on a CPU where MKL has one of its own."""
    torch.manual_seed(1)
    model = MODELS[name]().eval()
    before = _logits(model)
    monkeypatch.setattr(blocked, "BLOCK", 7)
    block_layers(model, ROWS)
    assert _count(model) == 0
    assert torch.equal(_logits(model), before)


def test_up_to_rounding_on_every_cpu() -> None:
    """The layer itself, whether or not it is taken."""
    torch.manual_seed(1)
    for inputs, outputs, bias in ((500, 70, True), (192, 1000, False), (10, 3, True)):
        layer = nn.Linear(inputs, outputs, bias=bias)
        vectors = torch.randn(4, 5, inputs)
        with torch.inference_mode():
            made = Blocked(layer)(vectors)
            exact = copy.deepcopy(layer).double()(vectors.double())
        assert made.shape == exact.shape
        torch.testing.assert_close(made, exact.float(), atol=1e-5, rtol=1e-5)
