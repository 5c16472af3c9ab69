"""The model is GPT-2: sizes, start, causality, masks, and the same numbers as transformers."""

import copy
import itertools
import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from webtext_py.errors import FormatError, InputError
from webtext_py.runs.presets import PRESETS
from webtext_py.runs.sizing import loss_bytes, state_bytes, window_bytes
from webtext_py.tokens import TokenSet
from webtext_py.train.config import DataConfig, ModelConfig, OptimizerConfig, RunConfig, TrainConfig
from webtext_py.train.distributed import Gradients, World
from webtext_py.train.export import export, load_hugging_face, unpadded
from webtext_py.train.loss import chunk_loss, cross_entropy
from webtext_py.train.model import GPT2, attention_masks
from webtext_py.train.objectives import Data, objective_of
from webtext_py.train.optimizer import Optimizer

SMALL = ModelConfig(layers=2, heads=2, width=32, context=16, vocab_size=300)

# Counted by hand from the released shapes; GPT-3's sizes have no published exact count.
PUBLISHED = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}


def shape(name: str, vocab_size: int = 50257) -> ModelConfig:
    p = PRESETS[name]
    return ModelConfig(p.layers, p.heads, p.width, p.context, vocab_size)


def randomised(config: ModelConfig, seed: int = 3) -> GPT2:
    """A model in which no bias is zero and no layer norm is the identity."""
    model = GPT2(config)
    model.initialise(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
        for name, parameter in model.named_parameters():
            if name.endswith("c_fc.weight"):
                parameter *= 25  # into the bend of the GELU, where its forms differ
    return model.eval()


def nothing(end_of_text: int, teacher: GPT2 | None = None) -> Data:
    """What an objective must know of the data, without any."""
    empty = TokenSet([])
    return Data(empty, None, end_of_text, np.zeros(0, np.int64), teacher=teacher)


def ids(config: ModelConfig, batch: int = 3, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(config.vocab_size, (batch, config.context), generator=generator)


@pytest.mark.parametrize(("name", "expected"), PUBLISHED.items())
def test_parameter_counts_are_the_published_ones(name: str, expected: int) -> None:
    config = shape(name)
    with torch.device("meta"):
        model = GPT2(config)
    assert sum(p.numel() for p in model.parameters()) == config.parameters(padded=True)
    assert config.parameters() == expected


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_counts_what_it_builds(name: str) -> None:
    config = shape(name)
    with torch.device("meta"):
        model = GPT2(config)
    assert sum(p.numel() for p in model.parameters()) == config.parameters(padded=True)
    assert config.parameters(padded=True) - config.parameters() == 47 * config.width
    assert config.width % config.heads == 0


@pytest.mark.parametrize(
    "nominal",
    [
        ("gpt3-125m", 0.125),
        ("gpt3-350m", 0.35),
        ("gpt3-760m", 0.76),
        ("gpt3-1.3b", 1.3),
        ("gpt3-2.7b", 2.7),
        ("gpt3-6.7b", 6.7),
        ("gpt3-13b", 13.0),
    ],
)
def test_gpt3_sizes_are_within_four_percent_of_their_names(nominal: tuple[str, float]) -> None:
    assert shape(nominal[0]).parameters() / 1e9 == pytest.approx(nominal[1], rel=0.04)


def test_start_is_gpt2s() -> None:
    config = ModelConfig(layers=8, heads=4, width=256, context=64, vocab_size=1000)
    model = GPT2(config)
    model.initialise(0)
    weights = dict(model.named_parameters())
    scaled = 0.02 / math.sqrt(16)
    for name, weight in weights.items():
        if weight.dim() == 1:
            assert weight.unique().tolist() == (
                [1.0] if "ln_" in name and "weight" in name else [0.0]
            )
        elif name != "wte.weight":
            std = scaled if name.endswith("c_proj.weight") else 0.02
            assert weight.std().item() == pytest.approx(std, rel=0.03), name
    assert weights["wte.weight"][:1000].std().item() == pytest.approx(0.02, rel=0.01)
    assert not weights["wte.weight"][1000:].any()


@pytest.mark.parametrize(("name", "batch", "length"), [("nano", 32, 128), ("gpt2", 1, 1024)])
def test_loss_starts_where_the_start_puts_it(name: str, batch: int, length: int) -> None:
    config = shape(name)
    model = GPT2(config)
    model.initialise(1)
    generator = torch.Generator().manual_seed(2)
    window = torch.randint(config.vocab_size, (batch, length + 1), generator=generator)
    with torch.no_grad():
        hidden = model(window[:, :-1])
        loss = cross_entropy(hidden, model.wte.weight, window[:, 1:], config.vocab_size)
    expected = math.log(config.vocab_size) + 0.0002 * config.width
    assert loss.item() == pytest.approx(expected, abs=0.05)


@torch.no_grad()
def test_nothing_looks_ahead() -> None:
    model = randomised(SMALL)
    one = ids(SMALL)
    before = model(one)
    for position in (1, 7, 15):
        other = one.clone()
        other[:, position] = (other[:, position] + 1) % SMALL.vocab_size
        after = model(other)
        assert torch.equal(before[:, :position], after[:, :position])
        assert not torch.allclose(before[:, position:], after[:, position:])


def one_by_one(model: GPT2, window: Tensor, starts: list[int]) -> Tensor:
    """Hidden states of a window's documents, each run alone at the positions that it has there."""
    parts = []
    for start, stop in itertools.pairwise([*starts, window.size(1)]):
        alone = copy.deepcopy(model)
        with torch.no_grad():
            alone.wpe.weight.copy_(model.wpe.weight.roll(-start, 0))
        parts.append(alone(window[:, start:stop]))
    return torch.cat(parts, 1)


@pytest.mark.parametrize("starts", [[0, 6], [0, 1, 2, 9, 15], [0, 5, 10]])
@pytest.mark.parametrize("flex", [False, True])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_document_mask_makes_a_window_its_documents(starts: list[int], flex: bool) -> None:
    """Also where a window begins in the middle of a document, which the last case does."""
    model = randomised(SMALL).requires_grad_(False)  # FlexAttention has no backward pass on a CPU
    end = SMALL.vocab_size - 1
    window = ids(SMALL, batch=1) % end
    window[0, starts if len(starts) != 3 else starts[1:]] = end
    masked = model(window, attention_masks(SMALL, window, end, flex=flex))
    assert torch.allclose(masked, one_by_one(model, window, starts), atol=1e-5)
    assert not torch.allclose(masked, model(window), atol=1e-2)


def test_gradients_stop_at_documents_and_the_loss_is_theirs() -> None:
    model, end = randomised(SMALL), SMALL.vocab_size - 1
    window = torch.randint(end, (3, 17), generator=torch.Generator().manual_seed(1))
    window[:, 0] = window[:, 6] = window[:, 11] = end
    masks = attention_masks(SMALL, window[:, :-1], end)
    model(window[:, :-1], masks)[:, 11:].sum().backward()
    assert model.wpe.weight.grad is not None
    assert not model.wpe.weight.grad[:11].any()
    assert model.wpe.weight.grad[11:].any(1).all()
    with torch.no_grad():
        hidden = one_by_one(model, window[:, :-1], [0, 6, 11])
        alone = cross_entropy(hidden, model.wte.weight, window[:, 1:], end + 1).item()
        for doc_mask in (True, False):
            config = TrainConfig(SMALL, DataConfig(doc_mask=doc_mask))
            objective = objective_of(config, nothing(end))
            objective.model = model
            loss = objective(window, 0).item()
            assert (loss == pytest.approx(alone, abs=2e-5)) == doc_mask


@torch.no_grad()
def test_cache_gives_what_the_whole_sequence_gives() -> None:
    model = randomised(SMALL)
    window = ids(SMALL, batch=2)
    whole = model(window)
    caches = model.caches()
    parts = [model(window[:, :5], caches=caches)]
    parts += [model(window[:, i : i + 1], caches=caches) for i in range(5, 16)]
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


@pytest.mark.parametrize("chunk_rows", [1, 7, 48, 1000])
def test_chunked_loss_equals_plain_loss_in_fp64(chunk_rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(3, 16, 32, dtype=torch.float64, generator=generator)
    weight = torch.randn(384, 32, dtype=torch.float64, generator=generator)
    targets = torch.randint(300, (3, 16), generator=generator)
    results = []
    for chunked in (True, False):
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        if chunked:
            loss = cross_entropy(h, w, targets, 300, chunk_rows)
        else:
            logits = h.view(48, 32) @ w[:300].T
            loss = torch.nn.functional.cross_entropy(logits, targets.view(-1))
        (3 * loss).backward()
        results.append((loss.detach(), h.grad, w.grad))
    for mine, plain in zip(*results, strict=True):
        assert mine is not None
        assert plain is not None
        assert torch.allclose(mine, plain, rtol=1e-12, atol=1e-14)
    assert not results[0][2][300:].any()


def scattered_chunk(
    hidden: Tensor, weight: Tensor, targets: Tensor, scale: Tensor, vocab_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """`chunk_loss` as it would be written first: one subtracted in the wide values, then cast."""
    logits = (hidden @ weight.T).to(torch.promote_types(hidden.dtype, torch.float32))
    logits[:, vocab_size:] = float("-inf")
    rows = torch.arange(len(targets))
    shifted = (logits - logits.amax(1, keepdim=True)).exp()
    total = shifted.sum(1, keepdim=True)
    loss = (scale * (logits.amax(1) + total[:, 0].log() - logits[rows, targets])).sum()
    shifted *= scale[:, None] / total
    shifted[rows, targets] -= scale
    wrong = shifted.to(hidden.dtype)
    return loss, wrong @ weight, wrong.T @ hidden


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_right_logit_put_back_after_the_cast_changes_no_bit(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(384, 32, generator=generator).to(dtype)
    targets = torch.randint(300, (70,), generator=generator)
    hidden = torch.randn(70, 32, generator=generator).to(dtype)
    hidden = 0.2 * (hidden + weight[targets])  # right ones are likely, or rounding would not show
    scale = torch.full((70,), 1 / 70, dtype=torch.promote_types(dtype, torch.float32))
    ours = chunk_loss(hidden, weight, targets, scale, 300, True)
    first = scattered_chunk(hidden, weight, targets, scale, 300)
    for mine, other in zip(ours, first, strict=True):
        assert torch.equal(mine, other)
    assert ours[1].dtype == dtype


@pytest.mark.parametrize("precision", [4, 8])
def test_activations_are_those_that_memory_is_reckoned_with(precision: int) -> None:
    """What autograd keeps for the backward pass, less the weights, within 2 % of the arithmetic."""
    config = ModelConfig(layers=4, heads=4, width=64, context=128, vocab_size=300)
    model = GPT2(config).to(torch.float32 if precision == 4 else torch.float64)
    model.initialise(0)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tensor.is_floating_point():
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    window = ids(config, batch=2)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = model(window)
        kept[hidden.untyped_storage().data_ptr()] = hidden.untyped_storage().nbytes()
        gradient = hidden.untyped_storage().nbytes()
    expected = 2 * window_bytes(TrainConfig(config), precision)
    assert sum(kept.values()) + gradient == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("share", ["none", "attention", "mlp", "all"])
@pytest.mark.parametrize(("name", "precision"), [("adamw", "fp32"), ("muon", "bf16")])
def test_state_is_what_memory_is_reckoned_with(name: Any, precision: str, share: Any) -> None:
    """Weights, their copy, both gradients and moments after a step, to the byte."""
    config = TrainConfig(replace(SMALL, share=share), optimizer=OptimizerConfig(name))
    objective = objective_of(config, nothing(299))
    worker = copy.deepcopy(objective).bfloat16() if precision == "bf16" else objective
    optimizer = Optimizer(objective.learnt(), config.optimizer)
    total = Gradients(worker, World(0, 1, torch.device("cpu")), exact=False)
    objective.initialise(0, None)
    _, gradients = total.micro_batch(torch.randint(300, (2, 17)), 0, last=True)
    held = [*worker.parameters(), *gradients] if worker is not objective else gradients
    held = [*held, *objective.parameters(), *(g.clone() for g in total.total())]
    for parameter in objective.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.1)
    held += [t for t in optimizer.tensors().values() if t.dim()]
    assert sum(t.numel() * t.element_size() for t in held) == state_bytes(config)


class Peak(TorchDispatchMode):
    """The most bytes of tensors that are alive at once."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        super().__init__()
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.bytes = 0
        self._count(tensors)

    def _count(self, tensors: Iterable[object]) -> None:
        self.alive = {key: kept for key, kept in self.alive.items() if not kept[0].expired()}
        for tensor in tensors:
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.bytes = max(self.bytes, sum(size for _, size in self.alive.values()))

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        self._count(tree_leaves(made))
        return made


@pytest.mark.parametrize(
    ("name", "precision", "vocab_size", "layers"),
    [("adamw", "bf16", 1000, 4), ("adamw", "fp32", 1000, 4), ("muon", "bf16", 1000, 4),
     ("adamw", "bf16", 8000, 2)],
)  # fmt: skip
def test_a_steps_peak_is_what_memory_is_reckoned_with(
    name: Any, precision: str, vocab_size: int, layers: int
) -> None:
    """Weights, gradients, moments, activations and the loss together, of the second of two steps of
    two micro-batches, within 10 % of every byte that is alive."""
    shape = ModelConfig(layers, heads=4, width=128, context=128, vocab_size=vocab_size)
    run = RunConfig(micro_batch=8, loss_rows=256, batch_tokens=2048, compile="off")
    config = TrainConfig(shape, optimizer=OptimizerConfig(name), run=run)
    objective = objective_of(config, nothing(0))
    objective.initialise(0, None)
    worker = copy.deepcopy(objective).bfloat16() if precision == "bf16" else objective
    optimizer = Optimizer(objective.learnt(), config.optimizer)
    total = Gradients(worker, World(0, 1, torch.device("cpu")), exact=False)
    with Peak([*objective.parameters(), *worker.parameters()]) as peak:
        for _ in range(2):
            for i in range(2):
                windows = torch.randint(vocab_size, (8, 129))
                total.micro_batch(windows, 8 * i, last=i == 1)
            for parameter, gradient in zip(objective.parameters(), total.total(), strict=True):
                parameter.grad = gradient
            optimizer.step(0.001)
            objective.zero_grad()
    activations = 8 * window_bytes(config, 2 if precision == "bf16" else 4)
    reckoned = state_bytes(config) + activations + loss_bytes(config, 256)
    assert peak.bytes == pytest.approx(reckoned, rel=0.1)


def test_export_is_what_transformers_computes(tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    model = randomised(SMALL)
    export(model, tmp_path / "hf", None, end_of_text=299)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "hf").eval()
    assert theirs.config.vocab_size == 300
    assert sum(p.numel() for p in theirs.parameters()) == SMALL.parameters()
    window = ids(SMALL)
    with torch.no_grad():
        ours, reference = model.logits(model(window)), theirs(window).logits
    assert ours.shape == reference.shape == (3, 16, 300)
    assert (ours - reference).abs().max().item() < 1e-5
    assert torch.equal(ours.argmax(-1), reference.argmax(-1))


def test_round_trips_are_exact(tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    model = randomised(SMALL)
    export(model, tmp_path / "ours", None, end_of_text=299)
    GPT2LMHeadModel.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    # As OpenAI's weights are spread: no prefix, the causal masks and a tied copy among them.
    old = load_file(tmp_path / "ours" / "model.safetensors")
    old = {name.removeprefix("transformer."): weight for name, weight in old.items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 16, 16)
    old["lm_head.weight"] = old["wte.weight"].clone()
    (tmp_path / "old").mkdir()
    save_file(old, tmp_path / "old" / "model.safetensors")
    shutil.copy(tmp_path / "ours" / "config.json", tmp_path / "old")
    for folder in (tmp_path / "ours", tmp_path / "theirs", tmp_path / "old"):
        again = load_hugging_face(folder)
        assert again.config == SMALL
        for name, weight in unpadded(model).items():
            assert torch.equal(weight, unpadded(again)[name]), name
        assert not again.wte.weight[300:].any()


def test_wrong_folders_are_named(tmp_path: Path) -> None:
    model = randomised(SMALL)
    export(model, tmp_path / "hf", None, end_of_text=299)
    with pytest.raises(InputError, match="exists"):
        export(model, tmp_path / "hf", None, end_of_text=299)
    path = tmp_path / "hf" / "config.json"
    table = json.loads(path.read_text())
    for change, message in (
        ({"n_layer": 3}, r"lacks weight `h\.2\.attn\.c_attn\.bias`"),
        ({"n_layer": 1}, r"has the unknown weight `h\.1\.attn\.c_attn\.bias`"),
        ({"n_embd": 64}, "has shape"),
        ({"n_head": "two"}, "expected a whole number"),
        ({"model_type": "llama"}, "llama"),
        ({"activation_function": "relu"}, "gpt2 with relu"),
    ):
        path.write_text(json.dumps({**table, **change}))
        with pytest.raises((FormatError, InputError), match=message):
            load_hugging_face(tmp_path / "hf")
    path.unlink()
    with pytest.raises(InputError, match=r"has no config\.json"):
        load_hugging_face(tmp_path / "hf")
