"""Masked tokens, sentence order, replaced tokens: each against a slow twin, and what it learns."""

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from webtext_py.train.objectives.draws import sample, uniform
from webtext_py.train.objectives.electra import Electra
from webtext_py.train.objectives.masked import MaskedAndOrder, choose, pairs

from .conftest import TINY, Command
from .learning import END, draw, learn, objective, plain_hidden

V = 40
MASK, CLS, SEP = V, V + 1, V + 2


def windows(count: int, seed: int = 1) -> Tensor:
    """Windows of 17 tokens, some of which begin a document."""
    return torch.randint(V, (count, 17), generator=torch.Generator().manual_seed(seed))


def masks(ids: list[int], window: int, text: list[int]) -> tuple[list[int], list[int]]:
    """Masked positions among `text`, and the ids with what is put there."""
    chosen = sorted(text, key=lambda place: draw(window, place, 0, 0))
    chosen = chosen[: max(1, round(0.15 * len(text)))]
    put = list(ids)
    for slot, place in enumerate(chosen):
        kind = draw(window, slot, 0, 1)
        if kind < 0.8:
            put[place] = MASK
        elif kind < 0.9:
            put[place] = int(draw(window, slot, 0, 2) * V)
    return chosen, put


def masked_twin(made: object, window: Tensor, number: int) -> Tensor:
    """Mean loss of one window's masked tokens."""
    ids = window[:-1].tolist()
    chosen, put = masks(ids, number, list(range(16)))
    logits = made.model.logits(plain_hidden(made.model, put, causal=False))  # type: ignore[attr-defined]
    return torch.stack([F.cross_entropy(logits[p], torch.tensor(ids[p])) for p in chosen]).mean()


def order_twin(made: object, window: Tensor, number: int) -> Tensor:
    """Masked loss and order loss of one window's longest stretch of a document."""
    stretches: list[list[int]] = [[]]
    for token in window.tolist():
        stretches.append([]) if token == END else stretches[-1].append(token)
    sizes = [len(s) + (i > 0) for i, s in enumerate(stretches)]  # `<|endoftext|>` counts
    longest = stretches[sizes.index(max(sizes))][:13]
    half = len(longest) // 2
    spans = longest[:half], longest[half : 2 * half]
    swapped = draw(number, 0, 0, 3) < 0.5
    first, second = reversed(spans) if swapped else spans
    ids = [CLS, *first, SEP, *second, SEP]
    text = [*range(1, half + 1), *range(half + 2, 2 * half + 2)]
    chosen, put = masks(ids, number, text)
    hidden = plain_hidden(made.model, put, causal=False)  # type: ignore[attr-defined]
    logits = made.model.logits(hidden)  # type: ignore[attr-defined]
    masked = torch.stack([F.cross_entropy(logits[p], torch.tensor(ids[p])) for p in chosen])
    order = made.order(hidden[0])[0]  # type: ignore[attr-defined]
    return masked.mean() + F.softplus(-order if swapped else order)


def electra_twin(made: object, window: Tensor, number: int) -> Tensor:
    """The generator's loss + 50 x detection's, of one window."""
    ids = window[:-1].tolist()
    chosen, _ = masks(ids, number, list(range(16)))
    put = [MASK if place in chosen else token for place, token in enumerate(ids)]
    generator = made.generator  # type: ignore[attr-defined]
    logits = generator.logits(plain_hidden(generator, put, causal=False))
    masked = torch.stack([F.cross_entropy(logits[p], torch.tensor(ids[p])) for p in chosen])
    filled = list(ids)
    for slot, place in enumerate(chosen):
        noise = [draw(number, slot * V + token, 0, 4) for token in range(V)]
        gumbel = -torch.log(-torch.log(torch.tensor(noise, dtype=torch.float64)))
        filled[place] = int((logits[place] + gumbel).argmax())
    hidden = plain_hidden(made.model, filled, causal=False)  # type: ignore[attr-defined]
    scores = made.detector(hidden)[:, 0]  # type: ignore[attr-defined]
    losses = [F.softplus(s if a == b else -s) for s, a, b in zip(scores, ids, filled, strict=True)]
    return masked.mean() + 50 * torch.stack(losses).mean()


TWINS = {"mlm": masked_twin, "albert": order_twin, "electra": electra_twin}


@pytest.mark.parametrize("kind", TWINS)
def test_loss_is_that_of_a_slow_twin_in_any_batch(kind: str) -> None:
    made = objective(kind).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
        batch = windows(6)
        whole = made(batch, 100).item()
        parts = [made(batch[i : i + 2], 100 + i).item() for i in (0, 2, 4)]
        twins = [TWINS[kind](made, window, 100 + i).item() for i, window in enumerate(batch)]
    assert whole == pytest.approx(sum(twins) / 6, rel=1e-6)
    assert whole == pytest.approx(sum(parts) / 3, rel=1e-6)
    assert made(batch, 101).item() != pytest.approx(whole, rel=1e-6)


def test_draws_are_splitmix() -> None:
    numbers = torch.tensor([0, 7, 10**12])
    ours = uniform(numbers, 5, 3, 1)
    for row, number in zip(ours.tolist(), numbers.tolist(), strict=True):
        assert row == [draw(number, place, 3, 1) for place in range(5)]
    many = uniform(torch.arange(200), 100, 0)
    assert many.mean().item() == pytest.approx(0.5, abs=0.01)
    assert len(many.unique()) == 20_000


def test_samples_follow_the_model() -> None:
    made = objective("electra", vocab_size=5)
    model = made.model
    hidden = torch.randn(1, 1, 32, generator=torch.Generator().manual_seed(0)).expand(4000, 1, 32)
    with torch.no_grad():
        model.wte.weight.mul_(10)
        expected = model.logits(hidden[0, 0]).softmax(0)
    ids = sample(model, hidden, torch.arange(4000), 1)
    shares = torch.bincount(ids.flatten(), minlength=5) / 4000
    assert torch.allclose(shares, expected, atol=0.03)
    assert expected.max() - expected.min() > 0.2


def test_masks_have_their_share_and_never_touch_padding() -> None:
    lengths = torch.tensor([0, 1, 3, 20, 64, 100])
    text = torch.arange(100) < lengths[:, None]
    made = choose(text, torch.arange(6), 0.15, 0)
    used = made.weights > 0
    assert used.sum(1).tolist() == [0, 1, 1, 3, 10, 15]
    assert text.gather(1, made.positions)[used].all()
    assert made.weights.sum(1).tolist() == pytest.approx([0, 1, 1, 1, 1, 1])
    many = choose(torch.ones(2000, 20, dtype=torch.bool), torch.arange(2000), 0.15, 0).positions
    shares = torch.bincount(many.flatten(), minlength=20) / 2000
    assert torch.allclose(shares, torch.full((20,), 0.15), atol=0.03)


def test_pairs_are_two_spans_of_one_document() -> None:
    batch = torch.tensor([[5, 6, END, 10, 11, 12, 13, 14, 15, END, 20]])
    for swapped, spans in (
        (False, [10, 11, 12, SEP, 13, 14, 15]),
        (True, [13, 14, 15, SEP, 10, 11, 12]),
    ):
        made = pairs(batch, END, V, torch.tensor([swapped]))
        assert made.ids[0, :9].tolist() == [CLS, *spans, SEP]
        assert made.lengths.item() == 9
        assert made.text[0].nonzero()[:, 0].tolist() == [1, 2, 3, 5, 6, 7]
    nothing = pairs(torch.full((1, 11), END), END, V, torch.tensor([True]))
    assert not nothing.whole
    assert not nothing.text.any()


@pytest.mark.parametrize("shuffled", [False, True])
def test_order_is_learnt_where_there_is_one(shuffled: bool) -> None:
    """Documents whose tokens rise; shuffled, nothing tells their spans apart."""
    generator = torch.Generator().manual_seed(1)

    def batch(count: int = 64) -> Tensor:
        tokens = torch.randint(1, V, (count, 16), generator=generator).sort(1).values
        if shuffled:
            tokens = tokens.gather(1, torch.rand(count, 16, generator=generator).argsort(1))
        return F.pad(tokens, (1, 0), value=END)

    made = objective("albert", layers=1)
    assert isinstance(made, MaskedAndOrder)
    learn(made, batch, 150, 1e-2)
    with torch.no_grad():
        _, logits, judged = made.judged(batch(600), 10**6)
    right = ((logits > 0) == judged.swapped).float().mean().item()
    assert abs(right - 0.5) < 0.07 if shuffled else right > 0.95


def test_detection_teaches_the_generator_nothing() -> None:
    made = objective("electra")
    assert isinstance(made, Electra)
    _, detection = made.losses(windows(8), 0)
    detection.backward()
    own = {n: p for n, p in made.learnt().items() if n.startswith("generator.")}
    assert "generator.wpe.weight" in own
    assert all(p.grad is None for p in own.values())
    # The embedding that both share gets what the detecting model alone gives it.
    shared = made.model.wte.weight.grad
    alone = copy.deepcopy(made)
    alone.zero_grad()
    with torch.no_grad():
        _, ids, filled = made.generated(windows(8), 0)
    replaced = (filled != ids).float()
    F.binary_cross_entropy_with_logits(alone.detected(filled), replaced).backward()
    assert shared is not None
    assert alone.model.wte.weight.grad is not None
    assert torch.equal(shared, alone.model.wte.weight.grad)


@pytest.mark.parametrize("kind", TWINS)
def test_no_command_takes_a_run_that_predicts_no_next_token(
    kind: str, data: Path, webtext: Command, tmp_path: Path
) -> None:
    words = ("train", "--data", data, *TINY, "steps=1", "eval_every=0", f"objective={kind}")
    assert webtext(*words, "--run", "odd").code == 0
    for verb in (("sample", "odd"), ("export", "odd", tmp_path / "out"), ("eval", "odd")):
        ran = webtext(*verb, "--data", data)
        said = (
            f"run `odd` has the objective {kind}: it predicts no next token, as `webtext {verb[0]}`"
        )
        assert (ran.code, said in ran.err) == (1, True), ran.err


def test_a_sample_that_is_the_token_is_original(monkeypatch: pytest.MonkeyPatch) -> None:
    made = objective("electra")
    assert isinstance(made, Electra)
    batch = windows(4)
    right = iter([batch[:, :-1], 1 - batch[:, :-1].clamp(max=1)])

    def fill(model: object, hidden: Tensor, numbers: Tensor, *key: int) -> Tensor:
        places = choose(torch.ones(4, 16, dtype=torch.bool), numbers, 0.15, 0).positions
        return next(right).gather(1, places)

    monkeypatch.setattr("webtext_py.train.objectives.electra.sample", fill)
    seen = []

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        seen.append(labels)
        return logits.sum()

    monkeypatch.setattr(F, "binary_cross_entropy_with_logits", loss)
    made.losses(batch, 0)
    assert not seen[0].any()  # every sample the original: nothing is replaced
    made.losses(batch, 0)
    places = choose(torch.ones(4, 16, dtype=torch.bool), torch.arange(4), 0.15, 0).positions
    others = torch.zeros(4, 16, dtype=torch.bool).scatter(1, places, True)
    assert seen[1][others].all()
    assert not seen[1][~others].any()


def auc(scores: Tensor, labels: Tensor) -> float:
    """Share of pairs of a replaced and an original token in the right order, ties half."""
    replaced, original = scores[labels], scores[~labels].sort().values
    below, above = (torch.searchsorted(original, replaced, right=r) for r in (False, True))
    return ((below + above).double() / 2 / len(original)).mean().item()


@pytest.mark.parametrize("seed", range(5))
def test_electra_detects_on_held_out_text(seed: int) -> None:
    """Replaced tokens of held-out text: the trained model's AUC above that of what was not trained.

    Compared on the same windows with the same tokens filled in, once by the untrained generator
    and once by the trained one: the trained detector; the detector at its start; the untrained
    generator as a detector, by how unlikely it finds a token. Text of few frequent and many rare
    tokens: the trained generator fills in what is there anyway, and is the harder to find out.
    """
    shares = torch.arange(1, V + 1).double() ** -2

    def text(generator: torch.Generator, count: int) -> Tensor:
        drawn = torch.multinomial(shares, count * 17, True, generator=generator)
        return drawn.view(count, 17)

    made, generator = objective("electra", seed, layers=1), torch.Generator().manual_seed(seed)
    assert isinstance(made, Electra)
    before = copy.deepcopy(made)
    learn(made, lambda: text(generator, 32), 60, 5e-3)
    held = text(torch.Generator().manual_seed(1000 + seed), 300)
    for filler, margin in ((before, 0.2), (made, 0.05)):
        with torch.no_grad():
            _, ids, filled = filler.generated(held, 10**6)
            replaced = filled != ids
            logits = before.generator.logits(before.hidden(before.generator, filled))
            unlikely = -logits.log_softmax(2).gather(2, filled[:, :, None])[:, :, 0]
            untrained = auc(before.detected(filled), replaced), auc(unlikely, replaced)
            trained = auc(made.detected(filled), replaced)
        assert 0.05 < replaced.float().mean() < 0.15
        assert trained > max(untrained) + margin
