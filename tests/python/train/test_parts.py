"""Schedule, decay groups, noise scale, sizing, sampling: each against its definition."""

import itertools
import math
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.errors import ConfigError
from webtext_py.runs.settings import KEYS, Settings
from webtext_py.runs.sizing import size
from webtext_py.train.config import SECTIONS, ModelConfig, OptimizerConfig
from webtext_py.train.metrics import NoiseScale, peak_tflops
from webtext_py.train.model import GPT2
from webtext_py.train.optimizer import Optimizer, learning_rate
from webtext_py.train.sample import choose, generate

SMALL = ModelConfig(layers=2, heads=2, width=32, context=16, vocab_size=130)


def test_schedule_at_its_corners() -> None:
    config = OptimizerConfig(lr=1.0, min_lr_ratio=0.1, warmup_steps=10)
    rates = [learning_rate(config, step, 110) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[4] == pytest.approx(0.5)
    assert rates[9] == 1.0
    assert rates[59] == pytest.approx(0.55)  # half-way: the middle of 1 and 0.1
    assert rates[34] == pytest.approx(0.1 + 0.45 * (1 + math.cos(math.pi / 4)))
    assert rates[109] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert all(a >= b for a, b in itertools.pairwise(rates[9:]))
    assert learning_rate(OptimizerConfig(lr=1.0, warmup_steps=0), 0, 1) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_matrices_decay_and_vectors_do_not(name: Any) -> None:
    model = GPT2(SMALL)
    optimizer = Optimizer(dict(model.named_parameters()), OptimizerConfig(optimizer=name))
    seen: Counter[str] = Counter()
    for part in optimizer.parts:
        for group in part.param_groups:
            for parameter in group["params"]:
                (key,) = (n for n, p in model.named_parameters() if p is parameter)
                seen[key] += 1
                assert group["weight_decay"] == (0.1 if parameter.dim() == 2 else 0.0), key
                hidden = key.startswith("h.") and parameter.dim() == 2
                is_muon = isinstance(part, torch.optim.Muon)
                assert is_muon == (name == "muon" and hidden), key
    assert seen == Counter({n: 1 for n, _ in model.named_parameters()})


def test_padding_rows_stay_zero_and_are_never_scored() -> None:
    from webtext_py.train.loss import cross_entropy

    model = GPT2(SMALL)
    model.initialise(0)
    optimizer = Optimizer(dict(model.named_parameters()), OptimizerConfig(lr=0.1))
    window = torch.randint(130, (2, 17), generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        cross_entropy(model(window[:, :-1]), model.wte.weight, window[:, 1:], 130).backward()
        optimizer.step(0.1)
        model.zero_grad()
    assert model.wte.weight.shape == (256, 32)
    assert not model.wte.weight[130:].any()
    assert model.wte.weight[:130].any(1).all()
    assert model.logits(model(window[:, 1:])).shape == (2, 16, 130)


def test_noise_scale_of_known_noise() -> None:
    """Gradients g + noise / sqrt(tokens), with |g|^2 = 4 and noise of trace 5000: scale 1,250."""
    generator = torch.Generator().manual_seed(0)
    size, signal, trace = 2000, 2.0, 5000.0
    true = torch.full((size,), signal / math.sqrt(size))
    scale = NoiseScale()
    value = None
    for _ in range(200):
        parts = [
            true + torch.randn(size, generator=generator) * math.sqrt(trace / size / 100)
            for _ in range(4)
        ]
        small, big = parts[0].norm().item(), (sum(parts) / 4).norm().item()  # type: ignore[union-attr]
        value = scale.update(small, 100, big, 400)
    assert value == pytest.approx(1250, rel=0.15)
    again = NoiseScale([*scale.state, 0.5])  # as checkpoints held it at first: one number more
    assert again.update(3.0, 100, 2.5, 1600) == scale.update(3.0, 100, 2.5, 1600)
    assert NoiseScale().update(1.0, 100, 1.0, 100) is None


def test_peaks_by_device_name() -> None:
    assert peak_tflops("NVIDIA H200") == 989
    assert peak_tflops("NVIDIA H100 PCIe") == 756
    assert peak_tflops("NVIDIA A100-SXM4-80GB") == 312
    assert peak_tflops("NVIDIA L40S") == 362
    assert peak_tflops("Something else") is None


def sizes(tokens: int, gpu: bool, **asked: object) -> tuple[dict[str, object], list[str]]:
    settings = Settings()
    for key, value in asked.items():
        settings.set(key, value, "command line")
    notes: list[str] = []
    size(settings, tokens, gpu, notes.append)
    config = settings.config()
    assert config.run.batch_tokens % config.model.context == 0
    return settings.values, notes


def test_sizes_follow_tokens_and_device() -> None:
    values, notes = sizes(9_000_000_000, gpu=True)
    assert (values["preset"], values["batch_tokens"], values["steps"]) == ("gpt2", 2**19, 20_000)
    assert notes == []
    values, notes = sizes(20_000_000, gpu=True)
    assert values["preset"] == "nano-l"
    assert "fewer than the 50,000,000 that gpt2 wants" in notes[0]
    assert sizes(40_000, gpu=True)[0]["preset"] == "nano"
    values, notes = sizes(40_000, gpu=False)
    assert (values["preset"], values["context"], values["batch_tokens"]) == ("nano", 128, 512)
    assert values["steps"] == 300
    assert [note.split()[0] for note in notes] == ["preset", "batch_tokens"]
    # What was asked for by name stays.
    values, notes = sizes(40_000, gpu=False, batch_tokens=4096, steps=7)
    assert (values["batch_tokens"], values["steps"]) == (4096, 7)
    values, _ = sizes(40_000, gpu=True, preset="gpt2")
    assert (values["layers"], values["preset"]) == (12, "gpt2")


@given(st.integers(2, 10**7), st.booleans())
def test_any_number_of_tokens_gives_a_sound_configuration(tokens: int, gpu: bool) -> None:
    values, _ = sizes(tokens, gpu)
    assert values["steps"] >= 1  # type: ignore[operator]


def test_every_setting_has_one_name() -> None:
    fields = [name for section in SECTIONS.values() for name in section.__dataclass_fields__]
    assert len(fields) == len(set(fields)) == len(KEYS)


def test_settings_win_in_order_and_name_their_source() -> None:
    settings = Settings()
    settings.update({"optimizer": {"lr": 1e-3}, "seed": 3}, "file")
    settings.set("lr", "2e-3", "command line")
    settings.set_preset("nano", "command line")
    rows = {key: (value, source) for key, value, source in settings.rows()}
    assert rows["optimizer.lr"] == (2e-3, "command line")
    assert rows["run.seed"] == (3, "file")
    assert rows["model.layers"] == (3, "preset nano")
    assert rows["optimizer.beta2"] == (0.95, "default")
    for key, value in (("model.lr", 1), ("lrr", 1), ("steps", "1.5"), ("exact", "maybe"),
                       ("optimizer", "sgd"), ("steps", True), ("seed", "x")):  # fmt: skip
        with pytest.raises(ConfigError):
            settings.set(key, value, "here")


def test_choice_follows_the_distribution() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)
    generator = torch.Generator().manual_seed(0)

    def shares(temperature: float, top_k: int, top_p: float) -> list[float]:
        ids = choose(logits, generator, temperature, top_k, top_p)
        return [(ids == i).float().mean().item() for i in range(4)]

    for temperature in (0.5, 1.0, 2.0):
        expected = (logits[0] / temperature).softmax(0).tolist()
        assert shares(temperature, 0, 1.0) == pytest.approx(expected, abs=0.03)
    two = logits[0, :2].softmax(0).tolist()
    assert shares(1.0, 2, 1.0) == pytest.approx([*two, 0, 0], abs=0.03)
    # Probabilities .64, .24, .09, .03: 0.7 needs two, 0.6 one, 0.9 three.
    assert shares(1.0, 0, 0.7) == pytest.approx([*two, 0, 0], abs=0.03)
    assert shares(1.0, 0, 0.6) == [1, 0, 0, 0]
    assert shares(1.0, 0, 0.9)[2:] == pytest.approx([0.09 / 0.97, 0], abs=0.03)
    assert shares(0, 0, 1.0) == [1, 0, 0, 0]


@torch.no_grad()
def test_generation_with_cache_equals_generation_without() -> None:
    model = GPT2(SMALL).eval()
    model.initialise(4)
    for parameter in model.parameters():
        parameter.mul_(4)
    (made,) = generate(model, [5, 6, 7], 13, temperature=0)
    text = [5, 6, 7]
    for _ in range(13):
        text.append(int(model.logits(model(torch.tensor([text])))[0, -1].argmax()))
    assert text[3:] == made
    assert len(set(made)) > 3


@torch.no_grad()
def test_generation_goes_past_the_context_and_follows_its_seed() -> None:
    model = GPT2(SMALL).eval()
    model.initialise(4)
    options = {"samples": 3, "top_k": 50, "temperature": 1.3}
    made = [generate(model, [1], 60, seed=s, **options) for s in (1, 1, 2)]  # type: ignore[arg-type]
    assert [len(ids) for ids in made[0]] == [60] * 3
    assert made[0] == made[1] != made[2]
    assert {i for ids in made[0] for i in ids} <= set(range(130))
    (long,) = generate(model, list(range(40)), 3)  # a prompt longer than the context
    assert len(long) == 3
    for bad in ({"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}):
        with pytest.raises(ConfigError, match="out of range"):
            generate(model, [1], 1, **bad)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="prompt"):
        generate(model, [], 1)
