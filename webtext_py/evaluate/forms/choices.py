"""Multiple choice in the forms in which sets are published, and Winograd schemas."""

from collections.abc import Sequence
from typing import Any

from ..items import Item
from .source import Row, Source

_LABELS = ("gold", "label", "answer", "answerKey", "answer_idx", "correct")
# Their rows have, beside a label: what is asked, and the choices.
_SHAPES = (
    {"query", "choices"},
    {"ctx", "endings"},
    {"ctx_a", "ctx_b", "endings"},
    {"goal", "sol1", "sol2"},
    {"premise", "choice1", "choice2"},
    {"question_stem", "choices"},
    {"question", "choices"},
    {"question", "answerKey"},
)


def is_choices(source: Source) -> bool:
    """Whether the rows are questions with choices."""
    return any(shape <= source.keys for shape in _SHAPES)


def read_choices(source: Source) -> list[Item]:
    """Items of rows with choices."""
    items = []
    for number, (row, name) in enumerate(zip(source.rows, source.ids(), strict=True), 1):
        try:
            prompt, choices = _prompt_and_choices(row)
            gold = _gold(row, len(choices))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise source.wrong(
                number, f"is no question with choices and a label: {error!r}"
            ) from error
        right = f"{prompt.rstrip()} {choices[gold]}"
        asks = tuple((prompt, f" {choice}") for choice in choices)
        items.append(Item(name, asks, gold, right, right, facts={"choices": choices}))
    return items


def _prompt_and_choices(row: Row) -> tuple[str, list[str]]:
    if "endings" in row:
        return _hellaswag(row)
    if "goal" in row:
        return f"Question: {row['goal']}\nAnswer:", [row["sol1"], row["sol2"]]
    if "premise" in row:
        link = {"cause": "because", "effect": "therefore"}[row["question"]]
        both = (row["choice1"], row["choice2"])
        lowered = [choice[0].lower() + choice[1:] for choice in both]
        return f"{row['premise'].strip()[:-1]} {link}", lowered
    choices: Any = row.get("choices")
    asked = row.get("query", row.get("question_stem", row.get("question")))
    if isinstance(asked, dict):  # ARC and OpenBookQA as they were first published
        choices, asked = asked["choices"], asked["stem"]
    choices = choices["text"] if isinstance(choices, dict) else choices
    texts = [_text(choice) for choice in choices]
    if not isinstance(asked, str) or not texts:
        raise ValueError("no question, or no choices")
    if "question_stem" in row or ("query" in row and not asked.startswith("Question:")):
        return asked, texts
    asked = asked.removeprefix("Question:").strip()
    return f"Question: {asked.removesuffix('Answer:').rstrip()}\nAnswer:", texts


def _text(choice: Any) -> str:
    text = choice["text"] if isinstance(choice, dict) else choice
    if not isinstance(text, str):
        raise TypeError(f"{choice!r} is no choice")
    return text


def _gold(row: Row, choices: int) -> int:
    """The number of the right choice, from 0."""
    value = next(row[name] for name in _LABELS if row.get(name) is not None)
    asked = row.get("question")
    holder = asked if isinstance(asked, dict) else row
    offered = holder.get("choices")
    labels: Sequence[Any] = ()
    if isinstance(offered, dict):
        labels = offered["label"]
    elif isinstance(offered, list) and all(isinstance(one, dict) for one in offered):
        labels = [one["label"] for one in offered]
    elif isinstance(offered, list) and value in offered:
        labels = offered
    number = list(labels).index(value) if len(labels) else int(value)
    if not 0 <= number < choices:
        raise ValueError(f"label {value!r} of {choices} choices")
    return number


def clean_hellaswag(text: str) -> str:
    """HellaSwag without the marks of the pages that it was made from, as everybody scores it."""
    *parts, last = text.strip().replace(" [title]", ". ").split("]")
    return ("".join(map(_without_mark, parts)) + last).replace("  ", " ")


def _without_mark(text: str) -> str:
    """Text up to a `]` without the mark that it ends, which begins on the same line; in one pass,
    which a pattern would not take."""
    line = text.rfind("\n") + 1
    begin = text.find("[", line)
    return text + "]" if begin < 0 else text[:begin]


def _hellaswag(row: Row) -> tuple[str, list[str]]:
    if "ctx_a" in row:
        asked = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    else:
        asked = row["ctx"]
    return clean_hellaswag(asked), [clean_hellaswag(ending) for ending in row["endings"]]


def is_hellaswag_text(source: Source) -> bool:
    """Whether lines come in sixes: a context, the right ending's number, four endings."""
    lines = source.lines
    numbers = lines[1:120:6]
    return len(lines) % 6 == 0 and bool(numbers) and all(n in ("0", "1", "2", "3") for n in numbers)


def read_hellaswag_text(source: Source) -> list[Item]:
    """Items of such lines."""
    items = []
    for number, start in enumerate(range(0, len(source.lines), 6), 1):
        asked, label, *endings = source.lines[start : start + 6]
        if label not in ("0", "1", "2", "3") or len(endings) != 4:
            raise source.wrong(number, f"has {label!r} for the number of the right ending")
        prompt, choices = clean_hellaswag(asked), [clean_hellaswag(ending) for ending in endings]
        right = f"{prompt} {choices[int(label)]}"
        asks = tuple((prompt, f" {choice}") for choice in choices)
        items.append(Item(str(number), asks, int(label), right, right, facts={"choices": choices}))
    return items


def is_winograd(source: Source) -> bool:
    """Whether the file holds sentences with a place for one of two names."""
    keys = source.keys
    if {"context_options", "continuation"} <= keys or {"sentence", "option1", "option2"} <= keys:
        return True
    if {"pronoun", "pronoun_loc", "options"} <= keys:
        return True
    return not keys and source.lines[1:2] == ["[MASK]"]


def read_winograd(source: Source) -> list[Item]:
    """Items of Winograd schemas and WinoGrande: what is before and after, with each name."""
    rows = source.rows or _blocks(source)
    ids = source.ids() if source.rows else [str(n) for n in range(1, len(rows) + 1)]
    items = []
    for number, (row, name) in enumerate(zip(rows, ids, strict=True), 1):
        try:
            options, rest, gold = _sentence(row)
            partial = tuple((option, f" {rest}") for option in options)
            right = f"{options[gold]} {rest}"
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise source.wrong(number, f"is no sentence with candidates: {error!r}") from error
        full = tuple(("", f"{option} {rest}") for option in options)
        items.append(Item(name, partial + full, gold, right, right))
    return items


def _sentence(row: Row) -> tuple[list[str], str, int]:
    """The sentence up to and with each candidate, what follows, and the right one's number."""
    if "context_options" in row:
        return row["context_options"], row["continuation"].strip(), int(row["gold"])
    if "sentence" in row:
        before, after = row["sentence"].split("_")
        options = [before + row["option1"], before + row["option2"]]
        return options, after.strip(), int(row["answer"]) - 1
    text, place = row["text"], row["pronoun_loc"]
    options = [text[:place] + option for option in row["options"]]
    return options, text[place + len(row["pronoun"]) :].strip(), int(row["label"])


def _blocks(source: Source) -> list[Row]:
    """Blocks of five lines: sentence with `[MASK]`, `[MASK]`, candidates, right one, nothing."""
    rows: list[Row] = []
    for number, start in enumerate(range(0, len(source.lines), 5), 1):
        block = source.lines[start : start + 4]
        if len(block) < 4 or "[MASK]" not in block[0]:
            raise source.wrong(
                number, "is no block of a sentence with [MASK], candidates and answer"
            )
        before, after = (part.strip() for part in block[0].split("[MASK]"))
        names = [name.strip() for name in block[2].split(",")]
        right = block[3].strip()
        gold = next(i for i, name in enumerate(names) if name.lower() == right.lower())
        options = [_placed(before, name) for name in names]
        rows.append({"context_options": options, "continuation": after, "gold": gold})
    return rows


def _placed(before: str, name: str) -> str:
    """The candidate after what stands before it, an article small inside a sentence."""
    inside = bool(before) and not before.endswith((".", "!", "?"))
    first, _, rest = name.partition(" ")
    if inside and first in ("The", "A", "An", "My", "His", "Her", "Their"):
        name = f"{first.lower()} {rest}".strip()
    return f"{before} {name}".strip()
