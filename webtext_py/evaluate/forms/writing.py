"""Texts to write: summaries after TL;DR:, translations."""

import html
import re
from pathlib import Path

from webtext_py.errors import InputError

from ..items import Item
from .source import Source

_LANGUAGES = re.compile(r"\b(en)[-_]?(fr)\b|\b(fr)[-_]?(en)\b")
_OPEN = re.compile(r"<seg[^<>]*>", re.IGNORECASE)
_CLOSE = re.compile(r"</seg>", re.IGNORECASE)


def is_summary(source: Source) -> bool:
    """Whether rows are articles with highlights, or a CNN/DailyMail story."""
    if source.keys:
        return {"article", "highlights"} <= source.keys
    return "\n@highlight\n" in source.text


def read_summary(source: Source) -> list[Item]:
    """Items with both prompts: `TL;DR:` behind the article, and nothing."""
    if source.rows:
        pairs = [(str(row["article"]), str(row["highlights"])) for row in source.rows]
        ids = source.ids()
    else:
        parts = source.text.split("\n@highlight\n")
        article, *highlights = (part.strip("\n") for part in parts)
        pairs, ids = [(article, "\n".join(line.strip() for line in highlights))], ["1"]
    items = []
    for name, (article, gold) in zip(ids, pairs, strict=True):
        hint = f"{article.strip()}\nTL;DR:"
        asks = ((hint, ""), (article.strip(), ""))
        items.append(Item(name, asks, gold.strip(), article, f"{hint} {gold.strip()}"))
    return items


def is_translation(source: Source) -> bool:
    """Whether rows are sentences in two languages, or the segments of a WMT set."""
    if source.keys:
        return "translation" in source.keys or {"en", "fr"} <= source.keys
    return "<seg" in source.text[:5000].lower()


def read_translation(source: Source) -> list[Item]:
    """Items of one direction, which the task's name says: `wmt14-en-fr`."""
    found = _LANGUAGES.search(source.name)
    if found is None:
        raise InputError(
            f"task `{source.name}` does not say which way to translate",
            "name it with `en-fr` or `fr-en` in it: `wmt14-en-fr=FILE`",
        )
    one, other = [part for part in found.groups() if part]
    pairs = _pairs(source, one, other)
    ids = source.ids() if source.rows else [str(n) for n in range(1, len(pairs) + 1)]
    return [
        Item(name, ((f"{here} =", ""),), there, f"{here}\n{there}", f"{here} = {there}")
        for name, (here, there) in zip(ids, pairs, strict=True)
    ]


def _pairs(source: Source, one: str, other: str) -> list[tuple[str, str]]:
    if source.rows:
        rows = [row.get("translation", row) for row in source.rows]
        return [(str(row[one]).strip(), str(row[other]).strip()) for row in rows]
    mine = _segments(source.text)
    beside = reference_of(source.path)
    if beside is None or not beside.is_file():
        raise InputError(
            f"`{source.path}` has no reference `{beside.name if beside else '-ref.'}` beside it",
            "give the source file of a pair: newstest2014-fren-src.en.sgm",
        )
    theirs = _segments(Source(beside).text)
    if len(mine) != len(theirs):
        raise InputError(f"`{beside}` has {len(theirs)} segments, expected {len(mine)}")
    return list(zip(mine, theirs, strict=True))


def _segments(text: str) -> list[str]:
    *parts, _ = _CLOSE.split(text)
    found = ((_OPEN.search(part), part) for part in parts)
    return [html.unescape(part[begin.end() :].strip()) for begin, part in found if begin]


def reference_of(path: Path) -> Path | None:
    """The other half of `newstest2014-fren-src.en.sgm`: `newstest2014-fren-ref.fr.sgm`."""
    swapped = {"en": "fr", "fr": "en"}
    name = re.sub(r"-src\.(en|fr)\.", lambda found: f"-ref.{swapped[found[1]]}.", path.name)
    return None if name == path.name else path.with_name(name)
