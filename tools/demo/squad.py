"""The demo test set, in the shape of SQuAD, with overlap planted in known places."""

import json
from collections.abc import Mapping

from prose import Prose, ngrams


def examples(kept: Mapping[str, Prose]) -> list[dict[str, object]]:
    """Every example, in order; `planted` says what was done (it is not written to the file)."""
    out: list[dict[str, object]] = []
    for slug, page in kept.items():
        if page.language != "en" or len(out) >= 12:
            continue
        paragraph = page.paragraphs[1]
        out.append(
            _example(
                f"whole-{slug}",
                page.title,
                paragraph,
                f"What is {page.title.lower()} about?",
                paragraph.split(". ")[0],
                "a whole paragraph",
            )
        )
    return out


def lines(kept: Mapping[str, Prose]) -> bytes:
    """The file: one JSON object a line."""
    rows = [{k: v for k, v in e.items() if k != "planted"} for e in examples(kept)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def expected(kept: Mapping[str, Prose], n: int = 8) -> dict[str, object]:
    """What an overlap check of the contexts against the kept prose must find, by plain sets."""
    train: set[str] = set()
    for page in kept.values():
        train.update(ngrams(page.text, n))
    rows = []
    for example in examples(kept):
        grams = ngrams(str(example["context"]), n)
        rows.append(
            {
                "id": example["id"],
                "planted": example["planted"],
                "total": len(grams),
                "found": sum(g in train for g in grams),
                "distinct": len(set(grams)),
                "distinct_found": len(set(grams) & train),
            }
        )
    return {"n": n, "field": "context", "examples": rows}


def _example(
    identity: str, title: str, context: str, question: str, answer: str, planted: str
) -> dict[str, object]:
    start = context.index(answer)
    return {
        "id": identity,
        "title": title,
        "context": context,
        "question": question,
        "answers": {"text": [answer], "answer_start": [start]},
        "planted": planted,
    }
