"""What is counted in the published sets: units, tokens, items."""

from pathlib import Path

import pytest

from webtext_py.evaluate.forms import read_form
from webtext_py.tokenizer import Tokenizer

pytestmark = pytest.mark.shared_data


def test_units_of_wikitext(shared_data: Path) -> None:
    """241,211 words and 4,358 line ends; the pieces cover the text."""
    path = shared_data / "overlap" / "wikitext-2-raw" / "wiki.test.raw"
    form, [item] = read_form(path, "wikitext2", None, {})
    pieces = item.facts["pieces"]
    assert form == "wikitext"
    assert sum(units for _, _, units, _, _ in pieces) == 245_569
    assert sum(size for _, _, _, size, _ in pieces) == 1_290_590
    assert [first for first, *_ in pieces[1:]] == [end for _, end, *_ in pieces[:-1]]
    assert pieces[-1][1] == len(item.asks[0][0])


def test_last_words_of_lambada(shared_data: Path) -> None:
    """22.18 % of the last words have several tokens; 430,230 tokens in all."""
    path = shared_data / "overlap" / "lambada_test.jsonl"
    _, items = read_form(path, "lambada", None, {})
    tokenizer = Tokenizer.from_file(shared_data / "gpt2")
    words = [len(tokenizer.encode(item.asks[0][1])) for item in items]
    assert len(items) == 5_153
    assert round(100 * sum(count > 1 for count in words) / len(words), 2) == 22.18
    lengths = [len(tokenizer.encode(item.text)) for item in items]
    assert (sum(lengths), max(lengths)) == (430_230, 224)


FORMS = {
    "eval/piqa.jsonl": ("choices", 1838),
    "eval/copa.jsonl": ("choices", 100),
    "eval/openbook_qa.jsonl": ("choices", 500),
    "eval/arc_challenge.jsonl": ("choices", 1172),
    "eval/hellaswag_val_full.txt.bz2": ("hellaswag", 10_042),
    "eval/winograd_wsc.jsonl": ("winograd", 273),
    "eval/winogrande.jsonl": ("winograd", 1267),
    "overlap/wsc273.txt": ("winograd", 273),
    "eval/NQ-open.dev.jsonl": ("questions", 3610),
    "eval/triviaqa_sm_sub.jsonl": ("questions", 3000),
    "eval/gpt3/two_digit_addition.jsonl": ("completion", 2000),
    "overlap/lambada_test_plain_text.txt": ("lambada", 5153),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_recognised(shared_data: Path, name: str) -> None:
    form, items = read_form(shared_data / name, "task", None, {})
    assert (form, len(items)) == FORMS[name]


def test_winograd_schemas_agree(shared_data: Path) -> None:
    """The schemas' blocks and the partial form put the same candidates into the same sentences."""
    _, blocks = read_form(shared_data / "overlap" / "wsc273.txt", "winograd", None, {})
    _, rows = read_form(shared_data / "eval" / "winograd_wsc.jsonl", "winograd", None, {})
    same = [
        {one.asks[i][1] for i in (0, 1)} == {other.asks[i][1] for i in (0, 1)}
        for one, other in zip(blocks, rows, strict=True)
    ]
    assert sum(same) > 0.9 * len(same)
