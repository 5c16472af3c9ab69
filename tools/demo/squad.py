"""The demo test set, in the shape of SQuAD, with overlap planted in known places."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import questions
from prose import Prose, ngrams, words

N = 8


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
    groups: list[list[Example]] = [
        [
            Example(kept[s].title, kept[s].paragraphs[i], q, a, "whole paragraph", s)
            for s, i, q, a in questions.WHOLE
        ],
        [_sentence(kept, *row) for row in questions.SENTENCE],
        [Example(t, c, q, a, "nothing") for t, c, q, a in questions.FRESH],
        [Example(t, c, q, a, "too short") for t, c, q, a in questions.SHORT],
        [
            Example(spare[s].title, spare[s].paragraphs[i], q, a, "page that is not kept", s)
            for s, i, q, a in questions.DROPPED
        ],
        [
            Example(
                kept[s].title,
                _shout(kept[s].paragraphs[i]),
                q,
                a,
                "whole paragraph in capitals without punctuation",
                s,
            )
            for s, i, q, a in questions.SHOUTED
        ],
        [Example(*questions.REPEATED, "nothing, but a run of words twice")],
    ]
    return [group[i] for i in range(max(map(len, groups))) for group in groups if i < len(group)]


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
    rows = []
    found_all: list[str] = []
    contexts: set[str] = set()
    buckets = {
        "total": 0,
        "too_short": 0,
        "clean": 0,
        "any": 0,
        "over_15": 0,
        "over_50": 0,
        "all": 0,
    }
    for example in examples(kept, spare):
        grams = ngrams(example.context, N)
        found = sum(gram in train for gram in grams)
        rows.append(
            {
                "id": example.id,
                "planted": example.planted,
                "source": example.source,
                "words": len(words(example.context)),
                "total": len(grams),
                "found": found,
                "distinct": len(set(grams)),
                "distinct_found": len(set(grams) & train),
                "question_total": len(ngrams(example.question, N)),
                "question_found": sum(gram in train for gram in ngrams(example.question, N)),
            }
        )
        if example.context not in contexts:
            contexts.add(example.context)
            found_all.extend(grams)
        buckets["total"] += 1
        buckets["too_short"] += not grams
        buckets["clean"] += bool(grams) and not found
        buckets["any"] += found > 0
        buckets["over_15"] += bool(grams) and found > 0.15 * len(grams)
        buckets["over_50"] += bool(grams) and found > 0.50 * len(grams)
        buckets["all"] += bool(grams) and found == len(grams)
    distinct = set(found_all)
    return {
        "n": N,
        "field": "context",
        "against": "the prose of all kept pages, training and validation shards together",
        "ngrams": {
            "total": len(found_all),
            "found": sum(gram in train for gram in found_all),
            "distinct": len(distinct),
            "distinct_found": len(distinct & train),
        },
        "examples_by_context": buckets,
        "examples": rows,
    }


def _sentence(
    kept: Mapping[str, Prose],
    slug: str,
    sentence: str,
    before: str,
    after: str,
    question: str,
    answer: str,
) -> Example:
    if sentence not in kept[slug].text:
        raise ValueError(f"`{slug}` does not have the sentence `{sentence}`")
    return Example(
        kept[slug].title, f"{before} {sentence} {after}", question, answer, "one sentence", slug
    )


def _shout(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.upper()))
