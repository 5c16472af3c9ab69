"""The published forms, on files written here in exactly these forms; ids are those of overlap."""

import json
from pathlib import Path
from typing import Any

import pytest

from webtext_py import demo
from webtext_py.errors import FormatError, InputError
from webtext_py.evaluate.forms import read_form, texts
from webtext_py.evaluate.items import Item
from webtext_py.overlap import read_test_set

from .conftest import write_rows


def _read(path: Path, name: str = "task", form: str | None = None) -> tuple[str, list[Item]]:
    return read_form(path, name, form, {})


def _text(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


ROWS: dict[str, tuple[dict[str, Any], tuple[str, str], int]] = {
    "piqa": (
        {"goal": "dry a pan", "sol1": "wipe it", "sol2": "oil it", "label": 0},
        ("Question: dry a pan\nAnswer:", " wipe it"),
        0,
    ),
    "copa": (
        {"premise": "It rained.", "question": "cause", "choice1": "Clouds.", "choice2": "Sun.",
         "label": 0},
        ("It rained because", " clouds."),
        0,
    ),
    "arc, as the hub has it": (
        {"id": "a", "question": "Which?", "answerKey": "B",
         "choices": {"text": ["x", "y"], "label": ["A", "B"]}},
        ("Question: Which?\nAnswer:", " x"),
        1,
    ),
    "arc, as published": (
        {"id": "a", "answerKey": "2", "question":
         {"stem": "Which?", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]}},
        ("Question: Which?\nAnswer:", " x"),
        1,
    ),
    "openbookqa": (
        {"id": "o", "question_stem": "Fog is", "answerKey": "A",
         "choices": {"text": ["water", "sand"], "label": ["A", "B"]}},
        ("Fog is", " water"),
        0,
    ),
    "hellaswag": (
        {"activity_label": "Baking", "ctx_a": "A man [title] stands.", "ctx_b": "he",
         "endings": ["bakes [step].", "sinks."], "label": "1"},
        ("Baking: A man. stands. He", " bakes ."),
        1,
    ),
    "gold as text": (
        {"question": "Which?", "choices": ["x", "y"], "answer": "y"},
        ("Question: Which?\nAnswer:", " x"),
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_choices(tmp_path: Path, name: str) -> None:
    row, ask, gold = ROWS[name]
    form, [item] = _read(write_rows(tmp_path / "set.jsonl", [row]))
    assert form == "choices"
    assert (item.asks[0], item.gold) == (ask, gold)


def test_winogrande_and_wsc(tmp_path: Path) -> None:
    rows = [{"sentence": "Ann saw Bo so _ left.", "option1": "Ann", "option2": "Bo", "answer": "2"}]
    form, [item] = _read(write_rows(tmp_path / "a.jsonl", rows))
    assert form == "winograd"
    assert item.asks[1] == ("Ann saw Bo so Bo", " left.")
    assert item.asks[3] == ("", "Ann saw Bo so Bo left.")
    assert item.gold == 1
    rows = [{"text": "Ann saw Bo. She left.", "pronoun": "She", "pronoun_loc": 12,
             "options": ["Ann", "Bo"], "label": 0}]  # fmt: skip
    _, [item] = _read(write_rows(tmp_path / "b.jsonl", rows))
    assert item.asks[0] == ("Ann saw Bo. Ann", " left.")


def test_cbt() -> None:
    form, [item] = _read(demo.tasks()["cbt-cn"], "cbt-cn")
    assert form == "cbt"
    assert len(item.asks) == 10
    prefix, continuation = item.asks[item.gold]
    assert prefix.endswith("Then he put a whole herring on the counter for the")
    assert continuation == " cat, who had earned it."
    assert {p for p, _ in item.asks} == {prefix}
    assert "\u201cWe are ruined,\u201d said Bartle." in prefix


def test_coqa() -> None:
    form, items = _read(demo.tasks()["coqa"], "coqa")
    assert form == "coqa"
    assert [item.id for item in items] == [f"demo-1:{turn}" for turn in range(1, 5)]
    assert len({item.cluster for item in items}) == 1
    prompt = items[1].asks[0][0]
    assert prompt.endswith("Q: What did the goat eat?\nA: the map\nQ: When?\nA:")
    assert len(items[1].gold) == 4


def test_enwik8_and_text8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form, [item] = _read(_text(tmp_path, "enwik8", "<mediawiki xml>\n" + "é x\n" * 9000))
    assert form == "enwik8"
    assert sum(piece[3] for piece in item.facts["pieces"]) == 16 + 5 * 9000
    form, [item] = _read(_text(tmp_path, "text8", " anarchism originated" * 900))
    assert form == "text8"
    assert (texts._WHOLE_BYTES, texts._TEST_BYTES) == (100_000_000, 5_000_000)
    monkeypatch.setattr(texts, "_WHOLE_BYTES", 100_000)
    monkeypatch.setattr(texts, "_TEST_BYTES", 5_000)
    _, [item] = _read(_text(tmp_path, "whole", "<mediawiki" + "x" * 94_990 + "y" * 5_000))
    assert item.asks[0][0] == "y" * 5_000


def test_one_billion_words_and_plain_text(tmp_path: Path) -> None:
    text = "She said : \" It costs 50 % of $ 3 . \"\nThe men 's club did n't open .\n"
    form, [item] = _read(_text(tmp_path, "news.en.heldout-00000-of-00050", text), "1bw")
    assert form == "1bw"
    assert item.asks[0][0].startswith('She said: "It costs 50% of $3."\nThe men\'s club')
    assert [piece[2] for piece in item.facts["pieces"]] == [14, 9]
    form, [item] = _read(_text(tmp_path, "novel.txt", "One.\nTwo.\n\nThree , four .\n"), "novel")
    assert form == "text"
    assert item.asks[0][0] == "One.\nTwo.\n\nThree , four .\n"
    assert [piece[2] for piece in item.facts["pieces"]] == [5, 5]


def test_summaries(tmp_path: Path) -> None:
    story = "The bridge opened.\n\nIt is old.\n\n@highlight\n\nBridge opened\n\n@highlight\n\nOld\n"
    form, [item] = _read(_text(tmp_path, "a.story", story), "tldr")
    assert form == "summary"
    assert item.asks[0][0] == "The bridge opened.\n\nIt is old.\nTL;DR:"
    assert item.asks[1][0] == "The bridge opened.\n\nIt is old."
    assert item.gold == "Bridge opened\nOld"


def test_translation_pairs(tmp_path: Path) -> None:
    def sgm(kind: str, language: str, *segments: str) -> None:
        body = "".join(f'<seg id="{n}">{s}</seg>\n' for n, s in enumerate(segments, 1))
        _text(
            tmp_path, f"newstest2014-fren-{kind}.{language}.sgm", f"<{kind}set>\n{body}</{kind}set>"
        )

    sgm("src", "en", "A &amp; B", "Two")
    with pytest.raises(InputError, match="has no reference"):
        _read(tmp_path / "newstest2014-fren-src.en.sgm", "wmt14-en-fr")
    sgm("ref", "fr", "A et B", "Deux")
    form, items = _read(tmp_path / "newstest2014-fren-src.en.sgm", "wmt14-en-fr")
    assert form == "translation"
    assert items[0].asks == (("A & B =", ""),)
    assert (items[0].shot, items[1].gold) == ("A & B = A et B", "Deux")
    rows = [{"translation": {"en": "Two", "fr": "Deux"}}]
    _, [item] = _read(write_rows(tmp_path / "wmt.jsonl", rows), "wmt14-fr-en")
    assert (item.asks[0][0], item.gold) == ("Deux =", "Two")
    with pytest.raises(InputError, match="does not say which way to translate"):
        _read(tmp_path / "wmt.jsonl", "wmt14")


def test_trivia_as_published(tmp_path: Path) -> None:
    row = {"question": "Who?", "answer": {"value": "Ann", "aliases": ["Ann", "Anna"]}}
    form, [item] = _read(write_rows(tmp_path / "t.jsonl", [row]))
    assert (form, item.gold) == ("questions", ["Ann", "Anna"])


@pytest.mark.parametrize("task", ["lambada", "choices", "nq", "addition"])
def test_ids_are_those_of_overlap(task: str) -> None:
    path = demo.tasks()[task]
    _, items = _read(path, task)
    test = read_test_set(path, fields=[next(iter(json.loads(path.read_text().split("\n")[0])))])
    assert [item.id for item in items] == [example.id for example in test.examples]


def test_ids_of_their_own(tmp_path: Path) -> None:
    rows = [{"qid": name, "question": "a", "answer": "b"} for name in ("x", "y", "x")]
    path = write_rows(tmp_path / "own.jsonl", rows)
    _, items = _read(path)
    assert [item.id for item in items] == [each.id for each in read_test_set(path).examples]
    assert items[1].id == "y"
    assert len({item.id for item in items}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"goal": 1, "sol1": "a", "sol2": "b", "label": 0}\n', None),
        ('{"query": "a", "choices": ["b"], "gold": 4}\n', "item 1 is no question with choices"),
        ('{"query": "a", "choices": "b", "gold": "z"}\n', "item 1 is no question with choices"),
        ('{"query": "a", "choices": ["b", 2], "gold": 0}\n', "item 1 is no question with choices"),
        ('{"story": "s", "questions": 3, "answers": []}\n', "is no conversation"),
        ('{"nothing": 3}\n', "is of no known form; its rows have nothing"),
        ('{"text": "broken\n', "is not JSON"),
        ("[1, 2]", "is JSON without a list of objects"),
        ("", "has no text"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_hostile_files(tmp_path: Path, text: str, said: str | None) -> None:
    path = _text(tmp_path, "set.jsonl", text)
    if said is None:
        _read(path)
    else:
        with pytest.raises((InputError, FormatError), match=said):
            _read(path)
