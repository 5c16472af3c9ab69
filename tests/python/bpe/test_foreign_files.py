"""`tokenizer.json` files that others made: the same ids as tokenizers gives, or refused by name."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Reference

from webtext_py.errors import FormatError
from webtext_py.tokenizer import Tokenizer

TEXT = "the theme of a hello, <think> model   and        more <mask> of it\n\n\t the end"
BLANKS = [" " * n for n in range(8, 1, -1)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small tokenizer.json."""
    folder = tmp_path_factory.mktemp("plain")
    Tokenizer.train([TEXT * 9, "model hello theme"], vocab_size=400).save(folder)
    document: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text())
    return document


def added(ids: int, content: str, **flags: bool) -> dict[str, Any]:
    """An entry of `added_tokens`."""
    given = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"id": ids, "content": content, **given, **flags}


def numbered(document: dict[str, Any], *entries: dict[str, Any]) -> dict[str, Any]:
    """The document with `entries` for added tokens, whose ids count from the next one."""
    size = len(document["model"]["vocab"])
    return {**document, "added_tokens": [{**e, "id": e["id"] + size} for e in entries]}


def both(path: Path, document: dict[str, Any]) -> tuple[Tokenizer, Reference]:
    """Ours, and tokenizers' where special tokens in text are text."""
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    theirs = Reference.from_file(str(path))
    theirs.encode_special_tokens = True
    return Tokenizer.from_file(path), theirs


def test_added_tokens_that_are_not_special_are_found(tmp_path: Path, plain: dict[str, Any]) -> None:
    tokens = [added(i, blanks, normalized=True) for i, blanks in enumerate(BLANKS)]
    tokens += [added(7, "<think>"), added(8, "<mask>", lstrip=True, rstrip=True, special=True)]
    tokens += [added(9, " of", lstrip=True), added(10, "\t the", rstrip=True, normalized=True)]
    first = len(plain["model"]["vocab"])
    ours, theirs = both(tmp_path / "t.json", numbered(plain, *tokens))
    found = ours.encode(TEXT).tolist()
    assert found == theirs.encode(TEXT).ids
    assert {first, first + 7, first + 9, first + 10} <= set(found)
    assert first + 8 not in found
    assert ours.decode(ours.encode("a <think>b")) == "a <think>b"
    assert ours.special == {"<mask>": first + 8}
    theirs.encode_special_tokens = False
    assert ours.encode(TEXT, allow_special=True).tolist() == theirs.encode(TEXT).ids
    [row] = ours.encode_batch([TEXT], threads=2)
    assert row.values.to_pylist() == found
    # What they are decides the ids, so that it tells tokenizers apart.
    tokens[0]["lstrip"] = True
    other, _ = both(tmp_path / "u.json", numbered(plain, *tokens))
    assert other.digest != ours.digest


_token = st.tuples(st.text("ab <\n　é", min_size=1, max_size=4), *[st.booleans()] * 4)


@settings(max_examples=400, deadline=None)
@given(st.lists(_token, max_size=6, unique_by=lambda t: t[0]), st.text("ab <\n　éc", max_size=40))
def test_any_added_tokens_give_the_ids_of_tokenizers(
    tmp_path_factory: pytest.TempPathFactory,
    plain: dict[str, Any],
    tokens: list[tuple[str, bool, bool, bool, bool]],
    text: str,
) -> None:
    vocab = plain["model"]["vocab"]
    entries = []
    new = len(vocab)
    for content, left, right, late, special in tokens:
        flags = {"lstrip": left, "rstrip": right, "normalized": late, "special": special}
        entries.append(added(vocab.get(content, new), content, **flags))
        new += content not in vocab
    path = tmp_path_factory.getbasetemp() / "any.json"
    ours, theirs = both(path, {**plain, "added_tokens": entries})
    assert ours.encode(text).tolist() == _ids(theirs, text)
    theirs.encode_special_tokens = False
    assert ours.encode(text, allow_special=True).tolist() == _ids(theirs, text)


def _ids(theirs: Any, text: str) -> list[int]:
    try:
        found: list[int] = theirs.encode(text).ids
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        reject()  # tokenizers itself has no answer: "bad split"
    return found


def test_long_texts_are_not_cut_inside_an_added_token(
    tmp_path: Path, plain: dict[str, Any]
) -> None:
    tokens = [added(i, blanks) for i, blanks in enumerate(BLANKS)]
    ours, theirs = both(tmp_path / "t.json", numbered(plain, *tokens))
    draw = random.Random(3)
    text = "".join(draw.choice(["the", " ", "  ", "\n", "hello"]) for _ in range(400_000))
    [row] = ours.encode_batch([text], threads=2)
    assert row.values.to_pylist() == theirs.encode(text).ids


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer", "other.txt"])
def test_many_added_tokens_before_the_model(
    tmp_path: Path, plain: dict[str, Any], name: str
) -> None:
    """The kind is told by content: more than 64 KiB of added tokens, 64 KiB of merges behind."""
    tokens = [added(i, f"<|{i / 50:.2f}|>") for i in range(1500)]
    tokens = numbered(plain, *tokens)["added_tokens"]
    rest = {key: value for key, value in plain.items() if key not in ("model", "added_tokens")}
    document = {"added_tokens": tokens, **rest, "model": plain["model"]}
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    path = tmp_path / name
    ours, theirs = both(path, document)
    assert ours.encode("a <|0.02|>b").tolist() == theirs.encode("a <|0.02|>b").ids
    text = path.read_text() + " " * 200_000
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert Tokenizer.from_file(path).digest == ours.digest


def test_a_vocab_json_with_a_token_called_model(tmp_path: Path) -> None:
    made = Tokenizer.train(["model " * 50], vocab_size=262)
    made.save(tmp_path)
    assert '"model"' in (tmp_path / "vocab.json").read_text()
    assert Tokenizer.from_file(tmp_path / "vocab.json").digest == made.digest
    (tmp_path / "ranks").write_bytes((tmp_path / "vocab.tiktoken").read_bytes())
    assert Tokenizer.from_file(tmp_path / "ranks", pattern="gpt2").encode("model").size == 1


SPLIT = {
    "type": "Split",
    "pattern": {"Regex": r"\p{N}{1,3}"},
    "behavior": "Isolated",
    "invert": False,
}
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    """A change of the pre-tokenizer."""
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": list(steps)}}


INVERTED = {**SPLIT, "behavior": "Removed", "invert": True}
REFUSED = [
    (sequence(INVERTED, LEVEL), '`behavior` "Removed" and `invert` true, which is not supported'),
    (sequence({**SPLIT, "behavior": "MergedWithPrevious"}, LEVEL), "MergedWithPrevious"),
    (sequence({**SPLIT, "pattern": {"String": " "}}, LEVEL), "`pattern` that is no Regex"),
    (sequence(SPLIT, LEVEL), r"Split by .* which is not supported"),
    (sequence(SPLIT, {**LEVEL, "use_regex": True}), "`use_regex` true; false was expected"),
    (sequence({"type": "Digits", "individual_digits": True}, LEVEL), "is Digits, ByteLevel;"),
    ({"pre_tokenizer": {**LEVEL, "use_regex": True, "add_prefix_space": True}}, "add_prefix_space"),
    ({"pre_tokenizer": {"type": "Metaspace"}}, "is Metaspace"),
    ({"pre_tokenizer": None}, "is none"),
    ({"normalizer": {"type": "NFC"}}, "NFC"),
    ({"normalizer": {"type": "Sequence", "normalizers": []}}, "Sequence"),
    ({"added_tokens": [added(500, "<x>")]}, "`<x>` is 500; .* the next id, was expected"),
    ({"added_tokens": [added(500, "x", single_word=True)]}, "`x` is `single_word`"),
    ({"added_tokens": [added(500, "e")]}, "`e` is 500, but .* in `model.vocab`"),
    ({"added_tokens": [{**added(500, "<x>"), "lstrip": "yes"}]}, '`lstrip` of added token `<x>`'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_not_supported_is_named(
    tmp_path: Path, plain: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**plain, **change}))
    with pytest.raises(FormatError, match=said) as caught:
        Tokenizer.from_file(path)
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"byte_fallback": True}, "`byte_fallback` is true"),
        ({"vocab": [["a", -1.0]] * 5000}, "`model.vocab` is a list of 5000"),
        ({"type": "Unigram"}, "Unigram"),
        ({"end_of_word_suffix": "</w>"}, "</w>"),
        ({"vocab": {"a" * 9000: "x"}}, "has an id that is no 32-bit number"),
    ],
)
def test_models_that_are_not_ours_are_named_shortly(
    tmp_path: Path, plain: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(
        json.dumps({**plain, "added_tokens": [], "model": {**plain["model"], **change}})
    )
    with pytest.raises(FormatError, match=said) as caught:
        Tokenizer.from_file(path)
    assert len(str(caught.value)) < 300 + len(str(path))
