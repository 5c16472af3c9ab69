"""Passages with a word to fill in: LAMBADA and the Children's Book Test."""

from ..detokenise import DETOKENISERS
from ..items import Item
from .source import Source

_QUERY = "XXXXX"


def is_lambada(source: Source) -> bool:
    """Whether the texts end in the middle of a sentence, with a word and no sign."""
    if {"context", "continuation"} <= source.keys:
        return True
    if source.keys and not source.keys <= {"text", "domain", "id"}:
        return False
    if "lambada" in source.path.name.lower():
        return True
    if not source.rows or "text" not in source.keys:
        return False
    ends = [str(row["text"])[-1:].isalnum() for row in source.rows[:500]]
    return sum(ends) > 0.9 * len(ends)


def read_lambada(source: Source) -> list[Item]:
    """Items of rows (`text`, or `context` and `continuation`) or of lines, which are tokens."""
    if source.rows:
        ids = source.ids()
        texts = [
            str(row["text"])
            if "text" in row
            else f"{row['context']} {str(row['continuation']).strip()}"
            for row in source.rows
        ]
    else:
        line = DETOKENISERS["lambada"].line
        texts = [line(text) for text in source.lines if text.strip()]
        ids = [str(number) for number in range(1, len(texts) + 1)]
    items = []
    for number, (name, text) in enumerate(zip(ids, texts, strict=True), 1):
        context, _, word = text.rpartition(" ")
        if not context or not word:
            raise source.wrong(number, "has no last word to predict")
        few = (f"{context} ____. ->", f" {word}")
        items.append(Item(name, ((context, f" {word}"),), word, text, "".join(few), (few,)))
    return items


def is_cbt(source: Source) -> bool:
    """Whether the lines are numbered, and each 21st is a question with ten choices."""
    lines = [line for line in source.lines[:200] if line.strip()]
    return not source.keys and len(lines) >= 21 and _is_question(lines[20])


def _is_question(line: str) -> bool:
    return line.startswith("21 ") and line.count("|") == 9 and _QUERY in line


def read_cbt(source: Source) -> list[Item]:
    """Items of 20 numbered lines and a question `query<TAB>answer<TAB><TAB>c1|...|c10`."""
    items: list[Item] = []
    story: list[str] = []
    line_of = DETOKENISERS["lambada"].line
    for line in source.lines:
        if not line.strip():
            continue
        number, _, rest = line.partition(" ")
        if number != "21":
            story.append(line_of(rest))
            continue
        if not _is_question(line) or len(story) != 20:
            raise source.wrong(len(items) + 1, "is no 20 sentences and a question with ten choices")
        query, answer, *_, offered = rest.split("\t")
        choices = offered.split("|")
        before, _, after = query.partition(_QUERY)
        lead = line_of(before.strip())
        asks = []
        for choice in choices:
            whole = line_of(f"{before}{choice}{after}".strip())
            start = len(lead) if whole.startswith(lead) else 0
            asks.append((" ".join([*story, whole[:start]]).rstrip(), " " + whole[start:].lstrip()))
        if answer not in choices:
            raise source.wrong(len(items) + 1, f"has the answer {answer!r}, which is no choice")
        gold = choices.index(answer)
        right = "".join(asks[gold])
        cluster = " ".join(story)
        items.append(Item(str(len(items) + 1), tuple(asks), gold, right, right, cluster=cluster))
        story = []
    return items
