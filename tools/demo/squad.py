"""The demo test set, in the shape of SQuAD, with overlap planted in known places."""

import json
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from prose import Prose, ngrams, words

N = 8
QUESTIONS = Path(__file__).parent / "questions.toml"


@dataclass(frozen=True)
class Example:
    """One line of the file, with what was planted in its context and from which page."""

    title: str
    context: str
    question: str
    answer: str
    planted: str
    source: str | None = None

    @property
    def id(self) -> str:
        """24 hexadecimal digits, as in SQuAD, derived from context and question."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self.context}|{self.question}").hex[:24]

    @property
    def row(self) -> dict[str, object]:
        """The JSON object of the line."""
        start = self.context.index(self.answer)
        return {
            "id": self.id,
            "title": self.title,
            "context": self.context,
            "question": self.question,
            "answers": {"text": [self.answer], "answer_start": [start]},
        }


def examples(kept: Mapping[str, Prose], spare: Mapping[str, Prose]) -> list[Example]:
    """Every example, in order: kinds alternate, so that a prefix of the file has all of them."""
    table = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))
    pages = {**kept, **spare}
    groups = [
        [_example(pages.get(row[0]), planted, *row) for row in rows]
        for planted, rows in table.items()
    ]
    return [example for turn in zip_longest(*groups) for example in turn if example is not None]


def lines(kept: Mapping[str, Prose], spare: Mapping[str, Prose]) -> bytes:
    """The file: one JSON object a line."""
    return "".join(
        json.dumps(e.row, ensure_ascii=False) + "\n" for e in examples(kept, spare)
    ).encode()


def expected(kept: Mapping[str, Prose], spare: Mapping[str, Prose]) -> dict[str, object]:
    """What a check of the contexts against all kept prose must find, by plain sets of n-grams.

    `ngrams` counts identical contexts once, as the report does; `examples` counts each for itself.
    """
    train = {gram for page in kept.values() for gram in ngrams(page.text, N)}

    def counts(grams: list[str]) -> dict[str, int]:
        return {
            "total": len(grams),
            "found": sum(gram in train for gram in grams),
            "distinct": len(set(grams)),
            "distinct_found": len(set(grams) & train),
        }

    rows, shares = [], []
    for example in (made := examples(kept, spare)):
        context, question = (counts(ngrams(t, N)) for t in (example.context, example.question))
        rows.append(
            {
                "id": example.id,
                "planted": example.planted,
                "source": example.source,
                "words": len(words(example.context)),
                **context,
                "question_total": question["total"],
                "question_found": question["found"],
            }
        )
        if context["total"]:
            shares.append(context["found"] / context["total"])
    contexts = dict.fromkeys(example.context for example in made)
    return {
        "n": N,
        "field": "context",
        "against": "the prose of all kept pages, training and validation shards together",
        "ngrams": counts([gram for context in contexts for gram in ngrams(context, N)]),
        "examples_by_context": {
            "total": len(rows),
            "too_short": len(rows) - len(shares),
            "clean": shares.count(0),
            "any": sum(share > 0 for share in shares),
            "over_15": sum(share > 0.15 for share in shares),
            "over_50": sum(share > 0.5 for share in shares),
            "all": shares.count(1),
        },
        "examples": rows,
    }


def _example(
    page: Prose | None,
    planted: str,
    title: str,
    context: int | str | list[str],
    question: str,
    answer: str,
) -> Example:
    if page is None:
        return Example(title, str(context), question, answer, planted)
    if isinstance(context, int):
        text = page.paragraphs[context]
    elif context[1] in page.text:
        text = " ".join(context)
    else:
        raise ValueError(f"`{page.slug}` does not have the sentence `{context[1]}`")
    if "capitals" in planted:
        text = " ".join(words(text)).upper()
    return Example(page.title, text, question, answer, planted, page.slug)
