"""What a test set becomes: items, each with what a model is asked, in files of JSON Lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py.errors import FormatError

Ask = tuple[str, str]  # a prefix and its continuation; a text or a prompt alone has no continuation


@dataclass(frozen=True)
class Item:
    """One item of a test set."""

    id: str  # what `webtext overlap` calls it
    asks: tuple[Ask, ...]
    gold: Any = None  # of the right choice the number, else what the protocol compares with
    text: str = ""  # the item's own words: what overlap is measured on
    shot: str = ""  # the item solved, as it stands before another
    few: tuple[Ask, ...] = ()  # asks for a prompt with shots, where they have another form
    cluster: str = ""  # items with the same one share a passage; "": with nobody
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else the judge needs


def read_items(path: Path) -> list[Item]:
    """The items of a file, one a line, as a dictionary of its fields."""
    return [
        Item(**{**row, "asks": _pairs(row["asks"]), "few": _pairs(row["few"])})
        for row in read_lines(path)
    ]


def _pairs(rows: Iterable[Iterable[str]]) -> tuple[Ask, ...]:
    return tuple((prefix, continuation) for prefix, continuation in rows)


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Writes JSON Lines; lone surrogates, which no tokenizer takes, become `?`."""
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> Iterator[Any]:
    """The values of JSON Lines; raises `FormatError` with the line's number."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise FormatError(f"`{path}` line {number} is not JSON: {error}") from error
