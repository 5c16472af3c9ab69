"""De-tokenisers lose nothing: every line has its inverse, whatever stands in it."""

import random
from pathlib import Path

import pytest

from webtext_py import demo
from webtext_py.evaluate.detokenise import DETOKENISERS, MARK, is_padded

ALPHABET = " .,;:!?()[]\"'`@-=$%/\\aAsnt1N\u2060\u201c\u201d"
PENN = """ no it was n't black <unk> \n the company 's profit fell N N to $ N million \n
 analysts ' estimates and/or \\* they 'll say it 's u.s. '' trade \n a c.$ N N\\/N bond \n"""


@pytest.mark.parametrize("name", DETOKENISERS)
def test_any_line_comes_back(name: str) -> None:
    chance = random.Random(name)
    how = DETOKENISERS[name]
    for _ in range(2_500):  # 10,000 over the four
        line = "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(24)))
        for padded in (False, True):
            assert how.inverse(how.line(line, padded), padded) == line


@pytest.mark.parametrize("line", PENN.split("\n"))
def test_penn_lines(line: str) -> None:
    how = DETOKENISERS["ptb"]
    assert how.inverse(how.line(line, True), True) == line


@pytest.mark.parametrize(
    ("name", "tokens", "text"),
    [
        ("wikitext", " It cost 1 @,@ 200 ( or 3 @.@ 5 ) . ", "It cost 1,200 (or 3.5)."),
        ("wikitext", ' The " old @-@ time " mill \'s wheel ; ', 'The "old-time" mill\'s wheel;'),
        ("wikitext", " = = History = = ", "== History =="),
        ("wikitext", " by J. Smith of St. Ives . ", "by J. Smith of St. Ives."),
        ("ptb", " it does n't cost $ N ", "it doesn't cost $N"),
    ],
)  # fmt: skip
def test_natural_text(name: str, tokens: str, text: str) -> None:
    assert DETOKENISERS[name].line(tokens, padded=True) == text


def test_whole_files_of_the_demo() -> None:
    for task, name in (("wikitext2", "wikitext"), ("ptb", "ptb")):
        tokens = demo.tasks()[task].read_text()
        how = DETOKENISERS[name]
        made = how.text(tokens)
        lines = tokens.split("\n")
        assert is_padded(lines[:-1])
        assert [how.inverse(line, True) for line in made.split("\n")[:-1]] == lines[:-1]
        assert made.count(MARK) <= 1


@pytest.mark.shared_data
def test_every_line_of_wikitext(shared_data: Path) -> None:
    """All lines come back, and hardly any needs a mark."""
    tokens = (shared_data / "overlap" / "wikitext-2-raw" / "wiki.test.raw").read_text()
    lines = tokens.split("\n")[:-1]
    how = DETOKENISERS["wikitext"]
    made = [how.line(line, True) for line in lines]
    assert [how.inverse(text, True) for text in made] == lines
    assert sum(text.count(MARK) for text in made) < 100  # of 241,211 words
