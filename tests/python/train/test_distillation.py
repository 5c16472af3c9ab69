"""A student and its teacher: gradients, starts, refusals, and that a teacher helps."""

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from webtext_py.errors import ConfigError
from webtext_py.train.model import GPT2
from webtext_py.train.objectives import Objective

from .learning import Chain, learn, objective

V = 40


def windows(count: int, seed: int = 1) -> Tensor:
    return torch.randint(V, (count, 17), generator=torch.Generator().manual_seed(seed))


def spread(made: Objective, seed: int) -> Objective:
    """In fp64, with weights so large that nothing is nearly uniform."""
    generator = torch.Generator().manual_seed(seed)
    made.double()
    with torch.no_grad():
        for parameter in made.learnt().values():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.2 * noise)
        made.model.wte.weight[V:] = 0
    return made


def teacher(**shape: Any) -> GPT2:
    return spread(objective("causal", **{"layers": 4, **shape}), 9).model


def inner(model: GPT2, ids: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Hidden states before, between and after the layers; attention scores of each."""
    x: Any = model.wte(ids) + model.wpe(torch.arange(16))
    states, scores = [x], []
    blocks: Any = model.h
    for block in blocks:
        q, k, _ = block.attn.c_attn(block.ln_1(x)).chunk(3, 2)
        q, k = (t.unflatten(2, (2, -1)).transpose(1, 2) for t in (q, k))
        scores.append(q @ k.mT / q.size(3) ** 0.5)
        x = block(x, None, None)
        states.append(x)
    return states, scores


def written_out(made: Any, batch: Tensor, teacher: GPT2) -> Tensor:
    """The loss from its definition, for autograd."""
    ids, targets = batch[:, :-1], batch[:, 1:].flatten()
    student, how = made.model, made.config.objective
    hidden, taught = student(ids), teacher(ids).detach()
    logits = student.logits(hidden).flatten(0, 1)
    theirs = (teacher.logits(taught).flatten(0, 1) / 2).softmax(1).detach()
    soft = F.kl_div((logits / 2).log_softmax(1), theirs, reduction="batchmean")
    loss = 5 * 4 * soft + 2 * F.cross_entropy(logits, targets)
    if how.objective == "distilbert":
        cosine = F.cosine_embedding_loss(
            hidden.flatten(0, 1), taught.flatten(0, 1), torch.ones(targets.numel())
        )
        return loss + cosine
    (states, scores), (their_states, their_scores) = inner(student, ids), inner(teacher, ids)
    seen = torch.ones(16, 16).tril().bool()
    for layer in range(3):  # 2 of the student, 4 of the teacher
        loss = loss + F.mse_loss(made.project(states[layer]), their_states[2 * layer].detach())
        if layer:
            theirs = their_scores[2 * layer - 1].detach()[:, :, seen]
            loss = loss + F.mse_loss(scores[layer - 1][:, :, seen], theirs)
    return loss


@pytest.mark.parametrize("kind", ["distilbert", "tinybert"])
def test_gradients_are_autograds_of_the_loss_written_out(kind: str) -> None:
    given = teacher(width=48, heads=2) if kind == "tinybert" else teacher()
    made = spread(objective(kind, teacher=given), 3)
    results = []
    for loss in (made(windows(5), 0), written_out(made, windows(5), given)):
        gradients = torch.autograd.grad(loss, list(made.learnt().values()))
        results.append((loss.detach(), *gradients))
    for ours, theirs in zip(*results, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    assert all(gradient.abs().max() > 1e-6 for gradient in results[0][1:])
    assert not any(p.requires_grad for p in given.parameters())


@pytest.mark.parametrize("kind", ["causal", "distilbert", "tinybert"])
def test_the_loss_is_the_mean_over_any_cut_of_a_batch(kind: str) -> None:
    made, batch = objective(kind, teacher=teacher()).double(), windows(6)
    with torch.no_grad():
        parts = [made(batch[i : i + 2], i).item() for i in (0, 2, 4)]
        assert made(batch, 0).item() == pytest.approx(sum(parts) / 3, rel=1e-12)
        plain = F.cross_entropy(
            made.model.logits(made.model(batch[:, :-1])).flatten(0, 1), batch[:, 1:].flatten()
        )
        assert made.validation(batch, 0).item() == pytest.approx(plain.item(), rel=1e-12)
        assert (made(batch, 0) > plain + 0.01) == (kind != "causal")


@pytest.mark.parametrize("kind", ["distilbert", "tinybert"])
def test_a_teacher_teaching_its_copy_says_nothing(kind: str) -> None:
    given = teacher(layers=2)
    made = objective(kind, teacher=given, how={"hard": 0.0}).double()
    made.model.load_state_dict(given.state_dict())
    if kind == "tinybert":
        with torch.no_grad():
            made.project.weight.copy_(torch.eye(32))  # type: ignore[union-attr, operator]
    made(windows(4), 0).backward()
    gradients = [p.grad for p in made.learnt().values() if p.grad is not None]
    assert len(gradients) == len(made.learnt())
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-12


def test_the_student_starts_as_every_second_layer() -> None:
    given = teacher()
    made = objective("distilbert", teacher=given)
    ours, theirs = made.model.state_dict(), given.state_dict()
    for name, weight in ours.items():
        other = name.replace("h.1.", "h.2.")
        assert torch.equal(weight.double(), theirs[other].float().double()), name


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        ("distilbert", {"width": 16}, "`width` is 16, but 32 in the teacher"),
        ("distilbert", {"layers": 5}, "`layers` is 5, expected at most the teacher's 4"),
        ("tinybert", {"heads": 4}, "`heads` is 4, but 2 in the teacher"),
        ("tinybert", {"context": 32}, "`context` is 32, expected at most the teacher's 16"),
        ("tinybert", {"vocab_size": 41}, "`vocab_size` is 41, but 40"),
    ],
)
def test_a_student_that_does_not_go_with_its_teacher_is_refused(
    kind: str, shape: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        objective(kind, teacher=teacher(), **shape)


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain(V)


@pytest.fixture(scope="module")
def taught(chain: Chain) -> GPT2:
    """A teacher that has learnt the chain."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(777)
    made = objective("causal", vocab_size=V)
    learn(made, lambda: chain.windows(generator, 32), 250, 5e-3)
    return made.model


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["distilbert", "tinybert"])
def test_a_teacher_helps(kind: str, seed: int, chain: Chain, taught: GPT2) -> None:
    """Held-out divergence from the chain itself, after as many steps on the same windows: less than
    that of a student without a teacher, and of one that begins with its weights and hears no more.
    """
    held = chain.windows(torch.Generator().manual_seed(500 + seed), 100)[:, :-1]
    deaf: dict[str, Any] = dict.fromkeys(("soft", "cosine", "scores", "states"), 0.0)
    apart = []
    for name, how in (("causal", {}), (kind, deaf), (kind, {})):
        generator = torch.Generator().manual_seed(seed)
        shape = {"width": 16} if kind == "tinybert" else {}
        made = objective(name, seed, copy.deepcopy(taught), how, layers=1, **shape)
        learn(made, lambda g=generator: chain.windows(g, 8), 40, 5e-3)  # type: ignore[misc]
        with torch.no_grad():
            own = made.model.logits(made.model(held)).log_softmax(2)
        right = chain.next[held]
        apart.append((right * (right.clamp(min=1e-30).log() - own)).sum(2).mean().item())
    assert apart[2] < 0.95 * min(apart[:2]), apart
