"""The demo's items for `webtext eval`, in the forms in which such sets are published."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prose import Prose

ITEMS = Path(__file__).parent / "items.toml"
FOLDER = "eval"


def files(kept: Mapping[str, Prose]) -> dict[str, bytes]:
    """Every file's bytes by its name; the task is called as the file without its ending."""
    table = tomllib.loads(ITEMS.read_text(encoding="utf-8"))
    made = {
        "lambada.jsonl": _lines(_lambada(table["lambada"], kept)),
        "wikitext2.txt": _wikitext(table["wikitext"]["articles"]),
        "ptb.txt": "".join(f" {line} \n" for line in table["ptb"]["lines"]),
        "cbt-cn.txt": "\n".join(_cbt(*story) for story in table["cbt"]["stories"]),
        "winograd.txt": "\n".join(_winograd(*schema) for schema in table["winograd"]["schemas"]),
        "choices.jsonl": _lines(
            {"query": f"Question: {asked}", "choices": choices, "gold": gold}
            for asked, choices, gold in table["choices"]["rows"]
        ),
        "copa.jsonl": _lines(
            {"premise": said, "question": kind, "choice1": one, "choice2": two, "label": gold}
            for said, kind, (one, two), gold in table["copa"]["rows"]
        ),
        "hellaswag.txt": "".join(
            "\n".join([asked, str(gold), *endings]) + "\n"
            for asked, endings, gold in table["hellaswag"]["rows"]
        ),
        "addition.jsonl": _lines(
            {"context": f"\n\nQ: What is {asked}?\n\nA:", "completion": f" {answer}"}
            for asked, answer in table["arithmetic"]["sums"]
        ),
        "reversed.jsonl": _lines(
            {"context": f"\n{word[::-1]} =", "completion": f" {word}"}
            for word in table["arithmetic"]["words"]
        ),
        "nq.jsonl": _lines(
            {"question": asked, "answer": answers} for asked, answers in table["questions"]["rows"]
        ),
        "coqa.json": json.dumps(_coqa(table["coqa"]["stories"]), indent=1) + "\n",
        "tldr.jsonl": _lines(
            {"article": article, "highlights": said} for article, said in table["tldr"]["rows"]
        ),
        "wmt14-en-fr.tsv": "en\tfr\n"
        + "".join(f"{one}\t{other}\n" for one, other in table["translation"]["rows"]),
    }
    return {f"{FOLDER}/{name}": text.encode() for name, text in made.items()}


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _lambada(table: Mapping[str, Any], kept: Mapping[str, Prose]) -> list[dict[str, str]]:
    """Passages without the sign after their last word."""
    texts = [kept[page].paragraphs[number] for page, number in table["pages"]]
    return [{"text": text.rstrip(".!?")} for text in (*texts, *table["texts"])]


def _wikitext(articles: Iterable[tuple[str, list[str]]]) -> str:
    parts = [" \n"]
    for title, paragraphs in articles:
        parts.append(f" = {title} = \n \n")
        parts += [f" {paragraph} \n" for paragraph in paragraphs]
        parts.append(" \n")
    return "".join(parts)


def _cbt(sentences: list[str], query: str, choices: list[str]) -> str:
    lines = [f"{number} {sentence}" for number, sentence in enumerate(sentences, 1)]
    offered = "|".join(sorted(choices))
    return "\n".join([*lines, f"21 {query}\t{choices[0]}\t\t{offered}"]) + "\n"


def _winograd(before: str, after: str, names: list[str], gold: int) -> str:
    return f"{before} [MASK] {after} \n[MASK]\n{names[0]},{names[1]}\n{names[gold]}\n"


def _coqa(stories: Iterable[tuple[str, list[tuple[str, list[str]]]]]) -> dict[str, Any]:
    data = []
    for number, (story, turns) in enumerate(stories, 1):
        answers = [
            [{"input_text": given[k], "turn_id": turn} for turn, (_, given) in enumerate(turns, 1)]
            for k in range(4)
        ]
        data.append(
            {
                "source": "demo",
                "id": f"demo-{number}",
                "story": story,
                "questions": [
                    {"input_text": asked, "turn_id": turn}
                    for turn, (asked, _) in enumerate(turns, 1)
                ],
                "answers": answers[0],
                "additional_answers": {str(k): answers[k + 1] for k in range(3)},
            }
        )
    return {"version": "1.0", "data": data}
