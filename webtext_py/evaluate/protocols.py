"""How each kind of task is asked and judged, as published.

A protocol turns an item's answers into values: a part and a whole for each metric, whose sums
over the items are the score. That holds for accuracy (right answers, items), for perplexity (nats,
units) and for subsets of the items alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, log
from typing import Any, ClassVar, Literal

from webtext_py.overlap.scores import squad_exact, squad_f1

from .items import Item
from .metrics import STOP_WORDS, coqa, first_sentences
from .scorer import Generated, Rolled, Sampling, Scored

Way = Literal["score", "rolling", "generate"]
Values = Mapping[str, tuple[float, float]]


def _bits(value: float) -> float:
    return value / log(2)


def perplexity(nats: float) -> float:
    """exp of nats a unit; e^709 where that is more than a float holds."""
    return exp(min(nats, 709.0))


@dataclass(frozen=True)
class Metric:
    """What a metric's sums make: `of` is applied to part over whole."""

    of: Callable[[float], float] = float  # as it is
    higher: bool = True
    says: str = ""  # what is counted, where the name does not say so


class Protocol:
    """One kind of task."""

    name: ClassVar[str]
    way: ClassVar[Way] = "score"
    metrics: ClassVar[Mapping[str, Metric]]
    between: ClassVar[str] = "\n\n"  # what stands between shots
    sampling: ClassVar[Sampling | None] = None
    without: ClassVar[Sequence[str]] = ()

    def judge(self, item: Item, answers: Sequence[Any]) -> Values:
        """Part and whole of each metric for one item."""
        raise NotImplementedError

    def shown(self, item: Item, answers: Sequence[Any]) -> Any:
        """What a sample's line says that the model answered."""
        return [[fsum(answer.logprobs), all(answer.greedy)] for answer in answers]


def _flag(right: bool) -> tuple[float, float]:
    return float(right), 1.0


class Cloze(Protocol):
    """LAMBADA: the last word of a passage, and its last token alone, as OpenAI scored it.

    `filtered`: words of `STOP_WORDS` cannot be predicted. Source: GPT-2 report, section 3.3.
    """

    name = "cloze"
    between = "\n"
    without = STOP_WORDS
    metrics: ClassVar[Mapping[str, Metric]] = {
        "acc": Metric(says="last word"),
        "acc_filtered": Metric(says="last word, no stop-word predicted"),
        "perplexity": Metric(perplexity, False, "last word"),
        "token_acc": Metric(says="last token"),
        "token_acc_filtered": Metric(says="last token, no stop-word predicted"),
        "token_perplexity": Metric(perplexity, False, "last token"),
    }

    def judge(self, item: Item, answers: Sequence[Scored]) -> Values:
        """Word and token by one answer: the last token is the word's last."""
        [word] = answers
        filtered = [word.allowed[0], *word.greedy[1:]]
        return {
            "acc": _flag(all(word.greedy)),
            "acc_filtered": _flag(all(filtered)),
            "perplexity": (-fsum(word.logprobs), 1.0),
            "token_acc": _flag(word.greedy[-1]),
            "token_acc_filtered": _flag(word.allowed[-1]),
            "token_perplexity": (-word.logprobs[-1], 1.0),
        }


def _most(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i])


class Choices(Protocol):
    """The likeliest of several continuations: by its whole log-probability, for each of its
    characters (`norm`, as the community's harness has it) and for each token (as GPT-3 did)."""

    name = "choices"
    metrics: ClassVar[Mapping[str, Metric]] = {
        "acc": Metric(),
        "acc_norm": Metric(says="log-probability for each character"),
        "acc_token": Metric(says="log-probability for each token"),
    }

    def judge(self, item: Item, answers: Sequence[Scored]) -> Values:
        """Whether the gold choice wins each way; `facts["choices"]` are the texts."""
        sums = [fsum(answer.logprobs) for answer in answers]
        lengths = [max(1, len(choice)) for choice in item.facts["choices"]]
        by_length = [one / length for one, length in zip(sums, lengths, strict=True)]
        by_token = [s / len(a.logprobs) for s, a in zip(sums, answers, strict=True)]
        return {
            "acc": _flag(_most(sums) == item.gold),
            "acc_norm": _flag(_most(by_length) == item.gold),
            "acc_token": _flag(_most(by_token) == item.gold),
        }


class Cbt(Protocol):
    """Children's Book Test: the choice that makes it and the rest of its sentence likeliest.

    Source: GPT-2 report, section 3.2.
    """

    name = "cbt"
    metrics: ClassVar[Mapping[str, Metric]] = {"acc": Metric()}

    def judge(self, item: Item, answers: Sequence[Scored]) -> Values:
        """Whether the gold choice wins."""
        return {"acc": _flag(_most([fsum(a.logprobs) for a in answers]) == item.gold)}


class Winograd(Protocol):
    """Which candidate in a pronoun's place: by what follows it (`acc`, partial scoring) and by the
    whole sentence (`acc_full`). Source: Trinh and Le 2018."""

    name = "winograd"
    metrics: ClassVar[Mapping[str, Metric]] = {
        "acc": Metric(says="partial: what follows, given the candidate"),
        "acc_full": Metric(says="the whole sentence"),
    }

    def judge(self, item: Item, answers: Sequence[Scored]) -> Values:
        """The first half of the answers is partial, the second full."""
        sums = [fsum(answer.logprobs) for answer in answers]
        half = len(sums) // 2
        return {
            "acc": _flag(_most(sums[:half]) == item.gold),
            "acc_full": _flag(_most(sums[half:]) == item.gold),
        }


class Completion(Protocol):
    """The exact completion, greedily: GPT-3's arithmetic and word scrambles."""

    name = "completion"
    metrics: ClassVar[Mapping[str, Metric]] = {"acc": Metric(says="greedy answer is the gold one")}

    def judge(self, item: Item, answers: Sequence[Scored]) -> Values:
        """Whether every token is the likeliest."""
        return {"acc": _flag(all(answers[0].greedy))}


class Text(Protocol):
    """Perplexity of running text, each token given what comes before it.

    The item is the whole text; `facts["pieces"]` are its parts (characters of the text as it was
    asked, original units, bytes), each an item of its own for intervals and overlap.
    """

    name = "text"
    way = "rolling"
    metrics: ClassVar[Mapping[str, Metric]] = {
        "unit_perplexity": Metric(perplexity, False, "for each unit"),
        "token_perplexity": Metric(perplexity, False, "for each token of the model"),
        "bits_per_byte": Metric(_bits, False),
        "bits_per_character": Metric(_bits, False),
    }

    def judge(self, item: Item, answers: Sequence[Rolled]) -> Values:
        """Nats over units, tokens, bytes and characters of one piece."""
        nats = -fsum(answers[0].logprobs)
        facts = item.facts
        return {
            "unit_perplexity": (nats, facts["units"]),
            "token_perplexity": (nats, float(len(answers[0].logprobs))),
            "bits_per_byte": (nats, facts["bytes"]),
            "bits_per_character": (nats, facts["characters"]),
        }

    def shown(self, item: Item, answers: Sequence[Rolled]) -> Any:
        """Log-probability and tokens of the piece."""
        return [[fsum(answers[0].logprobs), len(answers[0].logprobs)]]


class _Generates(Protocol):
    way = "generate"

    def shown(self, item: Item, answers: Sequence[Generated]) -> Any:
        """The texts."""
        return [answer.text for answer in answers]


class Questions(_Generates):
    """Questions with short answers: exact match after SQuAD's normalisation, over all and over the
    1 % that the model is most confident of. Source: GPT-2 report, section 3.8."""

    name = "questions"
    sampling = Sampling(32, ("\n",))
    metrics: ClassVar[Mapping[str, Metric]] = {
        "exact_match": Metric(),
        "f1": Metric(),
        "exact_match_top1": Metric(says="the 1 % with the likeliest answers"),
    }

    def judge(self, item: Item, answers: Sequence[Generated]) -> Values:
        """`exact_match_top1` is that of all here; `results.py` keeps the confident."""
        text = answers[0].text.strip()
        exact = squad_exact(text, item.gold)
        return {
            "exact_match": (exact, 1.0),
            "f1": (squad_f1(text, item.gold), 1.0),
            "exact_match_top1": (exact, 1.0),
        }


class Coqa(_Generates):
    """Conversations about a passage, every turn after the gold answers before it."""

    name = "coqa"
    sampling = Sampling(32, ("\n",))
    metrics: ClassVar[Mapping[str, Metric]] = {"f1": Metric(), "em": Metric()}

    def judge(self, item: Item, answers: Sequence[Generated]) -> Values:
        """CoQA's own rules, over all references."""
        text = answers[0].text.strip()
        return {"f1": (coqa(text, item.gold), 1.0), "em": (coqa(text, item.gold, exact=True), 1.0)}


_ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class Summary(_Generates):
    """Summaries: the first three sentences of 100 tokens, each of the two likeliest, after an
    article and `TL;DR:`, and without that hint. Source: GPT-2 report, section 3.6."""

    name = "summary"
    sampling = Sampling(100, top_k=2)
    metrics: ClassVar[Mapping[str, Metric]] = {
        **{name: Metric() for name in _ROUGE},
        **{f"{name}_no_hint": Metric(says="without TL;DR:") for name in _ROUGE},
    }

    def judge(self, item: Item, answers: Sequence[Generated]) -> Values:
        """F-measures of both answers; sentences on lines of their own, for `rougeLsum`."""
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer(list(_ROUGE), use_stemmer=True)
        made: dict[str, tuple[float, float]] = {}
        for ending, answer in zip(("", "_no_hint"), answers, strict=True):
            scores = scorer.score(item.gold, first_sentences(answer.text, 3))
            made |= {name + ending: (scores[name].fmeasure, 1.0) for name in _ROUGE}
        return made


class Translation(_Generates):
    """Translation after examples `sentence = sentence`: the first sentence of the greedy answer.

    `bleu` is sacreBLEU's of all items, which `results.py` works out. Source: GPT-2 report, 3.7.
    """

    name = "translation"
    between = "\n"
    sampling = Sampling(120, ("\n",))
    metrics: ClassVar[Mapping[str, Metric]] = {"bleu": Metric(says="sacreBLEU of the whole set")}

    def judge(self, item: Item, answers: Sequence[Generated]) -> Values:
        """Nothing: a sentence has no BLEU of the corpus."""
        return {}


PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        *(Cloze(), Choices(), Cbt(), Winograd(), Completion(), Text()),
        *(Questions(), Coqa(), Summary(), Translation()),
    )
}
