"""Our rules against the reference scripts, on pairs made by lot."""

import random
import sys
from types import ModuleType

import pytest

from webtext_py.evaluate.items import Item
from webtext_py.evaluate.metrics import coqa, first_sentences
from webtext_py.evaluate.results import judge, score
from webtext_py.evaluate.scorer import Generated
from webtext_py.overlap.scores import squad_exact, squad_f1

WORDS = [
    *("the", "a", "An", "an.", "cat", "Cat's", "dog,", "sat", "--", "on", "mat!", "yes", "no"),
    *("1,000", "U.S.", "l'état", "\u201cso\u201d", "''"),
]

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries


def _pairs(references: int) -> list[tuple[str, list[str]]]:
    lots = random.Random(references)

    def text() -> str:
        return " ".join(lots.choices(WORDS, k=lots.randrange(6)))

    return [(text(), [text() for _ in range(references)]) for _ in range(500)]


def _reference_f1(gold: str, said: str) -> float:
    """SQuAD's F1 as the harness copied it, with the rule of SQuAD 2.0 for empty answers."""
    from lm_eval.tasks.qasper.metrics import f1_abstractive, normalize_answer

    if not normalize_answer(gold) or not normalize_answer(said):
        return float(normalize_answer(gold) == normalize_answer(said))
    return float(f1_abstractive([said], [gold]))


def _reference_exact(gold: str, said: str) -> int:
    from lm_eval.tasks.qasper.metrics import normalize_answer

    return int(normalize_answer(gold) == normalize_answer(said))


@pytest.mark.parametrize("references", [1, 2, 4])
def test_coqa_as_the_harness_has_it(references: int, monkeypatch: pytest.MonkeyPatch) -> None:
    squad = ModuleType("transformers.data.metrics.squad_metrics")  # gone from transformers 5
    vars(squad).update(compute_f1=_reference_f1, compute_exact=_reference_exact)
    above = ModuleType("transformers.data.metrics")
    vars(above).update(squad_metrics=squad)
    monkeypatch.setitem(sys.modules, above.__name__, above)
    monkeypatch.setitem(sys.modules, squad.__name__, squad)
    from lm_eval.tasks.coqa.utils import compute_scores

    for said, gold in _pairs(references):
        theirs = compute_scores(gold, said)
        assert coqa(said, gold) == pytest.approx(theirs["f1"], abs=1e-12)
        assert coqa(said, gold, exact=True) == theirs["em"]


def test_squad_as_the_harness_has_it() -> None:
    for said, gold in _pairs(3):
        assert squad_exact(said, gold) == max(_reference_exact(one, said) for one in gold)
        assert squad_f1(said, gold) == pytest.approx(max(_reference_f1(g, said) for g in gold))


def test_rouge_and_bleu_are_the_libraries(tmp_path_factory: pytest.TempPathFactory) -> None:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu import corpus_bleu

    pairs = [(said, gold[0]) for said, gold in _pairs(1)]
    items = [Item(str(n), (("", ""), ("", "")), gold) for n, (_, gold) in enumerate(pairs)]
    answers = [[Generated(said, 0.0, 1)] * 2 for said, _ in pairs]
    found = score(judge("tldr", "tldr", "summary", 0, "summary", items, answers))
    kinds = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer = RougeScorer(kinds, use_stemmer=True)
    rows = [scorer.score(gold, first_sentences(said, 3)) for said, gold in pairs]
    for kind in kinds:
        mean = sum(row[kind].fmeasure for row in rows) / len(rows)
        assert found[kind]["value"] == pytest.approx(mean, abs=1e-12)
    made = score(judge("t", "wmt14-en-fr", "translation", 0, "translation", items,
                       [[Generated(said, 0.0, 1)] for said, _ in pairs]))  # fmt: skip
    said = [first_sentences(text, 1) for text, _ in pairs]
    assert made["bleu"]["value"] == corpus_bleu(said, [[gold for _, gold in pairs]]).score


@pytest.mark.parametrize(
    ("text", "most", "first"),
    [
        ("One. Two! Three? Four.", 3, "One. Two! Three?"),
        (" One\nline without an end", 2, "One\nline without an end"),
        ('He said "no." Then he went.', 1, 'He said "no."'),
        ("", 3, ""),
    ],
)
def test_first_sentences(text: str, most: int, first: str) -> None:
    assert first_sentences(text, most) == first


def test_the_confident_one_percent() -> None:
    """Of 200 questions the two with the likeliest answers decide."""
    items = [Item(str(n), (("q", ""),), ["yes"]) for n in range(200)]
    answers = [[Generated("yes" if n in (3, 9) else "no", -n / 10 - 1, 1)] for n in range(200)]
    answers[3] = [Generated("yes", -0.1, 1)]
    answers[150] = [Generated("no", -0.2, 1)]
    found = score(judge("nq", "nq", "questions", 0, "questions", items, answers))
    assert found["exact_match"]["value"] == pytest.approx(0.01)
    assert found["exact_match_top1"]["value"] == 0.5
