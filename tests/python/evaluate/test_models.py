"""Models whose scores are known beforehand, through the protocol that a real one fills."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from webtext_py import demo
from webtext_py.evaluate.forms import FORMS, read_form
from webtext_py.evaluate.items import Ask, Item
from webtext_py.evaluate.results import extremes, judge, score
from webtext_py.evaluate.scorer import Generated, Rolled, Sampling, Scored
from webtext_py.evaluate.work import ask

from .conftest import write_rows

VOCABULARY = 600


class Uniform:
    """Every token is as likely as every other; a token is a character."""

    nats = -math.log(VOCABULARY)

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        def one(continuation: str) -> Scored:
            count = len(continuation)
            return Scored([self.nats] * count, [False] * count, [False] * count)

        return [[one(continuation) for _, continuation in group] for group in groups]

    def rolling(self, text: str, part: int = 0, parts: int = 1, stride: int = 0) -> Rolled:
        return Rolled(range(len(text)), [self.nats] * len(text))

    def generate(self, prompts: Sequence[str], how: Sampling) -> list[Generated]:
        return [Generated("", self.nats, 1) for _ in prompts]


class Oracle(Uniform):
    """Knows the answers, and is sure of nothing else."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.right: set[Ask] = set()
        self.answers: dict[str, str] = {}
        for item in items:
            for place, (prefix, continuation) in enumerate(item.asks):
                gold = item.gold if isinstance(item.gold, int) else 0
                # Both scorings of Winograd have the candidates in the same order.
                if place % max(1, _candidates(item)) == gold:
                    self.right.add((prefix, continuation))
                said = item.gold[0] if isinstance(item.gold, list) else item.gold
                self.answers[prefix] = f" {said}"

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        def one(pair: Ask) -> Scored:
            known = pair in self.right
            count = len(pair[1])
            return Scored([-1e-9 if known else -9.0] * count, [known] * count, [known] * count)

        return [[one(pair) for pair in group] for group in groups]

    def generate(self, prompts: Sequence[str], how: Sampling) -> list[Generated]:
        return [Generated(self.answers[prompt], -0.1, 1) for prompt in prompts]


class Constant(Uniform):
    """Likes the first choice best, whatever is asked."""

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        return [[Scored([-1.0], [False]) for _ in group] for group in groups]


class Chance(Uniform):
    """Scores by lot: right as often as there are choices."""

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        lots = random.Random(5)
        return [[Scored([lots.uniform(-9, -1)], [False]) for _ in group] for group in groups]


def _candidates(item: Item) -> int:
    return 2 if len(item.asks) == 4 and "choices" not in item.facts else len(item.asks)


def _scores(scorer: Any, task: str, path: Path) -> dict[str, Any]:
    form, items = read_form(path, task, None, {})
    protocol = FORMS[form].protocol
    made = scorer(items) if scorer is Oracle else scorer()
    judged = judge(task, task, form, 0, protocol, items, ask(made, protocol, items))
    return score(judged)


@pytest.mark.parametrize("task", ["wikitext2", "ptb"])
def test_uniform_has_the_vocabulary_for_perplexity(task: str) -> None:
    path = demo.tasks()[task]
    found = _scores(Uniform, task, path)
    assert found["token_perplexity"]["value"] == pytest.approx(VOCABULARY, rel=1e-12)
    _, [item] = read_form(path, task, None, {})
    text = item.asks[0][0]
    units = len(path.read_text().split()) + path.read_text().count("\n")
    nats = len(text) * math.log(VOCABULARY)
    assert found["unit_perplexity"]["value"] == pytest.approx(math.exp(nats / units), rel=1e-9)
    assert found["bits_per_byte"]["value"] == pytest.approx(
        nats / math.log(2) / len(path.read_bytes()), rel=1e-12
    )


# CoQA is not among them: its rules leave each reference out in turn, so that nobody has 100 %.
@pytest.mark.parametrize(
    "task", ["lambada", "cbt-cn", "winograd", "choices", "copa", "hellaswag", "addition", "nq"]
)
def test_oracle_is_always_right(task: str) -> None:
    found = _scores(Oracle, task, demo.tasks()[task])
    shares = [row["value"] for name, row in found.items() if "perplexity" not in name]
    assert shares == [1.0] * len(shares)


def test_oracle_writes_the_reference() -> None:
    summary = _scores(Oracle, "tldr", demo.tasks()["tldr"])
    assert all(row["value"] == pytest.approx(1.0) for row in summary.values())
    translation = _scores(Oracle, "wmt14-en-fr", demo.tasks()["wmt14-en-fr"])
    assert translation["bleu"]["value"] == pytest.approx(100.0)
    assert translation["bleu"]["note"].startswith("nrefs:1|")


@pytest.mark.parametrize("model", [Constant, Chance])
def test_chance_lies_in_its_interval(tmp_path: Path, model: type[Uniform]) -> None:
    rows = [{"query": f"{n}?", "choices": list("abcd"), "gold": n % 4} for n in range(800)]
    found = _scores(model, "made", write_rows(tmp_path / "made.jsonl", rows))["acc"]
    low, high = found["interval_95"]
    assert low < 0.25 < high
    assert high - low == pytest.approx(4 * found["stderr"], rel=0.15)


def test_worst_and_best_items() -> None:
    """The wrong ones, and the right ones; among equals by how sure the first answer is."""
    items = [
        Item(str(n), (("p", "a"), ("p", "b")), 0, f"item {n}!", facts={"choices": ["a", "b"]})
        for n in range(40)
    ]
    answers = [
        [Scored([-float(n)], [False]), Scored([-99.0 if n % 2 else 0.0], [False])]
        for n in range(1, 41)  # every second is right
    ]
    judged = judge("made", "made", "choices", 0, "choices", items, answers)
    found = extremes(judged)
    assert [row["id"] for row in found["worst"]] == [str(n) for n in range(39, 20, -2)]
    assert [row["id"] for row in found["best"]] == [str(n) for n in range(0, 19, 2)]


def test_the_bootstrap_draws_passages(tmp_path: Path) -> None:
    """Turns of one story are right or wrong together: the interval is as wide as stories allow."""
    turns = [{"input_text": "x", "turn_id": n} for n in range(10)]
    stories = [
        {"story": f"story {n}", "id": n, "questions": turns, "answers": turns} for n in range(40)
    ]
    path = write_rows(tmp_path / "coqa.jsonl", stories)

    class ByStory(Uniform):
        def generate(self, prompts: Sequence[str], how: Sampling) -> list[Generated]:
            return [Generated("x" if int(p.split()[1]) % 2 else "y", -1.0, 1) for p in prompts]

    low, high = _scores(ByStory, "coqa", path)["f1"]["interval_95"]
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.05)
    assert high - low > 0.25  # of 400 independent turns it would be 0.1
