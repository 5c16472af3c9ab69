"""Questions with short answers, conversations, completions."""

from typing import Any

from webtext_py.errors import FormatError

from ..items import Item
from .source import Row, Source


def is_questions(source: Source) -> bool:
    """Whether rows are questions with their answers."""
    keys = source.keys
    return "choices" not in keys and (
        {"question", "answer"} <= keys or {"context", "answer", "aliases"} <= keys
    )


def read_questions(source: Source) -> list[Item]:
    """Items of NQ-open, TriviaQA and any rows of `question` and `answer`."""
    items = []
    for number, (row, name) in enumerate(zip(source.rows, source.ids(), strict=True), 1):
        try:
            answers = _answers(row)
            asked = str(row.get("question") or row["context"])
        except (KeyError, TypeError) as error:
            raise source.wrong(number, f"is no question with an answer: {error!r}") from error
        if not answers:
            raise source.wrong(number, "has no answer")
        if asked.rstrip().endswith("Answer:"):
            prompt = asked.rstrip()
        else:
            prompt = f"Q: {asked.strip().removesuffix('?')}?\nA:"
        shot = f"{prompt} {answers[0]}"
        items.append(Item(name, ((prompt, ""),), answers, shot, shot))
    return items


def _answers(row: Row) -> list[str]:
    value: Any = row.get("aliases")
    first = row["answer"]
    if isinstance(first, dict):  # TriviaQA as it was published
        value = first.get("aliases", [])
        first = first["value"]
    found = first if isinstance(first, list) else [first]
    more = list(value) if value is not None else []
    return list(dict.fromkeys(str(one) for one in [*found, *more] if one is not None))


def is_coqa(source: Source) -> bool:
    """Whether rows are stories with questions and answers by turn."""
    return {"story", "questions", "answers"} <= source.keys


def read_coqa(source: Source) -> list[Item]:
    """An item for each turn: the story, the turns before it with their gold answers, `A:`."""
    items = []
    for number, row in enumerate(source.rows, 1):
        try:
            story = str(row["story"])
            questions = [str(turn["input_text"]) for turn in row["questions"]]
            gold = [str(turn["input_text"]) for turn in row["answers"]]
            others = [
                [str(turn["input_text"]) for turn in turns]
                for turns in (row.get("additional_answers") or {}).values()
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(
                f"`{source.path}` item {number} is no conversation: {error!r}"
            ) from error
        if not len(questions) == len(gold) == min([len(gold), *map(len, others)]):
            raise source.wrong(number, "has questions without an answer")
        so_far = f"{story}\n\n"
        solved = so_far + "\n".join(f"Q: {q}\nA: {a}" for q, a in zip(questions, gold, strict=True))
        for turn, (asked, answer) in enumerate(zip(questions, gold, strict=True)):
            prompt = f"{so_far}Q: {asked}\nA:"
            references = [answer, *(turns[turn] for turns in others)]
            name = f"{row.get('id', number)}:{turn + 1}"
            items.append(
                Item(name, ((prompt, ""),), references, f"{story}\n{asked}", solved, cluster=story)
            )
            so_far = f"{prompt} {answer}\n"
    return items


def is_completion(source: Source) -> bool:
    """Whether rows are contexts with their completions."""
    return {"context", "completion"} <= source.keys


def read_completion(source: Source) -> list[Item]:
    """Items of GPT-3's arithmetic and word scrambles."""
    items = []
    for number, (row, name) in enumerate(zip(source.rows, source.ids(), strict=True), 1):
        context, completion = row["context"], row["completion"]
        if not isinstance(context, str) or not isinstance(completion, str) or not completion:
            raise source.wrong(number, "is no context with a completion")
        shot = f"{context}{completion}".strip()
        items.append(Item(name, ((context, completion),), completion, shot, shot))
    return items
