"""Tokenised test sets: their words are those of the plain spelling."""

import json
from pathlib import Path

import pytest

from webtext_py import overlap as lib
from webtext_py.overlap.treebank import is_tokenised, join_tokens
from webtext_py.words import normalize

from .conftest import Write

# Tokens as published, and the plain spelling.
PAIRS = [
    ("I do n't know", "I don't know"),
    ("he ca n't , and wo n't", "he can't, and won't"),
    ("they did n\u2019t", "they didn\u2019t"),
    ("you don 't", "you don't"),
    (
        "she 'll say they 're here ; I 've , I 'm , he 'd",
        "she'll say they're here; I've, I'm, he'd",
    ),
    ("John 's and the boys '", "John's and the boys'"),
    ("gon na got ta wan na lem me gim me", "gonna gotta wanna lemme gimme"),
    ("Can not you", "Cannot you"),
    ("'t is late , 't was", "'tis late, 'twas"),
    ("a well @-@ known 1 @,@ 000 at 3 @.@ 5", "a well-known 1,000 at 3.5"),
    ("-LRB- see -LSB- 3 -RSB- -RRB- and -lcb- x -rcb-", "(see [3]) and {x}"),
    ("`` Go , '' she said . `` Now ! ''", '"Go," she said. "Now!"'),
    ("either \\/ or ; 1 \\* 2", "either / or; 1 * 2"),
    ("90 % of it ; why ? Because .", "90% of it; why? Because."),
]


@pytest.mark.parametrize(("tokens", "plain"), PAIRS)
def test_tokens_are_joined_to_the_plain_spelling(tokens: str, plain: str) -> None:
    assert normalize(join_tokens(tokens)) == normalize(plain)
    if "boys" not in tokens and "/" not in tokens:  # whose closing quotes and slashes stay apart
        assert join_tokens(tokens) == plain


@pytest.mark.parametrize(
    "text",
    [
        "plain text, with don't and can't; (brackets) and 1,000 - 2.5",
        "an e@-mail.example and `code` and ''empty''",
        "he can nota bene; cant na",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert normalize(join_tokens(text)) == normalize(text)
    assert not is_tokenised([text])


def test_what_is_tokenised() -> None:
    assert is_tokenised(["I do n't", "you do n't"])
    assert is_tokenised(["well @-@ known and 1 @,@ 000"])
    assert not is_tokenised(["I do n't"])  # once may be a slip
    assert not is_tokenised(["I don't, you don't, we don't", "they do n't, he do n't"])


def test_planted_tokens_are_found_whole(tmp_path: Path, write: Write) -> None:
    plain = (
        "The well-known singer (born 1,000 miles away) said she wasn't gonna stay, and they "
        "couldn't or wouldn't wait for John's 3.5-ton lorry."
    )
    tokens = (
        "The well @-@ known singer -LRB- born 1 @,@ 000 miles away -RRB- said she was n't gon na "
        "stay , and they could n't or would n't wait for John 's 3 @.@ 5 @-@ ton lorry ."
    )
    train = write("train.jsonl", [{"id": "d", "text": f"Before it. {plain} After it."}])
    sets = [write("rows.jsonl", [{"id": "e", "text": tokens}])]
    for name, content in (
        ("lambada_test.txt", f"{tokens}\nanother line do n't\n"),
        ("wiki.test.tokens.txt", f" \n = Title = \n \n {tokens} \n \n"),
        ("lines.txt", f"{tokens}\n{tokens} again\n"),
    ):
        sets.append(tmp_path / name)
        sets[-1].write_text(content)
    config = lib.OverlapConfig(test=tuple(map(str, sets)), train=(str(train),))
    for outcome in lib.overlap(tmp_path / "data", config):
        made = outcome.document
        assert "tokens joined" in made["form"]
        expected = len(normalize(plain).split())
        longest = made["worst"][0]["longest"]
        assert longest["words"] == expected, made["test"]
    assert normalize(tokens) != normalize(plain)


def test_lambada_has_the_words_of_its_plain_form(shared_data: Path) -> None:
    tokens = lib.read_test_set(shared_data / "overlap" / "lambada_test_plain_text.txt")
    lines = (shared_data / "overlap" / "lambada_test.jsonl").read_text().splitlines()
    plain = [json.loads(line)["text"] for line in lines]
    texts = [example.texts["text"] for example in tokens.examples]
    assert len(texts) == len(plain) == 5153
    same = sum(normalize(a) == normalize(b) for a, b in zip(texts, plain, strict=True))
    assert same >= 5144  # in the others the two files have other words, or a slip of the tokeniser
    assert "tokens joined" in tokens.form
    assert "joined" not in lib.read_test_set(shared_data / "overlap" / "lambada_test.jsonl").form
