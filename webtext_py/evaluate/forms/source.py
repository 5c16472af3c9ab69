"""A test set's file as forms see it: its text, its rows, and the ids of both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError
from webtext_py.overlap.testsets import (
    CELLS,
    ID_FIELDS,
    distinct,
    json_lines,
    load_cells,
    load_table,
    load_text,
)
from webtext_py.reader import Passed
from webtext_py.reader.files import plain_name
from webtext_py.reader.ids import id_text

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """One file, the task's name, and the user's names of fields (`question` -> `q`)."""

    path: Path
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    passed: Passed = field(default_factory=Passed)

    @cached_property
    def text(self) -> str:
        """The file as text, its lines ended by `\\n`."""
        return load_text(self.path, self.passed).replace("\r\n", "\n")

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without an empty last one."""
        lines = self.text.split("\n")
        return lines if lines[-1] else lines[:-1]

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of JSON, JSON Lines, CSV, TSV, Parquet or Arrow, by the user's names of fields;
        none where the file is plain text."""
        return [self._named(row) for row in self._rows()]

    @property
    def keys(self) -> set[str]:
        """The fields of the first row."""
        return set(self.rows[0]) if self.rows else set()

    def wrong(self, number: int, what: str) -> InputError:
        """The error for row `number`, from 1."""
        return InputError(f"`{self.path}` item {number} {what}")

    def ids(self) -> list[str]:
        """What `webtext overlap` calls each row: its own id, else its number from 1; an id that
        two have becomes the file's mark and the row."""
        name = next((name for name in ID_FIELDS if name in self.keys), None)
        found = [id_text(row.get(name)) if name else None for row in self.rows]
        ids = [own or str(number) for number, own in enumerate(found, 1)]
        return distinct(self.path, ids)

    def _rows(self) -> list[Row]:
        if table := load_table(self.path, self.passed):
            return list(table[1])
        name = plain_name(self.path)
        if name.endswith(CELLS):
            return list(load_cells(self.text, name, self.path.name, self.passed))
        if self.text.lstrip()[:1] not in ("{", "["):
            return []
        try:
            document = json.loads(self.text)
        except RecursionError:
            raise InputError(f"`{self.path}` is nested too deep for JSON") from None
        except ValueError:
            named = name.endswith((".json", ".jsonl", ".ndjson")) or self.text.startswith("{")
            return list(json_lines(self.path, self.text)) if named else []
        rows = document.get("data", [document]) if isinstance(document, dict) else document
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError(f"`{self.path}` is JSON without a list of objects")
        return rows

    def _named(self, row: Row) -> Row:
        return {**row, **{ours: row.get(theirs) for ours, theirs in self.fields.items()}}
